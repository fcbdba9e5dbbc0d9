import type { WebhookBody } from '@signpost/api-schema';
import type { Webhook } from '@signpost/database';
import { formatId, maskSensitiveHeaders } from '@signpost/runtime';

/** A webhook as answers show it: no secret, and no credential among its headers. */
export function webhookBody(webhook: Webhook): WebhookBody {
  return {
    id: formatId('webhook', webhook.id),
    url: webhook.url,
    events: [...webhook.eventTypes],
    description: webhook.description,
    contract: webhook.contract,
    method: webhook.method,
    headers: maskSensitiveHeaders(webhook.headers),
    timeout_ms: webhook.timeoutMs,
    retry_schedule: webhook.retrySchedule === null ? null : [...webhook.retrySchedule],
    subject: webhook.subject,
    channels: [...webhook.channels],
    metadata: webhook.metadata,
    active: webhook.active,
    deactivated_reason: webhook.deactivatedReason,
    retry_after: webhook.retryAfter?.toISOString() ?? null,
    created_at: webhook.createdAt.toISOString(),
    updated_at: webhook.updatedAt.toISOString(),
  };
}
