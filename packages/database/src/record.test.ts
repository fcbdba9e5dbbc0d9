import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '@signpost/testing';
import { type HotPathFixture, makeHotPathFixture } from './hot-path.fixture.ts';
import {
  cancelDeliveries,
  cancelPendingDeliveries,
  deactivateWebhook,
  loadDeliveries,
  noteUnseenAttempts,
  recordAttempts,
} from './index.ts';
import { audit } from './audit-log.fixture.ts';

let fixture: HotPathFixture;
beforeAll(async () => {
  fixture = await makeHotPathFixture();
});
afterAll(() => fixture.close());

const attemptsOf = async (id: string) =>
  (
    await fixture.database.pool.query(
      'select number, status, error_code from attempts where delivery_id = $1 order by number',
      [id],
    )
  ).rows;

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

  test('of several outcomes of one scheduled attempt one counts; each request stands in the log', async () => {
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
      attempt_count: 8,
      scheduled_attempt_count: 1,
    });
    expect(await attemptsOf(id)).toEqual([
      { number: 1, status: 'failed', error_code: null },
      ...[2, 3, 4, 5, 6, 7, 8].map(number => ({ number, status: 'failed', error_code: 'superseded' })),
    ]);
  });

  test('the same attempt recorded again, by a writer that does not know that it is, stands in the log once and counts', async () => {
    const [id, cancelled] = [await fixture.makeDelivery(), await fixture.makeDelivery()];
    await cancelDeliveries(fixture.database, [cancelled]);
    const records = [id, cancelled].map(delivery => fixture.scheduledAttempt(delivery));
    const first = await recordAttempts(fixture.database, records);
    expect(first.map(({ kind }) => kind)).toEqual(['recorded', 'superseded']);
    const again = await Promise.all([1, 2, 3, 4].map(() => recordAttempts(fixture.database, records)));
    for (const results of again) expect(results).toEqual(first);
    expect(await attemptsOf(id)).toEqual([{ number: 1, status: 'succeeded', error_code: null }]);
    expect(await attemptsOf(cancelled)).toEqual([{ number: 1, status: 'succeeded', error_code: 'superseded' }]);
  });

  test('the same late attempt, written by several at once, stands in the log once', async () => {
    const id = await fixture.makeDelivery();
    await cancelDeliveries(fixture.database, [id]);
    const record = fixture.scheduledAttempt(id);
    const { pool } = fixture.database;
    const blocker = await pool.connect();
    await blocker.query('begin');
    await blocker.query('select from deliveries where id = $1 for update', [id]);
    const writes = [1, 2, 3, 4].map(() => recordAttempts(fixture.database, [record]));
    const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
    await waitFor(async () => (await pool.query(waiting)).rowCount === 4, { description: 'all wait for the row' });
    await blocker.query('commit');
    blocker.release();
    await Promise.all(writes);
    expect(await attemptsOf(id)).toHaveLength(1);
    expect(await fixture.readDelivery(id)).toMatchObject({ status: 'cancelled', attempt_count: 1 });
  });

  test('a late outcome whose attempt was noted as lost is told in that row', async () => {
    const id = await fixture.makeDelivery();
    const frozen = fixture.scheduledAttempt(id, { status: 'failed', responseCode: 500, errorCode: 'http_status' });
    const error = { code: 'dispatcher_lost', message: '' } as const;
    await noteUnseenAttempts(fixture.database, [
      { id: frozen.lostId(), deliveryId: id, trigger: 'scheduled', fenceAttemptCount: 0, error, final: false },
    ]);
    await recordAttempts(fixture.database, [fixture.scheduledAttempt(id)]);
    expect(await recordAttempts(fixture.database, [frozen])).toEqual([{ kind: 'superseded' }]);
    expect(await recordAttempts(fixture.database, [frozen])).toEqual([{ kind: 'superseded' }]);
    expect(await attemptsOf(id)).toEqual([
      { number: 1, status: 'failed', error_code: 'superseded' },
      { number: 2, status: 'succeeded', error_code: null },
    ]);
    expect(await fixture.readDelivery(id)).toMatchObject({ status: 'succeeded', attempt_count: 2 });
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

  test('an outcome that arrives after the delivery was cancelled stands in the log and moves nothing', async () => {
    const id = await fixture.makeDelivery();
    await cancelDeliveries(fixture.database, [id]);
    expect(await recordAttempts(fixture.database, [fixture.scheduledAttempt(id)])).toEqual([{ kind: 'superseded' }]);
    expect(await fixture.readDelivery(id)).toMatchObject({
      status: 'cancelled',
      attempt_count: 1,
      scheduled_attempt_count: 0,
      next_attempt_at: null,
      last_response_code: null,
    });
    const { rows } = await fixture.database.pool.query('select * from attempts where delivery_id = $1', [id]);
    expect(rows).toMatchObject([
      { number: 1, status: 'succeeded', response_code: 200, phase: 'response', error_code: 'superseded' },
    ]);
  });

  test('an outcome whose delivery is gone is nowhere to be written', async () => {
    expect(await recordAttempts(fixture.database, [fixture.scheduledAttempt(fixture.uuid())])).toEqual([
      { kind: 'superseded' },
    ]);
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
    expect((await fixture.readDelivery(id))['attempt_count']).toBe(3);
    const success = { trigger: 'manual', fence: await ask(), step: { kind: 'succeeded' } } as const;
    expect(await recordAttempts(fixture.database, [fixture.scheduledAttempt(id, success)])).toEqual([
      { kind: 'recorded', number: 4, status: 'succeeded' },
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
