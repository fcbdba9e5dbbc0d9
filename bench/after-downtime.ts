// Deliveries have come due while no dispatcher ran, and Redis has lost everything: what do those who start have to take?
import {
  insertDeliveries,
  loadEventsToFanOut,
  loadSubscribedWebhooks,
  markFannedOut,
  type NewDelivery,
  openDatabase,
} from '@signpost/database';
import { deriveUuid } from '@signpost/runtime';
import { waitFor } from '@signpost/testing';
import { Redis } from 'ioredis';
import { startBenchProcess } from './bench-process.ts';
import type { FailingReceiverCommands } from './commands.ts';
import { readCounter } from './counters.ts';
import {
  checkArrivals,
  countDeliveries,
  publishEvents,
  waitForArrivals,
  waitUntilSettled,
  withWebhooks,
} from './deliveries.ts';
import { type Fresh, freshEventType, publishFresh } from './fresh-events.ts';
import { type LimitSeen, maxAnswerMs, maxHeapMiB, maxResidentMiB } from './limits.ts';
import { readUsage } from './process-usage.ts';
import { openGauges, repeat } from './readings.ts';
import { connectionLimits } from './soak.ts';
import { productionConcurrency, type Stops, type System } from './system.ts';

export interface AfterDowntimeShape {
  /** Due when the dispatchers start. A multiple of `webhooks`. */
  readonly deliveries: number;
  readonly webhooks: number;
  /** As the dispatchers of the system have it. Default: as in production. */
  readonly concurrency?: number;
  /** How long the receiver takes for an answer, in ms: with none, hardly any attempts would be under way at once. */
  readonly answerAfterMs: number;
  /** Published to another webhook from the moment that the dispatchers run. */
  readonly freshPerSecond: number;
  readonly freshSeconds: number;
  readonly sampleMs: number;
}

export interface AfterDowntimeResult {
  readonly deliveries: number;
  /** From the start of the dispatchers' processes, in s: until all have their jobs, and until the last has arrived. */
  readonly rebuiltSeconds: number;
  readonly drainedSeconds: number;
  readonly redisPeakMiB: number;
  /** Jobs that the repairer added once more: it took deliveries for lost that were in the queue. */
  readonly repaired: number;
  readonly fresh: Fresh;
  readonly limits: readonly LimitSeen[];
  readonly isWithinLimits: boolean;
}

/** What was in use at its peak. */
interface Peaks {
  heapMiB: number;
  redisMiB: number;
  readonly connections: Record<string, number>;
}

const rebuildTimeoutMs = 900_000;
const pollMs = 100;
const mib = 1024 ** 2;
/** Deliveries in a statement, as in a fan-out. */
const pageSize = 1000;

/**
 * Stops the dispatchers, has deliveries come due, empties Redis, and starts dispatchers again.
 *
 * @param system started with `inspect`
 * @throws if a delivery is lost, or one arrives that nobody published
 */
export async function measureAfterDowntime(
  system: System,
  shape: AfterDowntimeShape,
  stops: Stops,
  note: (text: string) => void,
): Promise<AfterDowntimeResult> {
  // One that never refuses.
  const burst = await startBenchProcess<FailingReceiverCommands>(new URL('./failing-receiver.ts', import.meta.url));
  stops.add(() => burst.stop());
  const events = shape.deliveries / shape.webhooks;
  await burst.ask('expect', { events, webhooks: shape.webhooks });
  await burst.ask('behave', { kind: 'accept', afterMs: shape.answerAfterMs });
  const measure = async (): Promise<AfterDowntimeResult> => {
    await Promise.all(system.dispatchers.map(dispatcher => dispatcher.stop()));
    note('the dispatchers have stopped');
    await publishEvents(system, events);
    await writeDeliveries(system);
    await flush(system.redisUrl);
    note(`${shape.deliveries} deliveries are due, and Redis is empty`);
    const startedAtMs = Date.now();
    const running = { ...system, dispatchers: await Promise.all([system.startDispatcher(), system.startDispatcher()]) };
    const watch = watchPeaks(running, shape.sampleMs, stops);
    const rebuilt = untilRebuilt(running).then(() => {
      note('every delivery has its job');
      return Date.now();
    });
    const [fresh, rebuiltAtMs] = await Promise.all([
      publishFresh(running, shape),
      rebuilt,
      waitForArrivals(burst, shape.deliveries),
    ]);
    await waitUntilSettled(running);
    const peaks = await watch.stop();
    const progress = await burst.ask('progress', null);
    checkArrivals(progress, shape.deliveries);
    const attempts = await countAttempts(running, shape);
    const limits = limitsSeen(running, shape, { peaks, fresh, progress, attempts });
    return {
      deliveries: shape.deliveries,
      rebuiltSeconds: (rebuiltAtMs - startedAtMs) / 1000,
      drainedSeconds: (progress.lastAcceptedAtMs - startedAtMs) / 1000,
      redisPeakMiB: peaks.redisMiB,
      repaired: await readCounter(running.dispatchers, 'signpost_repaired_deliveries_total'),
      fresh,
      limits,
      isWithinLimits: limits.every(({ seen, limit }) => seen <= limit),
    };
  };
  return withWebhooks(
    system,
    shape.webhooks,
    () => withWebhooks(system, 1, measure, { port: system.receiver.port, events: [freshEventType] }),
    { port: burst.port, events: ['invoice.paid'] },
  );
}

/** Fans out what waits in the outbox with the statements of a fan-out, and without a job for anything. */
async function writeDeliveries({ database: client, databaseUrl }: System): Promise<void> {
  const database = openDatabase({
    url: databaseUrl,
    maxConnections: 1,
    maxHotConnections: 1,
    onConnectionError: () => undefined,
  });
  try {
    const { rows } = await client.query<{ id: string }>('select event_id as id from pending_fan_outs order by 1');
    const events = (
      await loadEventsToFanOut(
        database,
        rows.map(({ id }) => id),
      )
    ).filter(event => event.workspaceId !== null);
    const webhooks = await loadSubscribedWebhooks(database, events[0]?.workspaceId ?? '');
    const page: NewDelivery[] = [];
    for (const event of events)
      for (const { id, eventTypes, contract, contractVersion } of webhooks) {
        if (!eventTypes.includes(event.eventType)) continue;
        const { workspaceId, eventType } = event;
        page.push({
          id: deriveUuid(event.id, id),
          workspaceId,
          eventId: event.id,
          webhookId: id,
          eventType,
          contract,
          contractVersion,
        });
        if (page.length === pageSize) await insertDeliveries(database, page.splice(0));
      }
    await insertDeliveries(database, page);
    await markFannedOut(
      database,
      events.map(({ id }) => id),
    );
  } finally {
    await database.close();
  }
}

async function flush(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.flushall();
  redis.disconnect();
}

async function untilRebuilt(running: System): Promise<void> {
  await waitFor(async () => (await readCounter(running.dispatchers, 'signpost_queue_rebuilds_total')) > 0, {
    timeoutMs: rebuildTimeoutMs,
    intervalMs: pollMs,
    description: 'the queue is rebuilt',
  });
}

function watchPeaks(running: System, sampleMs: number, stops: Stops): { stop(): Promise<Peaks> } {
  const peaks: Peaks = { heapMiB: 0, redisMiB: 0, connections: {} };
  const opened = openGauges(running, stops);
  const watching = repeat(sampleMs, async () => {
    const gauges = await opened;
    for (const [name, probe] of Object.entries(gauges.apps))
      if (name !== 'API') peaks.heapMiB = Math.max(peaks.heapMiB, (await probe.read()).heapMiB);
    peaks.redisMiB = Math.max(peaks.redisMiB, (await gauges.redisBytes()) / mib);
    for (const [name, count] of Object.entries(await gauges.connections()))
      peaks.connections[name] = Math.max(peaks.connections[name] ?? 0, count);
  });
  return { stop: () => watching.stop().then(() => peaks) };
}

/** @throws unless all that is recorded has succeeded. @returns attempts of the deliveries that were due */
async function countAttempts(running: System, shape: AfterDowntimeShape): Promise<number> {
  const counts = await countDeliveries(running);
  const expected = shape.deliveries + shape.freshPerSecond * shape.freshSeconds;
  if (counts.get('succeeded') !== expected || counts.size !== 1)
    throw new Error(`DELIVERIES WRONG: ${expected} were to succeed: ${JSON.stringify([...counts])}`);
  const { rows } = await running.database.query<{ count: number }>(
    `select count(*)::int as count from attempts a join deliveries d on d.id = a.delivery_id where d.event_type <> $1`,
    [freshEventType],
  );
  return rows[0]?.count ?? 0;
}

function limitsSeen(
  running: System,
  shape: AfterDowntimeShape,
  seen: {
    readonly peaks: Peaks;
    readonly fresh: Fresh;
    readonly progress: FailingReceiverCommands['progress']['answer'];
    readonly attempts: number;
  },
): LimitSeen[] {
  const { peaks, fresh, progress, attempts } = seen;
  const residentMiB = Math.max(...running.dispatchers.map(({ pid }) => readUsage(pid).peakBytes / mib));
  return [
    { name: 'received twice', seen: progress.duplicates + fresh.duplicates, limit: 0 },
    { name: 'attempts beyond one each', seen: attempts - shape.deliveries, limit: 0 },
    {
      name: 'attempts under way',
      seen: progress.peakInFlight,
      limit: (shape.concurrency ?? productionConcurrency) * running.dispatchers.length,
    },
    ...Object.entries(connectionLimits(running.dispatchers.length)).map(([name, limit]) => ({
      name: `connections, ${name}`,
      seen: peaks.connections[name] ?? 0,
      limit,
    })),
    { name: 'heap of a dispatcher, MiB', seen: peaks.heapMiB, limit: maxHeapMiB },
    { name: 'resident memory of a dispatcher, MiB', seen: residentMiB, limit: maxResidentMiB },
    { name: 'p99 of publish to 202, ms', seen: fresh.answerMs.p99, limit: maxAnswerMs },
  ];
}
