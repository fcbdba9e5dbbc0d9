import type { PoolClient } from 'pg';
import { checkEventTypeLimits } from './event-type-limits.ts';

/** An event type that a contract brings along. `schema` and `example` are JSON texts. */
export interface CatalogueEntry {
  readonly name: string;
  readonly description: string;
  readonly schema: string;
  readonly example: string;
}

/**
 * Adds event types that the workspace has not; what is there stays as it is, because the workspace may have changed it.
 * Rows are locked in the order event types, workspace, as whoever makes a single event type does: call it before the
 * workspace itself is changed.
 *
 * @returns the names of those that were added
 * @throws EventTypeLimitError
 */
export async function insertMissingEventTypes(
  client: PoolClient,
  workspaceId: string,
  eventTypes: readonly CatalogueEntry[],
): Promise<string[]> {
  if (eventTypes.length === 0) return [];
  // Two at once meet the names in the same order.
  const sorted = eventTypes.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const { rows } = await client.query<{ name: string }>(
    `with changed as (
       insert into event_types (workspace_id, name, description, schema, example)
       select $1, name, description, schema::json, example::json
       from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as t (name, description, schema, example)
       on conflict (workspace_id, name) do nothing returning name
     ), counted as (
       update workspaces set catalogue_revision = catalogue_revision + 1
       where id = $1 and exists (select from changed))
     select name from changed order by name collate "C"`,
    [
      workspaceId,
      sorted.map(each => each.name),
      sorted.map(each => each.description),
      sorted.map(each => each.schema),
      sorted.map(each => each.example),
    ],
  );
  if (rows.length > 0) await checkEventTypeLimits(client, workspaceId);
  return rows.map(row => row.name);
}
