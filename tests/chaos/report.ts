import type { ChaosResult } from './chaos.ts';
import type { FaultLog } from './fault-rounds.ts';

/** The figures of a run, for people. Pure. */
export function chaosReport(result: ChaosResult, repeatWith: string): string {
  const { comparison, producers, faults, received, state } = result;
  const rows: readonly (readonly [string, string])[] = [
    ['events acknowledged', `${producers.acknowledged} of ${result.published}`],
    ['publishes refused for a while', listed(producers.failed)],
    ['deliveries expected', `${comparison.expected}, ${comparison.delaysMs.length} of them arrived`],
    ['attempts recorded', `${state.attempts} of ${state.deliveries} deliveries`],
    ['requests received', `${received.requests}, refused: ${listed(received.refusals)}`],
    ['duplicates', `${comparison.duplicates}, each with the id and the bytes of the first`],
    ['delay p50, p99, worst', [0.5, 0.99, 1].map(share => seconds(quantile(comparison.delaysMs, share))).join(', ')],
    ['settled after the last fault', seconds(result.settledAfterMs)],
    ...faultRows(faults.counts),
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}${value}`);
  const verdict =
    result.failures.length === 0
      ? ['Nothing was lost, nothing arrived where it does not belong, no delivery ended twice.']
      : ['FAILED:', ...result.failures];
  return `${[...lines, '', ...verdict, '', `Again: ${repeatWith}`].join('\n')}\n`;
}

/** One row for each kind of fault: `fault: kill  3 api, 12 dispatcher; 2 skipped`. */
function faultRows(counts: FaultLog['counts']): (readonly [string, string])[] {
  return counts
    .toSorted((a, b) => (a.kind < b.kind ? -1 : 1))
    .map(({ kind, done, skipped, failed }) => {
      const rest = [skipped > 0 ? `${skipped} skipped` : [], failed > 0 ? `${failed} FAILED` : []].flat();
      return [`fault: ${kind}`, [listed(done), ...rest].join('; ')];
    });
}

function listed(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return entries.length === 0 ? 'none' : entries.join(', ');
}

/** @param sorted ascending */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
