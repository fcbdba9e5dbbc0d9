import { type Database, type EventContent, loadEventContents } from '@signpost/database';
import { createMicroBatch } from '@signpost/runtime';
import { LRUCache } from 'lru-cache';

/**
 * Contents of events never change: they are kept while there is room, since a fan-out of 100 wants the same one 100 times.
 * One that was expunged since may still be here, but nobody asks for it: its deliveries were closed in the same commit.
 */
export interface EventContents {
  /** @returns null where retention has dropped the event, or its payload was expunged */
  get(eventId: string): Promise<EventContent | null>;
}

/** Room for event contents, in characters: 64 Mi of them are 64 to 128 MiB. */
const maxCachedCharacters = 64 * 1024 * 1024;

export function createEventContents(database: Database): EventContents {
  const cache = new LRUCache<string, Promise<EventContent | null>>({ max: 20_000 });
  const settled = new LRUCache<string, EventContent>({
    max: 50_000,
    maxSize: maxCachedCharacters,
    sizeCalculation: content => content.payload.length + (content.metadata?.length ?? 0) + 200,
  });
  const batch = createMicroBatch<string, EventContent | null>({
    maxItems: 100,
    intervalMs: 6,
    concurrency: 2,
    async run(ids) {
      const found = new Map((await loadEventContents(database, ids)).map(content => [content.id, content]));
      return ids.map(id => found.get(id) ?? null);
    },
  });
  return {
    async get(eventId) {
      const known = settled.get(eventId);
      if (known !== undefined) return known;
      // Those who ask while the content is on its way share the one look-up.
      let loading = cache.get(eventId);
      if (loading === undefined) {
        loading = batch.add(eventId).finally(() => cache.delete(eventId));
        cache.set(eventId, loading);
      }
      const content = await loading;
      if (content !== null) settled.set(eventId, content);
      return content;
    },
  };
}
