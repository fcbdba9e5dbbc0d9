import type { ApiKey, EventType, StoredContract, Webhook, Workspace } from '@signpost/database';
import type { Facts } from './audit-changes.ts';

// What entries tell of a thing, in the API's spelling: what a person decides about it. Ids and times have fields of their own.

export function webhookFacts(webhook: Webhook): Facts {
  return {
    url: webhook.url,
    events: webhook.eventTypes,
    description: webhook.description,
    contract: webhook.contract,
    method: webhook.method,
    headers: webhook.headers,
    timeout_ms: webhook.timeoutMs,
    retry_schedule: webhook.retrySchedule,
    subject: webhook.subject,
    channels: webhook.channels,
    metadata: webhook.metadata,
    active: webhook.active,
    deactivated_reason: webhook.deactivatedReason,
  };
}

export function apiKeyFacts({ name, scopes }: ApiKey): Facts {
  return { name, scopes };
}

export function eventTypeFacts({ description, schema, example }: EventType): Facts {
  return { description, schema, example };
}

/** The members of its document, each by itself. */
export function contractFacts({ version, document }: StoredContract): Facts {
  const { name: _name, ...members } = document as Record<string, unknown>;
  return { version, ...members };
}

export function workspaceFacts({ name, contract }: Workspace): Facts {
  return { name, contract };
}
