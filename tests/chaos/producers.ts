import { setTimeout as delay } from 'node:timers/promises';
import { SignpostBatchError, SignpostError, type NewEvent, type SignpostClient } from '@signpost/client';
import type { PublishedEvent } from './compare.ts';
import type { SeededRandom } from './random.ts';
import { type ChaosEvent, makeEvent } from './traffic.ts';

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
const passing = new Set([
  'store_unavailable',
  'network',
  'timeout',
  'internal',
  'rate_limited',
  'request_timeout',
  'invalid_answer',
]);

export function startProducers({ clients, random, runId, eventsPerSecond }: ProducerOptions): Producers {
  const published = new Map<number, Tracked>();
  const counts: ProducerCounts = { acknowledged: 0, failed: {}, refused: [] };
  const startedAt = performance.now();
  let made = 0;
  let isStopping = false;
  let deadline = Number.POSITIVE_INFINITY;

  const acknowledge = (tracked: Tracked, id: string): void => {
    if (!tracked.ids.includes(id)) tracked.ids.push(id);
    if (tracked.acknowledgedMs === null) counts.acknowledged += 1;
    tracked.acknowledgedMs ??= Date.now();
  };
  const noteFailure = (code: string): void => {
    counts.failed[code] = (counts.failed[code] ?? 0) + 1;
  };
  const take = (wanted: number): Tracked[] => {
    const due = ((performance.now() - startedAt) / 1000) * eventsPerSecond;
    const count = Math.min(wanted, Math.floor(due) - made);
    return Array.from({ length: Math.max(0, count) }, () => {
      made += 1;
      const tracked: Tracked = { event: makeEvent(random, made), ids: [], acknowledgedMs: null };
      published.set(made, tracked);
      return tracked;
    });
  };
  const newEvent = ({ n, ...event }: ChaosEvent): NewEvent => ({ ...event, idempotencyKey: `${runId}-${n}` });

  const loop = async (chance: SeededRandom): Promise<void> => {
    while (!isStopping) {
      const batch = take(chance.chance(0.3) ? chance.between(2, 20) : 1);
      if (batch.length === 0) {
        await delay(5);
        continue;
      }
      let client = chance.pick(clients);
      let open = batch;
      while (open.length > 0 && performance.now() < deadline) {
        open = await publish(client, open);
        if (open.length === 0) break;
        // The other API, the same keys.
        client = chance.pick(clients);
        await delay(pauseAfterFailureMs);
      }
    }
  };

  /** @returns those that are to be published again */
  const publish = async (client: SignpostClient, batch: Tracked[]): Promise<Tracked[]> => {
    try {
      if (batch.length === 1) {
        const [only] = batch as [Tracked];
        acknowledge(only, (await client.publish(newEvent(only.event))).id);
        return [];
      }
      return settle(batch, await client.publishBatch(batch.map(({ event }) => newEvent(event))));
    } catch (error) {
      if (!(error instanceof SignpostError)) throw error;
      noteFailure(error.code);
      if (error instanceof SignpostBatchError) return settle(batch, error.results);
      if (passing.has(error.code)) return batch;
      counts.refused.push(`${error.code}: ${error.message}`);
      return [];
    }
  };
  const settle = (batch: Tracked[], results: SignpostBatchError['results']): Tracked[] =>
    batch.filter((tracked, index) => {
      const result = results[index];
      if (result?.kind === 'accepted') {
        acknowledge(tracked, result.id);
        return false;
      }
      if (result?.kind !== 'refused') return true;
      noteFailure(result.code);
      if (passing.has(result.code)) return true;
      counts.refused.push(`${result.code}: ${result.detail}`);
      return false;
    });

  const running = Array.from({ length: loops }, (_, index) => loop(random.fork(`producer ${index}`)));
  return {
    published,
    counts,
    async stop(timeoutMs) {
      isStopping = true;
      deadline = performance.now() + timeoutMs;
      await Promise.all(running);
    },
  };
}
