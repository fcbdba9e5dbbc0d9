import type { AttemptBody, DeliveryBody } from '@signpost/api-schema';
import type { LoggedAttempt, LoggedDelivery } from '@signpost/database';
import { receiptOf } from '@signpost/delivery';
import { formatId } from '@signpost/runtime';

export function deliveryBody(delivery: LoggedDelivery): DeliveryBody {
  return {
    id: formatId('delivery', delivery.id),
    event_id: formatId('event', delivery.eventId),
    event_type: delivery.eventType,
    webhook_id: formatId('webhook', delivery.webhookId),
    status: delivery.status,
    attempt_count: delivery.attemptCount,
    next_attempt_at: delivery.nextAttemptAt?.toISOString() ?? null,
    created_at: delivery.createdAt.toISOString(),
    completed_at: delivery.completedAt?.toISOString() ?? null,
  };
}

/** @param requestBody as it was sent, or null where that is not known any more */
export function attemptBody(deliveryId: string, attempt: LoggedAttempt, requestBody: string | null): AttemptBody {
  const { errorCode, errorMessage, responseHeaders, durationMs, timings } = attempt;
  return {
    id: formatId('attempt', attempt.id),
    delivery_id: formatId('delivery', deliveryId),
    number: attempt.number,
    trigger: attempt.trigger,
    started_at: attempt.startedAt.toISOString(),
    duration_ms: durationMs,
    status: attempt.status,
    received: receiptOf(attempt.phase, responseHeaders !== null),
    phase: attempt.phase,
    timings: {
      dns_ms: timings.dnsMs,
      connect_ms: timings.connectMs,
      tls_ms: timings.tlsMs,
      first_byte_ms: timings.firstByteMs,
      total_ms: durationMs,
    },
    response_code: attempt.responseCode,
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? '' },
    request: {
      method: attempt.requestMethod,
      url: attempt.requestUrl,
      headers: readHeaders(attempt.requestHeaders),
      body: requestBody,
    },
    response:
      responseHeaders === null
        ? null
        : {
            headers: readHeaders(responseHeaders),
            body: attempt.responseBody,
            body_truncated: attempt.responseBodyTruncated,
          },
  };
}

function readHeaders(text: string): Record<string, string> {
  return JSON.parse(text) as Record<string, string>;
}
