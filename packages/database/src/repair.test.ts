import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeUuid } from '@signpost/runtime';
import { type HotPathFixture, makeHotPathFixture } from './hot-path.fixture.ts';
import {
  cancelPendingDeliveries,
  deleteExpiredIdempotencyKeys,
  dropExpiredPartitions,
  ensurePartitions,
  insertEvents,
  listPendingDeliveries,
  withRepairLock,
} from './index.ts';

let fixture: HotPathFixture;
beforeAll(async () => {
  fixture = await makeHotPathFixture();
});
afterAll(() => fixture.close());

describe('repair', () => {
  test('the lock belongs to one at a time and comes back', async () => {
    let inner: unknown = 'not run';
    const outer = await withRepairLock(fixture.database, async () => {
      inner = await withRepairLock(fixture.database, async () => 'inner');
      return 'outer';
    });
    expect([outer, inner]).toEqual(['outer', null]);
    expect(await withRepairLock(fixture.database, async () => 'again')).toBe('again');
  });

  test('the walk over pending deliveries meets each once, whatever the page size', async () => {
    const webhookId = await fixture.makeWebhook();
    const made: string[] = [];
    for (let n = 0; n < 7; n += 1) made.push(await fixture.makeDelivery(webhookId));
    const met: string[] = [];
    for (let after = null, first = true; first || after !== null; first = false) {
      const page = await listPendingDeliveries(fixture.database, 3_600_000, after, 2);
      met.push(...page.deliveries.map(delivery => delivery.id));
      after = page.next as never;
    }
    expect(new Set(met).size).toBe(met.length);
    expect(met).toEqual(expect.arrayContaining(made));
    await cancelPendingDeliveries(fixture.database, webhookId);
    const { deliveries } = await listPendingDeliveries(fixture.database, 3_600_000, null, 10_000);
    expect(deliveries.filter(delivery => made.includes(delivery.id))).toEqual([]);
  });
});

describe('retention', () => {
  const partitions = async (parent: string): Promise<string[]> =>
    (
      await fixture.database.pool.query(
        `select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::regclass`,
        [parent],
      )
    ).rows.map(row => row.name);

  test('partitions are made once, and rows that fell into the default partition move into theirs', async () => {
    const farMs = Date.now() + 40 * 86_400_000;
    const event = fixture.newEvent({ id: makeUuid(farMs) });
    await insertEvents(fixture.database, [event]);
    const where = async () =>
      (
        await fixture.database.pool.query('select tableoid::regclass::text as name from events where id = $1', [
          event.id,
        ])
      ).rows[0].name;
    expect(await where()).toBe('events_default');
    await ensurePartitions(fixture.database, 41);
    await ensurePartitions(fixture.database, 41);
    expect(await where()).toMatch(/^events_\d{8}$/);
  });

  test('days that are over for long enough are dropped, the others stay', async () => {
    await fixture.database.pool.query(`select ensure_day_partitions('2020-01-01')`);
    const before = await partitions('attempts');
    expect(await dropExpiredPartitions(fixture.database, 30)).toEqual({
      dropped: ['attempts_20200101', 'deliveries_20200101', 'events_20200101'],
      postponed: [],
    });
    expect(await partitions('attempts')).toEqual(before.filter(name => name !== 'attempts_20200101'));
  });

  test('while somebody reads for long, days are neither made nor dropped, and nobody waits behind it', async () => {
    await fixture.database.pool.query(`select ensure_day_partitions('2020-01-02')`);
    const reader = await fixture.database.pool.connect();
    await reader.query('begin');
    await reader.query('select count(*) from events');
    const [dropping, making] = [dropExpiredPartitions(fixture.database, 30), ensurePartitions(fixture.database, 60)];
    // Each of these would wait until the reader has ended, which it does only behind them.
    const waitsMs: number[] = [];
    let over = false;
    void Promise.all([dropping, making]).then(() => (over = true));
    while (!over) {
      const startedAt = performance.now();
      await insertEvents(fixture.database, [fixture.newEvent()]);
      waitsMs.push(performance.now() - startedAt);
    }
    expect((await dropping).postponed).toEqual(['events_20200102']);
    expect(await making).toBeGreaterThan(0);
    await reader.query('commit');
    reader.release();
    expect(waitsMs.length).toBeGreaterThan(10);
    expect(Math.max(...waitsMs)).toBeLessThan(2000);
    expect(await dropExpiredPartitions(fixture.database, 30)).toEqual({ dropped: ['events_20200102'], postponed: [] });
    expect(await ensurePartitions(fixture.database, 60)).toBe(0);
  }, 60_000);

  test('old idempotency keys are forgotten', async () => {
    await insertEvents(fixture.database, [
      fixture.newEvent({ idempotencyKey: 'old' }),
      fixture.newEvent({ idempotencyKey: 'young' }),
    ]);
    await fixture.database.pool.query(
      `update idempotency_keys set created_at = now() - interval '100 hours' where key = 'old'`,
    );
    expect(await deleteExpiredIdempotencyKeys(fixture.database, 72)).toBe(1);
    const { rows } = await fixture.database.pool.query(
      `select key from idempotency_keys where key in ('old', 'young')`,
    );
    expect(rows).toEqual([{ key: 'young' }]);
  });
});
