import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { deriveUuid, makeUuid, systemClock, uuidTimeMs } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import {
  type Database,
  type DeliveryFilter,
  findDelivery,
  findEvent,
  idRange,
  insertDeliveries,
  insertEvents,
  insertTestSend,
  listDeliveries,
  listDeliveriesOfEvents,
  listEvents,
  listPendingDeliveries,
  listUnfannedEvents,
  markFannedOut,
  openDatabase,
  type PageRequest,
  type PageStart,
  readTestSend,
  requestManualRetry,
} from './index.ts';
import { audit } from './audit-log.fixture.ts';

let testDatabase: TestDatabase;
let database: Database;
let nowMs = systemClock.nowMs();

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase({
    url: testDatabase.url,
    maxConnections: 4,
    maxHotConnections: 2,
    onConnectionError: () => {},
  });
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

async function makeWorkspace(): Promise<string> {
  const id = makeUuid((nowMs += 1));
  await database.pool.query('insert into workspaces (id, name) values ($1, $2)', [id, id]);
  return id;
}

async function makeWebhook(workspaceId: string): Promise<string> {
  const id = makeUuid((nowMs += 1));
  await database.pool.query(
    `insert into webhooks (id, workspace_id, url, event_types, contract) values ($1, $2, 'https://example.com', '{*}', 'github')`,
    [id, workspaceId],
  );
  return id;
}

async function makeEvent(workspaceId: string, overrides: object = {}): Promise<string> {
  const id = makeUuid((nowMs += 5));
  const event = {
    id,
    workspaceId,
    eventType: 'invoice.paid',
    occurredAtMs: nowMs,
    payload: '{"n":9007199254740993}',
    metadata: null,
    subject: null,
    channels: [],
    idempotencyKey: null,
    fingerprint: randomBytes(32),
    ...overrides,
  };
  await insertEvents(database, [event]);
  return id;
}

async function makeDelivery(workspaceId: string, eventId: string, webhookId: string): Promise<string> {
  const id = deriveUuid(eventId, webhookId);
  await insertDeliveries(database, [
    { id, workspaceId, eventId, webhookId, eventType: 'invoice.paid', contract: 'standard', contractVersion: 0 },
  ]);
  return id;
}

const anyDelivery: DeliveryFilter = {
  webhookId: null,
  eventId: null,
  eventType: null,
  status: null,
  responseCode: null,
  ids: idRange(null, null),
};
const firstPage: PageRequest = { limit: 100, start: null };
const after = (key: string) => ({ key, direction: 'forward', inclusive: false }) as const;
const before = (key: string) => ({ key, direction: 'backward', inclusive: false }) as const;

describe('deliveries', () => {
  test('each filter leaves out what it does not name, and another workspace sees none', async () => {
    const [workspaceId, other] = [await makeWorkspace(), await makeWorkspace()];
    const [left, right] = [await makeWebhook(workspaceId), await makeWebhook(workspaceId)];
    const [older, newer] = [await makeEvent(workspaceId), await makeEvent(workspaceId)];
    const a = await makeDelivery(workspaceId, older, left);
    const b = await makeDelivery(workspaceId, older, right);
    const c = await makeDelivery(workspaceId, newer, right);
    await database.pool.query(
      `update deliveries set status = 'failed', last_response_code = 503, event_type = 'x' where id = $1`,
      [c],
    );
    const list = async (filter: Partial<DeliveryFilter>, page = firstPage, workspace = workspaceId) =>
      (await listDeliveries(database, workspace, { ...anyDelivery, ...filter }, page)).rows.map(row => row.id);
    const ofOlder = [a, b].sort().reverse();
    expect(await list({})).toEqual([c, ...ofOlder]);
    expect(await list({}, { limit: 1, start: after(c) })).toEqual(ofOlder.slice(0, 1));
    const oldest = ofOlder[1] as string;
    expect(await list({}, { limit: 2, start: before(oldest) })).toEqual([c, ofOlder[0]]);
    expect(await list({ eventId: older }, { limit: 2, start: before(oldest) })).toEqual([ofOlder[0]]);
    expect(await list({ webhookId: right })).toEqual([c, b]);
    expect(await list({ eventId: older })).toEqual(ofOlder);
    expect(await list({ eventId: older, webhookId: left })).toEqual([a]);
    expect(await list({ eventType: 'x' })).toEqual([c]);
    expect(await list({ status: 'pending' })).toEqual(ofOlder);
    expect(await list({ responseCode: 503 })).toEqual([c]);
    const newerMs = uuidTimeMs(newer);
    expect(await list({ ids: idRange(newerMs, null) })).toEqual([c]);
    expect(await list({ ids: idRange(null, newerMs) })).toEqual(ofOlder);
    expect(await list({ ids: idRange(newerMs + 1, null) })).toEqual([]);
    expect(await list({}, firstPage, other)).toEqual([]);
    expect(await list({ webhookId: right }, firstPage, other)).toEqual([]);
  });

  test('a time range opens only the partitions of its days', async () => {
    const workspaceId = await makeWorkspace();
    const { ids } = { ids: idRange(nowMs, nowMs + 1000) };
    const { rows } = await database.pool.query(
      `explain select id from deliveries d where d.workspace_id = $1 and d.id >= '${ids.from}' and d.id < '${ids.before}' order by d.id desc limit 10`,
      [workspaceId],
    );
    const plan = rows.map(row => row['QUERY PLAN']).join('\n');
    expect(plan.match(/deliveries_\d{8}\w*/g)?.length).toBeGreaterThan(0);
    expect(new Set(plan.match(/deliveries_\d{8}/g)).size).toBe(1);
  });

  test('a delivery comes with what its requests are made from, as far as it still exists', async () => {
    const workspaceId = await makeWorkspace();
    const webhookId = await makeWebhook(workspaceId);
    const eventId = await makeEvent(workspaceId, { metadata: '{"a":1.0}', subject: 's' });
    const id = await makeDelivery(workspaceId, eventId, webhookId);
    const found = await findDelivery(database, workspaceId, id);
    expect(found).toMatchObject({
      id,
      eventId,
      status: 'pending',
      event: { id: eventId, payload: '{"n":9007199254740993}', metadata: '{"a":1.0}', subject: 's' },
      webhook: { contract: 'github', method: null },
    });
    await database.pool.query('delete from webhooks where id = $1', [webhookId]);
    await database.pool.query('delete from events where id = $1', [eventId]);
    expect(await findDelivery(database, workspaceId, id)).toMatchObject({ id, event: null, webhook: null });
    expect(await findDelivery(database, await makeWorkspace(), id)).toBeNull();
  });
});

describe('events', () => {
  const anyEvent = { eventType: null, subject: null, ids: idRange(null, null) };

  test('a page ends early where its payloads grow too large, and says that there is more', async () => {
    const workspaceId = await makeWorkspace();
    const payload = JSON.stringify('x'.repeat(1000));
    const ids = [];
    for (let n = 0; n < 5; n += 1) ids.unshift(await makeEvent(workspaceId, { payload }));
    const list = async (limit: number, start: PageStart | null, maxBytes: number) => {
      const page = await listEvents(database, workspaceId, anyEvent, { limit, start }, maxBytes);
      return [page.rows.map(event => event.id), page.hasMore];
    };
    expect(await list(4, null, 2500)).toEqual([ids.slice(0, 3), true]);
    expect(await list(4, null, 1)).toEqual([ids.slice(0, 1), true]);
    expect(await list(4, after(ids[2] as string), 1e6)).toEqual([ids.slice(3), false]);
    expect(await list(5, null, 1e6)).toEqual([ids, false]);
    // Backward, it keeps those that stand next to where it came from.
    const oldest = before(ids[4] as string);
    expect(await list(4, oldest, 2500)).toEqual([ids.slice(1, 4), true]);
    expect(await list(4, oldest, 1)).toEqual([ids.slice(3, 4), true]);
    expect(await list(3, oldest, 1e6)).toEqual([ids.slice(1, 4), true]);
    expect(await list(4, oldest, 1e6)).toEqual([ids.slice(0, 4), false]);
    expect(await list(4, oldest, 3007)).toEqual([ids.slice(0, 4), false]);
  });

  test('filters by type, subject and time', async () => {
    const workspaceId = await makeWorkspace();
    const paid = await makeEvent(workspaceId, { subject: 'agent-1' });
    const sent = await makeEvent(workspaceId, { eventType: 'sms.sent' });
    const list = async (filter: object) =>
      (await listEvents(database, workspaceId, { ...anyEvent, ...filter }, firstPage, 1e6)).rows.map(row => row.id);
    expect(await list({})).toEqual([sent, paid]);
    expect(await list({ eventType: 'sms.sent' })).toEqual([sent]);
    expect(await list({ subject: 'agent-1' })).toEqual([paid]);
    expect(await list({ ids: idRange(uuidTimeMs(sent), null) })).toEqual([sent]);
  });

  test('an event tells whether it was fanned out, and its deliveries are found by its id', async () => {
    const workspaceId = await makeWorkspace();
    const webhooks = [await makeWebhook(workspaceId), await makeWebhook(workspaceId), await makeWebhook(workspaceId)];
    const [matched, unmatched] = [await makeEvent(workspaceId), await makeEvent(workspaceId)];
    expect((await findEvent(database, workspaceId, matched))?.fannedOut).toBe(false);
    const made = [];
    for (const webhook of webhooks) made.push(await makeDelivery(workspaceId, matched, webhook));
    await markFannedOut(database, [matched, unmatched]);
    expect((await findEvent(database, workspaceId, matched))?.fannedOut).toBe(true);
    const found = await listDeliveriesOfEvents(database, [unmatched, matched], 2);
    expect([...found.keys()]).toEqual([matched]);
    expect(found.get(matched)?.total).toBe(3);
    expect(found.get(matched)?.deliveries.map(row => row.id)).toEqual(made.sort().reverse().slice(0, 2));
    expect(await findEvent(database, await makeWorkspace(), matched)).toBeNull();
  });
});

describe('manual retry', () => {
  test('asked for twice it is one request, of whatever status the delivery is', async () => {
    const workspaceId = await makeWorkspace();
    const id = await makeDelivery(workspaceId, await makeEvent(workspaceId), await makeWebhook(workspaceId));
    await database.pool.query(`update deliveries set status = 'failed', next_attempt_at = null where id = $1`, [id]);
    const asked = async () =>
      (await database.pool.query('select manual_retry_at::text as at from deliveries where id = $1', [id])).rows[0].at;
    const first = await requestManualRetry(database, workspaceId, id, audit);
    expect(first).toMatchObject({ kind: 'accepted', delivery: { id, status: 'failed' } });
    const at = await asked();
    expect(at).not.toBeNull();
    await requestManualRetry(database, workspaceId, id, audit);
    expect(await asked()).toBe(at);
  });

  test('a deleted webhook, another workspace and an unknown id are told apart', async () => {
    const workspaceId = await makeWorkspace();
    const webhookId = await makeWebhook(workspaceId);
    const id = await makeDelivery(workspaceId, await makeEvent(workspaceId), webhookId);
    expect(await requestManualRetry(database, await makeWorkspace(), id, audit)).toEqual({ kind: 'missing' });
    expect(await requestManualRetry(database, workspaceId, makeUuid(nowMs), audit)).toEqual({ kind: 'missing' });
    await database.pool.query('delete from webhooks where id = $1', [webhookId]);
    expect(await requestManualRetry(database, workspaceId, id, audit)).toEqual({ kind: 'webhook_deleted' });
  });
});

describe('test send', () => {
  test('stores an event and a delivery that neither fan-out nor repair takes up', async () => {
    const workspaceId = await makeWorkspace();
    const webhookId = await makeWebhook(workspaceId);
    const eventId = makeUuid((nowMs += 5));
    const send = {
      eventId,
      deliveryId: deriveUuid(eventId, webhookId),
      workspaceId,
      webhookId,
      eventType: 'call.ended',
      occurredAtMs: nowMs,
      payload: '{"a":1}',
    };
    expect(await insertTestSend(database, { ...send, workspaceId: await makeWorkspace() }, audit)).toBe(false);
    expect(await findEvent(database, workspaceId, eventId)).toBeNull();
    expect(await insertTestSend(database, send, audit)).toBe(true);
    expect(await findEvent(database, workspaceId, eventId)).toMatchObject({ payload: '{"a":1}', fannedOut: true });
    expect(await listUnfannedEvents(database, -1000, 10_000)).not.toContain(eventId);
    const { deliveries } = await listPendingDeliveries(database, 1e9, null, 10_000);
    expect(deliveries.map(delivery => delivery.id)).not.toContain(send.deliveryId);
    expect(await readTestSend(database, send.deliveryId)).toMatchObject({ status: 'pending', responseCode: null });
  });
});
