import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { operations } from '@signpost/api-schema';
import { insertDeliveries, markFannedOut } from '@signpost/database';
import { deriveUuid, formatId, makeUuid, parseId, systemClock } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi, type TestWorkspace } from '../../test-api.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let mine: TestWorkspace;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ databaseUrl: testDatabase.url });
  mine = await api.makeWorkspace();
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

const get = (path: string, key = mine.key) => api.call(`GET ${path}`, { key });

async function publish(rawBody: string, key = mine.key): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const published = await api.call('POST /v1/events', { key, rawBody, headers });
  if (published.status !== 202) throw new Error(published.text);
  return published.body.id;
}

/** Does what a fan-out to `count` webhooks does. */
async function fanOut(eventId: string, count: number, workspaceId = mine.id): Promise<string[]> {
  const { database } = api.dependencies;
  const uuid = parseId('event', eventId) as string;
  const deliveries = Array.from({ length: count }, () => {
    const webhookId = makeUuid(systemClock.nowMs());
    const id = deriveUuid(uuid, webhookId);
    const contract = { contract: 'standard', contractVersion: 0 };
    return { id, workspaceId, eventId: uuid, webhookId, eventType: 'a', ...contract };
  });
  if (count > 0) await insertDeliveries(database, deliveries);
  await markFannedOut(database, [uuid]);
  return deliveries.map(delivery => formatId('delivery', delivery.id));
}

describe('one event', () => {
  test.each([
    '{"n":9007199254740993,"f":1.0,"e":1e400,"z":-0}',
    '{"b":1,"a":2,"b":3}',
    '[ 1 ,\n\t{"__proto__" : null} ]',
    '"\\u0000 \\ud83d\\ude00 \\/ ä€\u2028"',
    'null',
    '{}',
  ])('200: the data stand in it byte for byte: %s', async data => {
    const id = await publish(`{"event_type":"a","data":${data},"metadata":{"x":1.0},"subject":"s","channels":["c"]}`);
    const read = await get(`/v1/events/${id}`);
    expect(read.status).toBe(200);
    expect(read.headers['content-type']).toBe('application/json; charset=utf-8');
    for (const { text } of [read, await get('/v1/events?limit=1')]) {
      expect(text).toContain(`"data":${data},`);
      expect(text).toContain('"metadata":{"x":1.0},');
    }
    expect(read.body).toMatchObject({ id, event_type: 'a', subject: 's', channels: ['c'] });
    expect(operations.getEvent.responses[200].schema.safeParse(read.body).error).toBeUndefined();
  });

  test('200: before the fan-out, after one that matched nothing, and after one that did', async () => {
    const [id, matched] = [await publish('{"event_type":"a","data":1}'), await publish('{"event_type":"a","data":1}')];
    const seen = async (eventId = id) => {
      const { fanned_out, matched_webhooks, deliveries } = (await get(`/v1/events/${eventId}`)).body;
      return { fanned_out, matched_webhooks, deliveries };
    };
    expect(await seen()).toEqual({ fanned_out: false, matched_webhooks: null, deliveries: [] });
    await fanOut(id, 0);
    expect(await seen()).toEqual({ fanned_out: true, matched_webhooks: 0, deliveries: [] });
    const [delivery] = await fanOut(matched, 1);
    expect(await seen(matched)).toMatchObject({
      fanned_out: true,
      matched_webhooks: 1,
      deliveries: [{ id: delivery, event_id: matched, status: 'pending' }],
    });
  });

  test('200: a large fan-out shows the first deliveries and how many there are; all are in the list', async () => {
    const id = await publish('{"event_type":"large","data":1}');
    const made = await fanOut(id, 150);
    const { body } = await get(`/v1/events/${id}`);
    expect([body.matched_webhooks, body.deliveries.length]).toEqual([150, 100]);
    const listed = (await get('/v1/events?event_type=large')).body.data[0];
    expect([listed.matched_webhooks, listed.deliveries.length]).toEqual([150, 10]);
    const all: string[] = [];
    for (let cursor = ''; ; ) {
      const page = (await get(`/v1/deliveries?event_id=${id}&limit=100${cursor}`)).body;
      all.push(...page.data.map((each: { id: string }) => each.id));
      if (page.next_cursor === null) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(all).toEqual(made.toSorted().reverse());
  });

  test("404: another workspace's event answers as an unknown one", async () => {
    const id = await publish('{"event_type":"a","data":1}');
    const { key } = await api.makeWorkspace();
    const headers = { 'x-request-id': 'same' };
    const answers = [];
    for (const each of [id, formatId('event', makeUuid(systemClock.nowMs())), 'evt_x'])
      answers.push(await api.call(`GET /v1/events/${each}`, { key, headers }));
    expect(answers.map(each => each.status)).toEqual([404, 404, 404]);
    expect(new Set(answers.map(each => each.text)).size).toBe(1);
    expect((await get('/v1/events', key)).body).toEqual({ data: [], next_cursor: null, previous_cursor: null });
  });
});

describe('list', () => {
  test('200: newest first, each once, while events arrive', async () => {
    const { key } = await api.makeWorkspace();
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.unshift(await publish(`{"event_type":"a","data":${n}}`, key));
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const page = (await get(`/v1/events?limit=2${cursor}`, key)).body;
      expect(operations.listEvents.responses[200].schema.safeParse(page).error).toBeUndefined();
      seen.push(...page.data.map((each: { id: string }) => each.id));
      if (page.next_cursor === null) break;
      cursor = `&cursor=${page.next_cursor}`;
      await publish('{"event_type":"a","data":"later"}', key);
    }
    expect(seen).toEqual(ids);
  });

  test('200: by type, subject and time', async () => {
    const { key } = await api.makeWorkspace();
    const call = await publish('{"event_type":"call.ended","data":1,"subject":"agent-1"}', key);
    const sms = await publish('{"event_type":"sms.sent","data":1,"timestamp":"2020-02-29T12:00:00+01:00"}', key);
    const idsOf = async (query: string) =>
      (await get(`/v1/events?${query}`, key)).body.data.map((each: { id: string }) => each.id);
    expect(await idsOf('event_type=call.ended')).toEqual([call]);
    expect(await idsOf('subject=agent-1')).toEqual([call]);
    // Of publishing, not the producer's own timestamp.
    expect(await idsOf('since=2026-01-01T00:00:00Z')).toEqual([sms, call]);
    expect(await idsOf('until=2026-01-01T00:00:00Z')).toEqual([]);
    expect((await get(`/v1/events/${sms}`, key)).body.timestamp).toBe('2020-02-29T11:00:00.000Z');
  });

  test('200: a page of large events ends early, next to where one came from, and goes on', async () => {
    const { key } = await api.makeWorkspace();
    const data = JSON.stringify('x'.repeat(250_000));
    const ids: string[] = [];
    for (let n = 0; n < 20; n += 1) ids.unshift(await publish(`{"event_type":"a","data":${data}}`, key));
    const page = async (limit: number, cursor = '') => {
      const { body } = await get(`/v1/events?limit=${limit}${cursor && `&cursor=${cursor}`}`, key);
      return { ...body, ids: body.data.map((each: { id: string }) => each.id) };
    };
    const first = await page(100);
    // It holds as many as begin within 4 MiB.
    expect(first.ids).toEqual(ids.slice(0, 17));
    const second = await page(100, first.next_cursor);
    expect([second.ids, second.next_cursor]).toEqual([ids.slice(17), null]);
    // Before the last event there are 19.
    const last = await page(1, (await page(2, first.next_cursor)).next_cursor);
    const back = await page(19, last.previous_cursor);
    expect(back.ids).toEqual(ids.slice(2, 19));
    expect((await page(19, back.next_cursor)).ids).toEqual(last.ids);
    const beginning = await page(19, back.previous_cursor);
    expect([beginning.ids, beginning.previous_cursor]).toEqual([ids.slice(0, 2), null]);
  }, 30_000);

  test('422: what is no filter', async () => {
    const wrong = await get('/v1/events?since=yesterday&colour=red');
    expect(wrong.body.errors.map((each: { path: string }) => each.path)).toEqual(['query.since', 'query.colour']);
    const early = await get('/v1/events?since=0000-01-01T00:00:00Z');
    expect([early.status, early.body.errors[0].path]).toEqual([422, 'query.since']);
    const cursor = await get('/v1/events?cursor=nonsense');
    expect([cursor.status, cursor.body.errors[0].path]).toEqual([422, 'query.cursor']);
  });
});
