import type { Database } from './database.ts';
import { type LoggedDelivery, loggedDeliveryColumns } from './delivery-log.ts';

export type ManualRetryResult =
  | { readonly kind: 'accepted'; readonly delivery: LoggedDelivery }
  /** Its webhook has been deleted: there is nowhere to send it. */
  | { readonly kind: 'webhook_deleted' }
  | { readonly kind: 'missing' };

/**
 * Asks for one more attempt of a delivery, whatever its status. A request that is still open stays the one it is: asking
 * twice gives one attempt.
 */
export async function requestManualRetry(
  database: Database,
  workspaceId: string,
  id: string,
): Promise<ManualRetryResult> {
  const { rows } = await database.pool.query<LoggedDelivery>(
    `update deliveries d set manual_retry_at = coalesce(d.manual_retry_at, clock_timestamp())
     where d.id = $1 and d.workspace_id = $2 and exists (select from webhooks w where w.id = d.webhook_id)
     returning ${loggedDeliveryColumns}`,
    [id, workspaceId],
  );
  if (rows[0] !== undefined) return { kind: 'accepted', delivery: rows[0] };
  const { rowCount } = await database.pool.query('select from deliveries where id = $1 and workspace_id = $2', [
    id,
    workspaceId,
  ]);
  return { kind: rowCount === 1 ? 'webhook_deleted' : 'missing' };
}
