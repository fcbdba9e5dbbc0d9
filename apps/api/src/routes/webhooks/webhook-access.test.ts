import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { formatId, makeUuid, systemClock } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { createAddressPolicy } from '@signpost/transport';
import { startTestApi, type TestApi, type TestWorkspace } from '../../test-api.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let mine: TestWorkspace;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({
    databaseUrl: testDatabase.url,
    override: dependencies => ({
      ...dependencies,
      addressPolicy: createAddressPolicy({ allowHttp: true, allowedPrivateRanges: [] }),
    }),
  });
  mine = await api.makeWorkspace();
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

const url = 'https://example.com/hooks';
const make = async () =>
  (await api.call('POST /v1/webhooks', { key: mine.key, body: { url, events: ['*'] } })).body.id as string;

describe('URLs', () => {
  const { vectors } = JSON.parse(
    readFileSync(new URL('../../../../../packages/transport/test-vectors/ssrf.json', import.meta.url), 'utf8'),
  ) as { vectors: { id: string; url: string; verdict: 'allow' | 'deny'; stage: string }[] };
  const refused = vectors.filter(vector => vector.verdict === 'deny' && vector.stage !== 'connect');
  const accepted = vectors.filter(vector => !refused.includes(vector));

  test('422: what the address policy refuses without a look-up can neither be created nor changed to', async () => {
    const id = await make();
    expect(refused.length).toBeGreaterThan(100);
    for (const vector of refused) {
      const body = { url: vector.url, events: ['*'] };
      const created = await api.call('POST /v1/webhooks', { key: mine.key, body });
      const changed = await api.call(`PATCH /v1/webhooks/${id}`, { key: mine.key, body: { url: vector.url } });
      for (const { status, body: problem } of [created, changed]) {
        expect({ vector: vector.id, status, path: problem.errors?.[0].path }).toEqual({
          vector: vector.id,
          status: 422,
          path: 'body.url',
        });
        expect(problem.code).toMatch(/^(url_refused|validation_failed)$/);
      }
    }
    expect((await api.call(`GET /v1/webhooks/${id}`, { key: mine.key })).body.url).toBe(url);
  });

  test('201: what only a look-up can refuse is refused when it is delivered', async () => {
    for (const vector of accepted) {
      const body = { url: vector.url, events: ['*'] };
      const created = await api.call('POST /v1/webhooks', { key: mine.key, body });
      expect({ vector: vector.id, status: created.status }).toEqual({ vector: vector.id, status: 201 });
    }
  });
});

describe('access', () => {
  const calls = [
    ['GET', '', undefined],
    ['PATCH', '', { description: 'mine now' }],
    ['PATCH', '', { contract: 'repairy', events: ['a.b'] }],
    ['DELETE', '', undefined],
    ['POST', '/rotate-secret', {}],
    ['POST', '/test', { event_type: 'call.ended' }],
  ] as const;

  test.each(calls)("404: %s %s %j of another workspace's answers as for an unknown id", async (method, path, body) => {
    const id = await make();
    const before = (await api.call(`GET /v1/webhooks/${id}`, { key: mine.key })).text;
    const { key } = await api.makeWorkspace();
    const headers = { 'x-request-id': 'same' };
    const call = (target: string) => api.call(`${method} /v1/webhooks/${target}${path}`, { key, body, headers });
    const others = await call(id);
    const unknown = await call(formatId('webhook', makeUuid(systemClock.nowMs())));
    const malformed = await call('wh_nothing');
    expect([others.status, unknown.status, malformed.status]).toEqual([404, 404, 404]);
    expect(others.text).toBe(unknown.text);
    expect(others.text).toBe(malformed.text);
    expect((await api.call(`GET /v1/webhooks/${id}`, { key: mine.key })).text).toBe(before);
  });

  test('404: a list of another workspace does not show it', async () => {
    await make();
    const { key } = await api.makeWorkspace();
    expect((await api.call('GET /v1/webhooks', { key })).body).toEqual({
      data: [],
      next_cursor: null,
      previous_cursor: null,
    });
  });

  test.each(calls.slice(1))('403: %s %s %j needs more than a key that reads', async (method, path, body) => {
    const id = await make();
    const key = await api.makeKey(mine.id, ['read', 'publish']);
    const refused = await api.call(`${method} /v1/webhooks/${id}${path}`, { key, body });
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden_scope']);
  });
});
