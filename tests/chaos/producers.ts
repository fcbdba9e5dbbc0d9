import { setTimeout as delay } from 'node:timers/promises';
import { SignpostBatchError, SignpostError, type NewEvent, type SignpostClient } from '@signpost/client';
import type { PublishedEvent } from './compare.ts';
import type { SeededRandom } from './random.ts';
import { type ChaosEvent, makeData, makeEvent } from './traffic.ts';

/** Publishes without pause, at a bounded rate, until it is asked to stop. */
export interface Producers {
  /** By number. */
  readonly published: ReadonlyMap<number, PublishedEvent>;
  readonly counts: ProducerCounts;
  /** Makes no new events; resolves when all that were made are acknowledged, or `timeoutMs` have passed. */
  stop(timeoutMs: number): Promise<void>;
}

export interface ProducerCounts {
  acknowledged: number;
  /** Calls of the client that failed, after its retries, by code. */
  failed: Record<string, number>;
  /** Refused for good: the event itself was at fault, which none of them is. */
  refused: string[];
}

export interface ProducerOptions {
  readonly clients: readonly SignpostClient[];
  readonly random: SeededRandom;
  /** Makes keys that no other run has used. */
  readonly runId: string;
  readonly eventsPerSecond: number;
}

interface Tracked {
  readonly event: ChaosEvent;
  readonly ids: string[];
  acknowledgedMs: number | null;
}

const loops = 16;
const pauseAfterFailureMs = 200;
/** Codes of what passes: the same event is published again with the same key. */
const passing = new Set(['store_unavailable', 'network', 'timeout', 'rate_limited', 'request_timeout']);

export function startProducers(options: ProducerOptions): Producers {
  const book = createBook(options);
  let isStopping = false;
  let deadline = Number.POSITIVE_INFINITY;

  const loop = async (chance: SeededRandom): Promise<void> => {
    while (!isStopping) {
      let open = book.take(chance.chance(0.3) ? chance.between(2, 20) : 1);
      if (open.length === 0) await delay(5);
      while (open.length > 0 && performance.now() < deadline) {
        // Whichever API: the key of an event is the same at both.
        open = await publish(chance.pick(options.clients), open, book);
        if (open.length > 0) await delay(pauseAfterFailureMs);
      }
    }
  };
  const running = Array.from({ length: loops }, (_, index) => loop(options.random.fork(`producer ${index}`)));
  return {
    published: book.published,
    counts: book.counts,
    async stop(timeoutMs) {
      isStopping = true;
      deadline = performance.now() + timeoutMs;
      await Promise.all(running);
    },
  };
}

type Book = ReturnType<typeof createBook>;

/** What was made, and what became of it. */
function createBook({ random, runId, eventsPerSecond }: ProducerOptions) {
  const published = new Map<number, Tracked>();
  const counts: ProducerCounts = { acknowledged: 0, failed: {}, refused: [] };
  const startedAt = performance.now();
  return {
    published,
    counts,
    /** @returns new events, at most as many as wanted and as the rate allows by now */
    take(wanted: number): Tracked[] {
      const due = ((performance.now() - startedAt) / 1000) * eventsPerSecond;
      const count = Math.max(0, Math.min(wanted, Math.floor(due) - published.size));
      return Array.from({ length: count }, () => {
        const n = published.size + 1;
        const tracked: Tracked = { event: makeEvent(random, n), ids: [], acknowledgedMs: null };
        published.set(n, tracked);
        return tracked;
      });
    },
    toPublish: ({ event: { n, ...event } }: Tracked): NewEvent => ({
      ...event,
      data: makeData(random, n),
      idempotencyKey: `${runId}-${n}`,
    }),
    acknowledge(tracked: Tracked, id: string): void {
      if (!tracked.ids.includes(id)) tracked.ids.push(id);
      if (tracked.acknowledgedMs === null) counts.acknowledged += 1;
      tracked.acknowledgedMs ??= Date.now();
    },
    /** @returns whether to publish it again */
    noteFailure(code: string, detail: string): boolean {
      counts.failed[code] = (counts.failed[code] ?? 0) + 1;
      if (!passing.has(code)) counts.refused.push(`${code}: ${detail}`);
      return passing.has(code);
    },
  };
}

/** @returns those that are to be published again */
async function publish(client: SignpostClient, batch: Tracked[], book: Book): Promise<Tracked[]> {
  const [first] = batch;
  try {
    if (batch.length > 1 || first === undefined)
      return settle(batch, await client.publishBatch(batch.map(book.toPublish)), book);
    book.acknowledge(first, (await client.publish(book.toPublish(first))).id);
    return [];
  } catch (error) {
    if (!(error instanceof SignpostError)) throw error;
    const again = book.noteFailure(error.code, error.message);
    if (error instanceof SignpostBatchError) return settle(batch, error.results, book);
    return again ? batch : [];
  }
}

function settle(batch: Tracked[], results: SignpostBatchError['results'], book: Book): Tracked[] {
  return batch.filter((tracked, index) => {
    const result = results[index];
    if (result?.kind === 'accepted') book.acknowledge(tracked, result.id);
    if (result?.kind === 'refused') return book.noteFailure(result.code, result.detail);
    return result?.kind !== 'accepted';
  });
}
