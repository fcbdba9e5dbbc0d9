import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi, type TestWorkspace } from '../../test-api.ts';
import { type Json, minimal } from './contract-document.fixture.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let mine: TestWorkspace;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ databaseUrl: testDatabase.url });
  mine = await api.makeWorkspace(['read']);
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const event = { event_type: 'order.paid', data: { id: 1 } };
const preview = (body: unknown) => api.call('POST /v1/contracts/preview', { key: mine.key, body });

const copies = (count: number): Json[] => Array.from({ length: count }, (_, n) => ({ name: `f${n}`, value: '{data}' }));

describe('preview', () => {
  test('200: a key that may read is enough, and ids and times are made where none are given', async () => {
    const { status, body } = await preview({ contract: 'standard', event, secret });
    expect(status).toBe(200);
    expect(body.headers).toMatchObject({
      'webhook-id': expect.stringMatching(/^evt_[0-9a-z]{26}$/),
      'webhook-signature': expect.stringMatching(/^v1,/),
    });
    const { 'webhook-id': id, 'webhook-timestamp': seconds } = body.headers;
    expect(body.signed_content).toBe(`${id}.${seconds}.${body.body}`);
    expect(JSON.parse(body.body)).toMatchObject({ type: 'order.paid', data: { id: 1 } });
  });

  test('200: of members of one name in the request the last counts, as it does for a published event', async () => {
    const text = `{"event":{"data":1},"contract":"github","secret":"a-secret-of-mine","event":{"event_type":"a","data":1,"data":[ 2.0 ]}}`;
    const { body } = await api.call('POST /v1/contracts/preview', { key: mine.key, rawBody: text });
    expect(body.body).toBe('[ 2.0 ]');
  });

  test.each([
    ['body', { envelope: { shape: 'object', fields: copies(50) } }],
    ['header', { headers: [{ name: 'X-All', value: '{data.x}' }] }],
  ])('422: what would be larger than Signpost sends, in its %s', async (_part, parts) => {
    const document = { ...minimal, ...parts };
    const large = { ...event, data: { x: 'x'.repeat(100_000) } };
    const refused = await preview({ document, event: large, secret });
    expect([refused.status, refused.body.code]).toEqual([422, 'validation_failed']);
    expect(refused.body.errors).toEqual([
      { path: 'body.event', message: expect.stringContaining('makes too large a request by the contract acme') },
    ]);
    expect((await preview({ document, event, secret })).status).toBe(200);
  });

  test('200: data may be nested as deeply as those of a published event', async () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    const send = (depth: number) =>
      api.call('POST /v1/contracts/preview', {
        key: mine.key,
        rawBody: `{"contract":"standard","secret":"${secret}","event":{"event_type":"a","data":${nested(depth)}}}`,
      });
    const publisher = await api.makeKey(mine.id, ['publish']);
    const publish = (depth: number) =>
      api.call('POST /v1/events', { key: publisher, rawBody: `{"event_type":"a","data":${nested(depth)}}` });
    expect([(await send(63)).status, (await publish(63)).status]).toEqual([200, 202]);
    expect([(await send(64)).status, (await publish(64)).status]).toEqual([400, 400]);
  });

  test.each<[string, Json, string]>([
    ['neither contract nor document', { contract: undefined }, 'body'],
    ['both', { document: minimal }, 'body'],
    ['an unknown contract', { contract: 'nobodys' }, 'body.contract'],
    [
      'a wrong document',
      { contract: undefined, document: { ...minimal, methods: ['GET'] } },
      'body.document.methods[0]',
    ],
    ['a secret of another form', { secret: 'short' }, 'body.secret'],
    ['no secret', { secret: undefined }, 'body.secret'],
    ['a method that is not its own', { method: 'PUT' }, 'body.method'],
    ['an event without data', { event: { event_type: 'a' } }, 'body.event.data'],
    ['an event type that is none', { event: { event_type: 'a b', data: 1 } }, 'body.event.event_type'],
    ['an unknown field of the event', { event: { ...event, channels: ['a'] } }, 'body.event.channels'],
    ['an id of another kind', { delivery_id: 'evt_01jd3kq8e5f1x9a7m2c4v6b8n0' }, 'body.delivery_id'],
    ['a time that is none', { attempt_timestamp: 'yesterday' }, 'body.attempt_timestamp'],
  ])('422: %s', async (_name, parts, path) => {
    const refused = await preview({ contract: 'standard', event, secret, ...parts });
    expect([refused.status, refused.body.code]).toEqual([422, 'validation_failed']);
    expect(refused.body.errors.map((error: Json) => error['path'])).toContain(path);
    // Nobody finds a secret in an answer that refuses it.
    expect(refused.text).not.toContain(secret);
  });
});
