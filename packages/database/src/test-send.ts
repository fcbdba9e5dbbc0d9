import type { AttemptStatus, DeliveryStatus } from '@signpost/delivery';
import { type AuditOf, insertAuditEntry } from './audit-entry.ts';
import { contractVersionSql } from './contracts.ts';
import type { Database } from './database.ts';
import { inTransaction } from './transaction.ts';

/** A synthetic event on its way to one webhook. */
export interface NewTestSend {
  readonly eventId: string;
  /** Carries the event's millisecond, like every delivery of it. */
  readonly deliveryId: string;
  readonly workspaceId: string;
  readonly webhookId: string;
  readonly eventType: string;
  readonly occurredAtMs: number;
  /** JSON text. */
  readonly payload: string;
}

/**
 * Stores a synthetic event and its only delivery. The event never stands in the outbox, so no other webhook gets it, and
 * the delivery has no due time, so nothing but its own job makes it.
 *
 * @returns false where the workspace has no such webhook; nothing is stored then
 */
export async function insertTestSend(database: Database, send: NewTestSend, audit: AuditOf): Promise<boolean> {
  return inTransaction(database, async client => {
    const { rows } = await client.query(insertTestSendSql, [
      send.eventId,
      send.eventType,
      new Date(send.occurredAtMs).toISOString(),
      send.payload,
      send.webhookId,
      send.workspaceId,
      send.deliveryId,
    ]);
    if (rows.length === 0) return false;
    await insertAuditEntry(client, audit());
    return true;
  });
}

const insertTestSendSql = `
  with target as (
    select w.id, w.workspace_id, coalesce(w.contract, ws.contract) as contract, ${contractVersionSql} as version
    from webhooks w join workspaces ws on ws.id = w.workspace_id where w.id = $5 and w.workspace_id = $6
  ), made as (
    insert into events (id, workspace_id, event_type, occurred_at, payload)
    select $1, target.workspace_id, $2, $3, $4 from target returning id, event_type
  )
  insert into deliveries (id, workspace_id, event_id, webhook_id, event_type, contract, contract_version, test)
  select $7, target.workspace_id, made.id, target.id, made.event_type, target.contract, target.version, true
  from target, made returning id`;

/** How a test send stands; the attempt's values are null until it was made. */
export interface TestSendState {
  readonly status: DeliveryStatus;
  readonly attemptStatus: AttemptStatus | null;
  readonly responseCode: number | null;
  readonly durationMs: number | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

export async function readTestSend(database: Database, deliveryId: string): Promise<TestSendState | null> {
  const { rows } = await database.pool.query<TestSendState>(
    `select d.status, a.status as "attemptStatus", a.response_code as "responseCode", a.duration_ms as "durationMs",
       a.error_code as "errorCode", a.error_message as "errorMessage"
     from deliveries d left join attempts a on a.delivery_id = d.id and a.trigger = 'test'
     where d.id = $1 order by a.number desc limit 1`,
    [deliveryId],
  );
  return rows[0] ?? null;
}
