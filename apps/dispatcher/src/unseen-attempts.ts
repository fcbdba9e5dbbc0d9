import { type Database, noteUnseenAttempts, type UnseenAttempt } from '@signpost/database';
import { type AttemptErrorCode, attemptErrors } from '@signpost/delivery';
import type { DeliverJob, JobNotes } from '@signpost/queue';
import { createMicroBatch, deriveUuid, formatId, type Logger } from '@signpost/runtime';
import type { DispatcherCounts } from './dispatcher-metrics.ts';

/** A run of a job, as the queue tells of it. */
export interface JobRun {
  /** When the job was added, in Unix milliseconds: tells it from an earlier job of the same id. */
  readonly addedAtMs: number;
  /** How often it was taken from a dispatcher that died or froze. */
  readonly stalledCount: number;
  readonly notes: JobNotes;
}

/** Notes attempts of which nobody saw the end, so that the log does not keep silent about a request that was made. */
export interface UnseenAttempts {
  /** The dispatcher that had this job before died. Noting the same loss again changes nothing. */
  noteLost(job: DeliverJob, run: JobRun, attemptCount: number): Promise<void>;
  /** Ends a delivery that a fault of ours keeps breaking. */
  quarantine(job: DeliverJob, run: JobRun): Promise<void>;
}

export interface UnseenAttemptsOptions {
  readonly database: Database;
  readonly counts: DispatcherCounts;
  readonly logger: Logger;
}

/**
 * The id under which the loss of a run is noted.
 *
 * @param stalledCount of the run that comes after it
 */
export function lostAttemptId({ deliveryId }: DeliverJob, { addedAtMs }: JobRun, stalledCount: number): string {
  return deriveUuid(deliveryId, `lost ${addedAtMs} ${stalledCount}`);
}

export function createUnseenAttempts({ database, counts, logger }: UnseenAttemptsOptions): UnseenAttempts {
  // A dispatcher that dies has up to its concurrency of jobs in hand, and all of them come back at once.
  const batch = createMicroBatch<UnseenAttempt, boolean>({
    maxItems: 128,
    intervalMs: 8,
    concurrency: 1,
    async run(attempts) {
      const noted = await noteUnseenAttempts(database, attempts);
      return attempts.map(attempt => noted.has(attempt.deliveryId));
    },
  });
  const note = async (attempt: Omit<UnseenAttempt, 'error'>, code: AttemptErrorCode, event: string): Promise<void> => {
    if (!(await batch.add({ ...attempt, error: { code, message: attemptErrors[code] } }))) return;
    counts.attemptsFailed.set(code, (counts.attemptsFailed.get(code) ?? 0) + 1);
    logger.warn({ delivery_id: formatId('delivery', attempt.deliveryId), trigger: attempt.trigger }, event);
  };
  return {
    noteLost: (job, run, attemptCount) =>
      note(
        {
          id: lostAttemptId(job, run, run.stalledCount),
          deliveryId: job.deliveryId,
          trigger: job.trigger,
          fenceAttemptCount: attemptCount,
          final: false,
        },
        'dispatcher_lost',
        'attempt.lost',
      ),
    quarantine: async ({ deliveryId, trigger }, run) => {
      await note(
        {
          id: deriveUuid(deliveryId, `quarantined ${run.addedAtMs}`),
          deliveryId,
          trigger,
          fenceAttemptCount: null,
          final: true,
        },
        'quarantined',
        'delivery.quarantined',
      );
      counts.quarantined += 1;
    },
  };
}
