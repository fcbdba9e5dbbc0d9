import { attemptErrors, type DeliveryStatus } from '@signpost/delivery';
import type { PoolClient } from 'pg';
import { type AuditOf, insertAuditEntry } from './audit-entry.ts';
import { closeDeliverySql } from './cancel.ts';
import type { Database } from './database.ts';
import { millisecondRange } from './id-range.ts';
import { inTransaction } from './transaction.ts';

/** An event whose payload was taken away, and what else that ended. */
export interface ExpungedPayload {
  readonly eventType: string;
  /** False: it stood in the outbox, and gets no deliveries any more. */
  readonly wasFannedOut: boolean;
  readonly cancelledDeliveries: number;
}

/**
 * Takes away an event's payload and metadata, and whatever of its attempts may repeat them; its deliveries are closed. The
 * row of the event stays, and so does that of its idempotency key: publishing it again gives the event without its payload.
 *
 * Behind the commit no attempt begins and nothing of the payload is written. Everything that could do either holds a lock
 * that is waited for here, and what it wrote is seen by the statements behind that lock:
 *
 * - a manual retry that is asked for holds the event (`requestManualRetry`);
 * - a fan-out that inserts deliveries holds the event's outbox row (`insertDeliveries`);
 * - an attempt that is recorded holds its delivery (`recordAttempts`), and counts only if that is still open.
 *
 * @returns false where the workspace has no such event
 */
export async function expungePayload(
  database: Database,
  workspaceId: string,
  id: string,
  audit: AuditOf<[ExpungedPayload]>,
): Promise<boolean> {
  return inTransaction(database, async client => {
    const { rows } = await client.query<{ eventType: string; isExpunged: boolean }>(
      `select event_type as "eventType", payload_expunged_at is not null as "isExpunged"
       from events where id = $1 and workspace_id = $2 for update`,
      [id, workspaceId],
    );
    if (rows[0] === undefined) return false;
    const { eventType, isExpunged } = rows[0];
    if (isExpunged) return true;
    const outbox = await client.query('delete from pending_fan_outs where event_id = $1', [id]);
    await client.query(
      'update events set payload = null, metadata = null, payload_expunged_at = clock_timestamp() where id = $1',
      [id],
    );
    const cancelledDeliveries = await closeDeliveries(client, id);
    await clearAttempts(client, id);
    await insertAuditEntry(client, audit({ eventType, wasFannedOut: outbox.rowCount === 0, cancelledDeliveries }));
    return true;
  });
}

/** @returns how many were pending */
async function closeDeliveries(client: PoolClient, eventId: string): Promise<number> {
  const { from, before } = millisecondRange(eventId);
  // All of them, in the order in which attempts are recorded: the two would deadlock otherwise.
  const { rows } = await client.query<{ status: DeliveryStatus }>(
    'select status from deliveries where id >= $2 and id < $3 and event_id = $1 order by id for update',
    [eventId, from, before],
  );
  await client.query(
    `update deliveries d set ${closeDeliverySql} where d.id >= $2 and d.id < $3 and d.event_id = $1
       and (d.status = 'pending' or d.manual_retry_at is not null)`,
    [eventId, from, before],
  );
  return rows.filter(({ status }) => status === 'pending').length;
}

/**
 * A contract may put values of the data into headers, receivers repeat what they got in headers and body, and the message
 * of a redirect names where it led. That a response came, its code and all times stay.
 */
async function clearAttempts(client: PoolClient, eventId: string): Promise<void> {
  const { from, before } = millisecondRange(eventId);
  await client.query(
    `update attempts a set request_headers = '{}', response_body = null, response_body_truncated = false,
       response_headers = case when a.response_headers is not null then '{}' end,
       error_message = case when a.response_headers is null then a.error_message else $4::json ->> a.error_code end
     from deliveries d
     where d.id >= $2 and d.id < $3 and d.event_id = $1
       and a.delivery_id = d.id and a.delivery_id >= $2 and a.delivery_id < $3`,
    [eventId, from, before, JSON.stringify(attemptErrors)],
  );
}
