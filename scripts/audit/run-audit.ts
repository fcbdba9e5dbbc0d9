import { builtInContracts, parseContractDocument } from '@signpost/contracts';
import { auditDatabase, openDatabase } from '@signpost/database';
import { openQueueAudit } from '@signpost/queue';
import { deriveUuid } from '@signpost/runtime';
import { auditQueue } from './audit-queue.ts';
import type { AuditCommand } from './options.ts';
import type { AuditResult } from './report.ts';

export interface AuditTarget {
  readonly databaseUrl: string;
  /** Null: Redis is not looked at. */
  readonly redisUrl: string | null;
}

/** @throws the drivers' errors: it could not be done */
export async function runAudit(
  target: AuditTarget,
  command: Omit<AuditCommand, 'kind' | 'json'>,
): Promise<AuditResult> {
  const startedAt = performance.now();
  const database = openDatabase({
    url: target.databaseUrl,
    maxConnections: 1,
    maxHotConnections: 1,
    onConnectionError: () => {}, // The query that wants the connection fails and says so.
  });
  try {
    const report = await auditDatabase(database, {
      rules: {
        deriveDeliveryId: deriveUuid,
        contractRetries,
        changeMarginMs: command.changeMarginMs,
      },
      lateness: { eventMs: command.lateEventsMs, deliveryMs: command.lateDeliveriesMs },
      sinceMs: command.sinceMs,
      untilMs: command.untilMs,
      workspaceId: command.workspaceId,
    });
    if (target.redisUrl === null)
      return { ...report, pendingDeliveries: null, durationMs: performance.now() - startedAt };
    const queue = await openQueueAudit(target.redisUrl);
    try {
      const { pending, findings } = await auditQueue(database, queue, command.workspaceId);
      const all = [...report.findings, ...findings];
      return { ...report, findings: all, pendingDeliveries: pending, durationMs: performance.now() - startedAt };
    } finally {
      queue.close();
    }
  } finally {
    await database.close();
  }
}

function contractRetries(name: string, document: unknown): number | null {
  if (document === null) return builtInContracts.get(name)?.retryScheduleSeconds.length ?? null;
  const parsed = parseContractDocument(document);
  return parsed.kind === 'valid' ? parsed.document.retry.schedule_seconds.length : null;
}
