import {
  type AttemptRecord,
  type Database,
  isDatabaseUnavailable,
  recordAttempts,
  type RecordResult,
} from '@signpost/database';
import { createMicroBatch } from '@signpost/runtime';
import type { Insist } from './insist.ts';

/** Writes attempts and what follows from them, many in one statement. */
export interface AttemptRecorder {
  /** Waits as {@link Insist} does. @throws as that does */
  record(record: AttemptRecord): Promise<RecordResult>;
  drain(): Promise<void>;
}

export interface AttemptRecorderOptions {
  readonly database: Database;
  readonly insist: Insist;
}

type Recorded = RecordResult | { readonly kind: 'refused'; readonly error: unknown };

export function createAttemptRecorder({ database, insist }: AttemptRecorderOptions): AttemptRecorder {
  const batch = createMicroBatch<AttemptRecord, Recorded>({
    // Two statements at a time keep one in the making while the other is on its way.
    maxItems: 128,
    intervalMs: 8,
    concurrency: 2,
    run: records => recordAll(database, records),
  });
  return {
    record: record =>
      insist(record.deliveryId, async () => {
        const recorded = await batch.add(record);
        if (recorded.kind === 'refused') throw recorded.error;
        return recorded;
      }),
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
