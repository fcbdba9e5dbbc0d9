import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type HotPathFixture, makeHotPathFixture } from './hot-path.fixture.ts';
import {
  cancelDeliveries,
  cancelPendingDeliveries,
  deactivateWebhook,
  loadDeliveries,
  recordAttempts,
} from './index.ts';
import { audit } from './audit-log.fixture.ts';

let fixture: HotPathFixture;
beforeAll(async () => {
  fixture = await makeHotPathFixture();
});
afterAll(() => fixture.close());

describe('recording', () => {
  test('a success ends the delivery and writes attempt number 1', async () => {
    const id = await fixture.makeDelivery();
    expect(await recordAttempts(fixture.database, [fixture.scheduledAttempt(id)])).toEqual([
      { kind: 'recorded', number: 1, status: 'succeeded' },
    ]);
    expect(await fixture.readDelivery(id)).toMatchObject({
      status: 'succeeded',
      attempt_count: 1,
      next_attempt_at: null,
      last_response_code: 200,
    });
  });

  test('a second outcome of the same attempt changes nothing', async () => {
    const id = await fixture.makeDelivery();
    const failed = fixture.scheduledAttempt(id, {
      step: { kind: 'retry', retryInMs: 60_000 },
      status: 'failed',
      responseCode: 500,
    });
    const results = await Promise.all(
      Array.from({ length: 8 }, () => recordAttempts(fixture.database, [{ ...failed, id: fixture.uuid() }])),
    );
    expect(results.flat().filter(result => result.kind === 'recorded')).toHaveLength(1);
    expect(await fixture.readDelivery(id)).toMatchObject({
      status: 'pending',
      attempt_count: 1,
      scheduled_attempt_count: 1,
    });
    const { rows } = await fixture.database.pool.query('select number from attempts where delivery_id = $1', [id]);
    expect(rows).toEqual([{ number: 1 }]);
  });

  test('two dispatchers that record the same deliveries, each in its own order, never wait for each other', async () => {
    const webhook = await fixture.makeWebhook();
    for (let round = 0; round < 10; round += 1) {
      const ids = await Promise.all(Array.from({ length: 128 }, () => fixture.makeDelivery(webhook)));
      const record = (order: readonly string[]) =>
        recordAttempts(
          fixture.database,
          order.map(id => fixture.scheduledAttempt(id)),
        );
      const results = await Promise.all([record(ids), record(ids.toReversed())]);
      expect(results.flat().filter(result => result.kind === 'recorded')).toHaveLength(128);
    }
  }, 60_000);

  test('an outcome that arrives after the delivery was cancelled changes nothing', async () => {
    const id = await fixture.makeDelivery();
    await cancelDeliveries(fixture.database, [id]);
    expect(await recordAttempts(fixture.database, [fixture.scheduledAttempt(id)])).toEqual([{ kind: 'superseded' }]);
    expect(await fixture.readDelivery(id)).toMatchObject({ status: 'cancelled', attempt_count: 0 });
  });

  test('a retry is due the given time from now by the clock of the database', async () => {
    const id = await fixture.makeDelivery();
    await recordAttempts(fixture.database, [
      fixture.scheduledAttempt(id, { step: { kind: 'retry', retryInMs: 60_000 }, status: 'failed' }),
    ]);
    const [loaded] = await loadDeliveries(fixture.database, [id]);
    expect(loaded?.dueInMs).toBeGreaterThan(55_000);
    expect(loaded?.dueInMs).toBeLessThanOrEqual(60_000);
  });

  test('a manual attempt that fails leaves status and schedule; one that succeeds ends the delivery', async () => {
    const id = await fixture.makeDelivery();
    await recordAttempts(fixture.database, [
      fixture.scheduledAttempt(id, { step: { kind: 'retry', retryInMs: 60_000 }, status: 'failed' }),
    ]);
    const before = await fixture.readDelivery(id);
    const ask = async () => {
      await fixture.database.pool.query('update deliveries set manual_retry_at = clock_timestamp() where id = $1', [
        id,
      ]);
      const [loaded] = await loadDeliveries(fixture.database, [id]);
      return {
        scheduledAttemptCount: loaded?.scheduledAttemptCount ?? -1,
        manualRetryAt: loaded?.manualRetryAt ?? null,
      };
    };
    const fence = await ask();
    const manual = { trigger: 'manual', fence, step: { kind: 'failed' }, status: 'failed' } as const;
    expect(await recordAttempts(fixture.database, [fixture.scheduledAttempt(id, manual)])).toEqual([
      { kind: 'recorded', number: 2, status: 'pending' },
    ]);
    expect(await fixture.readDelivery(id)).toMatchObject({
      next_attempt_at: before.next_attempt_at,
      scheduled_attempt_count: 1,
      manual_retry_at: null,
    });
    // The same request answered once more counts for nothing.
    expect(await recordAttempts(fixture.database, [fixture.scheduledAttempt(id, manual)])).toEqual([
      { kind: 'superseded' },
    ]);
    const success = { trigger: 'manual', fence: await ask(), step: { kind: 'succeeded' } } as const;
    expect(await recordAttempts(fixture.database, [fixture.scheduledAttempt(id, success)])).toEqual([
      { kind: 'recorded', number: 3, status: 'succeeded' },
    ]);
  });

  test('a batch tells for each of its records whether it counted', async () => {
    const [one, two, three] = [
      await fixture.makeDelivery(),
      await fixture.makeDelivery(),
      await fixture.makeDelivery(),
    ];
    await cancelDeliveries(fixture.database, [two]);
    const results = await recordAttempts(
      fixture.database,
      [one, two, three].map(id => fixture.scheduledAttempt(id)),
    );
    expect(results.map(result => result.kind)).toEqual(['recorded', 'superseded', 'recorded']);
  });

  test('deactivating a webhook gives it a new version, once; what waits for it is cancelled', async () => {
    const webhookId = await fixture.makeWebhook();
    const [waiting, over] = [await fixture.makeDelivery(webhookId), await fixture.makeDelivery(webhookId)];
    await recordAttempts(fixture.database, [fixture.scheduledAttempt(over)]);
    const [before] = await loadDeliveries(fixture.database, [waiting]);
    expect(await deactivateWebhook(fixture.database, webhookId, 'gone', audit)).toBe(true);
    expect(await deactivateWebhook(fixture.database, webhookId, 'gone', audit)).toBe(false);
    expect(await cancelPendingDeliveries(fixture.database, webhookId)).toBe(1);
    const [after] = await loadDeliveries(fixture.database, [waiting]);
    expect(after).toMatchObject({
      status: 'cancelled',
      webhookActive: false,
      webhookVersion: (before?.webhookVersion ?? 0) + 1,
    });
    expect(await fixture.readDelivery(over)).toMatchObject({ status: 'succeeded' });
  });
});
