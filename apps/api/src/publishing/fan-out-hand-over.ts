import type { JobProducer } from '@signpost/queue';
import type { Logger } from '@signpost/runtime';

/**
 * Hands accepted events over to the dispatchers, behind the answer to the producer: the events are safe in Postgres, and
 * what does not reach Redis from here is enqueued by the repairer.
 */
export interface FanOutHandOver {
  /** Never waits and never fails. */
  add(eventIds: readonly string[]): void;
  /** Resolves when what was added is in Redis or given up. */
  close(): Promise<void>;
}

export interface FanOutHandOverOptions {
  readonly producer: Pick<JobProducer, 'enqueueFanOut'>;
  readonly logger: Logger;
}

/** While Redis is slow, more than this is left to the repairer instead of being kept in memory. */
const maxWaitingEvents = 20_000;

export function createFanOutHandOver({ producer, logger }: FanOutHandOverOptions): FanOutHandOver {
  let waiting: string[] = [];
  let running: Promise<void> | null = null;

  const run = async (): Promise<void> => {
    // One call at a time: what is committed meanwhile shares the next job. Under load that makes fewer, fuller jobs.
    while (waiting.length > 0) {
      const eventIds = waiting;
      waiting = [];
      try {
        await producer.enqueueFanOut(eventIds);
      } catch (error) {
        logger.warn({ error, events: eventIds.length }, 'fan-out not enqueued; the repairer will');
      }
    }
    running = null;
  };

  return {
    add(eventIds) {
      if (eventIds.length === 0 || waiting.length + eventIds.length > maxWaitingEvents) return;
      waiting.push(...eventIds);
      running ??= run();
    },
    async close() {
      await running;
    },
  };
}
