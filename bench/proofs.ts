// The long loads, each with a system of its own, and how large they are.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type AfterDowntimeResult, measureAfterDowntime } from './after-downtime.ts';
import { type FrozenRedisResult, measureFrozenRedis } from './frozen-redis.ts';
import type { BenchOptions } from './options.ts';
import { measureRetryBurst, type RetryBurstResult } from './retry-burst.ts';
import { eventsThatFillCaches, measureSoak, type SoakResult } from './soak.ts';
import { startSystem, type Stops, type System } from './system.ts';

const defaultDeliveries = { soak: 1_000_000, retryBurst: 100_000, afterDowntime: 100_000 };
const soakWebhooks = 20;
/** What many deliveries that are due at once meet, and what is published beside them. */
const burst = { webhooks: 100, answerAfterMs: 50, freshPerSecond: 100, freshSeconds: 15, sampleMs: 250 };
/** A machine that is busy otherwise makes at least so many attempts a second. */
const leastPerSecond = 700;
/** Connections to receivers and to Postgres that nobody uses are closed within 10 s. */
const restMs = 12_000;

const logFile = path.join(import.meta.dirname, 'results', 'apps.log');

/** How much longer than another run one with these proofs may take, in ms. */
export function proofTimeoutMs({ parts, deliveries }: BenchOptions): number {
  const attempts =
    (parts.has('soak') ? (deliveries ?? defaultDeliveries.soak) : 0) +
    // The first attempt, the second, and the wait between them.
    (parts.has('retry-burst') ? 3 * (deliveries ?? defaultDeliveries.retryBurst) : 0) +
    // Written, added to the queue and made.
    (parts.has('after-downtime') ? 3 * (deliveries ?? defaultDeliveries.afterDowntime) : 0);
  return (attempts / leastPerSecond) * 1000;
}

/** A million deliveries, and whether anything has grown. */
export async function proveSoak(
  { deliveries = defaultDeliveries.soak, inFlight }: BenchOptions,
  stops: Stops,
  note: (text: string) => void,
): Promise<SoakResult> {
  note('soak: starting stores, API and dispatcher');
  const system = await startSystem({ profile: undefined, profileDir: '', inspect: true }, stops);
  const shape = {
    deliveries,
    webhooks: soakWebhooks,
    warmUpEvents: eventsThatFillCaches,
    sliceEvents: 500,
    inFlight,
    sampleMs: 2000,
    restMs,
  };
  return endWith(stops, system, note, () => measureSoak(system, shape, stops, note));
}

/** A hundred thousand deliveries that failed and are due again in the same second. */
export async function proveRetryBurst(
  { deliveries = defaultDeliveries.retryBurst }: BenchOptions,
  stops: Stops,
  note: (text: string) => void,
): Promise<RetryBurstResult> {
  note('retry burst: starting stores, API and two dispatchers');
  const system = await startSystem({ profile: undefined, profileDir: '', inspect: true, dispatchers: 2 }, stops);
  const shape = { ...burst, deliveries };
  return endWith(stops, system, note, () => measureRetryBurst(system, shape, stops, note));
}

/** A hundred thousand deliveries that have come due while no dispatcher ran, with an empty Redis. */
export async function proveAfterDowntime(
  { deliveries = defaultDeliveries.afterDowntime }: BenchOptions,
  stops: Stops,
  note: (text: string) => void,
): Promise<AfterDowntimeResult> {
  note('after downtime: starting stores, API and a dispatcher');
  const system = await startSystem({ profile: undefined, profileDir: '', inspect: true }, stops);
  const shape = { ...burst, deliveries };
  return endWith(stops, system, note, () => measureAfterDowntime(system, shape, stops, note));
}

/** A minute in which Redis answers nobody, with the settings of production. */
export async function proveFrozenRedis(stops: Stops, note: (text: string) => void): Promise<FrozenRedisResult> {
  note('frozen Redis: starting stores, API and two dispatchers');
  const system = await startSystem({ profile: undefined, profileDir: '', dispatchers: 2 }, stops);
  const shape = { frozenSeconds: 60, perSecond: 100, warmUpSeconds: 10 };
  return endWith(stops, system, note, () => measureFrozenRedis(system, shape, stops, note));
}

async function endWith<T>(
  stops: Stops,
  system: System,
  note: (text: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } finally {
    await stops.all();
    const logs = system.logs();
    if (logs !== '') {
      const lines = logs.trimEnd().split('\n');
      writeFileSync(logFile, logs);
      note(`The apps had something to say, ${lines.length} lines in ${path.relative(process.cwd(), logFile)}:`);
      note(
        lines
          .slice(0, 20)
          .map(line => line.slice(0, 400))
          .join('\n'),
      );
    }
  }
}
