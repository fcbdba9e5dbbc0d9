import type { AttemptPhase, AttemptStatus, AttemptTimings, AttemptTrigger, DeliveryStatus } from '@signpost/delivery';
import { type Database, runHot } from './database.ts';

/** What follows for the delivery: final, or due again `retryInMs` after it is recorded. */
export type RecordedStep =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'retry'; readonly retryInMs: number };

/** An attempt and what follows from it. */
export interface AttemptRecord {
  readonly id: string;
  readonly deliveryId: string;
  readonly trigger: Exclude<AttemptTrigger, 'replay'>;
  /** The delivery as the attempt found it: if it has moved on since, the record changes nothing. */
  readonly fence: { readonly scheduledAttemptCount: number; readonly manualRetryAt: string | null };
  readonly step: RecordedStep;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly status: AttemptStatus;
  readonly responseCode: number | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly requestMethod: string;
  readonly requestUrl: string;
  /** JSON text. */
  readonly requestHeaders: string;
  readonly responseHeaders: string | null;
  readonly responseBody: string | null;
  readonly responseBodyTruncated: boolean;
  readonly phase: AttemptPhase;
  readonly timings: AttemptTimings;
}

export type RecordResult =
  | { readonly kind: 'recorded'; readonly number: number; readonly status: DeliveryStatus }
  /** The delivery had moved on: cancelled, or recorded by another dispatcher. Nothing was changed. */
  | { readonly kind: 'superseded' };

/**
 * Moves deliveries on and writes their attempts, in one statement.
 *
 * The fence: a scheduled attempt counts only while the delivery is pending and no other scheduled attempt was recorded
 * since it was loaded; a manual one only while the very request that it answers is open. So a late or double result
 * changes nothing. A manual attempt that fails leaves status and schedule as they were.
 * The number of the attempt is given here, where the row is locked: scheduled and manual attempts never share one.
 */
const recordAttemptsSql = `
  with input as (
    select * from unnest($1::uuid[], $2::uuid[], $3::attempt_trigger[], $4::int[], $5::timestamptz[], $6::text[], $7::int[],
      $8::timestamptz[], $9::int[], $10::attempt_status[], $11::int[], $12::text[], $13::text[], $14::text[], $15::text[],
      $16::text[], $17::text[], $18::text[], $19::bool[], $20::text[], $21::int[], $22::int[], $23::int[], $24::int[])
      as t (id, delivery_id, trigger, fence_count, fence_at, step, retry_in_ms, started_at, duration_ms, status, response_code,
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

/**
 * Records attempts.
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
  return records.map(record => {
    const row = byDelivery.get(record.deliveryId);
    return row === undefined ? { kind: 'superseded' } : { kind: 'recorded', number: row.number, status: row.status };
  });
}

function columnsOf(records: readonly AttemptRecord[]): unknown[] {
  return [
    records.map(record => record.id),
    records.map(record => record.deliveryId),
    records.map(record => record.trigger),
    records.map(record => record.fence.scheduledAttemptCount),
    records.map(record => record.fence.manualRetryAt),
    records.map(record => record.step.kind),
    records.map(record => (record.step.kind === 'retry' ? record.step.retryInMs : null)),
    records.map(record => new Date(record.startedAtMs).toISOString()),
    records.map(record => record.durationMs),
    records.map(record => record.status),
    records.map(record => record.responseCode),
    records.map(record => record.errorCode),
    records.map(record => record.errorMessage),
    records.map(record => record.requestMethod),
    records.map(record => record.requestUrl),
    records.map(record => record.requestHeaders),
    records.map(record => record.responseHeaders),
    records.map(record => record.responseBody),
    records.map(record => record.responseBodyTruncated),
    records.map(record => record.phase),
    records.map(record => record.timings.dnsMs),
    records.map(record => record.timings.connectMs),
    records.map(record => record.timings.tlsMs),
    records.map(record => record.timings.firstByteMs),
  ];
}
