import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type HotPathFixture, makeHotPathFixture } from './hot-path.fixture.ts';
import { insertEvents, listUnfannedEvents, loadEventContents, loadEventsToFanOut, markFannedOut } from './index.ts';

let fixture: HotPathFixture;
beforeAll(async () => {
  fixture = await makeHotPathFixture();
});
afterAll(() => fixture.close());

describe('publishing', () => {
  test('keeps text exactly: escapes, big numbers, key order, emoji, quotes and backslashes', async () => {
    const payload = '{"b":9007199254740993,"a":1.0,"c":1e400,"d":"\\u0000 \\ud800 \\"{},\\\\ café ☕ 🎉","a":null}';
    const event = fixture.newEvent({
      payload,
      metadata: '{"k":"NULL"}',
      subject: 'NULL',
      channels: ['a,b', '"{}"', ''],
    });
    expect(await insertEvents(fixture.database, [event])).toEqual([{ kind: 'accepted' }]);
    const [content] = await loadEventContents(fixture.database, [event.id]);
    expect(content).toEqual({
      id: event.id,
      eventType: 'invoice.paid',
      occurredAtMs: event.occurredAtMs,
      payload,
      metadata: '{"k":"NULL"}',
      subject: 'NULL',
    });
    const [toFanOut] = await loadEventsToFanOut(fixture.database, [event.id]);
    expect(toFanOut).toMatchObject({ channels: ['a,b', '"{}"', ''], workspaceId: event.workspaceId });
  });

  test('the same key in one commit and in fifty at once makes one event', async () => {
    const fingerprint = randomBytes(32);
    const same = () => fixture.newEvent({ idempotencyKey: 'order-1', fingerprint });
    const results = (
      await Promise.all(
        Array.from({ length: 25 }, () => insertEvents(fixture.database, [same(), fixture.newEvent(), same()])),
      )
    ).flat();
    const accepted = results.filter(result => result.kind === 'accepted');
    const taken = results.filter(result => result.kind === 'key_taken');
    expect(accepted).toHaveLength(25 + 1);
    expect(taken).toHaveLength(49);
    expect(new Set(taken.map(result => result.eventId)).size).toBe(1);
    expect(taken.every(result => result.sameContent)).toBe(true);
  });

  test('the same key with other content is told apart, and in another workspace is another key', async () => {
    const first = fixture.newEvent({ idempotencyKey: 'order-2' });
    await insertEvents(fixture.database, [first]);
    expect(await insertEvents(fixture.database, [fixture.newEvent({ idempotencyKey: 'order-2' })])).toEqual([
      expect.objectContaining({ kind: 'key_taken', eventId: first.id, sameContent: false }),
    ]);
    const elsewhere = fixture.newEvent({ idempotencyKey: 'order-2', workspaceId: fixture.uuid() });
    expect(await insertEvents(fixture.database, [elsewhere])).toEqual([{ kind: 'accepted' }]);
  });

  test('commits that share keys in opposite orders do not deadlock', async () => {
    const keys = Array.from({ length: 40 }, (_, index) => `shared-${index}`);
    const commit = (order: readonly string[]) =>
      insertEvents(
        fixture.database,
        order.map(key => fixture.newEvent({ idempotencyKey: key })),
      );
    const results = await Promise.all(Array.from({ length: 8 }, (_, n) => commit(n % 2 ? keys : keys.toReversed())));
    expect(results.flat().filter(result => result.kind === 'accepted')).toHaveLength(keys.length);
  });

  test('an accepted event stands in the outbox until it is fanned out', async () => {
    const event = fixture.newEvent();
    await insertEvents(fixture.database, [event]);
    expect(await listUnfannedEvents(fixture.database, 0, 10_000)).toContain(event.id);
    await markFannedOut(fixture.database, [event.id]);
    expect(await listUnfannedEvents(fixture.database, 0, 10_000)).not.toContain(event.id);
    expect(await loadEventsToFanOut(fixture.database, [event.id])).toEqual([]);
  });

  test('an event of a deleted workspace is handed out as an orphan', async () => {
    const event = fixture.newEvent({ workspaceId: fixture.uuid() });
    await insertEvents(fixture.database, [event]);
    expect(await loadEventsToFanOut(fixture.database, [event.id])).toEqual([
      expect.objectContaining({ id: event.id, workspaceId: null }),
    ]);
  });
});
