import { isDatabaseUnavailable } from '@signpost/database';
import type { DeliverJob } from '@signpost/queue';
import { formatId, type Logger } from '@signpost/runtime';
import type { Deliver } from './deliver.ts';
import { done, type JobResult } from './judge-job.ts';
import type { JobRun, UnseenAttempts } from './unseen-attempts.ts';

export interface DeliverJobOptions {
  readonly deliver: Deliver;
  readonly unseenAttempts: UnseenAttempts;
  readonly logger: Logger;
}

/** Keeps what a job knows of itself in the queue. */
export type SaveJob = (job: DeliverJob) => Promise<void>;

/** So many faults in a row, and the delivery is set aside. */
const maxFaults = 5;
const firstFaultDelayMs = 2000;

/**
 * Runs a job, and sees to it that a fault of our own at one delivery neither repeats without end nor holds up the others: it is tried
 * again after 2, 4, 8 and 16 s, then the delivery ends as failed, and the log has the stack. A person may retry it.
 *
 * A store that is away is no fault of the delivery: that is thrown.
 */
export function createDeliverJob({ deliver, unseenAttempts, logger }: DeliverJobOptions) {
  return async (job: DeliverJob, run: JobRun, save: SaveJob): Promise<JobResult> => {
    const faultsBefore = job.faults ?? 0;
    const stallsSeen = run.stalledCount;
    try {
      const result = await deliver(job, run);
      const isNews = faultsBefore > 0 || stallsSeen !== (job.stallsSeen ?? 0);
      if (isNews && result.kind === 'again') await save({ ...job, faults: 0, stallsSeen });
      return result;
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      const faults = faultsBefore + 1;
      logger.error({ error, delivery_id: formatId('delivery', job.deliveryId), faults }, 'delivery broke');
      if (faults >= maxFaults) {
        await unseenAttempts.quarantine(job, run);
        return done;
      }
      await save({ ...job, faults, stallsSeen });
      return { kind: 'again', delayMs: firstFaultDelayMs * 2 ** faultsBefore };
    }
  };
}
