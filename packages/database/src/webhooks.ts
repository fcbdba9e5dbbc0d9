import type { PoolClient } from 'pg';
import { type AuditOf, insertAuditEntry } from './audit-entry.ts';
import type { Database } from './database.ts';
import { newestFirst, type PageRequest, type PageRows, readPage } from './page.ts';
import { inTransaction } from './transaction.ts';
import { listSigningSecrets, type NewWebhookSecret, type SigningSecret } from './webhook-secrets.ts';

/** A webhook as it is managed; without its secrets. */
export interface Webhook {
  readonly id: string;
  readonly url: string;
  /** Patterns: `call.ended`, `call.*`, `*`. */
  readonly eventTypes: readonly string[];
  readonly description: string | null;
  /** Null: the workspace's. */
  readonly contract: string | null;
  /** Null: the contract's first. */
  readonly method: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Null: the contract's. */
  readonly timeoutMs: number | null;
  /** Delays in seconds; null: the contract's. */
  readonly retrySchedule: readonly number[] | null;
  readonly subject: string | null;
  readonly channels: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly active: boolean;
  /** Why Signpost deactivated it; null where it is active or a person deactivated it. */
  readonly deactivatedReason: string | null;
  /** Until when its receiver asked to be left alone; null where it did not, and when that is over. */
  readonly retryAfter: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a person decides about a webhook. */
export type WebhookSettings = Omit<Webhook, 'id' | 'deactivatedReason' | 'retryAfter' | 'createdAt' | 'updatedAt'>;

export interface NewWebhook extends WebhookSettings {
  /** UUIDv7. */
  readonly id: string;
  readonly workspaceId: string;
  /** Whether it is the one that belongs to its subject. */
  readonly bound?: boolean;
}

const columns = `id, url, event_types as "eventTypes", description, contract, method, headers, timeout_ms as "timeoutMs",
  retry_schedule as "retrySchedule", subject, channels, metadata, active, deactivated_reason as "deactivatedReason",
  case when retry_after > clock_timestamp() then retry_after end as "retryAfter",
  created_at as "createdAt", updated_at as "updatedAt"`;

/** The column of each setting, and how its value is written where the driver would write it otherwise. */
const settingColumns: Readonly<Record<keyof WebhookSettings, string>> = {
  url: 'url',
  eventTypes: 'event_types',
  description: 'description',
  contract: 'contract',
  method: 'method',
  headers: 'headers',
  timeoutMs: 'timeout_ms',
  retrySchedule: 'retry_schedule',
  subject: 'subject',
  channels: 'channels',
  metadata: 'metadata',
  active: 'active',
};
const jsonSettings = new Set<keyof WebhookSettings>(['headers', 'retrySchedule', 'metadata']);
const settingNames = Object.keys(settingColumns) as (keyof WebhookSettings)[];

function toParameter(name: keyof WebhookSettings, value: unknown): unknown {
  return jsonSettings.has(name) && value !== null ? JSON.stringify(value) : value;
}

/**
 * Every change of a webhook or of its secrets raises `webhooks.version` and `workspaces.webhooks_revision` in the same
 * transaction: dispatchers keep webhooks under these two numbers, and nothing else tells them of changes. Rows are locked
 * in the order webhook, workspace.
 */
export const raiseRevisionSql = `update workspaces set webhooks_revision = webhooks_revision + 1`;

const insertSql = `
  with made as (
    insert into webhooks (id, workspace_id, ${settingNames.map(name => settingColumns[name]).join(', ')}, bound)
    select $1, w.id, ${settingNames.map((_name, index) => `$${index + 3}`).join(', ')}, $${settingNames.length + 6}
    from workspaces w where w.id = $2
    on conflict (workspace_id, subject) where bound do nothing
    returning *
  ), kept as (
    insert into webhook_secrets (id, webhook_id, sealed, key_id)
    select $${settingNames.length + 3}, made.id, $${settingNames.length + 4}, $${settingNames.length + 5} from made
  ), raised as (
    ${raiseRevisionSql} where id = $2 and exists (select from made)
  )
  select ${columns} from made`;

/**
 * Stores a webhook with its first secret.
 *
 * @returns null where the workspace has been deleted, or where a webhook is bound to the subject already
 */
export async function insertWebhook(
  database: Database,
  webhook: NewWebhook,
  secret: NewWebhookSecret,
  audit: AuditOf<[Webhook]>,
): Promise<Webhook | null> {
  return inTransaction(database, async client => {
    const { rows } = await client.query<Webhook>(insertSql, [
      webhook.id,
      webhook.workspaceId,
      ...settingNames.map(name => toParameter(name, webhook[name])),
      secret.id,
      secret.sealed,
      secret.keyId,
      webhook.bound ?? false,
    ]);
    const made = rows[0] ?? null;
    if (made !== null) await insertAuditEntry(client, audit(made));
    return made;
  });
}

/** The webhook that belongs to a subject, or null. */
export async function findBoundWebhook(
  database: Database,
  workspaceId: string,
  subject: string,
): Promise<Webhook | null> {
  const { rows } = await database.pool.query<Webhook>(
    `select ${columns} from webhooks where workspace_id = $1 and subject = $2 and bound`,
    [workspaceId, subject],
  );
  return rows[0] ?? null;
}

/** @returns null where the workspace has no such webhook */
export async function findWebhook(database: Database, workspaceId: string, id: string): Promise<Webhook | null> {
  const { rows } = await database.pool.query<Webhook>(
    `select ${columns} from webhooks where id = $1 and workspace_id = $2`,
    [id, workspaceId],
  );
  return rows[0] ?? null;
}

/** Which webhooks a list shows; what is null restricts nothing. */
export interface WebhookFilter {
  readonly active: boolean | null;
  /** Only webhooks with a pattern that matches this event type. */
  readonly eventType: string | null;
  /** Only webhooks with this very subject. */
  readonly subject: string | null;
}

/** Newest first. */
export async function listWebhooks(
  database: Database,
  workspaceId: string,
  filter: WebhookFilter,
  page: PageRequest,
): Promise<PageRows<Webhook>> {
  return readPage(
    database,
    {
      columns,
      table: 'webhooks',
      filters: [
        ['workspace_id =', workspaceId],
        ['active =', filter.active],
        ['event_types &&', filter.eventType === null ? null : patternsThatMatch(filter.eventType)],
        ['subject =', filter.subject],
      ],
      order: newestFirst,
    },
    page,
  );
}

/** Every pattern under which an event type falls, by the rules of `matchesEventType`: `a.b` falls under `*`, `a.*`, `a.b`. */
export function patternsThatMatch(eventType: string): string[] {
  const parts = eventType.split('.');
  return ['*', ...parts.slice(1).map((_part, index) => `${parts.slice(0, index + 1).join('.')}.*`), eventType];
}

/** What is to become of a webhook, decided while its row is locked. */
export type WebhookDecision<Refusal> =
  | { readonly kind: 'change'; readonly changes: Partial<WebhookSettings> }
  | { readonly kind: 'refuse'; readonly refusal: Refusal };

export type WebhookChangeResult<Refusal> =
  | { readonly kind: 'changed'; readonly webhook: Webhook }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'missing' };

/** What an update of a webhook changed. */
export interface WebhookChange {
  readonly before: Webhook;
  readonly after: Webhook;
}

/**
 * Changes a webhook. The row is locked while `decide` looks at it, so that two changes at once cannot make a whole that
 * neither would have been allowed to make. Setting `active` forgets why Signpost had deactivated it. Settings that are
 * what they were already change nothing.
 *
 * @param decide must not wait for anything
 */
export async function changeWebhook<Refusal>(
  database: Database,
  workspaceId: string,
  id: string,
  decide: (current: Webhook, secrets: readonly SigningSecret[]) => WebhookDecision<Refusal>,
  audit: AuditOf<[WebhookChange]>,
): Promise<WebhookChangeResult<Refusal>> {
  return inTransaction(database, async client => {
    const current = await lockWebhook(client, workspaceId, id);
    if (current === null) return { kind: 'missing' };
    const decision = decide(current, await listSigningSecrets(client, id));
    if (decision.kind === 'refuse') return { kind: 'refused', refusal: decision.refusal };
    const names = settingNames.filter(
      // As text: the order of headers and of metadata's members is part of them.
      name =>
        decision.changes[name] !== undefined &&
        JSON.stringify(decision.changes[name]) !== JSON.stringify(current[name]),
    );
    if (names.length === 0) return { kind: 'changed', webhook: current };
    const sets = names.map((name, index) => `${settingColumns[name]} = $${index + 2}`);
    if (decision.changes.active === true) sets.push('deactivated_reason = null');
    // What a receiver asked for says nothing of another one, and who activates a webhook wants it to be tried.
    if (names.includes('url') || names.includes('active')) sets.push('retry_after = null');
    // One that gets another subject belongs to none any more.
    const subjectAt = names.indexOf('subject');
    if (subjectAt !== -1) sets.push(`bound = bound and subject is not distinct from $${subjectAt + 2}`);
    const { rows } = await client.query<Webhook>(
      `update webhooks set ${sets.join(', ')}, version = version + 1, updated_at = now() where id = $1 returning ${columns}`,
      [id, ...names.map(name => toParameter(name, decision.changes[name]))],
    );
    await client.query(`${raiseRevisionSql} where id = $1`, [workspaceId]);
    const after = rows[0] as Webhook;
    await insertAuditEntry(client, audit({ before: current, after }));
    return { kind: 'changed', webhook: after };
  });
}

/** Locks the row until the transaction ends. @returns null where the workspace has no such webhook */
export async function lockWebhook(client: PoolClient, workspaceId: string, id: string): Promise<Webhook | null> {
  const { rows } = await client.query<Webhook>(
    `select ${columns} from webhooks where id = $1 and workspace_id = $2 for update`,
    [id, workspaceId],
  );
  return rows[0] ?? null;
}

/** Deletes a webhook with its secrets; its deliveries stay. @returns whether the workspace had it */
export async function deleteWebhook(
  database: Database,
  workspaceId: string,
  id: string,
  audit: AuditOf<[Webhook]>,
): Promise<boolean> {
  return inTransaction(database, async client => {
    const { rows } = await client.query<Webhook>(
      `with gone as (delete from webhooks where id = $1 and workspace_id = $2 returning *),
         raised as (${raiseRevisionSql} where id = $2 and exists (select from gone))
       select ${columns} from gone`,
      [id, workspaceId],
    );
    if (rows[0] === undefined) return false;
    await insertAuditEntry(client, audit(rows[0]));
    return true;
  });
}
