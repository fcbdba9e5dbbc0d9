import {
  cancelDeliveries,
  cancelPendingDeliveries,
  type Database,
  deactivateWebhook,
  type DeliveryToAttempt,
  loadDeliveries,
} from '@signpost/database';
import { ContractError } from '@signpost/contracts';
import { attemptErrors, type AttemptOutcome, decideNextStep, type NextStep, noTimings } from '@signpost/delivery';
import type { DeliverJob, JobProducer } from '@signpost/queue';
import { type Clock, createMicroBatch, formatId, type Logger, makeUuid } from '@signpost/runtime';
import type { Transport } from '@signpost/transport';
import { attemptRecord, type SentRequest } from './attempt-record.ts';
import type { AttemptRecorder } from './attempt-recorder.ts';
import { deactivationEntry } from './deactivation-entry.ts';
import type { DeliveryContracts } from './delivery-contracts.ts';
import { DeliveryFault, isStoreFault } from './delivery-fault.ts';
import type { DispatcherCounts } from './dispatcher-metrics.ts';
import type { EventContents } from './event-contents.ts';
import type { Insist } from './insist.ts';
import { contender, done, hasUnseenAttempt, judgeJob, type JobResult } from './judge-job.ts';
import type { RetryAfter } from './retry-after.ts';
import { type RequestToSeal, sealRequest } from './seal-request.ts';
import { type JobRun, lostAttemptId, type UnseenAttempts } from './unseen-attempts.ts';
import type { PreparedTarget, WebhookTargets } from './webhook-targets.ts';

export interface DeliverOptions {
  readonly database: Database;
  readonly transport: Transport;
  readonly eventContents: EventContents;
  readonly webhookTargets: WebhookTargets;
  readonly deliveryContracts: DeliveryContracts;
  readonly insist: Insist;
  readonly recorder: AttemptRecorder;
  readonly unseenAttempts: UnseenAttempts;
  readonly retryAfter: RetryAfter;
  /** Whether another dispatcher has a job of this delivery in hand. */
  readonly isRunning: JobProducer['isRunning'];
  readonly clock: Clock;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  readonly counts: DispatcherCounts;
  readonly observeAttemptSeconds: (seconds: number) => void;
  readonly logger: Logger;
}

/**
 * Makes the attempt that a job asks for, if it is still wanted, and says what becomes of the job.
 *
 * @throws the stores' errors, and DeliveryFault where something of ours broke at this delivery
 */
export type Deliver = (job: DeliverJob, run: JobRun) => Promise<JobResult>;

/**
 * A job that finds its delivery in the hands of another looks again after this, in ms. Not the same for both triggers, or
 * two that meet would meet again.
 */
const busyDelaysMs = { scheduled: 1000, manual: 700, test: 1000 };

export function createDeliver(options: DeliverOptions): Deliver {
  const { database, counts } = options;
  const inFlight = new Set<string>();
  const load = createLoader(database);

  return async (job, run) => {
    // Two jobs for one delivery exist when a person asks for a retry, or when a wiped queue was filled anew.
    if (inFlight.has(job.deliveryId)) return busy(job);
    inFlight.add(job.deliveryId);
    counts.inFlight += 1;
    let delivery: DeliveryToAttempt | null = null;
    try {
      delivery = await load(job.deliveryId);
      const verdict = judgeJob(job, delivery);
      if (verdict.kind === 'attempt') return await attemptOnce(options, job, run, verdict.delivery);
      if (verdict.kind === 'put off') {
        const { contract } = await options.deliveryContracts.get(verdict.delivery);
        return await options.retryAfter.putOff(verdict.delivery, verdict.retryAfterMs, contract.retryJitterRatio);
      }
      if (verdict.kind === 'cancel') {
        await cancelDeliveries(database, [job.deliveryId]);
        counts.cancelled += 1;
        return done;
      }
      return verdict;
    } catch (error) {
      throw delivery === null || error instanceof DeliveryFault || isStoreFault(error)
        ? error
        : new DeliveryFault(error, delivery, null);
    } finally {
      inFlight.delete(job.deliveryId);
      counts.inFlight -= 1;
    }
  };
}

function createLoader(database: Database): (id: string) => Promise<DeliveryToAttempt | null> {
  const batch = createMicroBatch<string, DeliveryToAttempt | null>({
    maxItems: 200,
    intervalMs: 6,
    concurrency: 2,
    async run(ids) {
      const found = new Map((await loadDeliveries(database, ids)).map(delivery => [delivery.id, delivery]));
      return ids.map(id => found.get(id) ?? null);
    },
  });
  return id => batch.add(id);
}

const busy = ({ trigger }: DeliverJob): JobResult => ({
  kind: 'again',
  delayMs: busyDelaysMs[trigger],
  scheduledAttempts: null,
});

/** What is rare goes first: an attempt that a dead dispatcher left, and another job that has this delivery in hand. */
async function attemptOnce(
  options: DeliverOptions,
  job: DeliverJob,
  run: JobRun,
  delivery: DeliveryToAttempt,
): Promise<JobResult> {
  const other = contender(job, delivery);
  if (other !== null && (await options.isRunning(delivery.id, other))) return busy(job);
  if (hasUnseenAttempt(job, delivery, run.stalledCount, run.notes))
    await options.unseenAttempts.noteLost(job, run, delivery.attemptCount);
  return attempt(options, job, run, delivery);
}

async function attempt(
  options: DeliverOptions,
  job: DeliverJob,
  run: JobRun,
  delivery: DeliveryToAttempt,
): Promise<JobResult> {
  const { database, clock } = options;
  const [event, target, { contract, fault }] = await Promise.all([
    options.eventContents.get(delivery.eventId),
    options.webhookTargets.get(delivery.webhookId, delivery.webhookVersion as number),
    options.deliveryContracts.get(delivery),
  ]);
  if (event === null || target === null) {
    await cancelDeliveries(database, [delivery.id]);
    return done;
  }
  const startedAtMs = clock.nowMs();
  const attemptId = makeUuid(startedAtMs);
  const { request, outcome } = await send(options, {
    delivery,
    event,
    target,
    contract,
    fault: fault ?? target.fault,
    attemptId,
    startedAtMs,
  });
  const lostId = () => lostAttemptId(job, run, run.stalledCount + 1);
  const sent = { job, delivery, contract, attemptId, lostId, startedAtMs, request, outcome };
  try {
    return await conclude(options, sent, target);
  } catch (error) {
    throw isStoreFault(error) ? error : new DeliveryFault(error, delivery, sent);
  }
}

/** What follows from an attempt is decided and written down. */
async function conclude(options: DeliverOptions, sent: SentRequest, target: PreparedTarget): Promise<JobResult> {
  const { database, clock, insist, recorder } = options;
  const { job, delivery, contract, outcome } = sent;
  const step = decideNextStep(outcome, {
    trigger: job.trigger,
    scheduledAttempts: delivery.scheduledAttemptCount + 1,
    retryScheduleSeconds: target.retryScheduleSeconds ?? contract.retryScheduleSeconds,
    isSuccess: status => contract.isSuccess(status),
    disablesWebhook: status => contract.disablesWebhook(status),
    jitterRatio: contract.retryJitterRatio,
    nowMs: clock.nowMs(),
    random: options.random(),
  });
  const gone = step.kind === 'failed' && step.deactivateWebhook;
  // Before it is recorded: after that nothing would bring us back here if this process died in between.
  if (gone) await insist(delivery.id, () => deactivateWebhook(database, target.id, 'gone', deactivationEntry));
  const result = await recorder.record(attemptRecord({ ...sent, step }));
  note(options, job, delivery, outcome, step, result.kind === 'recorded' ? result.number : null);
  if (gone) await cancelPendingDeliveries(database, target.id);
  if (step.kind !== 'succeeded' && step.retryAfterMs > 0) await options.retryAfter.note(target.id, step.retryAfterMs);
  if (step.kind !== 'retry' || result.kind !== 'recorded') return done;
  return { kind: 'again', delayMs: step.delayMs, scheduledAttempts: delivery.scheduledAttemptCount + 1 };
}

interface Sending extends RequestToSeal {
  /** Why no request can be made. */
  readonly fault: Error | null;
}

/** A delivery that cannot even be sealed has a failed attempt like any other: it must not hold up the lane. */
async function send(options: DeliverOptions, sending: Sending) {
  const { target, contract, startedAtMs } = sending;
  try {
    if (sending.fault !== null) throw sending.fault;
    const sealed = sealRequest(sending);
    const request = { ...sealed, url: target.url, timeoutMs: target.timeoutMs ?? contract.timeoutMs };
    return { request, outcome: await options.transport.send(request) };
  } catch (error) {
    const tooLarge = error instanceof ContractError && error.code === 'request_too_large';
    if (!tooLarge)
      options.logger.error(
        { error, delivery_id: formatId('delivery', sending.delivery.id), webhook_id: formatId('webhook', target.id) },
        'request could not be made',
      );
    const outcome: AttemptOutcome = {
      kind: 'no_response',
      ...(tooLarge
        ? { code: 'request_too_large', message: `${attemptErrors.request_too_large} ${error.message}` }
        : { code: 'internal', message: 'The request could not be made; the log of the dispatcher says why.' }),
      phase: 'queued',
      timings: noTimings,
      durationMs: options.clock.nowMs() - startedAtMs,
    };
    return { request: { method: target.method ?? 'POST', url: target.url, headers: {} }, outcome };
  }
}

function note(
  options: DeliverOptions,
  job: DeliverJob,
  delivery: DeliveryToAttempt,
  outcome: AttemptOutcome,
  step: NextStep,
  number: number | null,
): void {
  const { counts, logger } = options;
  options.observeAttemptSeconds(outcome.durationMs / 1000);
  if (number === null) counts.superseded += 1;
  else if (step.kind === 'succeeded') counts.attemptsSucceeded += 1;
  else counts.attemptsFailed.set(step.error.code, (counts.attemptsFailed.get(step.error.code) ?? 0) + 1);
  if (!logger.isLevelEnabled('info')) return;
  const fields = {
    delivery_id: formatId('delivery', delivery.id),
    event_id: formatId('event', delivery.eventId),
    webhook_id: formatId('webhook', delivery.webhookId),
    workspace_id: formatId('workspace', delivery.workspaceId),
    trigger: job.trigger,
    number,
    outcome: number === null ? 'superseded' : step.kind,
    response_code: outcome.kind === 'response' ? outcome.statusCode : null,
    error_code: step.kind === 'succeeded' ? null : step.error.code,
    duration_ms: Math.round(outcome.durationMs),
    retry_in_ms: step.kind === 'retry' ? step.delayMs : null,
  };
  logger.info(fields, 'delivery.attempted');
}
