import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type HotPathFixture, makeHotPathFixture } from './hot-path.fixture.ts';
import { loadDeliveries, noteRetryAfter, putOffDeliveries, recordAttempts } from './index.ts';

let fixture: HotPathFixture;
beforeAll(async () => {
  fixture = await makeHotPathFixture();
});
afterAll(() => fixture.close());

const retryAfterInMs = async (deliveryId: string): Promise<number> =>
  (await loadDeliveries(fixture.database, [deliveryId]))[0]?.retryAfterInMs ?? Number.NaN;

describe('what a receiver asked for with Retry-After', () => {
  test('goes for each of its deliveries; a later moment counts, an earlier one or the same does not', async () => {
    const webhookId = await fixture.makeWebhook();
    const ids = [await fixture.makeDelivery(webhookId), await fixture.makeDelivery(webhookId)] as const;
    expect(await retryAfterInMs(ids[0])).toBeNaN();
    expect(await noteRetryAfter(fixture.database, webhookId, 60_000)).toBe(true);
    expect(await noteRetryAfter(fixture.database, webhookId, 1000)).toBe(false);
    for (const id of ids) expect(await retryAfterInMs(id)).toBeGreaterThan(50_000);
    expect(await noteRetryAfter(fixture.database, webhookId, 3_600_000)).toBe(true);
    expect(await noteRetryAfter(fixture.database, webhookId, 3_600_000)).toBe(false);
    expect(await retryAfterInMs(ids[1])).toBeGreaterThan(3_590_000);
    expect(await retryAfterInMs(await fixture.makeDelivery())).toBeNaN();
  });

  test('holds no delivery up for more than a day', async () => {
    const webhookId = await fixture.makeWebhook();
    const [old, young] = [await fixture.makeDelivery(webhookId), await fixture.makeDelivery(webhookId)];
    await noteRetryAfter(fixture.database, webhookId, 60_000);
    await fixture.database.pool.query(`update deliveries set created_at = now() - interval '25 hours' where id = $1`, [
      old,
    ]);
    expect(await retryAfterInMs(old)).toBeNaN();
    expect(await retryAfterInMs(young)).toBeGreaterThan(0);
  });
});

test('putting deliveries off changes when they are due, and nothing of those that have moved on', async () => {
  const [waiting, retried, over] = [
    await fixture.makeDelivery(),
    await fixture.makeDelivery(),
    await fixture.makeDelivery(),
  ];
  await recordAttempts(fixture.database, [
    fixture.scheduledAttempt(retried, { step: { kind: 'retry', retryInMs: 5000 }, status: 'failed' }),
    fixture.scheduledAttempt(over),
  ]);
  const before = new Map<string, Record<string, unknown>>();
  for (const id of [waiting, retried, over]) before.set(id, await fixture.readDelivery(id));
  await putOffDeliveries(
    fixture.database,
    [waiting, retried, over].map(id => ({ id, scheduledAttemptCount: 0, delayMs: 60_000 })),
  );
  for (const id of [retried, over]) expect(await fixture.readDelivery(id)).toEqual(before.get(id));
  const { next_attempt_at: dueAt, ...rest } = await fixture.readDelivery(waiting);
  expect(before.get(waiting)).toMatchObject(rest);
  const [found] = await loadDeliveries(fixture.database, [waiting]);
  expect([dueAt instanceof Date, Math.round((found?.dueInMs ?? 0) / 10_000)]).toEqual([true, 6]);
});
