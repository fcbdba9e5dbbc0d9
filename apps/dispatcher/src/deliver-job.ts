import { isDatabaseUnavailable } from '@signpost/database';
import type { DeliverJob, JobNotes } from '@signpost/queue';
import { formatId, type Logger } from '@signpost/runtime';
import type { Deliver } from './deliver.ts';
import type { JobRun, UnseenAttempts } from './unseen-attempts.ts';

export interface DeliverJobOptions {
  readonly deliver: Deliver;
  readonly unseenAttempts: UnseenAttempts;
  readonly logger: Logger;
}

/** What becomes of a job, and what it remembers for its next run. */
export type DeliverJobResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly delayMs: number; readonly notes: JobNotes };

/** So many faults in a row, and the delivery is set aside. */
const maxFaults = 5;
const firstFaultDelayMs = 2000;

/**
 * Runs a job, and sees to it that a fault of our own at one delivery neither repeats without end nor holds up the others:
 * it is tried again after 2, 4, 8 and 16 s, then the delivery ends as failed, and the log has the stack. A person may
 * retry it. A store that is away is no fault of the delivery: that is thrown.
 */
export function createDeliverJob({ deliver, unseenAttempts, logger }: DeliverJobOptions) {
  return async (job: DeliverJob, run: JobRun): Promise<DeliverJobResult> => {
    const notes = { ...run.notes, stallsSeen: run.stalledCount };
    try {
      const result = await deliver(job, run);
      if (result.kind === 'done') return result;
      const scheduledAttempts = result.scheduledAttempts ?? notes.scheduledAttempts;
      return { kind: 'again', delayMs: result.delayMs, notes: { ...notes, scheduledAttempts, faults: 0 } };
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      const faults = notes.faults + 1;
      logger.error({ error, delivery_id: formatId('delivery', job.deliveryId), faults }, 'delivery broke');
      if (faults < maxFaults)
        return { kind: 'again', delayMs: firstFaultDelayMs * 2 ** notes.faults, notes: { ...notes, faults } };
      await unseenAttempts.quarantine(job, run);
      return { kind: 'done' };
    }
  };
}
