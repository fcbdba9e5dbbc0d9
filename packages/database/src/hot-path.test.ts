import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { deriveUuid, makeUuid } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import {
  type AttemptRecord,
  cancelDeliveries,
  cancelPendingDeliveries,
  type Database,
  deactivateWebhook,
  deleteExpiredIdempotencyKeys,
  dropExpiredPartitions,
  ensurePartitions,
  insertDeliveries,
  insertEvents,
  listPendingDeliveries,
  listUnfannedEvents,
  loadDeliveries,
  loadEventContents,
  loadEventsToFanOut,
  markFannedOut,
  type NewEvent,
  openDatabase,
  recordAttempts,
  withRepairLock,
} from './index.ts';

let testDatabase: TestDatabase;
let database: Database;
const workspaceId = makeUuid(1_700_000_000_000);
let nowMs = Date.now();

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase({
    url: testDatabase.url,
    maxConnections: 4,
    maxHotConnections: 8,
    onConnectionError: () => {},
  });
  await database.pool.query('insert into workspaces (id, name) values ($1, $2)', [workspaceId, 'hot path']);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

function newEvent(overrides: Partial<NewEvent> = {}): NewEvent {
  nowMs += 1;
  return {
    id: makeUuid(nowMs),
    workspaceId,
    eventType: 'invoice.paid',
    occurredAtMs: nowMs,
    payload: '{"id":"inv_1"}',
    metadata: null,
    subject: null,
    channels: [],
    idempotencyKey: null,
    fingerprint: randomBytes(32),
    ...overrides,
  };
}

async function makeWebhook(): Promise<string> {
  const id = makeUuid((nowMs += 1));
  await database.pool.query(
    `insert into webhooks (id, workspace_id, url, event_types) values ($1, $2, 'https://example.com', '{*}')`,
    [id, workspaceId],
  );
  return id;
}

async function makeDelivery(webhookId?: string): Promise<string> {
  const event = newEvent();
  await insertEvents(database, [event]);
  const target = webhookId ?? (await makeWebhook());
  const id = deriveUuid(event.id, target);
  await insertDeliveries(database, [
    { id, workspaceId, eventId: event.id, webhookId: target, eventType: event.eventType },
  ]);
  return id;
}

async function readDelivery(id: string) {
  const { rows } = await database.pool.query('select * from deliveries where id = $1', [id]);
  return rows[0];
}

function scheduledAttempt(deliveryId: string, overrides: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    id: makeUuid((nowMs += 1)),
    deliveryId,
    trigger: 'scheduled',
    fence: { scheduledAttemptCount: 0, manualRetryAt: null },
    step: { kind: 'succeeded' },
    startedAtMs: nowMs,
    durationMs: 12,
    status: 'succeeded',
    responseCode: 200,
    errorCode: null,
    errorMessage: null,
    requestMethod: 'POST',
    requestUrl: 'https://example.com',
    requestHeaders: '{}',
    responseHeaders: '{}',
    responseBody: 'ok',
    responseBodyTruncated: false,
    ...overrides,
  };
}

describe('publishing', () => {
  test('keeps text exactly: escapes, big numbers, key order, emoji, quotes and backslashes', async () => {
    const payload = '{"b":9007199254740993,"a":1.0,"c":1e400,"d":"\\u0000 \\ud800 \\"{},\\\\ café ☕ 🎉","a":null}';
    const event = newEvent({ payload, metadata: '{"k":"NULL"}', subject: 'NULL', channels: ['a,b', '"{}"', ''] });
    expect(await insertEvents(database, [event])).toEqual([{ kind: 'accepted' }]);
    const [content] = await loadEventContents(database, [event.id]);
    expect(content).toEqual({
      id: event.id,
      eventType: 'invoice.paid',
      occurredAtMs: event.occurredAtMs,
      payload,
      metadata: '{"k":"NULL"}',
      subject: 'NULL',
    });
    const [toFanOut] = await loadEventsToFanOut(database, [event.id]);
    expect(toFanOut).toMatchObject({ channels: ['a,b', '"{}"', ''], workspaceId });
  });

  test('the same key in one commit and in fifty at once makes one event', async () => {
    const fingerprint = randomBytes(32);
    const same = () => newEvent({ idempotencyKey: 'order-1', fingerprint });
    const results = (
      await Promise.all(Array.from({ length: 25 }, () => insertEvents(database, [same(), newEvent(), same()])))
    ).flat();
    const accepted = results.filter(result => result.kind === 'accepted');
    const taken = results.filter(result => result.kind === 'key_taken');
    expect(accepted).toHaveLength(25 + 1);
    expect(taken).toHaveLength(49);
    expect(new Set(taken.map(result => result.eventId)).size).toBe(1);
    expect(taken.every(result => result.sameContent)).toBe(true);
  });

  test('the same key with other content is told apart, and in another workspace is another key', async () => {
    const first = newEvent({ idempotencyKey: 'order-2' });
    await insertEvents(database, [first]);
    expect(await insertEvents(database, [newEvent({ idempotencyKey: 'order-2' })])).toEqual([
      expect.objectContaining({ kind: 'key_taken', eventId: first.id, sameContent: false }),
    ]);
    const elsewhere = newEvent({ idempotencyKey: 'order-2', workspaceId: makeUuid((nowMs += 1)) });
    expect(await insertEvents(database, [elsewhere])).toEqual([{ kind: 'accepted' }]);
  });

  test('commits that share keys in opposite orders do not deadlock', async () => {
    const keys = Array.from({ length: 40 }, (_, index) => `shared-${index}`);
    const commit = (order: readonly string[]) =>
      insertEvents(
        database,
        order.map(key => newEvent({ idempotencyKey: key })),
      );
    const results = await Promise.all(Array.from({ length: 8 }, (_, n) => commit(n % 2 ? keys : keys.toReversed())));
    expect(results.flat().filter(result => result.kind === 'accepted')).toHaveLength(keys.length);
  });

  test('an accepted event stands in the outbox until it is fanned out', async () => {
    const event = newEvent();
    await insertEvents(database, [event]);
    expect(await listUnfannedEvents(database, 0, 10_000)).toContain(event.id);
    await markFannedOut(database, [event.id]);
    expect(await listUnfannedEvents(database, 0, 10_000)).not.toContain(event.id);
    expect(await loadEventsToFanOut(database, [event.id])).toEqual([]);
  });

  test('an event of a deleted workspace is handed out as an orphan', async () => {
    const event = newEvent({ workspaceId: makeUuid((nowMs += 1)) });
    await insertEvents(database, [event]);
    expect(await loadEventsToFanOut(database, [event.id])).toEqual([
      expect.objectContaining({ id: event.id, workspaceId: null }),
    ]);
  });
});

describe('recording', () => {
  test('a success ends the delivery and writes attempt number 1', async () => {
    const id = await makeDelivery();
    expect(await recordAttempts(database, [scheduledAttempt(id)])).toEqual([
      { kind: 'recorded', number: 1, status: 'succeeded' },
    ]);
    expect(await readDelivery(id)).toMatchObject({
      status: 'succeeded',
      attempt_count: 1,
      next_attempt_at: null,
      last_response_code: 200,
    });
  });

  test('a second outcome of the same attempt changes nothing', async () => {
    const id = await makeDelivery();
    const failed = scheduledAttempt(id, {
      step: { kind: 'retry', retryInMs: 60_000 },
      status: 'failed',
      responseCode: 500,
    });
    const results = await Promise.all(
      Array.from({ length: 8 }, () => recordAttempts(database, [{ ...failed, id: makeUuid((nowMs += 1)) }])),
    );
    expect(results.flat().filter(result => result.kind === 'recorded')).toHaveLength(1);
    expect(await readDelivery(id)).toMatchObject({ status: 'pending', attempt_count: 1, scheduled_attempt_count: 1 });
    const { rows } = await database.pool.query('select number from attempts where delivery_id = $1', [id]);
    expect(rows).toEqual([{ number: 1 }]);
  });

  test('an outcome that arrives after the delivery was cancelled changes nothing', async () => {
    const id = await makeDelivery();
    await cancelDeliveries(database, [id]);
    expect(await recordAttempts(database, [scheduledAttempt(id)])).toEqual([{ kind: 'superseded' }]);
    expect(await readDelivery(id)).toMatchObject({ status: 'cancelled', attempt_count: 0 });
  });

  test('a retry is due the given time from now by the clock of the database', async () => {
    const id = await makeDelivery();
    await recordAttempts(database, [
      scheduledAttempt(id, { step: { kind: 'retry', retryInMs: 60_000 }, status: 'failed' }),
    ]);
    const [loaded] = await loadDeliveries(database, [id]);
    expect(loaded?.dueInMs).toBeGreaterThan(55_000);
    expect(loaded?.dueInMs).toBeLessThanOrEqual(60_000);
  });

  test('a manual attempt that fails leaves status and schedule; one that succeeds ends the delivery', async () => {
    const id = await makeDelivery();
    await recordAttempts(database, [
      scheduledAttempt(id, { step: { kind: 'retry', retryInMs: 60_000 }, status: 'failed' }),
    ]);
    const before = await readDelivery(id);
    const ask = async () => {
      await database.pool.query('update deliveries set manual_retry_at = clock_timestamp() where id = $1', [id]);
      const [loaded] = await loadDeliveries(database, [id]);
      return {
        scheduledAttemptCount: loaded?.scheduledAttemptCount ?? -1,
        manualRetryAt: loaded?.manualRetryAt ?? null,
      };
    };
    const fence = await ask();
    const manual = { trigger: 'manual', fence, step: { kind: 'failed' }, status: 'failed' } as const;
    expect(await recordAttempts(database, [scheduledAttempt(id, manual)])).toEqual([
      { kind: 'recorded', number: 2, status: 'pending' },
    ]);
    expect(await readDelivery(id)).toMatchObject({
      next_attempt_at: before.next_attempt_at,
      scheduled_attempt_count: 1,
      manual_retry_at: null,
    });
    // The same request answered once more counts for nothing.
    expect(await recordAttempts(database, [scheduledAttempt(id, manual)])).toEqual([{ kind: 'superseded' }]);
    const success = { trigger: 'manual', fence: await ask(), step: { kind: 'succeeded' } } as const;
    expect(await recordAttempts(database, [scheduledAttempt(id, success)])).toEqual([
      { kind: 'recorded', number: 3, status: 'succeeded' },
    ]);
  });

  test('a batch tells for each of its records whether it counted', async () => {
    const [one, two, three] = [await makeDelivery(), await makeDelivery(), await makeDelivery()];
    await cancelDeliveries(database, [two]);
    const results = await recordAttempts(
      database,
      [one, two, three].map(id => scheduledAttempt(id)),
    );
    expect(results.map(result => result.kind)).toEqual(['recorded', 'superseded', 'recorded']);
  });

  test('deactivating a webhook cancels what waits for it and gives it a new version', async () => {
    const webhookId = await makeWebhook();
    const [waiting, over] = [await makeDelivery(webhookId), await makeDelivery(webhookId)];
    await recordAttempts(database, [scheduledAttempt(over)]);
    const [before] = await loadDeliveries(database, [waiting]);
    expect(await deactivateWebhook(database, webhookId, 'gone')).toBe(true);
    expect(await deactivateWebhook(database, webhookId, 'gone')).toBe(false);
    const [after] = await loadDeliveries(database, [waiting]);
    expect(after).toMatchObject({
      status: 'cancelled',
      webhookActive: false,
      webhookVersion: (before?.webhookVersion ?? 0) + 1,
    });
    expect(await readDelivery(over)).toMatchObject({ status: 'succeeded' });
  });
});

describe('repair', () => {
  test('the lock belongs to one at a time and comes back', async () => {
    let inner: unknown = 'not run';
    const outer = await withRepairLock(database, async () => {
      inner = await withRepairLock(database, async () => 'inner');
      return 'outer';
    });
    expect([outer, inner]).toEqual(['outer', null]);
    expect(await withRepairLock(database, async () => 'again')).toBe('again');
  });

  test('the walk over pending deliveries meets each once, whatever the page size', async () => {
    const webhookId = await makeWebhook();
    const made = [];
    for (let n = 0; n < 7; n += 1) made.push(await makeDelivery(webhookId));
    const met: string[] = [];
    for (let after = null, first = true; first || after !== null; first = false) {
      const page = await listPendingDeliveries(database, 3_600_000, after, 2);
      met.push(...page.deliveries.map(delivery => delivery.id));
      after = page.next as never;
    }
    expect(new Set(met).size).toBe(met.length);
    expect(met).toEqual(expect.arrayContaining(made));
    await cancelPendingDeliveries(database, webhookId);
    const { deliveries } = await listPendingDeliveries(database, 3_600_000, null, 10_000);
    expect(deliveries.filter(delivery => made.includes(delivery.id))).toEqual([]);
  });
});

describe('retention', () => {
  const partitions = async (parent: string): Promise<string[]> =>
    (
      await database.pool.query(
        `select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::regclass`,
        [parent],
      )
    ).rows.map(row => row.name);

  test('partitions are made once, and rows that fell into the default partition move into theirs', async () => {
    const farMs = Date.now() + 40 * 86_400_000;
    const event = newEvent({ id: makeUuid(farMs) });
    await insertEvents(database, [event]);
    const where = async () =>
      (await database.pool.query('select tableoid::regclass::text as name from events where id = $1', [event.id]))
        .rows[0].name;
    expect(await where()).toBe('events_default');
    await ensurePartitions(database, 41);
    await ensurePartitions(database, 41);
    expect(await where()).toMatch(/^events_\d{8}$/);
  });

  test('days that are over for long enough are dropped, the others stay', async () => {
    await database.pool.query(`select ensure_day_partitions('2020-01-01')`);
    const before = await partitions('attempts');
    const dropped = await dropExpiredPartitions(database, 30);
    expect(dropped).toEqual(['attempts_20200101', 'deliveries_20200101', 'events_20200101']);
    expect(await partitions('attempts')).toEqual(before.filter(name => name !== 'attempts_20200101'));
  });

  test('old idempotency keys are forgotten', async () => {
    await insertEvents(database, [newEvent({ idempotencyKey: 'old' }), newEvent({ idempotencyKey: 'young' })]);
    await database.pool.query(
      `update idempotency_keys set created_at = now() - interval '100 hours' where key = 'old'`,
    );
    expect(await deleteExpiredIdempotencyKeys(database, 72)).toBe(1);
    const { rows } = await database.pool.query(`select key from idempotency_keys where key in ('old', 'young')`);
    expect(rows).toEqual([{ key: 'young' }]);
  });
});
