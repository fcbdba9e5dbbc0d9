import { expect } from '@jest/globals';
import type { Receiver } from '@signpost/testing';
import type { Installation } from '../support/installation.ts';
import { receivedIds, waitUntilNothingPends, waitUntilReceived } from '../support/publish-many.ts';

/** The proof after every fault: what was accepted is what arrived, and each delivery has exactly one final state. */
export async function expectNothingLost(
  signpost: Installation,
  receiver: Receiver,
  published: readonly string[],
): Promise<void> {
  await waitUntilReceived(receiver, published, 60_000);
  await waitUntilNothingPends(signpost, 60_000);
  expect(receivedIds(receiver)).toEqual(new Set(published));
  const states = await signpost.query<{ status: string; deliveries: string; events: string }>(
    'select status, count(*) as deliveries, count(distinct event_id) as events from deliveries group by status',
  );
  const all = String(published.length);
  expect(states).toEqual([{ status: 'succeeded', deliveries: all, events: all }]);
}
