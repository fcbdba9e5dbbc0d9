import type { CompiledContract } from '@signpost/contracts';
import type { AttemptRecord, AttemptRow, DeliveryToAttempt } from '@signpost/database';
import {
  type AttemptErrorCode,
  attemptErrors,
  type AttemptOutcome,
  type NextStep,
  noTimings,
  shownLocation,
  shownRefresh,
} from '@signpost/delivery';
import type { DeliverJob } from '@signpost/queue';
import { hideValues, maskedValue, maskHeaders, maskSensitiveHeaders } from '@signpost/runtime';

/** A request that was made, and how it ended. */
export interface SentRequest {
  readonly job: DeliverJob;
  readonly delivery: DeliveryToAttempt;
  readonly contract: CompiledContract;
  readonly attemptId: string;
  /** As in `AttemptRow`. */
  readonly lostId: () => string;
  readonly startedAtMs: number;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
  };
  readonly outcome: AttemptOutcome;
}

export interface FinishedAttempt extends SentRequest {
  readonly step: NextStep;
}

/**
 * The row that tells an attempt. Credentials in headers are masked before they are stored, those of the request also where
 * the receiver repeats them; the contract's signatures are shown, for people to compare them.
 */
export function attemptRecord({
  job,
  delivery,
  contract,
  attemptId,
  lostId,
  startedAtMs,
  request,
  outcome,
  step,
}: FinishedAttempt): AttemptRecord {
  const response = outcome.kind === 'response' ? outcome : null;
  const error = step.kind === 'succeeded' ? null : step.error;
  const sent = maskHeaders(request.headers, contract.signatureHeaderNames);
  return {
    id: attemptId,
    lostId,
    deliveryId: delivery.id,
    trigger: job.trigger,
    fence: { scheduledAttemptCount: delivery.scheduledAttemptCount, manualRetryAt: delivery.manualRetryAt },
    step: step.kind === 'retry' ? { kind: 'retry', retryInMs: step.delayMs } : { kind: step.kind },
    startedAtMs,
    durationMs: Math.round(outcome.durationMs),
    status: step.kind === 'succeeded' ? 'succeeded' : 'failed',
    responseCode: response?.statusCode ?? null,
    errorCode: error?.code ?? null,
    errorMessage: error === null ? null : hideValues(error.message, sent.hidden, false),
    requestMethod: request.method,
    requestUrl: request.url,
    requestHeaders: JSON.stringify(sent.headers),
    responseHeaders: response === null ? null : JSON.stringify(shownHeaders(response.headers, sent.hidden)),
    responseBody: response === null ? null : hideValues(response.body, sent.hidden, response.bodyTruncated),
    responseBodyTruncated: response?.bodyTruncated ?? false,
    phase: outcome.phase,
    timings: outcome.timings,
  };
}

/** Headers of an answer, as the log keeps them: no credential, and no place to go with one in it. */
function shownHeaders(headers: Readonly<Record<string, string>>, hidden: readonly string[]): Record<string, string> {
  const shown = maskSensitiveHeaders(headers);
  const { location, refresh, 'content-location': contentLocation } = headers;
  if (location !== undefined) shown['location'] = shownLocation(location) ?? maskedValue;
  if (contentLocation !== undefined) shown['content-location'] = shownLocation(contentLocation) ?? maskedValue;
  if (refresh !== undefined) shown['refresh'] = shownRefresh(refresh) ?? maskedValue;
  if (hidden.length > 0) for (const name in shown) shown[name] = hideValues(shown[name] as string, hidden, false);
  return shown;
}

const notRecorded: AttemptErrorCode = 'not_recorded';

/** The row that tells an attempt whose own cannot be written: what came from outside, or was computed, is left out. */
export function unrecordedAttempt({
  job,
  delivery,
  attemptId,
  lostId,
  startedAtMs,
  request,
  outcome,
}: SentRequest): AttemptRow {
  return {
    id: attemptId,
    lostId,
    deliveryId: delivery.id,
    trigger: job.trigger,
    startedAtMs,
    durationMs: Math.round(outcome.durationMs),
    status: 'failed',
    responseCode: null,
    errorCode: notRecorded,
    errorMessage: attemptErrors[notRecorded],
    requestMethod: request.method,
    requestUrl: request.url,
    requestHeaders: '{}',
    responseHeaders: null,
    responseBody: null,
    responseBodyTruncated: false,
    phase: outcome.phase,
    timings: noTimings,
  };
}
