import { operations } from '@signpost/api-schema';
import { listAuditEntries } from '@signpost/database';
import { parseId } from '@signpost/runtime';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { idCursors, readPageQuery, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { timeRange } from '../../time-range.ts';
import { auditEntryBody } from './audit-entry-body.ts';

export const listAuditLog = ({ database, encryption }: ApiDependencies) =>
  route(operations.listAuditLog, async ({ workspace, query }) => {
    const cursors = idCursors(encryption, 'auditEntry', workspace?.workspaceId ?? null);
    const page = readPageQuery(cursors, query);
    if (page.kind === 'problem') return page;
    const found = await listAuditEntries(
      database,
      // Null with the instance's key alone: it sees all.
      workspace?.workspaceId ?? null,
      {
        action: query.action ?? null,
        actorId: query.actor_id === undefined ? null : parseId('apiKey', query.actor_id),
        resourceType: query.resource_type ?? null,
        resourceId: query.resource_id ?? null,
        ids: timeRange(query),
      },
      page,
    );
    return answer(200, toPage(cursors, page, found, auditEntryBody));
  });
