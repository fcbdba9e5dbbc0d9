import { type AuditAction, type AuditActorType, auditResourceOf, type AuditResourceType } from '@signpost/delivery';
import type { PoolClient } from 'pg';
import type { Database } from './database.ts';
import type { IdRange } from './id-range.ts';
import type { PageById } from './workspaces.ts';

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

/** An entry as people see it. */
export interface LoggedAuditEntry extends AuditEntry {
  readonly id: string;
  readonly resourceType: AuditResourceType;
  readonly createdAt: Date;
}

/** Which entries a list shows; what is null restricts nothing. */
export interface AuditFilter {
  readonly action: AuditAction | null;
  readonly actorId: string | null;
  readonly resourceType: AuditResourceType | null;
  readonly resourceId: string | null;
  readonly ids: IdRange;
}

interface AuditRow extends Omit<LoggedAuditEntry, 'author'>, Omit<AuditAuthor, 'actor'> {
  readonly actorType: AuditActorType;
  readonly actorId: string | null;
  readonly actorName: string;
}

/**
 * Newest first.
 *
 * @param workspaceId null: the entries of all workspaces, and of none
 */
export async function listAuditEntries(
  database: Database,
  workspaceId: string | null,
  filter: AuditFilter,
  { limit, beforeId }: PageById,
): Promise<LoggedAuditEntry[]> {
  const values: unknown[] = [];
  const conditions = ['true'];
  const restrict = (condition: string, value: unknown): void => {
    if (value === null) return;
    values.push(value);
    conditions.push(`${condition} $${values.length}`);
  };
  restrict('workspace_id =', workspaceId);
  restrict('action =', filter.action);
  restrict('actor_id =', filter.actorId);
  restrict('resource_type =', filter.resourceType);
  restrict('resource_id =', filter.resourceId);
  restrict('id >=', filter.ids.from);
  restrict('id <', filter.ids.before);
  restrict('id <', beforeId);
  values.push(limit);
  const { rows } = await database.pool.query<AuditRow>(
    `select id, workspace_id as "workspaceId", actor_type as "actorType", actor_id as "actorId", actor_name as "actorName",
       action, resource_type as "resourceType", resource_id as "resourceId", changes, ip, user_agent as "userAgent",
       request_id as "requestId", created_at as "createdAt"
     from audit_log where ${conditions.join(' and ')} order by id desc limit $${values.length}`,
    values,
  );
  return rows.map(({ actorType, actorId, actorName, ip, userAgent, requestId, ...entry }) => ({
    ...entry,
    author: { actor: { type: actorType, id: actorId, name: actorName }, ip, userAgent, requestId },
  }));
}
