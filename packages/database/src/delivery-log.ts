import type { AttemptPhase, AttemptStatus, AttemptTimings, AttemptTrigger, DeliveryStatus } from '@signpost/delivery';
import type { ContractReference } from './contracts.ts';
import type { Database } from './database.ts';
import type { EventContent } from './deliver.ts';
import { type IdRange, millisecondRange } from './id-range.ts';
import { newestFirst, type PageRequest, type PageRows, readPage } from './page.ts';

/** A delivery as people see it. */
export interface LoggedDelivery {
  readonly id: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly webhookId: string;
  readonly status: DeliveryStatus;
  readonly attemptCount: number;
  readonly nextAttemptAt: Date | null;
  readonly createdAt: Date;
  readonly completedAt: Date | null;
}

/** Columns of a {@link LoggedDelivery}; the table goes by `d`. */
export const loggedDeliveryColumns = `d.id, d.event_id as "eventId", d.event_type as "eventType", d.webhook_id as "webhookId",
  d.status, d.attempt_count as "attemptCount", d.next_attempt_at as "nextAttemptAt", d.created_at as "createdAt",
  d.completed_at as "completedAt"`;

/** Which deliveries a list shows; what is null restricts nothing. */
export interface DeliveryFilter {
  readonly webhookId: string | null;
  readonly eventId: string | null;
  readonly eventType: string | null;
  readonly status: DeliveryStatus | null;
  /** Of the last attempt. */
  readonly responseCode: number | null;
  /** Only ids in this range: deliveries carry the millisecond of their event. */
  readonly ids: IdRange;
}

/** Newest first. */
export async function listDeliveries(
  database: Database,
  workspaceId: string,
  filter: DeliveryFilter,
  page: PageRequest,
): Promise<PageRows<LoggedDelivery>> {
  const ofEvent = filter.eventId === null ? null : millisecondRange(filter.eventId);
  return readPage(
    database,
    {
      columns: loggedDeliveryColumns,
      table: 'deliveries d',
      filters: [
        ['workspace_id =', workspaceId],
        ['webhook_id =', filter.webhookId],
        ['event_id =', filter.eventId],
        ['event_type =', filter.eventType],
        ['status =', filter.status],
        ['last_response_code =', filter.responseCode],
        ['id >=', filter.ids.from],
        ['id <', filter.ids.before],
        ['id >=', ofEvent?.from ?? null],
        ['id <', ofEvent?.before ?? null],
      ],
      order: newestFirst,
    },
    page,
  );
}

/** A delivery with what its requests were made from, as far as it still exists. */
export interface DeliveryWithSource extends LoggedDelivery {
  /** Null where retention has taken the event, or its payload was expunged. */
  readonly event: EventContent | null;
  /** Null where the webhook has been deleted. */
  readonly webhook: { readonly contract: string | null; readonly method: string | null } | null;
  /** The contract that it began with; null: it is from before deliveries said so. */
  readonly contract: ContractReference | null;
}

interface DeliveryWithSourceRow extends LoggedDelivery {
  occurredAtMs: number | null;
  payload: string | null;
  metadata: string | null;
  subject: string | null;
  webhookExists: boolean;
  webhookContract: string | null;
  contract: string | null;
  contractVersion: number | null;
  method: string | null;
}

/** @returns null where the workspace has no such delivery */
export async function findDelivery(
  database: Database,
  workspaceId: string,
  id: string,
): Promise<DeliveryWithSource | null> {
  const { rows } = await database.pool.query<DeliveryWithSourceRow>(
    `select ${loggedDeliveryColumns}, (extract(epoch from e.occurred_at) * 1000)::float8 as "occurredAtMs", e.payload,
       e.metadata, e.subject, w.id is not null as "webhookExists", w.contract as "webhookContract", w.method,
       d.contract, d.contract_version as "contractVersion"
     from deliveries d left join events e on e.id = d.event_id left join webhooks w on w.id = d.webhook_id
     where d.id = $1 and d.workspace_id = $2`,
    [id, workspaceId],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const { occurredAtMs, payload, metadata, subject, webhookExists, webhookContract, method, ...rest } = row;
  const { contract, contractVersion, ...delivery } = rest;
  const { eventId, eventType } = delivery;
  return {
    ...delivery,
    event:
      occurredAtMs === null || payload === null
        ? null
        : { id: eventId, eventType, occurredAtMs, payload, metadata, subject },
    webhook: webhookExists ? { contract: webhookContract, method } : null,
    contract: contract === null || contractVersion === null ? null : { contract, contractVersion },
  };
}

/** An attempt as it was recorded. */
export interface LoggedAttempt {
  readonly id: string;
  readonly number: number;
  readonly trigger: AttemptTrigger;
  /** Where nobody saw it, the time when it was due. */
  readonly startedAt: Date;
  /** Null where nobody saw the end. */
  readonly durationMs: number | null;
  readonly status: AttemptStatus;
  readonly responseCode: number | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly requestMethod: string;
  readonly requestUrl: string;
  /** JSON text; values of sensitive headers are masked. */
  readonly requestHeaders: string;
  /** JSON text; null where no response arrived. */
  readonly responseHeaders: string | null;
  readonly responseBody: string | null;
  readonly responseBodyTruncated: boolean;
  /** Null where nobody saw it, and in rows from before phases were recorded. */
  readonly phase: AttemptPhase | null;
  readonly timings: AttemptTimings;
}

/**
 * The newest attempts of a delivery, newest first.
 *
 * @param maxBytes it ends early, at the attempt whose headers and answer reach this; one attempt is returned at least
 */
export async function listAttempts(
  database: Database,
  deliveryId: string,
  limit: number,
  maxBytes: number,
): Promise<LoggedAttempt[]> {
  // Lengths come from the rows' headers: what is left out is never read.
  const { rows } = await database.pool.query<Omit<LoggedAttempt, 'timings'> & AttemptTimings>(
    `select id, number, trigger, started_at as "startedAt", duration_ms as "durationMs", status,
       response_code as "responseCode", error_code as "errorCode", error_message as "errorMessage",
       request_method as "requestMethod", request_url as "requestUrl", request_headers as "requestHeaders",
       response_headers as "responseHeaders", response_body as "responseBody",
       response_body_truncated as "responseBodyTruncated", phase, dns_ms as "dnsMs", connect_ms as "connectMs",
       tls_ms as "tlsMs", first_byte_ms as "firstByteMs"
     from (
       select *, sum(bytes) over (order by number desc) - bytes as bytes_before
       from (select *, octet_length(request_headers) + coalesce(octet_length(response_headers), 0)
           + coalesce(octet_length(response_body), 0) as bytes
         from attempts where delivery_id = $1 order by number desc limit $2) newest
     ) a where a.bytes_before < $3 order by number desc`,
    [deliveryId, limit, maxBytes],
  );
  return rows.map(({ dnsMs, connectMs, tlsMs, firstByteMs, ...attempt }) => ({
    ...attempt,
    timings: { dnsMs, connectMs, tlsMs, firstByteMs },
  }));
}

/** How many attempts of a delivery came before the one of this number. */
export async function countAttemptsBefore(database: Database, deliveryId: string, number: number): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    'select count(*)::int as count from attempts where delivery_id = $1 and number < $2',
    [deliveryId, number],
  );
  return rows[0]?.count ?? 0;
}
