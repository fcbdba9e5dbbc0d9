import { type AuditOf, insertAuditEntry } from './audit-entry.ts';
import type { Database } from './database.ts';
import { byName, type PageRequest, type PageRows, readPage } from './page.ts';
import { checkEventTypeLimits } from './event-type-limits.ts';
import { inTransaction } from './transaction.ts';

export interface EventType {
  readonly name: string;
  readonly description: string | null;
  /** JSON Schema, or null. */
  readonly schema: unknown;
  readonly example: unknown;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Fields of an event type to write. `schema` and `example` are JSON texts; null: none. */
export interface EventTypeFields {
  readonly description: string | null;
  readonly schema: string | null;
  readonly example: string | null;
}

/** What publishing and subscribing are checked against. */
export interface CatalogueRows {
  readonly revision: string;
  /** `schema` is JSON text, or null. */
  readonly eventTypes: readonly { readonly name: string; readonly schema: string | null }[];
}

const columns = 'name, description, schema, example, created_at as "createdAt", updated_at as "updatedAt"';

// Caches of a workspace's event types are keyed by its revision: every change counts it up, in the same commit.
const countRevision = `counted as (
  update workspaces set catalogue_revision = catalogue_revision + 1
  where id = $1 and exists (select from changed))`;

/**
 * @returns the event type, or null where the workspace has one of that name
 * @throws EventTypeLimitError
 */
export async function insertEventType(
  database: Database,
  workspaceId: string,
  name: string,
  { description, schema, example }: EventTypeFields,
  audit: AuditOf<[EventType]>,
): Promise<EventType | null> {
  return inTransaction(database, async client => {
    const { rows } = await client.query<EventType>(
      `with changed as (
         insert into event_types (workspace_id, name, description, schema, example) values ($1, $2, $3, $4, $5)
         on conflict (workspace_id, name) do nothing returning ${columns}), ${countRevision}
       select * from changed`,
      [workspaceId, name, description, schema, example],
    );
    const made = rows[0] ?? null;
    if (made === null) return null;
    await checkEventTypeLimits(client, workspaceId);
    await insertAuditEntry(client, audit(made));
    return made;
  });
}

/** What an update of an event type changed. */
export interface EventTypeChange {
  readonly before: EventType;
  readonly after: EventType;
}

/**
 * Writes the given fields and leaves the others; where all are what they were, nothing is changed.
 *
 * @returns null where there is no such event type
 * @throws EventTypeLimitError where the schema becomes longer than there is room for
 */
export async function updateEventType(
  database: Database,
  workspaceId: string,
  name: string,
  changes: Partial<EventTypeFields>,
  audit: AuditOf<[EventTypeChange]>,
): Promise<EventType | null> {
  return inTransaction(database, async client => {
    const found = await client.query<EventType & { texts: EventTypeFields }>(
      `select ${columns}, json_build_object('description', description, 'schema', schema::text, 'example', example::text) as texts
       from event_types where workspace_id = $1 and name = $2 for update`,
      [workspaceId, name],
    );
    if (found.rows[0] === undefined) return null;
    const { texts, ...before } = found.rows[0];
    const names = ['description', 'schema', 'example'] as const;
    if (names.every(each => changes[each] === undefined || changes[each] === texts[each])) return before;
    const { rows } = await client.query<EventType>(
      `with changed as (
         update event_types set
           description = case when $3 then $4 else description end,
           schema = case when $5 then $6::json else schema end,
           example = case when $7 then $8::json else example end,
           updated_at = now()
         where workspace_id = $1 and name = $2 returning ${columns}), ${countRevision}
       select * from changed`,
      [workspaceId, name, ...[changes.description, changes.schema, changes.example].flatMap(given)],
    );
    const after = rows[0] as EventType;
    if ((changes.schema?.length ?? 0) > (texts.schema?.length ?? 0)) await checkEventTypeLimits(client, workspaceId);
    await insertAuditEntry(client, audit({ before, after }));
    return after;
  });
}

function given(value: string | null | undefined): [boolean, string | null] {
  return [value !== undefined, value ?? null];
}

/** @returns whether there was one */
export async function deleteEventType(
  database: Database,
  workspaceId: string,
  name: string,
  audit: AuditOf<[EventType]>,
): Promise<boolean> {
  return inTransaction(database, async client => {
    const { rows } = await client.query<EventType>(
      `with changed as (
         delete from event_types where workspace_id = $1 and name = $2 returning ${columns}), ${countRevision}
       select * from changed`,
      [workspaceId, name],
    );
    if (rows[0] === undefined) return false;
    await insertAuditEntry(client, audit(rows[0]));
    return true;
  });
}

export async function findEventType(database: Database, workspaceId: string, name: string): Promise<EventType | null> {
  const { rows } = await database.pool.query<EventType>(
    `select ${columns} from event_types where workspace_id = $1 and name = $2`,
    [workspaceId, name],
  );
  return rows[0] ?? null;
}

/** By name, in the order of its bytes. */
export async function listEventTypes(
  database: Database,
  workspaceId: string,
  page: PageRequest,
): Promise<PageRows<EventType>> {
  const filters = [['workspace_id =', workspaceId]] as const;
  return readPage(database, { columns, table: 'event_types', filters, order: byName }, page);
}

/** All event types of a workspace, as of one moment; without any where there is no such workspace. */
export async function loadCatalogue(database: Database, workspaceId: string): Promise<CatalogueRows> {
  const { rows } = await database.pool.query<{ revision: string; name: string | null; schema: string | null }>(
    `select w.catalogue_revision::text as revision, t.name, t.schema::text as schema
     from workspaces w left join event_types t on t.workspace_id = w.id where w.id = $1`,
    [workspaceId],
  );
  return {
    revision: rows[0]?.revision ?? '0',
    eventTypes: rows.flatMap(({ name, schema }) => (name === null ? [] : { name, schema })),
  };
}
