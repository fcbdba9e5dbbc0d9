import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi, type TestWorkspace } from '../../test-api.ts';
import { eventType, type Json, minimal, textSecret } from './contract-document.fixture.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let mine: TestWorkspace;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ databaseUrl: testDatabase.url });
});
beforeEach(async () => {
  mine = await api.makeWorkspace();
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

const withEvent = (parts: Json): Json => ({ event_types: [eventType(), eventType({ name: 'b', ...parts })] });
const fields = (...each: unknown[]): Json => ({ envelope: { shape: 'object', fields: each } });
const signed = (parts: Json): Json => ({ signature: { ...minimal.signature, ...parts } });

const call = (target: string, body?: unknown) =>
  api.call(target, body === undefined ? { key: mine.key } : { key: mine.key, body });
const create = (parts: Json) => call('POST /v1/contracts', { ...minimal, ...parts });

describe('422: a bad contract is refused with the path', () => {
  test.each<[string, Json, string, string]>([
    ['an unknown member', { colour: 'red' }, 'body.colour', 'not a member'],
    ['a missing title', { title: undefined }, 'body.title', 'is required'],
    ['a name in capitals', { name: 'Acme' }, 'body.name', 'must be a-z'],
    ['an unknown shape', { envelope: { shape: 'xml' } }, 'body.envelope.shape', 'must be one of data, object'],
    ['a brace never closed', fields({ name: 'a', value: '{event.id' }), 'body.envelope.fields[0].value', 'closed'],
    ['an unknown word', fields({ name: 'a', value: '{event.name}' }), 'body.envelope.fields[0].value', 'vocabulary'],
    ['code', fields({ name: 'a', value: '{data[0]()}' }), 'body.envelope.fields[0].value', 'not a placeholder'],
    ['the environment', fields({ name: 'a', value: '{env.HOME}' }), 'body.envelope.fields[0].value', 'placeholder'],
    ['the secret in the body', fields({ name: 'a', value: '{secret}' }), 'body.envelope.fields[0].value', 'stand here'],
    [
      'an error inside a nested field',
      fields({
        name: 'a',
        fields: [
          { name: 'b', constant: 1 },
          { name: 'c', value: '{x}' },
        ],
      }),
      'body.envelope.fields[0].fields[1].value',
      'vocabulary',
    ],
    [
      'one field twice',
      fields({ name: 'a', constant: 1 }, { name: 'a', constant: 2 }),
      'body.envelope.fields[1].name',
      'twice',
    ],
    ['a line break in a header', { headers: [{ name: 'X-A', value: 'a\r\nb' }] }, 'body.headers[0].value', 'ASCII'],
    ['a header of the transport', { headers: [{ name: 'Host', value: 'x' }] }, 'body.headers[0].name', 'transport'],
    [
      'a credential in a header',
      {
        headers: [
          { name: 'X-A', value: '1' },
          { name: 'Authorization', value: 'Bearer abc' },
        ],
      },
      'body.headers[1].value',
      'Set Authorization in the headers of the webhook',
    ],
    [
      'an unknown algorithm',
      signed({ algorithm: 'crc32' }),
      'body.signature.algorithm',
      'must be one of hmac-sha256, hmac-sha512',
    ],
    ['a hash without the secret', signed({ algorithm: 'md5' }), 'body.signature.content', 'must name {secret}'],
    ['a format without the signature', signed({ format: 'v1' }), 'body.signature.format', 'once'],
    ['no signature header', signed({ headers: [] }), 'body.signature.headers', 'must have at least 1 item'],
    ['a method without a body', { methods: ['GET'] }, 'body.methods[0]', 'must be one of POST, PUT, PATCH'],
    ['a success range upside down', { success: { from: 300, to: 200 } }, 'body.success.to', 'less than'],
    ['a timeout without an end', { timeout_ms: 600_000 }, 'body.timeout_ms', 'must be at most 60000'],
    [
      'a retry at once',
      { retry: { schedule_seconds: [5, 0] } },
      'body.retry.schedule_seconds[1]',
      'must be at least 1',
    ],
    [
      'secrets it would refuse itself',
      { secret: { ...textSecret, min_length: 60 } },
      'body.secret.generated_bytes',
      'between',
    ],
    [
      'an unknown https rule',
      { url: { https: 'never' } },
      'body.url.https',
      'must be one of instance, production, always',
    ],
    ['an event type twice', { event_types: [eventType(), eventType()] }, 'body.event_types[1].name', 'above'],
    [
      'an event type no catalogue takes',
      withEvent({ name: 'a/b' }),
      'body.event_types[1].name',
      'joined by single dots',
    ],
    ['a control character', withEvent({ description: 'a\u0000b' }), 'body.event_types[1].description', 'control'],
    ['no JSON Schema', withEvent({ schema: { type: 'text' } }), 'body.event_types[1].schema.type', 'must be'],
    ['a reference to nowhere', withEvent({ schema: { $ref: '#/nowhere' } }), 'body.event_types[1].schema', 'resolve'],
    [
      'an example that breaks its schema',
      withEvent({ example: { id: 7 } }),
      'body.event_types[1].example.id',
      'string',
    ],
    ['an example without a member', withEvent({ example: {} }), 'body.event_types[1].example.id', 'is required'],
  ])('%s', async (_name, parts, path, message) => {
    const refused = await create(parts);
    expect([refused.status, refused.body.code]).toEqual([422, 'validation_failed']);
    expect(refused.body.errors).toContainEqual({ path, message: expect.stringContaining(message) });
    expect((await call('GET /v1/contracts/acme')).status).toBe(404);
  });

  test('a body that is no object', async () => {
    for (const body of [null, [], 'text', 7]) {
      const refused = await call('POST /v1/contracts', body);
      expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'body']);
    }
  });
});
