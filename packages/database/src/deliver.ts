import type { DeliveryStatus } from '@signpost/delivery';
import { type Database, runHot } from './database.ts';

/** What of a delivery its next attempt wants to know. */
export interface DeliveryToAttempt {
  readonly id: string;
  readonly workspaceId: string;
  readonly eventId: string;
  readonly webhookId: string;
  readonly status: DeliveryStatus;
  readonly attemptCount: number;
  readonly scheduledAttemptCount: number;
  /** How long until it is due by the database's clock, in ms; negative when overdue, null when it is not pending. */
  readonly dueInMs: number | null;
  /** The moment of a manual retry that was asked for, as text with microseconds: the fence of its outcome; or null. */
  readonly manualRetryAt: string | null;
  readonly test: boolean;
  /** The contract that it began with; null: it is from before deliveries said so. */
  readonly contract: string | null;
  /** 0: none of the workspace's own. */
  readonly contractVersion: number | null;
  /** Null where the webhook has been deleted. */
  readonly webhookVersion: number | null;
  readonly webhookActive: boolean | null;
  /**
   * How long the webhook's receiver wants to be left alone, in ms, by `Retry-After` of whichever delivery; negative when
   * that is over. Null where it did not ask, and for deliveries of more than a day: nothing waits for others for ever.
   */
  readonly retryAfterInMs: number | null;
}

const loadDeliveriesSql = `
  select d.id, d.workspace_id as "workspaceId", d.event_id as "eventId", d.webhook_id as "webhookId", d.status,
    d.attempt_count as "attemptCount", d.scheduled_attempt_count as "scheduledAttemptCount",
    (extract(epoch from d.next_attempt_at - clock_timestamp()) * 1000)::float8 as "dueInMs",
    d.manual_retry_at::text as "manualRetryAt", d.test, d.contract, d.contract_version as "contractVersion",
    w.version as "webhookVersion", w.active as "webhookActive",
    case when d.created_at > now() - interval '1 day' then
      (extract(epoch from w.retry_after - clock_timestamp()) * 1000)::float8 end as "retryAfterInMs"
  from unnest($1::uuid[]) as t (id)
  join deliveries d on d.id = t.id
  left join webhooks w on w.id = d.webhook_id`;

/** Of these deliveries, those that exist, in any order. */
export async function loadDeliveries(
  database: Database,
  ids: readonly string[],
): Promise<readonly DeliveryToAttempt[]> {
  return runHot<DeliveryToAttempt>(database, 'load-deliveries', loadDeliveriesSql, [ids]);
}

/** What of an event is sent. */
export interface EventContent {
  readonly id: string;
  readonly eventType: string;
  readonly occurredAtMs: number;
  readonly payload: string;
  readonly metadata: string | null;
  readonly subject: string | null;
}

const loadEventContentsSql = `
  select e.id, e.event_type as "eventType", (extract(epoch from e.occurred_at) * 1000)::float8 as "occurredAtMs", e.payload,
    e.metadata, e.subject
  from unnest($1::uuid[]) as t (id) join events e on e.id = t.id and e.payload is not null`;

/** Of these events, those that exist and whose payload was not expunged, in any order. */
export async function loadEventContents(database: Database, ids: readonly string[]): Promise<readonly EventContent[]> {
  return runHot<EventContent>(database, 'load-event-contents', loadEventContentsSql, [ids]);
}

/** What of a webhook a request to it is made from. */
export interface WebhookTarget {
  readonly id: string;
  readonly version: number;
  readonly url: string;
  readonly method: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number | null;
  readonly retrySchedule: readonly number[] | null;
  /** Newest first, expired ones included: whether one signs is decided when it signs. */
  readonly secrets: readonly {
    readonly id: string;
    readonly sealed: Buffer;
    readonly keyId: string;
    readonly expiresAtMs: number | null;
  }[];
}

const loadWebhookTargetsSql = `
  select w.id, w.version, w.url, w.method, w.headers, w.timeout_ms as "timeoutMs", w.retry_schedule as "retrySchedule",
    coalesce((
      select json_agg(json_build_object('id', s.id, 'sealed', encode(s.sealed, 'base64'), 'keyId', s.key_id,
        'expiresAtMs', extract(epoch from s.expires_at) * 1000) order by s.id desc)
      from webhook_secrets s where s.webhook_id = w.id), '[]'::json) as secrets
  from webhooks w
  where w.id = any($1::uuid[])`;

/** What a webhook's secrets are sealed for: one moved to another webhook's row does not open. */
export function webhookSecretContext(webhookId: string): string {
  return `webhook-secret ${webhookId}`;
}

interface SecretJson {
  id: string;
  sealed: string;
  keyId: string;
  expiresAtMs: number | null;
}

/** Of these webhooks, those that exist, in any order. */
export async function loadWebhookTargets(
  database: Database,
  ids: readonly string[],
): Promise<readonly WebhookTarget[]> {
  const rows = await runHot<Omit<WebhookTarget, 'secrets'> & { secrets: SecretJson[] }>(
    database,
    'load-webhook-targets',
    loadWebhookTargetsSql,
    [ids],
  );
  return rows.map(row => ({
    ...row,
    secrets: row.secrets.map(secret => ({ ...secret, sealed: Buffer.from(secret.sealed, 'base64') })),
  }));
}
