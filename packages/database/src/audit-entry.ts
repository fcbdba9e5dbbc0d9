import { type AuditAction, type AuditActorType, auditResourceOf } from '@signpost/delivery';
import type { PoolClient } from 'pg';

/** Who makes a change, and from where. */
export interface AuditAuthor {
  readonly actor: {
    readonly type: AuditActorType;
    /** UUID of the key; null: the actor is none. */
    readonly id: string | null;
    readonly name: string;
  };
  /** Null where the change was not asked for over the network; so the next two. */
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly requestId: string | null;
}

/** What was changed. */
export interface AuditedChange {
  readonly action: AuditAction;
  /** Null: the change is none of a workspace's. */
  readonly workspaceId: string | null;
  /** As the API spells it: `wh_…`, or a name. */
  readonly resourceId: string;
  /**
   * Holds no secret: what was made or is gone, by field; of an update, `{before, after}` of each field that is another
   * now.
   */
  readonly changes: Readonly<Record<string, unknown>>;
}

export interface AuditEntry extends AuditedChange {
  readonly author: AuditAuthor;
}

/**
 * Makes the entry of a change from what came of it. A function that changes something takes one, calls it within the
 * change's transaction, and only where something has changed.
 */
export type AuditOf<Facts extends readonly unknown[] = []> = (...facts: Facts) => AuditEntry;

/**
 * Writes an entry in the transaction of its change: the two are there together or not at all. Its id and its time are those
 * of the database's clock.
 *
 * @param client within the transaction, behind the statements that make the change
 */
export async function insertAuditEntry(client: PoolClient, entry: AuditEntry): Promise<void> {
  const { author, workspaceId, action, resourceId, changes } = entry;
  const { actor, ip, userAgent, requestId } = author;
  await client.query(
    `insert into audit_log (id, created_at, workspace_id, actor_type, actor_id, actor_name, action, resource_type,
       resource_id, changes, ip, user_agent, request_id)
     select uuidv7_of(t.now), date_trunc('milliseconds', t.now), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
     from (select clock_timestamp() as now) t`,
    [
      workspaceId,
      actor.type,
      actor.id,
      actor.name,
      action,
      auditResourceOf(action),
      resourceId,
      JSON.stringify(changes),
      ip,
      userAgent,
      requestId,
    ],
  );
}
