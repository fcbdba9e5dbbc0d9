import type { Receiver } from '@signpost/testing';
import { waitFor } from '@signpost/testing';
import type { Installation } from './installation.ts';

/** Publishes `count` events in batches of 100. @returns the ids of those that were accepted */
export async function publishMany(signpost: Installation, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let start = 0; start < count; start += 100) {
    const size = Math.min(100, count - start);
    const events = Array.from({ length: size }, (_, index) => ({
      eventType: 'call.ended',
      data: { n: start + index },
    }));
    for (const result of await signpost.client.publishBatch(events))
      if (result.kind === 'accepted') ids.push(result.id);
  }
  return ids;
}

/** The ids of the events that arrived, each once. */
export function receivedIds(receiver: Receiver): Set<string> {
  return new Set(receiver.requests.map(request => String(request.headers['webhook-id'])));
}

/** Waits until every one of these events has arrived, and no other. */
export async function waitUntilReceived(receiver: Receiver, ids: readonly string[], timeoutMs: number): Promise<void> {
  const haveArrived = (): boolean => {
    const received = receivedIds(receiver);
    return ids.every(id => received.has(id));
  };
  await waitFor(haveArrived, { timeoutMs, intervalMs: 50, description: `all ${ids.length} events have arrived` });
}

/** Waits until no delivery is pending any more. */
export async function waitUntilNothingPends(signpost: Installation, timeoutMs: number): Promise<void> {
  await waitFor(
    async () => {
      const [row] = await signpost.query<{ open: string }>(
        `select (select count(*) from deliveries where status = 'pending') + (select count(*) from pending_fan_outs) as open`,
      );
      return row?.open === '0';
    },
    { timeoutMs, intervalMs: 50, description: 'nothing is pending' },
  );
}
