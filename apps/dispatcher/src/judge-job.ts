import type { DeliveryToAttempt } from '@signpost/database';
import type { DeliverJob } from '@signpost/queue';

/** What becomes of the job. */
export type JobResult = { readonly kind: 'done' } | { readonly kind: 'again'; readonly delayMs: number };

export const done: JobResult = { kind: 'done' };

export type JobVerdict =
  | JobResult
  | { readonly kind: 'cancel' }
  | { readonly kind: 'attempt'; readonly delivery: DeliveryToAttempt };

/** Timers of Redis and Postgres differ by a little; a job that comes earlier than this waits for its time, in ms. */
const earlyToleranceMs = 25;

/** Whether a job's attempt is still wanted, by what Postgres says of the delivery. Pure. */
export function judgeJob(job: DeliverJob, delivery: DeliveryToAttempt | null): JobVerdict {
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

/**
 * Whether an attempt was made of which nobody saw the end. Pure.
 *
 * A job that stalled was in the hands of a dispatcher that died or froze. Its attempt is unseen unless the dispatcher had
 * recorded it and died just before it gave the job back. A recorded retry has a due time of its own: a run that began at
 * or behind it can only have stalled a whole lease later.
 *
 * @param hasStalled whether the job stalled since the last run that ended
 */
export function hasUnseenAttempt(
  job: DeliverJob,
  delivery: DeliveryToAttempt,
  hasStalled: boolean,
  leaseMs: number,
): boolean {
  if (!hasStalled) return false;
  return job.trigger !== 'scheduled' || -(delivery.dueInMs ?? 0) >= leaseMs;
}

/** The job of the other trigger that may have this delivery in hand elsewhere, or null where there can be none. Pure. */
export function contender(job: DeliverJob, delivery: DeliveryToAttempt): DeliverJob['trigger'] | null {
  if (job.trigger === 'manual') return 'scheduled';
  return job.trigger === 'scheduled' && delivery.manualRetryAt !== null ? 'manual' : null;
}
