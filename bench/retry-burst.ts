// Deliveries have failed or had to wait, and all are due in the same second: what does that do to those who make the attempts?
import { builtInContracts } from '@signpost/contracts';
import { createJobProducer, type JobProducer } from '@signpost/queue';
import { waitFor } from '@signpost/testing';
import { startBenchProcess } from './bench-process.ts';
import type { FailingReceiverCommands } from './commands.ts';
import { callApi, publishEvents, waitForArrivals, waitUntilSettled, withWebhooks } from './deliveries.ts';
import { type Fresh, freshEventType, publishFresh } from './fresh-events.ts';
import { type LimitSeen, maxAnswerMs, maxHeapMiB, maxResidentMiB } from './limits.ts';
import { openGauges } from './readings.ts';
import { type BurstParts, type Drain, type FailingReceiver, type RetryBurstShape, watchDrain } from './retry-drain.ts';
import { connectionLimits } from './soak.ts';
import { productionConcurrency, type Stops, type System } from './system.ts';

export interface RetryBurstResult {
  readonly deliveries: number;
  readonly redisBytesPerWaiting: number;
  readonly redisBytesPerDelayed: number;
  /** From the second in which all are due to the last arrival. */
  readonly drainSeconds: number;
  readonly duplicates: number;
  /** From the first due time to the last, in ms. */
  readonly dueWithinMs: number;
  /** How long before its due time the earliest attempt began, in ms; negative: none was early. */
  readonly earliestMs: number;
  readonly fresh: { readonly atRest: Fresh; readonly duringDrain: Fresh };
  /** Jobs that the repairer added during the drain: it took deliveries for lost that were in the queue. */
  readonly repaired: number;
  /** What was seen beside what may be. */
  readonly limits: readonly LimitSeen[];
  readonly isWithinLimits: boolean;
}

interface DueTimes {
  readonly firstAtMs: number;
  readonly withinMs: number;
  /** Of the deliveries that are not due in the second in which most are. */
  readonly shareElsewhere: number;
}

const contractName = 'same-second';
/** Fan-out of them all, and the first attempt of each. */
const stepTimeoutMs = 300_000;
const pollMs = 100;
/** All must be delayed before they are due again: the machine may become so many times slower meanwhile. */
const slownessAllowed = 1.5;
const minDueInSeconds = 8;
/** A retry is due so long after its attempt is recorded, which takes a moment. */
const maxShareElsewhere = 0.1;

/**
 * Lets attempts to every webhook fail with a `Retry-After` that names one moment for all, for which their other deliveries
 * wait as well, and watches what happens from then on.
 *
 * @param system started with `inspect`
 * @throws if a delivery is lost, or one arrives that nobody published
 */
export async function measureRetryBurst(
  system: System,
  shape: RetryBurstShape,
  stops: Stops,
  note: (text: string) => void,
): Promise<RetryBurstResult> {
  const gauges = await openGauges(system, stops);
  const failing = await startBenchProcess<FailingReceiverCommands>(new URL('./failing-receiver.ts', import.meta.url));
  stops.add(() => failing.stop());
  const producer = createJobProducer({ redisUrl: system.redisUrl, onError: () => undefined });
  stops.add(() => producer.close());
  await createSameSecondContract(system);
  const burst = { port: failing.port, events: ['invoice.paid'], contract: contractName };
  const fresh = { port: system.receiver.port, events: [freshEventType] };
  const measure = async (): Promise<RetryBurstResult> => {
    note('warm-up');
    const perSecond = await deliverWarmUp(system, failing, shape);
    const dueInSeconds = Math.ceil(minDueInSeconds + (slownessAllowed * shape.deliveries) / perSecond);
    const atRest = await publishFresh(system, shape);
    const { peakWhileHanging, ...memory } = await failAll(
      { system, shape, failing, producer, gauges, note },
      dueInSeconds,
    );
    const due = await keepDueTimes(system, shape);
    const drain = await watchDrain({ system, shape, failing, gauges, note }, due.firstAtMs);
    const limits = limitsSeen(system, shape, { drain, due, peakWhileHanging });
    return {
      deliveries: shape.deliveries,
      ...memory,
      drainSeconds: (drain.progress.lastAcceptedAtMs - due.firstAtMs) / 1000,
      duplicates: drain.progress.duplicates,
      dueWithinMs: due.withinMs,
      earliestMs: drain.earliestMs,
      fresh: { atRest, duringDrain: drain.fresh },
      repaired: drain.repaired,
      limits,
      isWithinLimits: limits.every(({ seen, limit }) => seen <= limit),
    };
  };
  return withWebhooks(system, shape.webhooks, () => withWebhooks(system, 1, measure, fresh), burst);
}

/** As `standard`, but for a schedule that is never used up and has no jitter: what the receiver asks for is what counts. */
async function createSameSecondContract(system: System): Promise<void> {
  await callApi(system, 'POST', '/v1/contracts', {
    ...builtInContracts.get('standard')?.document,
    name: contractName,
    title: 'Due in the same second',
    timeout_ms: 60_000,
    retry: { schedule_seconds: Array.from({ length: 30 }, () => 1), jitter_ratio: 0 },
  });
}

/** @returns deliveries a second: about as fast, attempts will fail */
async function deliverWarmUp(system: System, failing: FailingReceiver, shape: RetryBurstShape): Promise<number> {
  const startedAt = performance.now();
  const events = Math.ceil(shape.deliveries / shape.webhooks / 8);
  await failing.ask('expect', { events, webhooks: shape.webhooks });
  await failing.ask('behave', { kind: 'accept', afterMs: 0 });
  await publishEvents(system, events);
  await waitForArrivals(failing, events * shape.webhooks);
  await waitUntilSettled(system);
  return (events * shape.webhooks) / ((performance.now() - startedAt) / 1000);
}

/** First all wait, because the receiver hangs; then what is under way is refused, and all wait for the moment that was told. */
async function failAll(
  { system, shape, failing, producer, gauges, note }: BurstParts & { readonly producer: JobProducer },
  dueInSeconds: number,
) {
  const { deliveries, webhooks } = shape;
  const untilInQueue = (
    description: string,
    isThere: (waiting: number, delayed: number) => boolean,
  ): Promise<boolean> =>
    waitFor(
      async () => {
        const { waiting, active, delayed } = await producer.depth('deliver');
        return isThere(waiting + active, delayed);
      },
      { timeoutMs: stepTimeoutMs, intervalMs: pollMs, description },
    );
  await failing.ask('expect', { events: deliveries / webhooks, webhooks });
  await failing.ask('behave', { kind: 'hang' });
  const bytesBefore = await gauges.redisBytes();
  await publishEvents(system, deliveries / webhooks);
  note('published; the receiver hangs');
  await untilInQueue('every delivery has its job', (waiting, delayed) => waiting + delayed === deliveries);
  // The limit is reached, or the figure would say nothing of what holds the others back.
  const mostAttempts = Math.min(deliveries, (shape.concurrency ?? productionConcurrency) * system.dispatchers.length);
  await waitFor(async () => (await failing.ask('progress', null)).peakInFlight >= mostAttempts, {
    timeoutMs: stepTimeoutMs,
    intervalMs: pollMs,
    description: 'the dispatchers make as many attempts as they may',
  });
  const bytesWaiting = await gauges.redisBytes();
  // An HTTP date has full seconds.
  const dueAtMs = Math.ceil(Date.now() / 1000 + dueInSeconds) * 1000;
  await failing.ask('behave', { kind: 'refuse', retryAfter: new Date(dueAtMs).toUTCString() });
  note(`refused; due again in ${dueInSeconds} s`);
  await untilInQueue('every delivery is delayed', (_waiting, delayed) => delayed === deliveries);
  const bytesDelayed = await gauges.redisBytes();
  const { refused, strangers, peakInFlight } = await failing.ask('progress', null);
  if (refused < mostAttempts || strangers > 0)
    throw new Error(`DELIVERIES WRONG: ${refused} were refused, and ${strangers} came that nobody was to send`);
  return {
    redisBytesPerWaiting: (bytesWaiting - bytesBefore) / deliveries,
    redisBytesPerDelayed: (bytesDelayed - bytesBefore) / deliveries,
    peakWhileHanging: peakInFlight,
  };
}

/** Keeps what Postgres holds as due times, to compare the attempts with; they are gone when it is done. */
async function keepDueTimes({ database }: System, { deliveries }: RetryBurstShape): Promise<DueTimes> {
  await database.query(
    `create unlogged table bench_due_times as
     select id, next_attempt_at as due_at, attempt_count from deliveries where status = 'pending'`,
  );
  const { rows } = await database.query<{ count: number; first: number; last: number; most: number }>(
    `select count(*)::int as count, (extract(epoch from min(due_at)) * 1000)::float8 as first,
       (extract(epoch from max(due_at)) * 1000)::float8 as last, max(in_a_second)::int as most
     from (
       select due_at, count(*) over (order by due_at range between current row and interval '1 second' following)
         as in_a_second from bench_due_times) as due`,
  );
  const { count, first, last, most } = rows[0] as { count: number; first: number; last: number; most: number };
  if (count !== deliveries) throw new Error(`DELIVERIES WRONG: ${count} of ${deliveries} are pending`);
  return { firstAtMs: first, withinMs: last - first, shareElsewhere: 1 - most / deliveries };
}

function limitsSeen(
  { dispatchers }: System,
  shape: RetryBurstShape,
  { drain, due, peakWhileHanging }: { drain: Drain; due: DueTimes; peakWhileHanging: number },
): LimitSeen[] {
  const attempts = (shape.concurrency ?? productionConcurrency) * dispatchers.length;
  return [
    { name: 'not due in that second, %', seen: due.shareElsewhere * 100, limit: maxShareElsewhere * 100 },
    { name: 'attempts under way while the receiver hangs', seen: peakWhileHanging, limit: attempts },
    { name: 'attempts under way during the drain', seen: drain.progress.peakInFlight, limit: attempts },
    ...Object.entries(connectionLimits(dispatchers.length)).map(([name, limit]) => ({
      name: `connections, ${name}`,
      seen: drain.connections[name] ?? 0,
      limit,
    })),
    { name: 'heap of a dispatcher, MiB', seen: drain.heapMiB, limit: maxHeapMiB },
    { name: 'resident memory of a dispatcher, MiB', seen: drain.residentMiB, limit: maxResidentMiB },
    { name: 'p99 of publish to 202, ms', seen: drain.fresh.answerMs.p99, limit: maxAnswerMs },
    { name: 'began before its due time by, ms', seen: Math.max(0, drain.earliestMs), limit: 0 },
  ];
}
