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
   * Does not give up while Postgres is away, however long: the request was made, and a receiver that gets it twice because
   * nobody wrote it down is worse than a place that stays occupied while nothing else can be done either.
   *
   * @throws the driver's error where Postgres is there and refuses this record
   */
  record(record: AttemptRecord): Promise<RecordResult>;
  drain(): Promise<void>;
}

export interface AttemptRecorderOptions {
  readonly database: Database;
  readonly logger: Logger;
}

const retryEveryMs = 500;

type Recorded = RecordResult | { readonly kind: 'refused'; readonly error: unknown };

export function createAttemptRecorder({ database, logger }: AttemptRecorderOptions): AttemptRecorder {
  const batch = createMicroBatch<AttemptRecord, Recorded>({
    // Two statements at a time keep one in the making while the other is on its way.
    maxItems: 128,
    intervalMs: 8,
    concurrency: 2,
    run: records => recordAll(database, records),
  });
  let isAway = false;
  return {
    async record(record) {
      for (;;) {
        try {
          const recorded = await batch.add(record);
          isAway = false;
          if (recorded.kind === 'refused') throw recorded.error;
          return recorded;
        } catch (error) {
          if (!isDatabaseUnavailable(error)) throw error;
          // Told once for all that wait.
          logger[isAway ? 'debug' : 'warn'](
            { error, delivery_id: formatId('delivery', record.deliveryId) },
            'outcomes wait for Postgres',
          );
          isAway = true;
          await new Promise(resolve => setTimeout(resolve, retryEveryMs));
        }
      }
    },
    drain: () => batch.drain(),
  };
}

/** One record that Postgres refuses must not take the others of its batch with it: they are written one by one then. */
async function recordAll(database: Database, records: readonly AttemptRecord[]): Promise<readonly Recorded[]> {
  try {
    return await recordAttempts(database, records);
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error;
    if (records.length === 1) return [{ kind: 'refused', error }];
    const recorded: Recorded[] = [];
    for (const record of records) recorded.push(...(await recordAll(database, [record])));
    return recorded;
  }
}
