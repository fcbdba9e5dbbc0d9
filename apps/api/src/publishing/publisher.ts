import {
  type Database,
  insertEvents,
  isDatabaseUnavailable,
  isValueRefused,
  type NewEvent,
  type StoredEvent,
} from '@signpost/database';
import { createMicroBatch, type Logger } from '@signpost/runtime';
import type { FanOutHandOver } from './fan-out-hand-over.ts';

/** Takes events for good. */
export interface Publisher {
  /**
   * Resolves when the event is durable: in a commit that it shares with all that arrived within the same few milliseconds.
   *
   * @throws the driver's error; the event was not stored then
   */
  publish(event: NewEvent): Promise<PublishedEvent>;
  /** Resolves when all that was taken is stored and handed over, or left to the repairer. */
  close(): Promise<void>;
}

/** `refused`: Postgres cannot keep a value of the event, now or later. Validation has a gap then, which the log tells. */
export type PublishedEvent = StoredEvent | { readonly kind: 'refused' };

export interface PublisherOptions {
  readonly database: Database;
  readonly handOver: FanOutHandOver;
  readonly logger: Logger;
}

export function createPublisher({ database, handOver, logger }: PublisherOptions): Publisher {
  const store = async (events: readonly NewEvent[]): Promise<StoredEvent[]> => {
    const stored = await insertEvents(database, events);
    handOver.add(events.flatMap((event, index) => (stored[index]?.kind === 'accepted' ? event.id : [])));
    return stored;
  };
  // An event that Postgres refuses must not take the others of its commit with it. Halving finds it in few statements: one
  // among 200 takes 15 more, while one by one it would be 200.
  const storeApart = async (events: readonly NewEvent[]): Promise<Outcome[]> => {
    try {
      return await store(events);
    } catch (error) {
      if (events.length === 1 || isDatabaseUnavailable(error)) return events.map(() => ({ kind: 'fault', error }));
      const middle = events.length >> 1;
      // One half after the other: whatever was sent, it never takes more than the connection of its commit.
      return [...(await storeApart(events.slice(0, middle))), ...(await storeApart(events.slice(middle)))];
    }
  };
  const groupCommit = createMicroBatch<NewEvent, Outcome>({
    // At 3,500 events/s 6 ms gather about 20, and nobody notices them; two commits at a time keep Postgres busy while the
    // next gathers. 200 bounds a statement to about a megabyte.
    maxItems: 200,
    intervalMs: 6,
    concurrency: 2,
    run: storeApart,
  });
  return {
    async publish(event) {
      const outcome = await groupCommit.add(event);
      if (outcome.kind !== 'fault') return outcome;
      if (!isValueRefused(outcome.error)) throw outcome.error;
      logger.error({ error: outcome.error, event_type: event.eventType }, 'the database refused a validated event');
      return { kind: 'refused' };
    },
    async close() {
      await groupCommit.drain();
      await handOver.close();
    },
  };
}

type Outcome = StoredEvent | { readonly kind: 'fault'; readonly error: unknown };
