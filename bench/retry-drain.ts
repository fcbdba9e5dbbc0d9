import { setTimeout as delay } from 'node:timers/promises';
import type { BenchProcess } from './bench-process.ts';
import type { FailingProgress, FailingReceiverCommands } from './commands.ts';
import { checkArrivals, countDeliveries, waitForArrivals, waitUntilSettled } from './deliveries.ts';
import { type Fresh, publishFresh } from './fresh-events.ts';
import { readUsage, resetPeak } from './process-usage.ts';
import { type Gauges, repeat } from './readings.ts';
import { readCounter } from './counters.ts';
import type { System } from './system.ts';

export interface RetryBurstShape {
  /** A multiple of `webhooks`. */
  readonly deliveries: number;
  /** Each event goes to this many. */
  readonly webhooks: number;
  /** As the dispatchers of the system have it. Default: as in production. */
  readonly concurrency?: number;
  /** How long the receiver takes for an answer, in ms: with none, hardly any attempts would be under way at once. */
  readonly answerAfterMs: number;
  /** Published to another webhook from the moment that all are due, and before at rest. */
  readonly freshPerSecond: number;
  readonly freshSeconds: number;
  readonly sampleMs: number;
}

export type FailingReceiver = BenchProcess<FailingReceiverCommands>;

/** What the steps of a retry burst work with. */
export interface BurstParts {
  readonly system: System;
  readonly shape: RetryBurstShape;
  readonly failing: FailingReceiver;
  readonly gauges: Gauges;
  readonly note: (text: string) => void;
}

export interface Drain {
  readonly progress: FailingProgress;
  readonly earliestMs: number;
  readonly fresh: Fresh;
  readonly repaired: number;
  readonly heapMiB: number;
  readonly residentMiB: number;
  readonly connections: Readonly<Record<string, number>>;
}

/** From shortly before all are due until all have arrived and are recorded. */
export async function watchDrain(
  { system, shape, failing, gauges, note }: BurstParts,
  firstDueAtMs: number,
): Promise<Drain> {
  const { dispatchers, database } = system;
  await failing.ask('behave', { kind: 'accept', afterMs: shape.answerAfterMs });
  await failing.ask('resetPeak', null);
  const repairedBefore = await readCounter(dispatchers, 'signpost_repaired_deliveries_total');
  await delay(Math.max(0, firstDueAtMs - Date.now() - 1000));
  for (const { pid } of dispatchers) resetPeak(pid);
  let heapMiB = 0;
  const connections: Record<string, number> = {};
  const watching = repeat(shape.sampleMs, async () => {
    for (const [name, probe] of Object.entries(gauges.apps))
      if (name !== 'API') heapMiB = Math.max(heapMiB, (await probe.read()).heapMiB);
    for (const [name, count] of Object.entries(await gauges.connections()))
      connections[name] = Math.max(connections[name] ?? 0, count);
  });
  await delay(Math.max(0, firstDueAtMs - Date.now()));
  note('all are due');
  const [fresh] = await Promise.all([publishFresh(system, shape), waitForArrivals(failing, shape.deliveries)]);
  await waitUntilSettled(system);
  await watching.stop();
  const progress = await failing.ask('progress', null);
  checkArrivals(progress, shape.deliveries);
  const counts = await countDeliveries(system);
  const { rows } = await database.query<{ made: number; attempts: number; codes: string; early: number }>(
    `select count(distinct a.delivery_id) filter (where a.status = 'succeeded')::int as made, count(*)::int as attempts,
       coalesce(string_agg(distinct a.error_code, ', '), 'none') as codes,
       max(extract(epoch from due_at - started_at) * 1000)::float8 as early
     from bench_due_times d join attempts a on a.delivery_id = d.id and a.number > d.attempt_count`,
  );
  const { made, attempts, codes, early } = rows[0] as { made: number; attempts: number; codes: string; early: number };
  if (made !== shape.deliveries || counts.size !== 1)
    throw new Error(`DELIVERIES WRONG: ${made} of ${shape.deliveries} succeeded: ${JSON.stringify([...counts])}`);
  if (attempts > made) note(`${attempts - made} attempts more than deliveries, with these errors: ${codes}`);
  const residentMiB = Math.max(...dispatchers.map(({ pid }) => readUsage(pid).peakBytes / 1024 ** 2));
  const repaired = (await readCounter(dispatchers, 'signpost_repaired_deliveries_total')) - repairedBefore;
  return { progress, earliestMs: early, fresh, repaired, heapMiB, residentMiB, connections };
}
