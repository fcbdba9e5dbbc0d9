import { type Database, runHot } from './database.ts';

/** An event as it is stored. */
export interface NewEvent {
  /** UUIDv7. */
  readonly id: string;
  readonly workspaceId: string;
  readonly eventType: string;
  readonly occurredAtMs: number;
  /** The published JSON text of `data`, byte for byte. */
  readonly payload: string;
  /** JSON text, or null. */
  readonly metadata: string | null;
  readonly subject: string | null;
  readonly channels: readonly string[];
  readonly idempotencyKey: string | null;
  /** SHA-256 of what was published; tells a repeat from a reused key. */
  readonly fingerprint: Buffer;
}

export type StoredEvent =
  | { readonly kind: 'accepted' }
  /** The key was used before, by the event `eventId`; `sameContent` tells a repeat from a reuse. */
  | {
      readonly kind: 'key_taken';
      readonly eventId: string;
      readonly eventType: string;
      readonly occurredAt: Date;
      readonly sameContent: boolean;
    };

/**
 * One statement for all events of a group commit: keys first, then the events whose key (if they have one) is new, then
 * their rows in the outbox. `on conflict do nothing` waits for another commit that holds the same key, so the look-up
 * afterwards sees it. Rows go in by workspace and key: two commits that share keys would otherwise deadlock.
 *
 * Metadata, subject and channels are rare; channels travel as JSON because arrays of arrays must be rectangular.
 */
const insertEventsSql = `
  with input as (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bytea[])
      as t (id, workspace_id, event_type, occurred_at, payload, metadata, subject, channels, key, fingerprint)
  ), keys as (
    insert into idempotency_keys (workspace_id, key, event_id, fingerprint)
    select workspace_id, key, id, fingerprint from input where key is not null
    on conflict (workspace_id, key) do nothing
    returning event_id
  ), accepted as (
    insert into events (id, workspace_id, event_type, occurred_at, payload, metadata, subject, channels)
    select id, workspace_id, event_type, occurred_at, payload, metadata, subject,
      case when channels is null then '{}' else array(select json_array_elements_text(channels::json)) end
    from input where key is null or exists (select from keys where keys.event_id = input.id)
    returning id
  )
  insert into pending_fan_outs (event_id) select id from accepted returning event_id`;

const findKeysSql = `
  select k.workspace_id, k.key, k.event_id, k.fingerprint, e.event_type, e.occurred_at
  from unnest($1::uuid[], $2::text[]) as t (workspace_id, key)
  join idempotency_keys k on k.workspace_id = t.workspace_id and k.key = t.key
  left join events e on e.id = k.event_id`;

interface KeyRow {
  workspace_id: string;
  key: string;
  event_id: string;
  fingerprint: Buffer;
  event_type: string | null;
  occurred_at: Date | null;
}

/**
 * Stores events, durably, in one commit. When it resolves, each is accepted for good or was before.
 *
 * @returns for each event, in the order given, what became of it
 * @throws the driver's error; nothing was stored then
 */
export async function insertEvents(database: Database, events: readonly NewEvent[]): Promise<StoredEvent[]> {
  const sorted = events.some(event => event.idempotencyKey !== null) ? events.toSorted(byKey) : events;
  const rows = await runHot<{ event_id: string }>(database, 'insert-events', insertEventsSql, [
    sorted.map(event => event.id),
    sorted.map(event => event.workspaceId),
    sorted.map(event => event.eventType),
    sorted.map(event => new Date(event.occurredAtMs).toISOString()),
    sorted.map(event => event.payload),
    sorted.map(event => event.metadata),
    sorted.map(event => event.subject),
    sorted.map(event => (event.channels.length === 0 ? null : JSON.stringify(event.channels))),
    sorted.map(event => event.idempotencyKey),
    sorted.map(event => event.fingerprint),
  ]);
  if (rows.length === events.length) return events.map(() => ({ kind: 'accepted' }));
  const accepted = new Set(rows.map(row => row.event_id));
  const taken = await findTakenKeys(
    database,
    events.filter(event => !accepted.has(event.id)),
  );
  return events.map(event => (accepted.has(event.id) ? { kind: 'accepted' } : describeTaken(event, taken)));
}

function byKey(a: NewEvent, b: NewEvent): number {
  const [left, right] = [a, b].map(event => `${event.workspaceId} ${event.idempotencyKey ?? ''}`) as [string, string];
  return left < right ? -1 : left > right ? 1 : 0;
}

async function findTakenKeys(database: Database, events: readonly NewEvent[]): Promise<Map<string, KeyRow>> {
  const rows = await runHot<KeyRow>(database, 'find-keys', findKeysSql, [
    events.map(event => event.workspaceId),
    events.map(event => event.idempotencyKey),
  ]);
  return new Map(rows.map(row => [`${row.workspace_id} ${row.key}`, row]));
}

function describeTaken(event: NewEvent, taken: ReadonlyMap<string, KeyRow>): StoredEvent {
  const row = taken.get(`${event.workspaceId} ${event.idempotencyKey}`);
  // The key's row can only be missing if it expired within these milliseconds.
  if (row === undefined) throw new Error('An idempotency key vanished while it was looked up; publish again.');
  return {
    kind: 'key_taken',
    eventId: row.event_id,
    eventType: row.event_type ?? event.eventType,
    occurredAt: row.occurred_at ?? new Date(event.occurredAtMs),
    sameContent: row.fingerprint.equals(event.fingerprint),
  };
}
