import type { AttemptError } from './attempt-errors.ts';
import { attemptErrors } from './attempt-errors.ts';
import type { AttemptOutcome } from './outcome.ts';
import { nextRetryDelayMs, parseRetryAfterMs } from './retry-schedule.ts';
import { shownLocation } from './shown-location.ts';
import type { AttemptTrigger } from './statuses.ts';

/** What follows from an attempt. */
export type NextStep =
  | { readonly kind: 'succeeded' }
  | (Failure & { readonly kind: 'retry'; readonly delayMs: number })
  | (Failure & { readonly kind: 'failed'; readonly deactivateWebhook: boolean });

interface Failure {
  readonly error: AttemptError;
  /** How long the receiver asked to be left alone, in ms; 0: it did not. That goes for the webhook's other deliveries, too. */
  readonly retryAfterMs: number;
}

export interface AttemptContext {
  readonly trigger: AttemptTrigger;
  /** Scheduled attempts made so far, this one included if it is one. */
  readonly scheduledAttempts: number;
  readonly retryScheduleSeconds: readonly number[];
  /** The contract's rule for which status counts as success; 2xx for all we know. */
  readonly isSuccess: (statusCode: number) => boolean;
  /** The contract's rule for which status says that the webhook is gone for good; 410 for most. */
  readonly disablesWebhook: (statusCode: number) => boolean;
  /** The contract's jitter: see {@link nextRetryDelayMs}. */
  readonly jitterRatio: number;
  readonly nowMs: number;
  /** In [0, 1), for jitter. */
  readonly random: number;
}

/**
 * Decides what follows from an attempt's outcome. Pure.
 *
 * What counts as success, and what as gone for good, is the contract's: 2xx and 410 in most (Standard Webhooks 1.0,
 * "Deliverability"). Gone fails the delivery and deactivates the webhook. A request that is too large fails it, too: the next
 * attempt would make the same one. Anything else is retried by the schedule, `Retry-After` on 429 and 503 being a floor; an attempt that the schedule did not make
 * (manual, test, replay) is never followed by another.
 */
export function decideNextStep(outcome: AttemptOutcome, context: AttemptContext): NextStep {
  if (outcome.kind === 'response' && context.isSuccess(outcome.statusCode)) return { kind: 'succeeded' };
  const gone = outcome.kind === 'response' && context.disablesWebhook(outcome.statusCode);
  const error = describeFailure(outcome, gone);
  const retryAfterMs = askedDelayMs(outcome, context.nowMs);
  const last = gone || error.code === 'request_too_large' || context.trigger !== 'scheduled';
  if (last) return { kind: 'failed', error, retryAfterMs, deactivateWebhook: gone };
  const delayMs = nextRetryDelayMs(
    context.retryScheduleSeconds,
    context.scheduledAttempts,
    retryAfterMs,
    context.jitterRatio * context.random,
  );
  if (delayMs === null) return { kind: 'failed', error, retryAfterMs, deactivateWebhook: false };
  return { kind: 'retry', delayMs, error, retryAfterMs };
}

function askedDelayMs(outcome: AttemptOutcome, nowMs: number): number {
  if (outcome.kind !== 'response' || (outcome.statusCode !== 429 && outcome.statusCode !== 503)) return 0;
  return parseRetryAfterMs(outcome.headers['retry-after'], nowMs);
}

function describeFailure(outcome: AttemptOutcome, gone: boolean): AttemptError {
  if (outcome.kind === 'no_response') return { code: outcome.code, message: outcome.message };
  const { statusCode } = outcome;
  if (gone) return { code: 'gone', message: `${statusCode}: ${attemptErrors.gone}` };
  if (statusCode >= 300 && statusCode < 400)
    return { code: 'redirect_not_followed', message: describeRedirect(statusCode, outcome.headers['location']) };
  return {
    code: 'http_status',
    message: `The receiver answered ${statusCode}, which does not count as delivered. Answer 2xx as soon as the event is kept.`,
  };
}

function describeRedirect(statusCode: number, location: string | undefined): string {
  const target = location === undefined ? null : shownLocation(location);
  if (target === null) return `${statusCode}: ${attemptErrors.redirect_not_followed}`;
  return `${statusCode}: The receiver answered with a redirect (to ${target}). Redirects are never followed: update the URL of the webhook.`;
}
