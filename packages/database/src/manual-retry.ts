import { type AuditOf, insertAuditEntry } from './audit-entry.ts';
import type { Database } from './database.ts';
import { type LoggedDelivery, loggedDeliveryColumns } from './delivery-log.ts';
import { inTransaction } from './transaction.ts';

export type ManualRetryResult =
  | { readonly kind: 'accepted'; readonly delivery: LoggedDelivery }
  /** Its webhook has been deleted: there is nowhere to send it. */
  | { readonly kind: 'webhook_deleted' }
  /** The payload of its event has been expunged: there is nothing to send. */
  | { readonly kind: 'payload_expunged' }
  | { readonly kind: 'missing' };

/**
 * Asks for one more attempt of a delivery, whatever its status. A request that is still open stays the one it is: asking
 * twice gives one attempt.
 */
export async function requestManualRetry(
  database: Database,
  workspaceId: string,
  id: string,
  audit: AuditOf<[LoggedDelivery]>,
): Promise<ManualRetryResult> {
  return inTransaction<ManualRetryResult>(database, async client => {
    // The event is locked before the delivery, as `expungePayload` does: what is asked for here, that closes.
    const events = await client.query<{ isExpunged: boolean }>(
      `select e.payload_expunged_at is not null as "isExpunged" from deliveries d join events e on e.id = d.event_id
       where d.id = $1 and d.workspace_id = $2 for share of e`,
      [id, workspaceId],
    );
    if (events.rows[0]?.isExpunged === true) return { kind: 'payload_expunged' };
    const { rows } = await client.query<LoggedDelivery & { webhookExists: boolean; alreadyAsked: boolean }>(
      `select ${loggedDeliveryColumns}, d.manual_retry_at is not null as "alreadyAsked",
         exists (select from webhooks w where w.id = d.webhook_id) as "webhookExists"
       from deliveries d where d.id = $1 and d.workspace_id = $2 for update of d`,
      [id, workspaceId],
    );
    if (rows[0] === undefined) return { kind: 'missing' };
    const { webhookExists, alreadyAsked, ...delivery } = rows[0];
    if (!webhookExists) return { kind: 'webhook_deleted' };
    if (!alreadyAsked) {
      await client.query('update deliveries set manual_retry_at = clock_timestamp() where id = $1', [id]);
      await insertAuditEntry(client, audit(delivery));
    }
    return { kind: 'accepted', delivery };
  });
}
