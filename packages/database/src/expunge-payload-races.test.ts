// Whatever else writes rows of an event while its payload is expunged.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { uuidTimeMs } from '@signpost/runtime';
import { waitFor } from '@signpost/testing';
import { audit } from './audit-log.fixture.ts';
import { echo, type ExpungeFixture, failedEcho, makeExpungeFixture } from './expunge-payload.fixture.ts';
import {
  cancelDeliveries,
  type Database,
  insertDeliveries,
  markFannedOut,
  recordAttempts,
  requestManualRetry,
} from './index.ts';

let fixture: ExpungeFixture;
let database: Database;
beforeAll(async () => {
  fixture = await makeExpungeFixture();
  database = fixture.database;
});
afterAll(() => fixture.close());

/** Another transaction holds what the statement locks. @returns ends it, and undoes what it did */
async function hold(sql: string, values: readonly unknown[]): Promise<() => Promise<void>> {
  const client = await database.pool.connect();
  await client.query('begin');
  await client.query(sql, [...values]);
  return async () => {
    await client.query('rollback');
    client.release();
  };
}

const untilWaiting = (count: number) =>
  waitFor(
    async () =>
      (
        await fixture.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
      ).length === count,
    { description: `${count} connections wait for a lock` },
  );

/** Both begin in their order, each while the one before waits; then what was held is let go. */
async function inOrder<A, B>(release: () => Promise<void>, first: () => Promise<A>, second: () => Promise<B>) {
  const begun: Promise<A | B>[] = [];
  try {
    for (const begin of [first, second]) {
      begun.push(begin());
      await untilWaiting(begun.length);
    }
  } finally {
    await release();
  }
  return Promise.all(begun as [Promise<A>, Promise<B>]);
}

const lockDelivery = 'select from deliveries where id = $1 for update';
const makeItsWebhook = `
  insert into webhooks (id, workspace_id, url) select webhook_id, workspace_id, '' from deliveries where id = $1`;
/** Makes a row that `recordAttempts` wants to make, too, so that it waits with its delivery locked. */
const takeAttempt = `
  insert into attempts (delivery_id, number, id, trigger, started_at, status, request_method, request_url, request_headers)
  values ($1, 1, $2, 'scheduled', now(), 'failed', 'POST', '', '{}')`;

describe('at the same moment', () => {
  test('a fan-out that inserts is waited for: its deliveries are cancelled', async () => {
    const { event } = await fixture.makeEvent(0);
    const delivery = fixture.deliveryOf(event);
    const release = await hold(
      `insert into deliveries (id, workspace_id, event_id, webhook_id, event_type) values ($1, $2, $3, $4, 'a')`,
      [delivery.id, delivery.workspaceId, delivery.eventId, delivery.webhookId],
    );
    await inOrder(
      release,
      () => insertDeliveries(database, [delivery]),
      () => fixture.expunge(event),
    );
    expect(await fixture.readDelivery(delivery.id)).toMatchObject({ status: 'cancelled', event_type: event.eventType });
  });

  test('a fan-out that comes to insert waits, and makes no deliveries', async () => {
    const { event, ids } = await fixture.makeEvent(1);
    const late = fixture.deliveryOf(event);
    const release = await hold(lockDelivery, ids);
    await inOrder(
      release,
      () => fixture.expunge(event),
      () => insertDeliveries(database, [late]),
    );
    expect(await fixture.readDelivery(late.id)).toBeUndefined();
    // Nor does one that finds the outbox without it.
    await insertDeliveries(database, [late]);
    expect(await fixture.readDelivery(late.id)).toBeUndefined();
  });

  test('an attempt that is recorded is waited for, and what it tells of the answer is taken away', async () => {
    const { event, ids } = await fixture.makeEvent(1);
    const [id] = ids as [string];
    const release = await hold(takeAttempt, [id, fixture.uuid()]);
    const [recorded] = await inOrder(
      release,
      () => fixture.record(id, {}),
      () => fixture.expunge(event),
    );
    expect(recorded).toBe('recorded');
    expect(await fixture.readDelivery(id)).toMatchObject({ status: 'succeeded' });
    expect(
      await fixture.query('select number, response_code, response_body from attempts where delivery_id = $1', ids),
    ).toEqual([{ number: 1, response_code: 200, response_body: null }]);
  });

  test('an attempt that comes to be recorded waits, and counts no more', async () => {
    const { event, ids } = await fixture.makeEvent(1);
    const [id] = ids as [string];
    await fixture.record(id, failedEcho);
    const release = await hold('select from attempts where delivery_id = $1 for update', [id]);
    const [, recorded] = await inOrder(
      release,
      () => fixture.expunge(event),
      () => fixture.record(id, { fence: { scheduledAttemptCount: 1, manualRetryAt: null } }),
    );
    expect(recorded).toBe('superseded');
    const columns = 'number, request_headers, response_headers, response_body';
    const cleared = { request_headers: '{}', response_headers: '{}', response_body: null };
    expect(await fixture.query(`select ${columns} from attempts where delivery_id = $1 order by number`, [id])).toEqual(
      [
        { number: 1, ...cleared },
        { number: 2, ...cleared },
      ],
    );
  });

  test('a manual retry that is asked for is waited for, and closed', async () => {
    const { event, ids } = await fixture.makeEvent(1);
    const [id] = ids as [string];
    await fixture.record(id, {});
    await fixture.query(makeItsWebhook, [id]);
    const release = await hold(lockDelivery, ids);
    const [asked] = await inOrder(
      release,
      () => requestManualRetry(database, event.workspaceId, id, audit),
      () => fixture.expunge(event),
    );
    expect(asked.kind).toBe('accepted');
    expect(await fixture.readDelivery(id)).toMatchObject({ manual_retry_at: null });
  });

  test('a manual retry that comes to be asked for waits, and is refused', async () => {
    const { event, ids } = await fixture.makeEvent(1);
    const [id] = ids as [string];
    await fixture.record(id, {});
    await fixture.query(makeItsWebhook, [id]);
    const release = await hold(lockDelivery, ids);
    const [, asked] = await inOrder(
      release,
      () => fixture.expunge(event),
      () => requestManualRetry(database, event.workspaceId, id, audit),
    );
    expect(asked.kind).toBe('payload_expunged');
    expect(await fixture.readDelivery(id)).toMatchObject({ manual_retry_at: null });
  });

  test('all of it at once, many times, ends with nothing left and without a deadlock', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { event, ids } = await fixture.makeEvent(8);
      const late = Array.from({ length: 8 }, () => fixture.deliveryOf(event));
      await Promise.all([
        recordAttempts(
          database,
          ids.toReversed().map(id => fixture.scheduledAttempt(id, echo)),
        ),
        insertDeliveries(database, late),
        fixture.expunge(event),
        markFannedOut(database, [event.id]),
        cancelDeliveries(database, [ids[0] as string]),
        fixture.expunge(event),
      ]);
      const left = await fixture.query(
        `select d.status, a.response_body from deliveries d left join attempts a on a.delivery_id = d.id
         where d.event_id = $1 and (d.status = 'pending' or a.response_body is not null)`,
        [event.id],
      );
      expect(left).toEqual([]);
    }
  });
});

test('only the tables of the event’s own day are opened', async () => {
  const { event, ids } = await fixture.makeEvent(1);
  await fixture.record(ids[0] as string, failedEcho);
  const release = await hold('select from attempts where delivery_id = $1 for update', ids);
  const expunging = fixture.expunge(event);
  await untilWaiting(1);
  const opened = await fixture.query(
    `select distinct c.relname::text as name from pg_locks l join pg_class c on c.oid = l.relation
     join pg_stat_activity s on s.pid = l.pid where s.wait_event_type = 'Lock' and c.relname ~ '_(\\d{8}|default)$' order by 1`,
  );
  await release();
  await expunging;
  const day = new Date(uuidTimeMs(event.id)).toISOString().slice(0, 10).replaceAll('-', '');
  expect(opened.map(({ name }) => name)).toEqual([`attempts_${day}`, `deliveries_${day}`, `events_${day}`]);
});
