import type { AuditEntry, DeactivatedWebhook } from '@signpost/database';
import { formatId } from '@signpost/runtime';

/** The audit entry of a webhook that Signpost deactivated by itself. */
export function deactivationEntry({ id, workspaceId, reason }: DeactivatedWebhook): AuditEntry {
  return {
    author: {
      actor: { type: 'system', id: null, name: 'dispatcher' },
      ip: null,
      userAgent: null,
      requestId: null,
    },
    action: 'webhook.deactivated',
    workspaceId,
    resourceId: formatId('webhook', id),
    changes: { active: { before: true, after: false }, deactivated_reason: { before: null, after: reason } },
  };
}
