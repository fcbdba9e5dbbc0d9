import type { PoolClient } from 'pg';

/** Event types that a workspace may have. */
export const maxEventTypes = 1000;
/** Bytes of JSON that their schemas may have together: an API process reads all of them anew after each change. */
export const maxSchemaBytes = 8 * 1024 * 1024;

/** A change would have taken a workspace's event types beyond their limits; nothing was changed. */
export class EventTypeLimitError extends Error {
  readonly code = 'too_many_event_types';

  constructor() {
    super(`A workspace has at most ${maxEventTypes} event types, with ${maxSchemaBytes} bytes of schemas.`);
  }
}

/**
 * Call it behind a statement that adds event types or makes a schema longer, in its transaction. That statement has
 * counted up the workspace's revision: of two at once the second waits, and sees here what the first has added.
 *
 * @throws EventTypeLimitError
 */
export async function checkEventTypeLimits(client: PoolClient, workspaceId: string): Promise<void> {
  const { rows } = await client.query<{ types: number; bytes: number }>(
    `select count(*)::int as types, coalesce(sum(octet_length(schema::text)), 0)::float8 as bytes
     from event_types where workspace_id = $1`,
    [workspaceId],
  );
  const { types, bytes } = rows[0] as { types: number; bytes: number };
  if (types > maxEventTypes || bytes > maxSchemaBytes) throw new EventTypeLimitError();
}
