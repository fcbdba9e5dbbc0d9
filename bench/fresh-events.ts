import { waitFor } from '@signpost/testing';
import type { GridPublished } from './commands.ts';
import { checkArrivals } from './deliveries.ts';
import type { Percentiles } from './statistics.ts';
import type { System } from './system.ts';

/** How it goes for events that have nothing to do with what is being watched. */
export interface Fresh {
  readonly answerMs: Percentiles;
  readonly receiptMs: Percentiles;
  /** Requests that had arrived before. */
  readonly duplicates: number;
}

export interface FreshShape {
  readonly freshPerSecond: number;
  readonly freshSeconds: number;
}

export const freshEventType = 'order.placed';
const publishTimeoutMs = 120_000;
/** They wait behind what is being watched: a million deliveries, perhaps. */
const arrivalTimeoutMs = 900_000;
const pollMs = 100;

/** Publishes at a steady rate to a webhook that is well. */
export async function publishFresh(system: System, { freshPerSecond, freshSeconds }: FreshShape): Promise<Fresh> {
  const { loadGenerator, receiver, api, apiKey } = system;
  const events = freshPerSecond * freshSeconds;
  await receiver.ask('expect', { events, webhooks: 1 });
  const published: GridPublished = await loadGenerator.ask(
    'publishOnGrid',
    { origin: api.url, apiKey, events, eventType: freshEventType, perSecond: freshPerSecond },
    publishTimeoutMs,
  );
  const arrivals = await waitFor(
    async () => {
      const results = await receiver.ask('results', null);
      return results.received >= events ? results : null;
    },
    { timeoutMs: arrivalTimeoutMs, intervalMs: pollMs, description: 'all fresh events have arrived' },
  );
  checkArrivals(arrivals, events);
  return { answerMs: published.answerMs, receiptMs: arrivals.latencyMs, duplicates: arrivals.duplicates };
}
