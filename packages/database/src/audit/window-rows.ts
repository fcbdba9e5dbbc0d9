import type { PoolClient } from 'pg';
import type { DeliveryStatus } from '@signpost/delivery';

/** An event as the audit reads it. */
export interface AuditedEvent {
  readonly id: string;
  readonly workspaceId: string;
  readonly eventType: string;
  readonly subject: string | null;
  readonly channels: readonly string[];
  readonly createdAt: Date;
  /** It stands in the outbox: its deliveries need not exist yet. */
  readonly waits: boolean;
  /** Its payload was taken away, perhaps before its deliveries were made. */
  readonly isExpunged: boolean;
}

/** A delivery and what its attempts amount to. */
export interface AuditedDelivery {
  readonly id: string;
  readonly workspaceId: string;
  readonly eventId: string;
  readonly webhookId: string;
  readonly eventType: string;
  readonly status: DeliveryStatus;
  readonly attemptCount: number;
  readonly scheduledAttemptCount: number;
  readonly nextAttemptAt: Date | null;
  readonly completedAt: Date | null;
  readonly createdAt: Date;
  readonly test: boolean;
  readonly contract: string | null;
  readonly contractVersion: number | null;
  /** The document of that version, where it is the workspace's own. */
  readonly contractDocument: unknown;
  /** Rows. */
  readonly attempts: number;
  readonly firstNumber: number | null;
  readonly lastNumber: number | null;
  /** Those that take a place in the schedule: not those of which nobody saw or stored the end, nor those that came too late. */
  readonly scheduledAttempts: number;
  readonly lastScheduledNumber: number | null;
  readonly firstSuccessNumber: number | null;
}

/** A webhook as the audit reads it. */
export interface AuditedWebhook {
  readonly id: string;
  readonly workspaceId: string;
  readonly eventTypes: readonly string[];
  readonly subject: string | null;
  readonly channels: readonly string[];
  readonly active: boolean;
  readonly retrySchedule: readonly number[] | null;
  /** When it became what it is. */
  readonly changedAt: Date;
}

/** Ids from `from` up to, and without, `before`. */
export interface Window {
  readonly from: string;
  readonly before: string;
}

type Reader = Pick<PoolClient, 'query'>;

export async function readEvents(client: Reader, { from, before }: Window, workspaceId: string | null) {
  const { rows } = await client.query<AuditedEvent>(
    `select e.id, e.workspace_id as "workspaceId", e.event_type as "eventType", e.subject, e.channels,
       e.created_at as "createdAt", exists (select from pending_fan_outs p where p.event_id = e.id) as waits,
       e.payload_expunged_at is not null as "isExpunged"
     from events e
     where e.id >= $1 and e.id < $2 and ($3::uuid is null or e.workspace_id = $3) order by e.id`,
    [from, before, workspaceId],
  );
  return rows;
}

export async function readDeliveries(client: Reader, { from, before }: Window, workspaceId: string | null) {
  const { rows } = await client.query<AuditedDelivery>(
    `select d.id, d.workspace_id as "workspaceId", d.event_id as "eventId", d.webhook_id as "webhookId",
       d.event_type as "eventType", d.status, d.attempt_count as "attemptCount",
       d.scheduled_attempt_count as "scheduledAttemptCount", d.next_attempt_at as "nextAttemptAt",
       d.completed_at as "completedAt", d.created_at as "createdAt", d.test, d.contract,
       d.contract_version as "contractVersion", c.document as "contractDocument", a.*
     from deliveries d
     left join contracts c on c.workspace_id = d.workspace_id and c.name = d.contract and c.version = d.contract_version
     cross join lateral (
       select count(*)::int as attempts, min(number) as "firstNumber", max(number) as "lastNumber",
         count(*) filter (where by_schedule)::int as "scheduledAttempts",
         max(number) filter (where by_schedule) as "lastScheduledNumber",
         min(number) filter (where succeeded) as "firstSuccessNumber"
       from (
         select number, status = 'succeeded' and coalesce(error_code, '') <> 'superseded' as succeeded,
           trigger = 'scheduled' and coalesce(error_code, '')
             not in ('dispatcher_lost', 'quarantined', 'not_recorded', 'superseded') as by_schedule
         from attempts where delivery_id = d.id and delivery_id >= $1 and delivery_id < $2) as t
     ) a
     where d.id >= $1 and d.id < $2 and ($3::uuid is null or d.workspace_id = $3) order by d.id`,
    [from, before, workspaceId],
  );
  return rows;
}

/** Deliveries that have attempts and do not exist, with the number of their attempts. */
export async function readOrphanedAttempts(client: Reader, { from, before }: Window) {
  const { rows } = await client.query<{ deliveryId: string; attempts: number }>(
    `select a.delivery_id as "deliveryId", count(*)::int as attempts from attempts a
     where a.delivery_id >= $1 and a.delivery_id < $2
       and not exists (select from deliveries d where d.id = a.delivery_id and d.id >= $1 and d.id < $2)
     group by a.delivery_id order by a.delivery_id`,
    [from, before],
  );
  return rows;
}

export async function readWebhooks(client: Reader, workspaceIds: readonly string[]) {
  const { rows } = await client.query<AuditedWebhook>(
    `select id, workspace_id as "workspaceId", event_types as "eventTypes", subject, channels, active,
       retry_schedule as "retrySchedule", greatest(created_at, updated_at) as "changedAt"
     from webhooks where workspace_id = any($1::uuid[])`,
    [workspaceIds],
  );
  return rows;
}

/** @returns the workspaces' revisions, which every change of a webhook raises; workspaces that are gone are not among them */
export async function readRevisions(client: Reader, workspaceIds: readonly string[]) {
  const { rows } = await client.query<{ id: string; revision: string }>(
    'select id, webhooks_revision::text as revision from workspaces where id = any($1::uuid[])',
    [workspaceIds],
  );
  return new Map(rows.map(row => [row.id, row.revision]));
}

/** Of these webhooks, those that exist, with their workspaces. */
export async function readWebhookOwners(client: Reader, webhookIds: readonly string[]) {
  const { rows } = await client.query<{ id: string; workspaceId: string }>(
    'select id, workspace_id as "workspaceId" from webhooks where id = any($1::uuid[])',
    [webhookIds],
  );
  return new Map(rows.map(row => [row.id, row.workspaceId]));
}

/**
 * The days of which retention has dropped a part, as releases did that dropped table by table. To be read last: the
 * tables of any other day were there when they were read, since a day that was dropped does not come back.
 *
 * @returns days as `20261121` whose deliveries are gone, and those whose attempts are gone
 */
export async function readDroppedDays(client: Reader) {
  const { rows } = await client.query<{ parent: string; day: string }>(
    `select i.inhparent::regclass::text as parent, right(c.relname, 8) as day
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent in ('attempts'::regclass, 'deliveries'::regclass, 'events'::regclass)
       and c.relname ~ '_[0-9]{8}$'`,
  );
  const daysOf = (parent: string) => new Set(rows.filter(row => row.parent === parent).map(row => row.day));
  const [events, deliveries, attempts] = [daysOf('events'), daysOf('deliveries'), daysOf('attempts')];
  const without = (days: Iterable<string>, others: Set<string>) => new Set([...days].filter(day => !others.has(day)));
  return { deliveries: without(events, deliveries), attempts: without([...events, ...deliveries], attempts) };
}
