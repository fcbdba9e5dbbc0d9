import { type Database, putOffDeliveries, recordBeside } from '@signpost/database';
import type { DeliverJob, JobNotes } from '@signpost/queue';
import { formatId, type Logger } from '@signpost/runtime';
import { unrecordedAttempt } from './attempt-record.ts';
import type { Deliver } from './deliver.ts';
import { DeliveryFault, isStoreFault } from './delivery-fault.ts';
import type { Insist } from './insist.ts';
import type { JobRun, UnseenAttempts } from './unseen-attempts.ts';

export interface DeliverJobOptions {
  readonly deliver: Deliver;
  readonly database: Database;
  readonly insist: Insist;
  readonly unseenAttempts: UnseenAttempts;
  readonly logger: Logger;
}

/** What becomes of a job, and what it remembers for its next run. */
export type DeliverJobResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly delayMs: number; readonly notes: JobNotes };

/** So many faults without a recorded attempt between them, and the delivery is set aside. */
const maxFaults = 5;
const firstFaultDelayMs = 2000;
/**
 * So many dispatchers in a row died or froze with a delivery in hand, and it is set aside, too: it is most likely what kills
 * them. Far more than restarts and crashes of another cause hit one delivery.
 */
const maxLosses = 20;

/**
 * Runs a job, and sees to it that a fault of our own at one delivery neither repeats without end nor holds up the others:
 * it is tried again after 2, 4, 8 and 16 s, then the delivery ends as failed, and the log has the stack. A person may
 * retry it. A store that is away, or that refuses everybody, is no fault of the delivery: that is thrown.
 */
export function createDeliverJob({ deliver, database, insist, unseenAttempts, logger }: DeliverJobOptions) {
  /** A request that was made stands in the log, and the repairer must not take the delivery for a lost one meanwhile. */
  const keepFault = async ({ delivery, sent }: DeliveryFault, { trigger }: DeliverJob, delayMs: number) => {
    const { id, scheduledAttemptCount } = delivery;
    if (sent !== null)
      await insist(id, () => recordBeside(database, [unrecordedAttempt(sent)])).catch(error =>
        logger.error({ error, delivery_id: formatId('delivery', id) }, 'an attempt is missing in the log'),
      );
    if (trigger === 'scheduled')
      await insist(id, () => putOffDeliveries(database, [{ id, scheduledAttemptCount, delayMs }]));
  };
  return async (job: DeliverJob, run: JobRun): Promise<DeliverJobResult> => {
    const notes = { ...run.notes, stallsSeen: run.stalledCount };
    const quarantine = async (): Promise<DeliverJobResult> => {
      await insist(job.deliveryId, () => unseenAttempts.quarantine(job, run));
      return { kind: 'done' };
    };
    if (run.stalledCount - run.notes.stallsSeen >= maxLosses) return quarantine();
    try {
      const result = await deliver(job, run);
      if (result.kind === 'done') return result;
      const scheduledAttempts = result.scheduledAttempts ?? notes.scheduledAttempts;
      const faults = scheduledAttempts > notes.scheduledAttempts ? 0 : notes.faults;
      return { kind: 'again', delayMs: result.delayMs, notes: { ...notes, scheduledAttempts, faults } };
    } catch (error) {
      if (isStoreFault(error)) throw error;
      const faults = notes.faults + 1;
      logger.error({ error, delivery_id: formatId('delivery', job.deliveryId), faults }, 'delivery broke');
      if (faults === maxFaults) return quarantine();
      const delayMs = firstFaultDelayMs * 2 ** notes.faults;
      if (error instanceof DeliveryFault) await keepFault(error, job, delayMs);
      return { kind: 'again', delayMs, notes: { ...notes, faults } };
    }
  };
}
