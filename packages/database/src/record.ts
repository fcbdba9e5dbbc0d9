import { type AttemptErrorCode, attemptErrors, type DeliveryStatus } from '@signpost/delivery';
import { type Database, runHot } from './database.ts';
import { type AttemptRow, type BesideResult, recordBeside, rowColumns } from './record-beside.ts';

/** What follows for the delivery: final, or due again `retryInMs` after it is recorded. */
export type RecordedStep =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'retry'; readonly retryInMs: number };

/** An attempt and what follows from it. */
export interface AttemptRecord extends AttemptRow {
  /** The delivery as the attempt found it: if it has moved on since, the record moves nothing. */
  readonly fence: { readonly scheduledAttemptCount: number; readonly manualRetryAt: string | null };
  readonly step: RecordedStep;
}

export type RecordResult =
  | { readonly kind: 'recorded'; readonly number: number; readonly status: DeliveryStatus }
  /** The delivery had moved on: cancelled, or recorded by another dispatcher. The attempt is in the log and moved nothing. */
  | { readonly kind: 'superseded' };

/**
 * Moves deliveries on and writes their attempts, in one statement.
 *
 * The fence: a scheduled attempt counts only while the delivery is pending and no other scheduled attempt was recorded
 * since it was loaded; a manual one only while the very request that it answers is open. So a late or double result
 * moves nothing. A manual attempt that fails leaves status and schedule as they were.
 * The number of the attempt is given here, where the row is locked: scheduled and manual attempts never share one.
 */
const recordAttemptsSql = `
  with input as (
    select * from unnest($1::int[], $2::timestamptz[], $3::text[], $4::int[],
      $5::uuid[], $6::uuid[], $7::attempt_trigger[], $8::timestamptz[], $9::int[], $10::attempt_status[], $11::int[],
      $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::bool[], $20::text[],
      $21::int[], $22::int[], $23::int[], $24::int[])
      as t (fence_count, fence_at, step, retry_in_ms, id, delivery_id, trigger, started_at, duration_ms, status, response_code,
        error_code, error_message, request_method, request_url, request_headers, response_headers, response_body, truncated,
        phase, dns_ms, connect_ms, tls_ms, first_byte_ms)
  ), moved as (
    update deliveries d set
      attempt_count = d.attempt_count + 1,
      scheduled_attempt_count = d.scheduled_attempt_count + (i.trigger = 'scheduled')::int,
      last_response_code = i.response_code,
      manual_retry_at = case when i.trigger = 'manual' then null else d.manual_retry_at end,
      status = case
        when i.step = 'succeeded' then 'succeeded'
        when i.step = 'failed' and i.trigger <> 'manual' then 'failed'
        else d.status end,
      next_attempt_at = case
        when i.step = 'succeeded' then null
        when i.trigger = 'manual' then d.next_attempt_at
        when i.step = 'retry' then clock_timestamp() + i.retry_in_ms * interval '1 millisecond' end,
      completed_at = case
        when i.step = 'succeeded' or (i.step = 'failed' and i.trigger <> 'manual') then clock_timestamp()
        else d.completed_at end
    from input i
    where d.id = i.delivery_id and case i.trigger
      when 'manual' then d.manual_retry_at = i.fence_at
      else d.status = 'pending' and d.scheduled_attempt_count = i.fence_count end
    returning d.id, d.attempt_count, d.status
  ), written as (
    insert into attempts (delivery_id, number, id, trigger, started_at, duration_ms, status, response_code, error_code,
      error_message, request_method, request_url, request_headers, response_headers, response_body, response_body_truncated,
      phase, dns_ms, connect_ms, tls_ms, first_byte_ms)
    select i.delivery_id, m.attempt_count, i.id, i.trigger, i.started_at, i.duration_ms, i.status, i.response_code, i.error_code,
      i.error_message, i.request_method, i.request_url, i.request_headers, i.response_headers, i.response_body, i.truncated,
      i.phase, i.dns_ms, i.connect_ms, i.tls_ms, i.first_byte_ms
    from moved m join input i on i.delivery_id = m.id
  )
  select id, attempt_count as number, status from moved`;

/** What the log says of an attempt that ended when its delivery had moved on. */
const superseded: AttemptErrorCode = 'superseded';

/**
 * Records attempts. The same attempt may be recorded again, where it is not known whether that had succeeded: it stands in
 * the log once. One whose delivery has moved on since stands there, too, under the error `superseded`.
 *
 * @param records at most one for each delivery
 * @returns for each, in the order given, whether it counted
 */
export async function recordAttempts(database: Database, records: readonly AttemptRecord[]): Promise<RecordResult[]> {
  const rows = await runHot<{ id: string; number: number; status: DeliveryStatus }>(
    database,
    'record-attempts',
    recordAttemptsSql,
    // Rows are locked in the order given. Two dispatchers that have the same deliveries in hand, after a wiped Redis or a
    // freeze, would wait for each other otherwise, and Postgres would end one of them after a second (40P01).
    columnsOf(records.toSorted((a, b) => (a.deliveryId < b.deliveryId ? -1 : 1))),
  );
  const byDelivery = new Map(rows.map(row => [row.id, row]));
  const late = records.filter(record => !byDelivery.has(record.deliveryId));
  const beside = await recordBeside(database, late.map(asSuperseded));
  return records.map(record => {
    const row = byDelivery.get(record.deliveryId);
    return row === undefined ? lateResult(beside.get(record.deliveryId)) : recorded(row);
  });
}

const recorded = ({ number, status }: { number: number; status: DeliveryStatus }): RecordResult => ({
  kind: 'recorded',
  number,
  status,
});

/** An attempt that is there under another code was recorded before: only the answer was lost. */
function lateResult(found: BesideResult | undefined): RecordResult {
  return found === undefined || found.errorCode === superseded ? { kind: 'superseded' } : recorded(found);
}

/** Status, phase and answer stay what they were; what made it fail moves into the message. */
function asSuperseded(record: AttemptRecord): AttemptRow {
  const { errorCode, errorMessage } = record;
  const ended = errorCode === null ? '' : ` It ended with ${errorCode}: ${errorMessage}`;
  return { ...record, errorCode: superseded, errorMessage: attemptErrors[superseded] + ended };
}

function columnsOf(records: readonly AttemptRecord[]): unknown[] {
  return [
    records.map(record => record.fence.scheduledAttemptCount),
    records.map(record => record.fence.manualRetryAt),
    records.map(record => record.step.kind),
    records.map(record => (record.step.kind === 'retry' ? record.step.retryInMs : null)),
    ...rowColumns(records),
  ];
}
