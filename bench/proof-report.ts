import type { AfterDowntimeResult } from './after-downtime.ts';
import type { Change } from './flatness.ts';
import type { Fresh } from './fresh-events.ts';
import type { FrozenRedisResult } from './frozen-redis.ts';
import type { LimitSeen } from './limits.ts';
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
  return runs.every(
    ({ soak, ...limited }) =>
      soak?.isFlat !== false &&
      [limited.retryBurst, limited.afterDowntime, limited.frozenRedis].every(proof => proof?.isWithinLimits !== false),
  );
}

/** The tables of the proofs that were made. */
export function renderProofs({ soak, retryBurst, afterDowntime, frozenRedis }: RunResult): string[] {
  return [
    ...(soak === undefined ? [] : soakLines(soak)),
    ...(retryBurst === undefined ? [] : burstLines(retryBurst)),
    ...(afterDowntime === undefined ? [] : downtimeLines(afterDowntime)),
    ...(frozenRedis === undefined ? [] : frozenLines(frozenRedis)),
  ];
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
  return [
    `RETRY BURST: ${whole(burst.deliveries)} deliveries due within ${whole(burst.dueWithinMs)} ms, none lost, ${burst.duplicates} received twice`,
    row('  drained in, s', format(burst.drainSeconds, 1)),
    row('  attempts/s', whole(burst.deliveries / burst.drainSeconds)),
    row('  Redis memory per delivery that waits, bytes', whole(burst.redisBytesPerWaiting)),
    row('  Redis memory per delivery that is delayed, bytes', whole(burst.redisBytesPerDelayed)),
    row('  earliest attempt after its due time by, ms', format(-burst.earliestMs, 1)),
    row('  jobs added again by the repairer', whole(burst.repaired)),
    ...freshLines([
      ['at rest', atRest],
      ['during the drain', duringDrain],
    ]),
    ...limitLines(burst),
  ];
}

function downtimeLines(downtime: AfterDowntimeResult): string[] {
  return [
    `AFTER DOWNTIME: ${whole(downtime.deliveries)} deliveries due, an empty Redis, none lost`,
    row('  every delivery has its job after, s', format(downtime.rebuiltSeconds, 1)),
    row('  drained after, s', format(downtime.drainedSeconds, 1)),
    row('  deliveries/s', whole(downtime.deliveries / downtime.drainedSeconds)),
    row('  Redis memory at its peak, MiB', whole(downtime.redisPeakMiB)),
    row('  jobs added again by the repairer', whole(downtime.repaired)),
    ...freshLines([['meanwhile', downtime.fresh]]),
    ...limitLines(downtime),
  ];
}

function frozenLines(frozen: FrozenRedisResult): string[] {
  return [
    `FROZEN REDIS: ${whole(frozen.events)} events in ${frozen.frozenSeconds} s, none lost`,
    row('  all delivered and recorded after, s', format(frozen.settledSeconds, 1)),
    ...freshLines([
      ['at rest', frozen.atRest],
      ['while it is frozen', frozen.whileFrozen],
    ]),
    ...limitLines(frozen),
  ];
}

function freshLines(all: readonly (readonly [string, Fresh])[]): string[] {
  const lines = (label: string, name: 'answerMs' | 'receiptMs'): string[] =>
    all.map(([when, fresh]) => row(`  ${label}, ${when}`, ...Object.values(fresh[name]).map(ms => format(ms, 1))));
  return [
    row('  fresh events, ms', 'p50', 'p95', 'p99', 'max'),
    ...lines('publish to 202', 'answerMs'),
    ...lines('publish to receipt', 'receiptMs'),
  ];
}

function limitLines(proof: { readonly limits: readonly LimitSeen[]; readonly isWithinLimits: boolean }): string[] {
  return [
    row('  limits', 'seen', 'limit'),
    ...proof.limits.map(({ name, seen, limit }) =>
      row(`    ${name}`, whole(seen), whole(limit), verdict(seen <= limit)),
    ),
    proof.isWithinLimits ? 'WITHIN ITS LIMITS' : 'BEYOND A LIMIT',
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
