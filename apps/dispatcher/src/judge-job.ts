import type { DeliveryToAttempt } from '@signpost/database';
import type { DeliverJob, JobNotes } from '@signpost/queue';

/** What becomes of the job. */
export type JobResult =
  | { readonly kind: 'done' }
  /** `scheduledAttempts` that are recorded now; null: not looked at. */
  | { readonly kind: 'again'; readonly delayMs: number; readonly scheduledAttempts: number | null };

export const done: JobResult = { kind: 'done' };

export type JobVerdict =
  | JobResult
  | { readonly kind: 'cancel' }
  /** The receiver wants to be left alone for `retryAfterMs`. */
  | { readonly kind: 'put off'; readonly delivery: DeliveryToAttempt; readonly retryAfterMs: number }
  | { readonly kind: 'attempt'; readonly delivery: DeliveryToAttempt };

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
  // Never before its time, not even by the ms that timers of Redis and Postgres differ: waits that are promised are kept.
  if (dueInMs > 0)
    return { kind: 'again', delayMs: Math.ceil(dueInMs), scheduledAttempts: delivery.scheduledAttemptCount };
  const retryAfterMs = Math.ceil(delivery.retryAfterInMs ?? 0);
  // A test send is made for somebody who waits for its result.
  return retryAfterMs > 0 && !delivery.test
    ? { kind: 'put off', delivery, retryAfterMs }
    : { kind: 'attempt', delivery };
}

/**
 * Whether an attempt was made of which nobody saw the end. Pure.
 *
 * A job that stalled was in the hands of a dispatcher that died or froze, or that lost Redis for longer than a lease. It
 * left an unseen attempt, unless it had recorded it and could not put the job back any more: then there are more scheduled
 * attempts now than when the job was put back the last time, and a manual retry is not open any more.
 */
export function hasUnseenAttempt(
  job: DeliverJob,
  delivery: DeliveryToAttempt,
  stalledCount: number,
  notes: JobNotes,
): boolean {
  if (stalledCount <= notes.stallsSeen) return false;
  return job.trigger !== 'scheduled' || delivery.scheduledAttemptCount === notes.scheduledAttempts;
}

/** The job of the other trigger that may have this delivery in hand elsewhere, or null where there can be none. Pure. */
export function contender(job: DeliverJob, delivery: DeliveryToAttempt): DeliverJob['trigger'] | null {
  if (job.trigger === 'manual') return 'scheduled';
  return job.trigger === 'scheduled' && delivery.manualRetryAt !== null ? 'manual' : null;
}
