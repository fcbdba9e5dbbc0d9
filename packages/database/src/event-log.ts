import type { Database } from './database.ts';
import { type LoggedDelivery, loggedDeliveryColumns } from './delivery-log.ts';
import { type IdRange, millisecondRange } from './id-range.ts';
import { finishPage, type List, newestFirst, type PageRequest, type PageRows, pageStatement } from './page.ts';

/** An event as people see it. */
export interface LoggedEvent {
  readonly id: string;
  readonly eventType: string;
  readonly occurredAt: Date;
  /** The published JSON text of `data`, byte for byte; null: it was expunged. */
  readonly payload: string | null;
  /** JSON text, or null. */
  readonly metadata: string | null;
  readonly subject: string | null;
  readonly channels: readonly string[];
  readonly createdAt: Date;
  readonly payloadExpungedAt: Date | null;
  /**
   * Whether its deliveries have been made. One that has none then matched no webhook, or its payload was expunged before
   * they were made.
   */
  readonly fannedOut: boolean;
}

const columns = `e.id, e.event_type as "eventType", e.occurred_at as "occurredAt", e.payload, e.metadata, e.subject, e.channels,
  e.created_at as "createdAt", e.payload_expunged_at as "payloadExpungedAt"`;
const fannedOut = `not exists (select from pending_fan_outs p where p.event_id = e.id) as "fannedOut"`;

/** Which events a list shows; what is null restricts nothing. */
export interface EventFilter {
  readonly eventType: string | null;
  readonly subject: string | null;
  readonly ids: IdRange;
}

/**
 * Newest first.
 *
 * @param maxPayloadBytes the page ends early, at the event whose payload reaches this: a hundred payloads of 256 KiB are
 *   more than an answer should hold. Those that are left out are the furthest from its start. At least one event is returned
 *   if there is one.
 */
export async function listEvents(
  database: Database,
  workspaceId: string,
  filter: EventFilter,
  page: PageRequest,
  maxPayloadBytes: number,
): Promise<PageRows<LoggedEvent>> {
  const list: List = {
    columns: '*',
    table: 'events',
    filters: [
      ['workspace_id =', workspaceId],
      ['event_type =', filter.eventType],
      ['subject =', filter.subject],
      ['id >=', filter.ids.from],
      ['id <', filter.ids.before],
    ],
    order: newestFirst,
  };
  const { text, values, orderBy } = pageStatement(list, { ...page, limit: page.limit + 1 });
  // Lengths come from the rows' headers: payloads that are left out are never read.
  const { rows } = await database.pool.query<LoggedEvent & { found: number }>(
    `select ${columns}, ${fannedOut}, e.found from (
       select *, (count(*) over ())::int as found,
         sum(bytes) over (order by ${orderBy}) - bytes as bytes_before
       from (select *, coalesce(octet_length(payload), 0) as bytes from (${text}) page) nearest
     ) e where e.bytes_before < $${values.push(maxPayloadBytes)} order by ${orderBy}`,
    values,
  );
  return finishPage(database, list, page, rows, rows[0]?.found ?? 0);
}

/** @returns null where the workspace has no such event */
export async function findEvent(database: Database, workspaceId: string, id: string): Promise<LoggedEvent | null> {
  const { rows } = await database.pool.query<LoggedEvent>(
    `select ${columns}, ${fannedOut} from events e where e.id = $1 and e.workspace_id = $2`,
    [id, workspaceId],
  );
  return rows[0] ?? null;
}

/** What became of an event. */
export interface DeliveriesOfEvent {
  /** How many there are. */
  readonly total: number;
  /** The first of them. */
  readonly deliveries: readonly LoggedDelivery[];
}

/**
 * The deliveries of events, for each of them at most `limit`. They are found by the event's millisecond, which their ids
 * carry, through the primary key.
 *
 * @returns by event id; events without deliveries are missing
 */
export async function listDeliveriesOfEvents(
  database: Database,
  eventIds: readonly string[],
  limit: number,
): Promise<ReadonlyMap<string, DeliveriesOfEvent>> {
  if (eventIds.length === 0) return new Map();
  const ranges = eventIds.map(millisecondRange);
  const { rows } = await database.pool.query<LoggedDelivery & { total: number }>(
    `select found.* from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as t (event_id, low, high)
     cross join lateral (
       select ${loggedDeliveryColumns}, (count(*) over ())::int as total from deliveries d
       where d.id >= t.low and d.id < t.high and d.event_id = t.event_id order by d.id desc limit $4
     ) found`,
    [eventIds, ranges.map(range => range.from), ranges.map(range => range.before), limit],
  );
  const byEvent = Map.groupBy(rows, row => row.eventId);
  return new Map([...byEvent].map(([id, found]) => [id, { total: found[0]?.total ?? 0, deliveries: found }]));
}
