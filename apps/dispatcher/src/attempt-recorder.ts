import {
  type AttemptRecord,
  type Database,
  isDatabaseUnavailable,
  recordAttempts,
  type RecordResult,
} from '@signpost/database';
import { createMicroBatch, formatId, type Logger } from '@signpost/runtime';

/** Writes attempts and what follows from them, many in one statement. */
export interface AttemptRecorder {
  /**
   * Does not give up while Postgres is away for up to `maxOutageMs`: the request was made, and a receiver that gets it twice
   * because nobody wrote it down is worse than a job that ends late.
   *
   * @throws the driver's error after that
   */
  record(record: AttemptRecord): Promise<RecordResult>;
  drain(): Promise<void>;
}

export interface AttemptRecorderOptions {
  readonly database: Database;
  readonly logger: Logger;
  readonly maxOutageMs?: number;
}

const retryEveryMs = 500;

export function createAttemptRecorder({
  database,
  logger,
  maxOutageMs = 30_000,
}: AttemptRecorderOptions): AttemptRecorder {
  const batch = createMicroBatch<AttemptRecord, RecordResult>({
    // Two statements at a time keep one in the making while the other is on its way.
    maxItems: 128,
    intervalMs: 8,
    concurrency: 2,
    run: records => recordAttempts(database, records),
  });
  return {
    async record(record) {
      for (let waitedMs = 0; ; waitedMs += retryEveryMs) {
        try {
          return await batch.add(record);
        } catch (error) {
          if (!isDatabaseUnavailable(error) || waitedMs >= maxOutageMs) throw error;
          logger.warn({ error, delivery_id: formatId('delivery', record.deliveryId) }, 'outcome waits for Postgres');
          await new Promise(resolve => setTimeout(resolve, retryEveryMs));
        }
      }
    },
    drain: () => batch.drain(),
  };
}
