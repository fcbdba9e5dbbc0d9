import {
  type AttemptErrorCode,
  attemptErrors,
  type AttemptPhase,
  type AttemptStatus,
  type AttemptTimings,
  type AttemptTrigger,
  type DeliveryStatus,
} from '@signpost/delivery';
import type { Database } from './database.ts';
import { inTransaction } from './transaction.ts';

/** An attempt as the log shows it. */
export interface AttemptRow {
  readonly id: string;
  /** The id under which this attempt is noted as lost if another dispatcher takes over its job. Hashed, so only on demand. */
  readonly lostId: () => string;
  readonly deliveryId: string;
  readonly trigger: Exclude<AttemptTrigger, 'replay'>;
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

/** The values of attempts, a column each, in the order that both statements name them. */
export function rowColumns(rows: readonly AttemptRow[]): unknown[] {
  return [
    rows.map(row => row.id),
    rows.map(row => row.deliveryId),
    rows.map(row => row.trigger),
    rows.map(row => new Date(row.startedAtMs).toISOString()),
    rows.map(row => row.durationMs),
    rows.map(row => row.status),
    rows.map(row => row.responseCode),
    rows.map(row => row.errorCode),
    rows.map(row => row.errorMessage),
    rows.map(row => row.requestMethod),
    rows.map(row => row.requestUrl),
    rows.map(row => row.requestHeaders),
    rows.map(row => row.responseHeaders),
    rows.map(row => row.responseBody),
    rows.map(row => row.responseBodyTruncated),
    rows.map(row => row.phase),
    rows.map(row => row.timings.dnsMs),
    rows.map(row => row.timings.connectMs),
    rows.map(row => row.timings.tlsMs),
    rows.map(row => row.timings.firstByteMs),
  ];
}

/** How an attempt stands in the log now. */
export interface BesideResult {
  readonly number: number;
  readonly errorCode: string | null;
  /** Of its delivery. */
  readonly status: DeliveryStatus;
}

const lockSql = 'select from deliveries where id = any($1::uuid[]) order by id for no key update';

/** Expunging an event's payload locks its deliveries: behind the same locks it is seen, or waits. */
const expungedSql = `
  select d.id from deliveries d join events e on e.id = d.event_id
  where d.id = any($1::uuid[]) and e.payload_expunged_at is not null`;

const writeSql = `
  with input as (
    select * from unnest($1::uuid[],
      $2::uuid[], $3::uuid[], $4::attempt_trigger[], $5::timestamptz[], $6::int[], $7::attempt_status[], $8::int[],
      $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bool[], $17::text[],
      $18::int[], $19::int[], $20::int[], $21::int[])
      as t (lost_id, id, delivery_id, trigger, started_at, duration_ms, status, response_code, error_code, error_message,
        request_method, request_url, request_headers, response_headers, response_body, truncated, phase, dns_ms, connect_ms,
        tls_ms, first_byte_ms)
  ), known as (
    select a.delivery_id, a.number, a.error_code from input i join attempts a on a.delivery_id = i.delivery_id and a.id = i.id
  ), told as (
    update attempts a set id = i.id, started_at = i.started_at, duration_ms = i.duration_ms, status = i.status,
      response_code = i.response_code, error_code = i.error_code, error_message = i.error_message,
      request_method = i.request_method, request_url = i.request_url, request_headers = i.request_headers,
      response_headers = i.response_headers, response_body = i.response_body, response_body_truncated = i.truncated,
      phase = i.phase, dns_ms = i.dns_ms, connect_ms = i.connect_ms, tls_ms = i.tls_ms, first_byte_ms = i.first_byte_ms
    from input i
    where a.delivery_id = i.delivery_id and a.id = i.lost_id
      and not exists (select from known k where k.delivery_id = i.delivery_id)
    returning a.delivery_id, a.number, a.error_code
  ), numbered as (
    update deliveries d set attempt_count = d.attempt_count + 1
    from input i
    where d.id = i.delivery_id and not exists (select from known k where k.delivery_id = i.delivery_id)
      and not exists (select from told t where t.delivery_id = i.delivery_id)
    returning d.id, d.attempt_count
  ), written as (
    insert into attempts (delivery_id, number, id, trigger, started_at, duration_ms, status, response_code, error_code,
      error_message, request_method, request_url, request_headers, response_headers, response_body, response_body_truncated,
      phase, dns_ms, connect_ms, tls_ms, first_byte_ms)
    select i.delivery_id, n.attempt_count, i.id, i.trigger, i.started_at, i.duration_ms, i.status, i.response_code, i.error_code,
      i.error_message, i.request_method, i.request_url, i.request_headers, i.response_headers, i.response_body, i.truncated,
      i.phase, i.dns_ms, i.connect_ms, i.tls_ms, i.first_byte_ms
    from numbered n join input i on i.delivery_id = n.id
    returning delivery_id, number, error_code
  )
  select l.delivery_id as "deliveryId", l.number, l.error_code as "errorCode", d.status
  from (select * from known union all select * from told union all select * from written) l
  join deliveries d on d.id = l.delivery_id`;

/** An attempt without what may repeat the event's payload: see `expungePayload`, which clears those that are written. */
function withoutPayload(row: AttemptRow): AttemptRow {
  const cleared = { ...row, requestHeaders: '{}', responseBody: null, responseBodyTruncated: false };
  if (row.responseHeaders === null) return cleared;
  const errorMessage = attemptErrors[row.errorCode as AttemptErrorCode] ?? null;
  return { ...cleared, responseHeaders: '{}', errorMessage };
}

/**
 * Writes attempts into the log beside the schedule: they take a number, and neither status nor schedule of their
 * deliveries move. One that is there already stays as it is; one that was noted as lost is told there.
 *
 * Rare, and so a transaction rather than a part of the statement for all: what was written before must be seen, also by a
 * statement whose answer was lost and that ends only now. Behind the rows' locks it is.
 *
 * @param attempts at most one for each delivery
 * @returns by delivery, how they stand in the log; those whose delivery is gone are missing
 */
export async function recordBeside(
  database: Database,
  attempts: readonly AttemptRow[],
): Promise<ReadonlyMap<string, BesideResult>> {
  if (attempts.length === 0) return new Map();
  const write = inTransaction(
    database,
    async client => {
      // In one order: see `recordAttempts`.
      const ids = attempts.map(({ deliveryId }) => deliveryId);
      await client.query(lockSql, [ids]);
      const { rows } = await client.query<{ id: string }>(expungedSql, [ids]);
      const expunged = new Set(rows.map(({ id }) => id));
      const shown = attempts.map(attempt => (expunged.has(attempt.deliveryId) ? withoutPayload(attempt) : attempt));
      const values = [attempts.map(({ lostId }) => lostId()), ...rowColumns(shown)];
      return client.query<BesideResult & { deliveryId: string }>(writeSql, values);
    },
    database.hotPool,
  );
  return new Map((await write).rows.map(({ deliveryId, ...result }) => [deliveryId, result]));
}
