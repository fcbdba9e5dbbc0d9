import type { AuditEntryBody } from '@signpost/api-schema';
import type { LoggedAuditEntry } from '@signpost/database';
import { formatId } from '@signpost/runtime';

export function auditEntryBody(entry: LoggedAuditEntry): AuditEntryBody {
  const { author, workspaceId } = entry;
  const { actor } = author;
  return {
    id: formatId('auditEntry', entry.id),
    workspace_id: workspaceId === null ? null : formatId('workspace', workspaceId),
    actor: { type: actor.type, id: actor.id === null ? null : formatId('apiKey', actor.id), name: actor.name },
    action: entry.action,
    resource: { type: entry.resourceType, id: entry.resourceId },
    changes: entry.changes,
    ip: author.ip,
    user_agent: author.userAgent,
    request_id: author.requestId,
    created_at: entry.createdAt.toISOString(),
  };
}
