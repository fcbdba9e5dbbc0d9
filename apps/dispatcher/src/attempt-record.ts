import type { AttemptRecord, DeliveryToAttempt } from '@signpost/database';
import type { AttemptOutcome, NextStep } from '@signpost/delivery';
import type { DeliverJob } from '@signpost/queue';
import { maskSensitiveHeaders } from '@signpost/runtime';

export interface FinishedAttempt {
  readonly job: DeliverJob;
  readonly delivery: DeliveryToAttempt;
  readonly attemptId: string;
  readonly startedAtMs: number;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
  };
  readonly outcome: AttemptOutcome;
  readonly step: NextStep;
}

/** The row that tells an attempt. Credentials in headers are masked before they are stored. */
export function attemptRecord({
  job,
  delivery,
  attemptId,
  startedAtMs,
  request,
  outcome,
  step,
}: FinishedAttempt): AttemptRecord {
  const response = outcome.kind === 'response' ? outcome : null;
  const error = step.kind === 'succeeded' ? null : step.error;
  return {
    id: attemptId,
    deliveryId: delivery.id,
    trigger: job.trigger,
    fence: { scheduledAttemptCount: delivery.scheduledAttemptCount, manualRetryAt: delivery.manualRetryAt },
    step: step.kind === 'retry' ? { kind: 'retry', retryInMs: step.delayMs } : { kind: step.kind },
    startedAtMs,
    durationMs: Math.round(outcome.durationMs),
    status: step.kind === 'succeeded' ? 'succeeded' : 'failed',
    responseCode: response?.statusCode ?? null,
    errorCode: error?.code ?? null,
    errorMessage: error?.message ?? null,
    requestMethod: request.method,
    requestUrl: request.url,
    requestHeaders: JSON.stringify(maskSensitiveHeaders(request.headers)),
    responseHeaders: response === null ? null : JSON.stringify(maskSensitiveHeaders(response.headers)),
    responseBody: response?.body ?? null,
    responseBodyTruncated: response?.bodyTruncated ?? false,
    phase: outcome.phase,
    timings: outcome.timings,
  };
}
