import type { Change } from './flatness.ts';
import type { ReadingKind } from './readings.ts';
import type { RunResult } from './report.ts';
import type { RetryBurstResult } from './retry-burst.ts';
import type { SoakResult } from './soak.ts';

const kindLabels: Readonly<Record<ReadingKind, string>> = {
  heapMiB: 'heap after collection, MiB:',
  residentMiB: 'resident memory, MiB:',
  handles: 'handles:',
  connections: 'connections:',
  redisMiB: 'memory, MiB:',
};
const labelWidth = 52;
const cellWidth = 12;

/** False as soon as something grew or a limit was passed. */
export function areProofsKept(runs: readonly RunResult[]): boolean {
  return runs.every(({ soak, retryBurst }) => soak?.isFlat !== false && retryBurst?.isWithinLimits !== false);
}

/** The tables of the proofs that were made. */
export function renderProofs({ soak, retryBurst }: RunResult): string[] {
  return [...(soak === undefined ? [] : soakLines(soak)), ...(retryBurst === undefined ? [] : burstLines(retryBurst))];
}

function soakLines(soak: SoakResult): string[] {
  const [second, last] = soak.samples;
  return [
    `SOAK: ${whole(soak.deliveries)} deliveries, none lost, ${whole(soak.deliveriesPerSecond)}/s, ${soak.duplicates} received twice`,
    row('  under load, medians', '2nd tenth', 'last tenth', 'allowed', ''),
    row('    readings', whole(second), whole(last), '', ''),
    ...soak.underLoad.map(changeLine),
    row('  at rest', 'after 2nd', 'at the end', 'allowed', ''),
    ...soak.atRest.map(changeLine),
    row('  connections at their peak', '', 'peak', 'limit', ''),
    ...soak.connections.map(({ owner, peak, limit }) =>
      row(`    ${owner}`, '', whole(peak), whole(limit), verdict(peak <= limit)),
    ),
    ...soak.resources.map((apps, index) => `  handles ${['after 2nd', 'at the end'][index]}: ${JSON.stringify(apps)}`),
    soak.isFlat ? 'FLAT' : 'NOT FLAT',
    '',
  ];
}

function changeLine({ kind, owner, before, after, allowed, isFlat }: Change): string {
  const digits = kind.endsWith('MiB') ? 1 : 0;
  const cells = [before, after, allowed].map(value => format(value, digits));
  return row(`    ${kindLabels[kind]} ${owner}`, ...cells, verdict(isFlat));
}

function burstLines(burst: RetryBurstResult): string[] {
  const { atRest, duringDrain } = burst.fresh;
  const share = (label: string, name: 'answerMs' | 'receiptMs'): string[] => [
    row(`  ${label}, at rest`, ...Object.values(atRest[name]).map(ms => format(ms, 1))),
    row(`  ${label}, during the drain`, ...Object.values(duringDrain[name]).map(ms => format(ms, 1))),
  ];
  return [
    `RETRY BURST: ${whole(burst.deliveries)} deliveries due within ${whole(burst.dueWithinMs)} ms, none lost, ${burst.duplicates} received twice`,
    row('  drained in, s', format(burst.drainSeconds, 1)),
    row('  attempts/s', whole(burst.deliveries / burst.drainSeconds)),
    row('  Redis memory per delivery that waits, bytes', whole(burst.redisBytesPerWaiting)),
    row('  Redis memory per delivery that is delayed, bytes', whole(burst.redisBytesPerDelayed)),
    row('  earliest attempt after its due time by, ms', format(-burst.earliestMs, 1)),
    row('  jobs added again by the repairer', whole(burst.repaired)),
    row('  fresh events, ms', 'p50', 'p95', 'p99', 'max'),
    ...share('publish to 202', 'answerMs'),
    ...share('publish to receipt', 'receiptMs'),
    row('  limits', 'seen', 'limit'),
    ...burst.limits.map(({ name, seen, limit }) =>
      row(`    ${name}`, whole(seen), whole(limit), verdict(seen <= limit)),
    ),
    burst.isWithinLimits ? 'WITHIN ITS LIMITS' : 'BEYOND A LIMIT',
    '',
  ];
}

function row(label: string, ...cells: string[]): string {
  return `${label.padEnd(labelWidth)}${cells.map(cell => cell.padStart(cellWidth)).join('')}`.trimEnd();
}

function verdict(isKept: boolean): string {
  return isKept ? 'kept' : 'PASSED';
}

function whole(value: number): string {
  return format(value, 0);
}

function format(value: number, digits: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
