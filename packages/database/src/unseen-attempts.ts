import type { AttemptErrorCode, AttemptTrigger } from '@signpost/delivery';
import { type Database, runHot } from './database.ts';

/** An attempt of which nobody saw the end: its dispatcher died, or a fault of ours keeps breaking it. */
export interface UnseenAttempt {
  /** The same for the same attempt, however often it is noted. */
  readonly id: string;
  readonly deliveryId: string;
  readonly trigger: Exclude<AttemptTrigger, 'replay'>;
  /** `attempt_count` as the delivery was read: if it has moved on since, nothing is noted. Null: noted in any case. */
  readonly fenceAttemptCount: number | null;
  readonly error: { readonly code: AttemptErrorCode; readonly message: string };
  /** True: the delivery ends as failed, and a manual retry that was asked for is dropped. */
  readonly final: boolean;
}

/**
 * Such an attempt gets a row and a number, so that the log shows that the receiver may have got a request; the retry
 * schedule does not move. Its start is the time when it was due, its length is unknown, and the request is told as far
 * as the webhook tells it now: what exactly was written died with the process.
 */
const noteSql = `
  with input as (
    select * from unnest($1::uuid[], $2::uuid[], $3::attempt_trigger[], $4::int[], $5::text[], $6::text[], $7::bool[])
      as t (id, delivery_id, trigger, fence_count, error_code, error_message, final)
  ), due as (
    select d.id, coalesce(case i.trigger when 'manual' then d.manual_retry_at end, d.next_attempt_at, d.created_at) as at
    from input i join deliveries d on d.id = i.delivery_id
  ), moved as (
    update deliveries d set
      attempt_count = d.attempt_count + 1,
      status = case when i.final and d.status = 'pending' then 'failed' else d.status end,
      completed_at = case when i.final and d.status = 'pending' then clock_timestamp() else d.completed_at end,
      next_attempt_at = case when i.final then null else d.next_attempt_at end,
      manual_retry_at = case when i.final then null else d.manual_retry_at end
    from input i
    where d.id = i.delivery_id and (i.fence_count is null or d.attempt_count = i.fence_count)
      and (d.status = 'pending' or d.manual_retry_at is not null)
      and not exists (select from attempts a where a.delivery_id = i.delivery_id and a.id = i.id)
    returning d.id, d.attempt_count, d.webhook_id
  )
  insert into attempts (delivery_id, number, id, trigger, started_at, status, error_code, error_message, request_method,
    request_url, request_headers)
  select m.id, m.attempt_count, i.id, i.trigger, due.at, 'failed', i.error_code, i.error_message,
    coalesce(w.method, 'POST'), coalesce(w.url, ''), '{}'
  from moved m join input i on i.delivery_id = m.id join due on due.id = m.id left join webhooks w on w.id = m.webhook_id
  returning delivery_id as "deliveryId"`;

/**
 * Notes attempts of which nobody saw the end.
 *
 * @param attempts at most one for each delivery
 * @returns the deliveries of those that were noted now, in any order
 */
export async function noteUnseenAttempts(
  database: Database,
  attempts: readonly UnseenAttempt[],
): Promise<ReadonlySet<string>> {
  // Rows are locked in the order given, the same as that of `recordAttempts`: the two would deadlock otherwise.
  const ordered = attempts.toSorted((a, b) => (a.deliveryId < b.deliveryId ? -1 : 1));
  const rows = await runHot<{ deliveryId: string }>(database, 'note-unseen-attempts', noteSql, [
    ordered.map(attempt => attempt.id),
    ordered.map(attempt => attempt.deliveryId),
    ordered.map(attempt => attempt.trigger),
    ordered.map(attempt => attempt.fenceAttemptCount),
    ordered.map(attempt => attempt.error.code),
    ordered.map(attempt => attempt.error.message),
    ordered.map(attempt => attempt.final),
  ]);
  return new Set(rows.map(row => row.deliveryId));
}
