import type { AuditAction, AuditActorType, AuditResourceType } from '@signpost/delivery';
import type { AuditAuthor, AuditEntry } from './audit-entry.ts';
import type { Database } from './database.ts';
import type { IdRange } from './id-range.ts';
import { newestFirst, type PageRequest, type PageRows, readPage } from './page.ts';

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
  page: PageRequest,
): Promise<PageRows<LoggedAuditEntry>> {
  const { rows, ...rest } = await readPage<AuditRow>(
    database,
    {
      columns: `id, workspace_id as "workspaceId", actor_type as "actorType", actor_id as "actorId", actor_name as "actorName",
        action, resource_type as "resourceType", resource_id as "resourceId", changes, ip, user_agent as "userAgent",
        request_id as "requestId", created_at as "createdAt"`,
      table: 'audit_log',
      filters: [
        ['workspace_id =', workspaceId],
        ['action =', filter.action],
        ['actor_id =', filter.actorId],
        ['resource_type =', filter.resourceType],
        ['resource_id =', filter.resourceId],
        ['id >=', filter.ids.from],
        ['id <', filter.ids.before],
      ],
      order: newestFirst,
    },
    page,
  );
  return { ...rest, rows: rows.map(entryOf) };
}

function entryOf({ actorType, actorId, actorName, ip, userAgent, requestId, ...entry }: AuditRow): LoggedAuditEntry {
  return { ...entry, author: { actor: { type: actorType, id: actorId, name: actorName }, ip, userAgent, requestId } };
}
