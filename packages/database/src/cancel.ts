import { type AuditOf, insertAuditEntry } from './audit-entry.ts';
import { type Database, runHot } from './database.ts';
import { inTransaction } from './transaction.ts';

/** What becomes of a delivery that gets no further attempt; the table goes by `d`. One that has ended keeps its status. */
export const closeDeliverySql = `
  status = case d.status when 'pending' then 'cancelled' else d.status end,
  completed_at = case d.status when 'pending' then clock_timestamp() else d.completed_at end,
  next_attempt_at = null, manual_retry_at = null`;

/** Cancels those of these deliveries that are pending, and drops manual retries that were asked for. */
export async function cancelDeliveries(database: Database, ids: readonly string[]): Promise<void> {
  await runHot(
    database,
    'cancel-deliveries',
    `update deliveries d set ${closeDeliverySql}
     from unnest($1::uuid[]) as t (id)
     where d.id = t.id and (d.status = 'pending' or d.manual_retry_at is not null)`,
    [ids],
  );
}

/**
 * Cancels the pending deliveries of a webhook. A delivery that a fan-out inserts at this very moment is not seen here;
 * the dispatcher finds its webhook inactive or gone and cancels it then.
 */
export async function cancelPendingDeliveries(database: Database, webhookId: string): Promise<number> {
  const { rowCount } = await database.pool.query(
    `update deliveries set status = 'cancelled', completed_at = clock_timestamp(), next_attempt_at = null, manual_retry_at = null
     where webhook_id = $1 and status = 'pending'`,
    [webhookId],
  );
  return rowCount ?? 0;
}

/**
 * Deactivates a webhook. Its pending deliveries are cancelled by {@link cancelPendingDeliveries}, or when their time comes.
 *
 * @param reason why, for people: `gone` where the receiver answered 410
 * @returns whether it was active before
 */
export async function deactivateWebhook(
  database: Database,
  webhookId: string,
  reason: string,
  audit: AuditOf<[DeactivatedWebhook]>,
): Promise<boolean> {
  return inTransaction(database, async client => {
    const { rows } = await client.query<{ id: string }>(
      `with changed as (
         update webhooks set active = false, deactivated_reason = $2, version = version + 1, updated_at = now()
         where id = $1 and active returning workspace_id)
       update workspaces set webhooks_revision = webhooks_revision + 1
       where id = (select workspace_id from changed) returning id`,
      [webhookId, reason],
    );
    if (rows[0] === undefined) return false;
    await insertAuditEntry(client, audit({ id: webhookId, workspaceId: rows[0].id, reason }));
    return true;
  });
}

export interface DeactivatedWebhook {
  readonly id: string;
  readonly workspaceId: string;
  readonly reason: string;
}
