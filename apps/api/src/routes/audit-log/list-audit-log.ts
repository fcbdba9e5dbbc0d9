import { operations } from '@signpost/api-schema';
import { listAuditEntries } from '@signpost/database';
import { parseId } from '@signpost/runtime';
import type { ApiDependencies } from '../../dependencies.ts';
import { answer } from '../../middleware/write-answer.ts';
import { idCursor, readCursor, toPage } from '../../pagination.ts';
import { route } from '../../routing.ts';
import { timeRange } from '../../time-range.ts';
import { auditEntryBody } from './audit-entry-body.ts';

export const listAuditLog = ({ database }: ApiDependencies) =>
  route(operations.listAuditLog, async ({ workspace, query }) => {
    const start = readCursor('auditEntry', query.cursor);
    if (start.kind === 'problem') return start;
    const rows = await listAuditEntries(
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
      { limit: query.limit + 1, beforeId: start.beforeId },
    );
    return answer(200, toPage(rows, query.limit, auditEntryBody, idCursor('auditEntry')));
  });
