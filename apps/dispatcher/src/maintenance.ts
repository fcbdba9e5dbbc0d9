import {
  type Database,
  deleteExpiredAuditEntries,
  deleteExpiredIdempotencyKeys,
  dropExpiredDays,
  ensurePartitions,
} from '@signpost/database';
import type { Logger } from '@signpost/runtime';
import type { DispatcherConfig } from './config.ts';

export interface MaintenanceOptions {
  readonly database: Database;
  readonly config: Pick<DispatcherConfig, 'RETENTION_DAYS' | 'IDEMPOTENCY_HOURS' | 'AUDIT_LOG_DAYS'>;
  readonly logger: Logger;
  /** Aborted: the round ends between two steps, and the next one does the rest. */
  readonly signal: AbortSignal;
}

const partitionDaysAhead = 7;

/** One round of what keeps the tables in order: partitions for the days to come, retention for those long gone. */
export async function maintain({ database, config, logger, signal }: MaintenanceOptions): Promise<void> {
  const daysNotMade = await ensurePartitions(database, partitionDaysAhead, signal);
  const { dropped, inUse, unfinished } = await dropExpiredDays(database, config.RETENTION_DAYS, signal);
  const forgotten = await deleteExpiredIdempotencyKeys(database, config.IDEMPOTENCY_HOURS, signal);
  const forgottenEntries = await deleteExpiredAuditEntries(database, config.AUDIT_LOG_DAYS, signal);
  if (dropped.length > 0 || forgotten > 0 || forgottenEntries > 0)
    logger.info({ dropped, forgotten_keys: forgotten, forgotten_audit_entries: forgottenEntries }, 'retention.applied');
  if (unfinished.length > 0) logger.warn({ days: unfinished }, 'retention.postponed');
  // Somebody reads for long, a report or a dump: nobody waits behind it, and the next round tries again.
  if (inUse.length > 0 || daysNotMade > 0)
    logger.warn({ days: inUse, days_not_made: daysNotMade }, 'partitions are in use; the next round tries again');
}
