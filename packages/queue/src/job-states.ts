import type { Queue } from 'bullmq';
import { connectedClient } from './connection.ts';
import { type DeliverJob, deliverJobId } from './job-catalogue.ts';

/** What becomes of jobs that exist. */
export interface JobStates {
  /**
   * Sets to work those of these overdue deliveries' scheduled jobs that wait for a time still to come: the delay was
   * counted by a clock that was wrong. Jobs that are due and wait for a place are left where they are.
   *
   * @param afterMs only those that wait until later than this; Unix milliseconds
   * @throws what Redis answers, or that it does not, within about a second
   */
  promoteDeliveries(deliveryIds: readonly string[], afterMs: number): Promise<void>;
  /**
   * Whether a dispatcher has this very job in hand; asked only where two jobs of one delivery may meet.
   *
   * @throws QueueUnavailableError where Redis does not tell within about a second
   */
  isRunning(deliveryId: string, trigger: DeliverJob['trigger']): Promise<boolean>;
}

/** BullMQ's delayed set is sorted by the due time in Unix milliseconds times this, plus a sequence. */
const scorePerMs = 0x1000;

/** @param onError gets what goes wrong at a job that was set to work, or ended, since it was looked at */
export function createJobStates(queue: Queue, onError: (error: Error) => void): JobStates {
  return {
    async promoteDeliveries(deliveryIds, afterMs) {
      if (deliveryIds.length === 0) return;
      const jobIds = deliveryIds.map(id => deliverJobId(id, 'scheduled'));
      const client = await connectedClient(queue);
      const delayed = queue.toKey('delayed');
      const scores = await Promise.all(jobIds.map(jobId => client.zscore(delayed, jobId)));
      for (const [index, score] of scores.entries()) {
        if (score === null || Number(score) / scorePerMs <= afterMs) continue;
        const job = await queue.getJob(jobIds[index] as string);
        await job?.promote().catch(onError);
      }
    },
    async isRunning(deliveryId, trigger) {
      try {
        const client = await connectedClient(queue);
        return (await client.get(`${queue.toKey(deliverJobId(deliveryId, trigger))}:lock`)) !== null;
      } catch (cause) {
        throw new QueueUnavailableError(cause);
      }
    },
  };
}

/** Redis is away, or does not do what it is asked; `cause` is what its driver says. */
export class QueueUnavailableError extends Error {
  readonly code = 'queue_unavailable';
  constructor(cause: unknown) {
    super('The queue cannot be asked', { cause });
    this.name = 'QueueUnavailableError';
  }
}
