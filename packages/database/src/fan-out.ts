import { contractVersionSql } from './contracts.ts';
import { type Database, runHot } from './database.ts';

/** An event that wants its deliveries made. */
export interface EventToFanOut {
  readonly id: string;
  readonly workspaceId: string;
  readonly eventType: string;
  readonly subject: string | null;
  readonly channels: readonly string[];
  /** By the clock of Postgres. */
  readonly createdAtMs: number;
  /** Changes with every change of the workspace's webhooks. */
  readonly webhooksRevision: string;
}

/** What of a webhook the fan-out wants to know. */
export interface SubscribedWebhook {
  readonly id: string;
  readonly eventTypes: readonly string[];
  readonly subject: string | null;
  readonly channels: readonly string[];
  readonly active: boolean;
  /** By the clock of Postgres. */
  readonly createdAtMs: number;
  /** Its own contract or the workspace's. */
  readonly contract: string;
  /** The contract's current version; 0: it is none of the workspace's own. */
  readonly contractVersion: number;
}

export interface NewDelivery {
  /** Derived from the event and the webhook: see `deriveUuid`. */
  readonly id: string;
  readonly workspaceId: string;
  readonly eventId: string;
  readonly webhookId: string;
  readonly eventType: string;
  readonly contract: string;
  readonly contractVersion: number;
}

/** An event of a workspace that has been deleted since, or that retention took: nobody gets it. */
export interface OrphanedEvent {
  readonly id: string;
  readonly workspaceId: null;
}

// Only events that still stand in the outbox: one that was fanned out is done, and doing it again could match webhooks
// that were made since.
const loadEventsSql = `
  select p.event_id as id, w.id as "workspaceId", e.event_type as "eventType", e.subject, e.channels,
    (extract(epoch from e.created_at) * 1000)::float8 as "createdAtMs", w.webhooks_revision::text as "webhooksRevision"
  from unnest($1::uuid[]) as t (id)
  join pending_fan_outs p on p.event_id = t.id and (p.retry_at is null or p.retry_at <= clock_timestamp())
  left join events e on e.id = t.id
  left join workspaces w on w.id = e.workspace_id`;

/** Of these events, those that have not been fanned out and do not wait after a fault. */
export async function loadEventsToFanOut(
  database: Database,
  eventIds: readonly string[],
): Promise<readonly (EventToFanOut | OrphanedEvent)[]> {
  return runHot<EventToFanOut | OrphanedEvent>(database, 'load-events-to-fan-out', loadEventsSql, [eventIds]);
}

/** The active webhooks of a workspace, with the contracts that their next deliveries begin with. */
export async function loadSubscribedWebhooks(
  database: Database,
  workspaceId: string,
): Promise<readonly SubscribedWebhook[]> {
  const { rows } = await database.pool.query<SubscribedWebhook>(
    `select w.id, w.event_types as "eventTypes", w.subject, w.channels, w.active,
       (extract(epoch from w.created_at) * 1000)::float8 as "createdAtMs",
       coalesce(w.contract, ws.contract) as contract, ${contractVersionSql} as "contractVersion"
     from webhooks w join workspaces ws on ws.id = w.workspace_id
     where w.workspace_id = $1 and w.active order by w.id`,
    [workspaceId],
  );
  return rows;
}

// The lock on the outbox row is what `expungePayload` waits for before it cancels deliveries: those that are made at the
// same moment are there by then, and behind it none are made.
// Each outbox row is locked once, not once for each of its deliveries.
const insertDeliveriesSql = `
  with held as materialized (
    select p.event_id from unnest($8::uuid[]) as t (event_id) join pending_fan_outs p on p.event_id = t.event_id
    for key share of p
  )
  insert into deliveries (id, workspace_id, event_id, webhook_id, event_type, contract, contract_version, next_attempt_at)
  select t.id, workspace_id, t.event_id, webhook_id, event_type, contract, contract_version, now()
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::int[])
    as t (id, workspace_id, event_id, webhook_id, event_type, contract, contract_version)
  join held on held.event_id = t.event_id
  on conflict (id) do nothing`;

/** Makes deliveries of events that stand in the outbox, due now. One that exists already stays as it is. */
export async function insertDeliveries(database: Database, deliveries: readonly NewDelivery[]): Promise<void> {
  // Outbox rows are locked in the order given, the same as that of `markFannedOut`: two fan-outs of the same events would
  // wait for each other otherwise.
  const eventIds = [...new Set(deliveries.map(delivery => delivery.eventId))].sort();
  await runHot(database, 'insert-deliveries', insertDeliveriesSql, [
    deliveries.map(delivery => delivery.id),
    deliveries.map(delivery => delivery.workspaceId),
    deliveries.map(delivery => delivery.eventId),
    deliveries.map(delivery => delivery.webhookId),
    deliveries.map(delivery => delivery.eventType),
    deliveries.map(delivery => delivery.contract),
    deliveries.map(delivery => delivery.contractVersion),
    eventIds,
  ]);
}

const markFannedOutSql = `
  delete from pending_fan_outs p using unnest($1::uuid[]) as t (event_id) where p.event_id = t.event_id`;

/** Takes events out of the outbox: their deliveries exist. */
export async function markFannedOut(database: Database, eventIds: readonly string[]): Promise<void> {
  await runHot(database, 'mark-fanned-out', markFannedOutSql, [eventIds.toSorted()]);
}

/**
 * Notes that the fan-out of these events failed by a fault of ours. They stay in the outbox, since nothing accepted is
 * given up, and are tried again after 10 s, 20 s, 40 s … up to an hour.
 */
export async function postponeFanOuts(database: Database, eventIds: readonly string[]): Promise<void> {
  await database.pool.query(
    `update pending_fan_outs set faults = faults + 1,
       retry_at = clock_timestamp() + least(interval '1 hour', interval '10 seconds' * power(2, least(faults, 10)))
     where event_id = any($1::uuid[])`,
    [eventIds],
  );
}
