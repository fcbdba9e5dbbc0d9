import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi, type TestWorkspace } from '../../test-api.ts';

let database: TestDatabase;
let api: TestApi;
let workspace: TestWorkspace;
beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi({ databaseUrl: database.url });
  workspace = await api.makeWorkspace();
});
afterAll(async () => {
  await api.close();
  await database.drop();
});

const publish = (body: unknown, headers: Record<string, string> = {}) =>
  api.call('POST /v1/events', { key: workspace.key, body, headers });
const publishText = (rawBody: string) => api.call('POST /v1/events', { key: workspace.key, rawBody });
const event = { event_type: 'call.ended', data: { n: 1 } };

describe('202', () => {
  test('answers id, event type and time', async () => {
    const { status, body } = await publish({ ...event, timestamp: '2026-04-05T16:04:00.000+02:00' });
    expect({ status, body }).toEqual({
      status: 202,
      body: {
        id: expect.stringMatching(/^evt_/),
        event_type: 'call.ended',
        timestamp: '2026-04-05T14:04:00.000Z',
        duplicate: false,
      },
    });
  });

  test.each([
    ['2026-10-25T02:30:00+02:00', '2026-10-25T00:30:00.000Z'],
    // The same time of day an hour later: clocks were set back.
    ['2026-10-25T02:30:00+01:00', '2026-10-25T01:30:00.000Z'],
    ['2026-03-29T02:30:00+01:00', '2026-03-29T01:30:00.000Z'],
    ['2024-02-29T23:59:59.9996-11:30', '2024-03-01T11:29:59.999Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.9999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s is %s', async (timestamp, expected) => {
    expect((await publish({ ...event, timestamp })).body.timestamp).toBe(expected);
  });

  test.each([
    '9007199254740993',
    '1e400',
    '-0',
    '1.0',
    '"\\ud800\\u0000"',
    '{"b":1,"a":2,"b":3}',
    '{"__proto__":{"x":1}}',
    'null',
    ' [1 , 2] ',
  ])('keeps the data %s to the byte', async data => {
    const { status, body } = await publishText(`{ "event_type" : "call.ended","data":${data} }`);
    expect(status).toBe(202);
    const read = await api.call(`GET /v1/events/${body.id}`, { key: workspace.key });
    expect(read.text).toContain(`"data":${data.trim()}`);
  });
});

describe('an idempotency key', () => {
  test('gives the first event again, wherever it stands and however it is quoted', async () => {
    const first = await publish({ ...event, idempotency_key: 'order-7' });
    for (const header of ['order-7', '"order-7"']) {
      const again = await publish(event, { 'idempotency-key': header });
      expect(again).toMatchObject({ status: 200, body: { ...first.body, duplicate: true } });
    }
  });

  test.each([
    ['data', { ...event, data: { n: 2 } }],
    ['event type', { ...event, event_type: 'call.failed' }],
    ['subject', { ...event, subject: 'agent_1' }],
    ['metadata', { ...event, metadata: { n: 1 } }],
  ])('with other %s is 422 idempotency_key_reused', async (what, changed) => {
    await publish({ ...event, idempotency_key: `reused-${what}` });
    const { status, body } = await publish({ ...changed, idempotency_key: `reused-${what}` });
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'idempotency_key_reused' });
  });

  test.each([
    ['header.idempotency-key', event, ''],
    ['header.idempotency-key', event, '""'],
    ['header.idempotency-key', event, 'x'.repeat(256)],
    ['body.idempotency_key', { ...event, idempotency_key: 'a' }, 'b'],
    ['body.idempotency_key', { ...event, idempotency_key: '' }, undefined],
    ['body.idempotency_key', { ...event, idempotency_key: 'é' }, undefined],
  ])('that is wrong in %s is 422', async (path, body, header) => {
    const answer = await publish(body, header === undefined ? {} : { 'idempotency-key': header });
    expect({ status: answer.status, paths: answer.body.errors?.map((error: { path: string }) => error.path) }).toEqual({
      status: 422,
      paths: [path],
    });
  });
});

describe('422', () => {
  test.each([
    ['body.data', { event_type: 'call.ended' }],
    ['body.event_type', { ...event, event_type: 'a..b' }],
    ['body.event_type', { data: 1 }],
    ['body.subject', { ...event, subject: 'a\u0000b' }],
    ['body.subject', { ...event, subject: '\ud800' }],
    ['body.channels[0]', { ...event, channels: ['\udc00'] }],
    ['body.channels', { ...event, channels: 'eu' }],
    ['body.metadata', { ...event, metadata: [] }],
    ['body.timestamp', { ...event, timestamp: 'yesterday' }],
    ['body.timestamp', { ...event, timestamp: '2026-02-30T00:00:00Z' }],
    // Outside of the years 1 to 9999, of which an offset may lead.
    ['body.timestamp', { ...event, timestamp: '0000-12-31T23:59:59Z' }],
    ['body.timestamp', { ...event, timestamp: '0001-01-01T00:00:00+00:01' }],
    ['body.timestamp', { ...event, timestamp: '9999-12-31T23:59:59-00:01' }],
    ['body.timestamp', { ...event, timestamp: '2016-12-31T23:59:60Z' }],
    ['body.timestamp', { ...event, timestamp: '2026-03-29T02:30:00' }],
    ['body.surprise', { ...event, surprise: true }],
  ])('names %s', async (path, body) => {
    const answer = await publish(body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
  });
});

describe('a batch', () => {
  const batch = (events: unknown[], headers: Record<string, string> = {}) =>
    api.call('POST /v1/events/batch', { key: workspace.key, body: { events }, headers });

  test('accepts what is good and refuses what is not, each in its place', async () => {
    const { status, body } = await batch([
      event,
      { ...event, channels: ['\ud800'] },
      { ...event, data: 'x'.repeat(262_144) },
      event,
    ]);
    expect(status).toBe(202);
    expect(body.data.map((item: { error?: { code: string } }) => item.error?.code ?? 'accepted')).toEqual([
      'accepted',
      'validation_failed',
      'payload_too_large',
      'accepted',
    ]);
  });

  test.each([
    ['no events', []],
    ['1001 events', Array.from({ length: 1001 }, () => event)],
  ])('of %s is 422', async (_what, events) => {
    expect(await batch(events)).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
  });

  test('with an Idempotency-Key header is 422: a key stands for one event', async () => {
    expect(await batch([event], { 'idempotency-key': 'one' })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'header.idempotency-key' }] },
    });
  });
});
