import type { Fields } from './answer.ts';
import { type PageFilter, queryOf } from './pages.ts';

/** What a webhook is made of; null clears a field, a missing one stays or gets its default. */
export interface WebhookInput {
  readonly url: string;
  /** Event types: `call.ended`, everything below a prefix: `call.*`, or everything: `*`. */
  readonly events: readonly string[];
  readonly description?: string | null;
  /** How deliveries look and are signed; null: the workspace's. */
  readonly contract?: string | null;
  /** null: the contract's first. */
  readonly method?: 'POST' | 'PUT' | 'PATCH' | null;
  /** Extra headers of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Deadline of an attempt; null: the contract's. */
  readonly timeoutMs?: number | null;
  /** Seconds after each failed attempt; empty: no retries; null: the contract's. */
  readonly retrySchedule?: readonly number[] | null;
  /** Only events with this subject. */
  readonly subject?: string | null;
  /** Only events with at least one of these channels. */
  readonly channels?: readonly string[];
  /** Whatever you want to keep with it; never sent. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** An inactive webhook gets nothing. */
  readonly active?: boolean;
}

export interface NewWebhook extends WebhookInput {
  /** A signing secret of your own, in the form of the contract; one is made if it is missing. */
  readonly secret?: string;
}

/** Times are ISO 8601, UTC. */
export interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly description: string | null;
  readonly contract: string | null;
  readonly method: string | null;
  /** Values of sensitive headers are hidden. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number | null;
  /** Seconds. */
  readonly retrySchedule: readonly number[] | null;
  readonly subject: string | null;
  readonly channels: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly active: boolean;
  /** Why Signpost deactivated it, if it did. */
  readonly deactivatedReason: string | null;
  /** Until then deliveries wait: the receiver asked for it. ISO 8601; null: they do not. */
  readonly retryAfter: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface CreatedWebhook extends Webhook {
  /** Shown here and never again. */
  readonly signingSecret: string;
}

/** Which webhooks to list; all of them where nothing is given. */
export interface WebhookFilter extends PageFilter {
  readonly active?: boolean;
  /** Only webhooks that get this event type. */
  readonly eventType?: string;
  readonly subject?: string;
}

export function webhookQuery(filter: WebhookFilter): Record<string, string> {
  return queryOf({
    active: filter.active,
    event_type: filter.eventType,
    subject: filter.subject,
    limit: filter.pageSize,
  });
}

/** The body of creating or changing a webhook; `undefined` fields are left out. */
export function webhookBody(input: Partial<NewWebhook>): string {
  return JSON.stringify({
    url: input.url,
    events: input.events,
    description: input.description,
    contract: input.contract,
    method: input.method,
    headers: input.headers,
    timeout_ms: input.timeoutMs,
    retry_schedule: input.retrySchedule,
    subject: input.subject,
    channels: input.channels,
    metadata: input.metadata,
    active: input.active,
    secret: input.secret,
  });
}

export function readWebhook(fields: Fields): Webhook {
  return {
    id: fields.text('id'),
    url: fields.text('url'),
    events: fields.texts('events'),
    description: fields.textOrNull('description'),
    contract: fields.textOrNull('contract'),
    method: fields.textOrNull('method'),
    headers: fields.textsByName('headers'),
    timeoutMs: fields.integerOrNull('timeout_ms'),
    retrySchedule: fields.integersOrNull('retry_schedule'),
    subject: fields.textOrNull('subject'),
    channels: fields.texts('channels'),
    metadata: fields.freeObject('metadata'),
    active: fields.flag('active'),
    deactivatedReason: fields.textOrNull('deactivated_reason'),
    retryAfter: fields.textOrNull('retry_after'),
    createdAt: fields.text('created_at'),
    updatedAt: fields.text('updated_at'),
  };
}

export function readCreatedWebhook(fields: Fields): CreatedWebhook {
  return { ...readWebhook(fields), signingSecret: fields.text('signing_secret') };
}
