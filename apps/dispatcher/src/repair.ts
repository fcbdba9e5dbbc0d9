import {
  type Database,
  listOpenManualRetries,
  listPendingDeliveries,
  listUnfannedEvents,
  type PendingCursor,
  withRepairLock,
} from '@signpost/database';
import type { JobProducer } from '@signpost/queue';
import type { Clock, Logger } from '@signpost/runtime';
import type { DispatcherCounts } from './dispatcher-metrics.ts';
import { createRebuild } from './rebuild.ts';
import { faultDelayMs, timerMarginMs } from './run-again.ts';

/**
 * Finds work that has no job and gives it one. Every step that puts something into Redis may fail after Postgres has
 * committed, and Redis may lose what it has; this closes all those gaps:
 *
 * - events that stay in the outbox (Redis was away when they were published);
 * - deliveries that are overdue (a job was lost, or waits for a time that a wrong clock has set);
 * - manual retries that nobody made;
 * - Redis was wiped, restarted or replaced: everything that waits is added again, each with its own due time.
 *
 * All of it may be done while the jobs exist after all: an id that exists is not added twice.
 */
export interface Repairer {
  /**
   * One round, unless another dispatcher is at it.
   *
   * @param signal aborted: the round ends after the page at hand, and what is left is for the next
   * @throws the stores' errors; the next round tries again
   */
  run(signal: AbortSignal): Promise<void>;
}

export interface RepairerOptions {
  readonly database: Database;
  readonly producer: JobProducer;
  readonly counts: DispatcherCounts;
  readonly clock: Clock;
  readonly logger: Logger;
  /** An event in the outbox, or a delivery overdue, for longer than this has probably lost its job. */
  readonly graceMs: { readonly event: number; readonly delivery: number };
}

const pageSize = 1000;
/** With more jobs than this waiting, overdue deliveries are in the queue, most likely: a page a round is enough then. */
const backlogJobs = 2000;
/** While a queue has work, what is late is in it, most likely, and counts as lost only after this, in ms. */
const backlogGraceMs = 30_000;
/** No delivery waits longer than this: the longest schedule of a webhook, in ms. */
const forEverMs = 366 * 24 * 3_600_000;

export function createRepairer(options: RepairerOptions): Repairer {
  const { database, producer, counts, clock, logger } = options;
  // Where the walk over overdue deliveries goes on in the next round, so that a backlog does not hide what is behind it.
  let cursor: PendingCursor | null = null;

  const addPending = async (dueWithinMs: number, after: PendingCursor | null) => {
    const { deliveries, next } = await listPendingDeliveries(database, dueWithinMs, after, pageSize);
    await producer.enqueueDeliveries(
      deliveries.map(({ id, dueInMs, scheduledAttemptCount }) => ({
        deliveryId: id,
        delayMs: dueInMs > 0 ? Math.ceil(dueInMs) + timerMarginMs : 0,
        scheduledAttempts: scheduledAttemptCount,
      })),
    );
    return { ids: deliveries.map(({ id }) => id), next };
  };

  const rebuild = createRebuild(options, after => addPending(forEverMs, after));

  const repairEvents = async (graceMs: number): Promise<void> => {
    const events = await listUnfannedEvents(database, graceMs, pageSize);
    if (events.length === 0) return;
    await producer.enqueueFanOut(events);
    counts.repairedEvents += events.length;
    logger.warn({ events: events.length }, 'events.repaired');
  };

  const repairDeliveries = async (graceMs: number, signal: AbortSignal): Promise<void> => {
    do {
      const { ids, next } = await addPending(-graceMs, cursor);
      // What was put back for a moment, because a store was away or another had it in hand, comes by itself.
      await producer.promoteDeliveries(ids, clock.nowMs() + faultDelayMs + timerMarginMs);
      counts.repairedDeliveries += ids.length;
      cursor = next;
      if (ids.length > 0) logger.warn({ deliveries: ids.length }, 'deliveries.repaired');
    } while (cursor !== null && !signal.aborted && (await producer.depth('deliver')).waiting < backlogJobs);
  };

  return {
    async run(signal) {
      await withRepairLock(database, async () => {
        if (!(await producer.isComplete())) {
          // First, since it is soon done: fan-outs go on while deliveries are added.
          await repairEvents(0);
          await rebuild(signal);
          if (signal.aborted) return;
        }
        const fanOut = await producer.depth('fan-out');
        await repairEvents(fanOut.waiting + fanOut.active > 0 ? backlogGraceMs : options.graceMs.event);
        const deliver = await producer.depth('deliver');
        await repairDeliveries(deliver.waiting > 0 ? backlogGraceMs : options.graceMs.delivery, signal);
        for (const id of await listOpenManualRetries(database, options.graceMs.event, pageSize)) {
          if (signal.aborted) return;
          await producer.enqueueAttemptNow(id, 'manual');
        }
      });
    },
  };
}
