import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { deriveUuid, makeUuid } from '@signpost/runtime';
import type { PoolClient } from 'pg';
import { type HotPathFixture, makeHotPathFixture } from './hot-path.fixture.ts';
import {
  deleteExpiredAuditEntries,
  deleteExpiredIdempotencyKeys,
  dropExpiredDays,
  ensurePartitions,
  findDelivery,
  insertDeliveries,
  insertEvents,
  markFannedOut,
} from './index.ts';

let fixture: HotPathFixture;
beforeAll(async () => {
  fixture = await makeHotPathFixture();
});
afterAll(() => fixture.close());

const query = async (sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> =>
  (await fixture.database.pool.query(sql, values)).rows;
const tablesOf = async (day: string): Promise<unknown[]> =>
  (await query('select relname from pg_class where relkind = $1 and relname ~ $2 order by 1', ['r', `_${day}$`])).map(
    row => row['relname'],
  );
const wholeDay = (day: string) => [`attempts_${day}`, `deliveries_${day}`, `events_${day}`];
const nothing = { dropped: [], inUse: [], unfinished: [] };

/** An event of long ago, as it stands before its fan-out, with the partitions of its day. */
async function makeOldEvent(day: string) {
  await query('select ensure_day_partitions($1)', [day]);
  const event = fixture.newEvent({ id: makeUuid(Date.parse(`${day}T12:00:00Z`)) });
  await insertEvents(fixture.database, [event]);
  return event;
}

/** The same after its fan-out. @returns the id of its delivery */
async function makeOldDelivery(day: string): Promise<string> {
  const event = await makeOldEvent(day);
  const webhookId = await fixture.makeWebhook();
  const id = deriveUuid(event.id, webhookId);
  const { workspaceId, eventType } = event;
  const contract = { contract: 'standard', contractVersion: 0 };
  await insertDeliveries(fixture.database, [{ id, workspaceId, eventId: event.id, webhookId, eventType, ...contract }]);
  await markFannedOut(fixture.database, [event.id]);
  return id;
}

test('partitions are made once, and rows that fell into the default partition move into theirs', async () => {
  const event = fixture.newEvent({ id: makeUuid(Date.now() + 40 * 86_400_000) });
  await insertEvents(fixture.database, [event]);
  const where = async () =>
    (await query('select tableoid::regclass::text as name from events where id = $1', [event.id]))[0]?.['name'];
  expect(await where()).toBe('events_default');
  await ensurePartitions(fixture.database, 41);
  await ensurePartitions(fixture.database, 41);
  expect(await where()).toMatch(/^events_\d{8}$/);
});

describe('days that are over for long enough', () => {
  afterEach(async () => {
    await query(`update deliveries set status = 'cancelled', manual_retry_at = null`);
    await query('delete from pending_fan_outs');
    await dropExpiredDays(fixture.database, 30);
  });

  test('are dropped with all their tables, the others stay', async () => {
    await query(`select ensure_day_partitions('2020-01-01')`);
    const [{ count: before } = {}] = await query('select count(*)::int from pg_inherits');
    expect(await dropExpiredDays(fixture.database, 30)).toEqual({ ...nothing, dropped: ['20200101'] });
    const [{ count: after } = {}] = await query('select count(*)::int from pg_inherits');
    expect(await tablesOf('20200101')).toEqual([]);
    expect(Number(before) - Number(after)).toBeGreaterThanOrEqual(3);
    expect(await dropExpiredDays(fixture.database, 30)).toEqual(nothing);
  });

  test('and that a release before this one had dropped in part go as well', async () => {
    await query(`select ensure_day_partitions('2020-01-02')`);
    await query('drop table attempts_20200102');
    expect(await dropExpiredDays(fixture.database, 30)).toEqual({ ...nothing, dropped: ['20200102'] });
    expect(await tablesOf('20200102')).toEqual([]);
  });

  test('stay while an event of theirs waits for its fan-out', async () => {
    const event = await makeOldEvent('2020-01-03');
    expect(await dropExpiredDays(fixture.database, 30)).toEqual({ ...nothing, unfinished: ['20200103'] });
    expect(await tablesOf('20200103')).toEqual(wholeDay('20200103'));
    await markFannedOut(fixture.database, [event.id]);
    expect(await dropExpiredDays(fixture.database, 30)).toEqual({ ...nothing, dropped: ['20200103'] });
  });

  test.each([
    ['a delivery is pending', `status = 'pending', next_attempt_at = now() + interval '60 days'`],
    ['a retry by hand waits', `status = 'failed', manual_retry_at = now()`],
  ])('stay while %s, and hold up no other day', async (_what, state) => {
    const id = await makeOldDelivery('2020-01-04');
    await query(`update deliveries set ${state} where id = $1`, [id]);
    await query(`select ensure_day_partitions('2020-01-05')`);
    expect(await dropExpiredDays(fixture.database, 30)).toEqual({
      ...nothing,
      dropped: ['20200105'],
      unfinished: ['20200104'],
    });
    expect(await tablesOf('20200104')).toEqual(wholeDay('20200104'));
    await query(`update deliveries set status = 'failed', manual_retry_at = null where id = $1`, [id]);
    expect(await dropExpiredDays(fixture.database, 30)).toEqual({ ...nothing, dropped: ['20200104'] });
  });

  test('do not stay for a test send that nobody made', async () => {
    const id = await makeOldDelivery('2020-01-06');
    await query('update deliveries set test = true where id = $1', [id]);
    expect(await dropExpiredDays(fixture.database, 30)).toEqual({ ...nothing, dropped: ['20200106'] });
  });

  test('are gone in one step: a delivery is shown with its event or not at all', async () => {
    const days = Array.from({ length: 9 }, (_, n) => `2020-01-${n + 10}`);
    const ids = await Promise.all(days.map(makeOldDelivery));
    await query(`update deliveries set status = 'succeeded' where id = any($1)`, [ids]);
    const { workspaceId } = fixture.newEvent();
    const shown = async (): Promise<boolean[]> =>
      (await Promise.all(ids.map(id => findDelivery(fixture.database, workspaceId, id)))).map(delivery => {
        if (delivery !== null) expect(delivery.event).not.toBeNull();
        return delivery !== null;
      });
    expect(await shown()).toEqual(days.map(() => true));
    const dropping = dropExpiredDays(fixture.database, 30);
    while ((await shown()).includes(true));
    expect((await dropping).dropped).toEqual(days.map(day => day.replaceAll('-', '')));
  });

  test('are dropped once by two dispatchers that do it at the same time', async () => {
    for (const day of ['2020-01-07', '2020-01-08', '2020-01-09'])
      await query('select ensure_day_partitions($1)', [day]);
    const both = await Promise.all([dropExpiredDays(fixture.database, 30), dropExpiredDays(fixture.database, 30)]);
    expect(both.flatMap(({ dropped }) => dropped).toSorted()).toEqual(['20200107', '20200108', '20200109']);
    expect(both.flatMap(({ inUse, unfinished }) => [...inUse, ...unfinished])).toEqual([]);
  });
});

/** The longest wait for a lock of a table that Postgres tells of, in ms, until `isOver`. */
async function longestLockWaitMs(isOver: () => boolean): Promise<number> {
  let longest = 0;
  while (!isOver()) {
    const [row] = await query(
      `select coalesce(max(extract(epoch from clock_timestamp() - waitstart) * 1000), 0)::float8 as ms
       from pg_locks where not granted and mode = 'RowExclusiveLock'`,
    );
    longest = Math.max(longest, Number(row?.['ms']));
  }
  return longest;
}

describe('while somebody reads for long', () => {
  let reader: PoolClient;
  afterEach(async () => {
    await reader.query('rollback');
    reader.release();
  });

  // Each of the three: a day goes as a whole or not at all.
  test.each([
    ['events', 46],
    ['deliveries', 51],
    ['attempts', 56],
  ])(
    '%s, no day is made or dropped, and nobody waits behind it',
    async (table, daysAhead) => {
      await query(`select ensure_day_partitions('2020-02-01')`);
      reader = await fixture.database.pool.connect();
      await reader.query(`begin; select count(*) from ${table}`);
      let over = false;
      const work = Promise.all([
        dropExpiredDays(fixture.database, 30),
        ensurePartitions(fixture.database, daysAhead),
      ]).finally(() => (over = true));
      let inserted = 0;
      const publish = async (): Promise<void> => {
        for (; !over; inserted += 1) await fixture.makeDelivery();
      };
      const [waitedMs, [dropping, notMade]] = await Promise.all([longestLockWaitMs(() => over), work, publish()]);
      expect(dropping).toEqual({ ...nothing, inUse: ['20200201'] });
      expect(notMade).toBeGreaterThan(0);
      expect(await tablesOf('20200201')).toEqual(wholeDay('20200201'));
      expect(inserted).toBeGreaterThan(10);
      // 100 ms, and as much again for a machine that is busy with other tests.
      expect(waitedMs).toBeLessThan(200);
      await reader.query('commit');
      expect(await dropExpiredDays(fixture.database, 30)).toEqual({ ...nothing, dropped: ['20200201'] });
      expect(await ensurePartitions(fixture.database, daysAhead)).toBe(0);
    },
    60_000,
  );
});

describe('asked to end', () => {
  test('nothing more is dropped, made or forgotten', async () => {
    await query(`select ensure_day_partitions('2020-03-01')`);
    await insertEvents(fixture.database, [fixture.newEvent({ idempotencyKey: 'asked to end' })]);
    await query(`update idempotency_keys set created_at = now() - interval '100 hours'`);
    const signal = AbortSignal.abort();
    expect(await dropExpiredDays(fixture.database, 30, signal)).toEqual(nothing);
    expect(await deleteExpiredIdempotencyKeys(fixture.database, 72, signal)).toBe(0);
    expect(await deleteExpiredAuditEntries(fixture.database, 1, signal)).toBe(0);
    const [{ count: before } = {}] = await query('select count(*)::int from pg_inherits');
    await ensurePartitions(fixture.database, 90, signal);
    expect(await query('select count(*)::int from pg_inherits')).toEqual([{ count: before }]);
    expect(await deleteExpiredIdempotencyKeys(fixture.database, 72)).toBe(1);
  });
});

test('old idempotency keys are forgotten', async () => {
  await insertEvents(fixture.database, [
    fixture.newEvent({ idempotencyKey: 'old' }),
    fixture.newEvent({ idempotencyKey: 'young' }),
  ]);
  await query(`update idempotency_keys set created_at = now() - interval '100 hours' where key = 'old'`);
  expect(await deleteExpiredIdempotencyKeys(fixture.database, 72)).toBe(1);
  expect(await query(`select key from idempotency_keys where key in ('old', 'young')`)).toEqual([{ key: 'young' }]);
});
