import { auditLogSchema, listAuditLogQuery } from '../audit-log.ts';
import { defineOperation } from '../operation.ts';

export const auditLogOperations = {
  listAuditLog: defineOperation({
    operationId: 'listAuditLog',
    method: 'get',
    path: '/v1/audit-log',
    tag: 'Audit log',
    summary: 'List who changed what',
    description:
      "Every change by a call or by Signpost itself, except publishing: events are a log of their own. A workspace's own; with the instance key and no workspace named, those of all workspaces and of the instance.",
    scope: 'admin',
    acrossWorkspaces: true,
    request: { query: listAuditLogQuery },
    responses: { 200: { description: 'Newest first.', schema: auditLogSchema } },
  }),
} as const;
