import { type Database, runHot } from './database.ts';

/** Answers that come at about the same time ask for about the same: the first of them is written, for so many ms more. */
const roundUpMs = 250;

/**
 * Notes that a webhook's receiver asked to be left alone. A moment that was noted before stays if it is later.
 *
 * @returns whether anything was to be changed
 */
export async function noteRetryAfter(database: Database, webhookId: string, retryAfterMs: number): Promise<boolean> {
  const { rowCount } = await database.pool.query(
    `update webhooks set retry_after = clock_timestamp() + ($2::int + ${roundUpMs}) * interval '1 millisecond'
     where id = $1 and (retry_after is null or retry_after < clock_timestamp() + $2::int * interval '1 millisecond')`,
    [webhookId, retryAfterMs],
  );
  return rowCount === 1;
}

/** A delivery that is due and has to wait all the same. */
export interface PutOffDelivery {
  readonly id: string;
  /** As it was found: if it has moved on since, it stays as it is. */
  readonly scheduledAttemptCount: number;
  readonly delayMs: number;
}

const putOffSql = `
  update deliveries d set next_attempt_at = clock_timestamp() + t.delay_ms * interval '1 millisecond'
  from unnest($1::uuid[], $2::int[], $3::int[]) as t (id, fence_count, delay_ms)
  where d.id = t.id and d.status = 'pending' and d.scheduled_attempt_count = t.fence_count`;

/** Gives deliveries a later due time, without an attempt. */
export async function putOffDeliveries(database: Database, deliveries: readonly PutOffDelivery[]): Promise<void> {
  // In one order, as attempts are recorded: two dispatchers with the same deliveries in hand would lock each other out.
  const ordered = deliveries.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  await runHot(database, 'put-off-deliveries', putOffSql, [
    ordered.map(({ id }) => id),
    ordered.map(({ scheduledAttemptCount }) => scheduledAttemptCount),
    ordered.map(({ delayMs }) => delayMs),
  ]);
}
