import type { AttemptError } from './attempt-errors.ts';
import { attemptErrors } from './attempt-errors.ts';
import type { AttemptOutcome } from './outcome.ts';
import { nextRetryDelayMs, parseRetryAfterMs } from './retry-schedule.ts';
import type { AttemptTrigger } from './statuses.ts';

/** What follows from an attempt. */
export type NextStep =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly error: AttemptError }
  | { readonly kind: 'failed'; readonly error: AttemptError; readonly deactivateWebhook: boolean };

export interface AttemptContext {
  readonly trigger: AttemptTrigger;
  /** Scheduled attempts made so far, this one included if it is one. */
  readonly scheduledAttempts: number;
  readonly retryScheduleSeconds: readonly number[];
  /** The contract's rule for which status counts as success; 2xx for all we know. */
  readonly isSuccess: (statusCode: number) => boolean;
  readonly nowMs: number;
  /** In [0, 1), for jitter. */
  readonly random: number;
}

/**
 * Decides what follows from an attempt's outcome. Pure.
 *
 * 2xx succeeds. 410 fails the delivery and deactivates the webhook (Standard Webhooks 1.0, "Deliverability"). Anything
 * else is retried by the schedule, `Retry-After` on 429 and 503 being a floor; an attempt that the schedule did not make
 * (manual, test, replay) is never followed by another.
 */
export function decideNextStep(outcome: AttemptOutcome, context: AttemptContext): NextStep {
  if (outcome.kind === 'response' && context.isSuccess(outcome.statusCode)) return { kind: 'succeeded' };
  const error = describeFailure(outcome);
  const gone = error.code === 'gone';
  if (gone || context.trigger !== 'scheduled') return { kind: 'failed', error, deactivateWebhook: gone };
  const delayMs = nextRetryDelayMs(
    context.retryScheduleSeconds,
    context.scheduledAttempts,
    retryAfterMs(outcome, context.nowMs),
    context.random,
  );
  return delayMs === null ? { kind: 'failed', error, deactivateWebhook: false } : { kind: 'retry', delayMs, error };
}

function retryAfterMs(outcome: AttemptOutcome, nowMs: number): number {
  if (outcome.kind !== 'response' || (outcome.statusCode !== 429 && outcome.statusCode !== 503)) return 0;
  return parseRetryAfterMs(outcome.headers['retry-after'], nowMs);
}

function describeFailure(outcome: AttemptOutcome): AttemptError {
  if (outcome.kind === 'no_response') return { code: outcome.code, message: outcome.message };
  const { statusCode } = outcome;
  if (statusCode === 410) return { code: 'gone', message: attemptErrors.gone };
  if (statusCode >= 300 && statusCode < 400)
    return { code: 'redirect_not_followed', message: `${statusCode}: ${attemptErrors.redirect_not_followed}` };
  return { code: 'http_status', message: `The receiver answered ${statusCode}; only 2xx counts as delivered.` };
}
