import type { AuditAction, AuditActorType, AuditResourceType } from '@signpost/delivery';
import type { AuditAuthor, AuditEntry } from './audit-entry.ts';
import type { Database } from './database.ts';
import type { IdRange } from './id-range.ts';
import type { PageById } from './workspaces.ts';

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
