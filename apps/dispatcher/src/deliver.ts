import {
  cancelDeliveries,
  cancelPendingDeliveries,
  type Database,
  deactivateWebhook,
  type DeliveryToAttempt,
  loadDeliveries,
} from '@signpost/database';
import { type AttemptOutcome, decideNextStep, type NextStep, noTimings } from '@signpost/delivery';
import type { DeliverJob } from '@signpost/queue';
import { type Clock, createMicroBatch, formatId, type Logger, makeUuid } from '@signpost/runtime';
import type { Transport } from '@signpost/transport';
import { attemptRecord } from './attempt-record.ts';
import type { AttemptRecorder } from './attempt-recorder.ts';
import type { DeliveryContracts } from './delivery-contracts.ts';
import type { DispatcherCounts } from './dispatcher-metrics.ts';
import type { EventContents } from './event-contents.ts';
import { type RequestToSeal, sealRequest } from './seal-request.ts';
import type { WebhookTargets } from './webhook-targets.ts';

/** What becomes of the job. */
export type JobResult = { readonly kind: 'done' } | { readonly kind: 'again'; readonly delayMs: number };

export interface DeliverOptions {
  readonly database: Database;
  readonly transport: Transport;
  readonly eventContents: EventContents;
  readonly webhookTargets: WebhookTargets;
  readonly deliveryContracts: DeliveryContracts;
  readonly recorder: AttemptRecorder;
  readonly clock: Clock;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  readonly counts: DispatcherCounts;
  readonly observeAttemptSeconds: (seconds: number) => void;
  readonly logger: Logger;
}

/** Makes the attempt that a job asks for, if it is still wanted, and says what becomes of the job. */
export type Deliver = (job: DeliverJob) => Promise<JobResult>;

const done: JobResult = { kind: 'done' };
/** A job that finds its delivery in the hands of this very process looks again after this, in ms. */
const busyDelayMs = 1000;
/** Timers of Redis and Postgres differ by a little; a job that comes earlier than this waits for its time, in ms. */
const earlyToleranceMs = 25;

export function createDeliver(options: DeliverOptions): Deliver {
  const { database, counts } = options;
  const inFlight = new Set<string>();
  const load = createLoader(database);

  return async job => {
    // Two jobs for one delivery exist when a person asks for a retry, or when a wiped queue was filled anew.
    if (inFlight.has(job.deliveryId)) return { kind: 'again', delayMs: busyDelayMs };
    inFlight.add(job.deliveryId);
    counts.inFlight += 1;
    try {
      const delivery = await load(job.deliveryId);
      const verdict = judgeJob(job, delivery);
      if (verdict.kind === 'attempt') return await attempt(options, job, verdict.delivery);
      if (verdict.kind === 'cancel') {
        await cancelDeliveries(database, [job.deliveryId]);
        counts.cancelled += 1;
        return done;
      }
      return verdict;
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

type JobVerdict =
  | JobResult
  | { readonly kind: 'cancel' }
  | { readonly kind: 'attempt'; readonly delivery: DeliveryToAttempt };

/** Whether a job's attempt is still wanted, by what Postgres says of the delivery. Pure. */
function judgeJob(job: DeliverJob, delivery: DeliveryToAttempt | null): JobVerdict {
  if (delivery === null) return done;
  if (job.trigger === 'manual') {
    if (delivery.manualRetryAt === null) return done;
    // A person may retry towards a webhook that is inactive, but not towards one that is gone.
    return delivery.webhookVersion === null ? { kind: 'cancel' } : { kind: 'attempt', delivery };
  }
  if (delivery.status !== 'pending') return done;
  if (delivery.webhookVersion === null || (delivery.webhookActive !== true && !delivery.test))
    return { kind: 'cancel' };
  const dueInMs = delivery.dueInMs ?? 0;
  return dueInMs > earlyToleranceMs ? { kind: 'again', delayMs: Math.ceil(dueInMs) } : { kind: 'attempt', delivery };
}

async function attempt(options: DeliverOptions, job: DeliverJob, delivery: DeliveryToAttempt): Promise<JobResult> {
  const { database, clock, recorder } = options;
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
  if (gone) await deactivateWebhook(database, target.id, 'gone');
  const result = await recorder.record(
    attemptRecord({ job, delivery, attemptId, startedAtMs, request, outcome, step }),
  );
  note(options, job, delivery, outcome, step, result.kind === 'recorded' ? result.number : null);
  if (gone) await cancelPendingDeliveries(database, target.id);
  return step.kind === 'retry' && result.kind === 'recorded' ? { kind: 'again', delayMs: step.delayMs } : done;
}

interface Sending extends RequestToSeal {
  /** Why no request can be made. */
  readonly fault: Error | null;
}

/** A delivery that cannot even be sealed is recorded as failed and follows its schedule: it must not hold up the lane. */
async function send(options: DeliverOptions, sending: Sending) {
  const { target, contract, startedAtMs } = sending;
  try {
    if (sending.fault !== null) throw sending.fault;
    const sealed = sealRequest(sending);
    const request = { ...sealed, url: target.url, timeoutMs: target.timeoutMs ?? contract.timeoutMs };
    return { request, outcome: await options.transport.send(request) };
  } catch (error) {
    options.logger.error(
      { error, delivery_id: formatId('delivery', sending.delivery.id), webhook_id: formatId('webhook', target.id) },
      'request could not be made',
    );
    const outcome: AttemptOutcome = {
      kind: 'no_response',
      code: 'internal',
      message: 'The request could not be made; the log of the dispatcher says why.',
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
