import type { ChaosResult } from './chaos.ts';

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

/** One row for each kind of fault: `kills: 12 dispatcher, 3 api`. */
function faultRows(counts: Readonly<Record<string, number>>): (readonly [string, string])[] {
  const byKind = Map.groupBy(Object.entries(counts), ([name]) => name.slice(0, name.indexOf(' ')));
  return [...byKind].toSorted(byName).map(([kind, entries]) => [
    `fault: ${kind}`,
    entries
      .toSorted(byName)
      .map(([name, count]) => `${count} ${name.slice(kind.length + 1)}`)
      .join(', '),
  ]);
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
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
