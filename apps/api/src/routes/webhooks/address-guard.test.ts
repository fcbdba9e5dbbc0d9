import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { createAddressPolicy } from '@signpost/transport';
import { startTestApi, type TestApi } from '../../test-api.ts';

interface Vector {
  readonly id: string;
  readonly url: string;
  readonly verdict: 'allow' | 'deny';
  /** Where it is refused; a name that resolves to a refused address passes as a URL and is stopped at each connection. */
  readonly stage: 'parse' | 'hostname' | 'literal' | 'connect';
  readonly node_canonical_href?: string;
}

const { vectors } = JSON.parse(
  readFileSync(new URL('../../../../../packages/transport/test-vectors/ssrf.json', import.meta.url), 'utf8'),
) as { vectors: Vector[] };
const refused = vectors.filter(({ verdict, stage }) => verdict === 'deny' && stage !== 'connect');
const accepted = vectors.filter(({ verdict, stage }) => verdict === 'allow' || stage === 'connect');

let testDatabase: TestDatabase;
let api: TestApi;
let httpsOnly: TestApi;
let key: string;
let webhookId: string;
const original = 'https://hooks.example.com/original';

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const start = (allowHttp: boolean): Promise<TestApi> =>
    startTestApi({
      databaseUrl: testDatabase.url,
      override: built => ({
        ...built,
        addressPolicy: createAddressPolicy({ allowHttp, allowedPrivateRanges: [] }),
      }),
    });
  api = await start(true);
  httpsOnly = await start(false);
  key = (await api.makeWorkspace()).key;
  webhookId = (await create(original)).body.id;
});
afterAll(async () => {
  await api.close();
  await httpsOnly.close();
  await testDatabase.drop();
});

const create = (url: string, on = api) => on.call('POST /v1/webhooks', { key, body: { url, events: ['*'] } });
const change = (url: string, on = api) => on.call(`PATCH /v1/webhooks/${webhookId}`, { key, body: { url } });

/** A URL that is too long is refused by the schema, any other by the guard; both say where and why. */
function expectRefusal({ status, body }: Awaited<ReturnType<typeof create>>): void {
  expect(status).toBe(422);
  expect(['url_refused', 'validation_failed']).toContain(body.code);
  expect(body.errors).toEqual([{ path: 'body.url', message: expect.stringMatching(/\S/) }]);
}

test('the vectors are all here', () => {
  expect([vectors.length, refused.length + accepted.length]).toEqual([170, 170]);
});

describe('a URL that is refused', () => {
  test.each(refused)('$id makes no webhook and changes none: $url', async ({ url }) => {
    const [made, changed] = [await create(url), await change(url)];
    expectRefusal(made);
    expectRefusal(changed);
    // The words are those of the guard, equal in both places.
    expect(made.body.errors).toEqual(changed.body.errors);
  });

  test('leaves the webhook as it was, and none beside it', async () => {
    const { body } = await api.call('GET /v1/webhooks?limit=100', { key });
    expect(body.data.map((webhook: { url: string }) => webhook.url)).toContain(original);
    for (const { url } of body.data) expect(refused.map(vector => vector.url)).not.toContain(url);
  });
});

describe('a URL that is allowed', () => {
  test.each(accepted)('$id makes a webhook, in its canonical form: $url', async vector => {
    const made = await create(vector.url);
    expect(made.status).toBe(201);
    if (vector.node_canonical_href !== undefined) expect(made.body.url).toBe(vector.node_canonical_href);
    const removed = await api.call(`DELETE /v1/webhooks/${made.body.id}`, { key });
    expect(removed.status).toBe(204);
  });

  test.each(accepted.filter(({ url }) => /^http:/i.test(url)))(
    '$id is refused where only https is allowed, and the setting is named: $url',
    async ({ url }) => {
      for (const answer of [await create(url, httpsOnly), await change(url, httpsOnly)]) {
        expectRefusal(answer);
        expect(answer.body.errors[0].message).toContain('ALLOW_HTTP_URLS');
      }
    },
  );
});

test.each(['http://127.0.0.1', 'http://[::1]'])(
  '%s is refused in the same words whether something listens there',
  async origin => {
    const listening = `${origin}:${new URL(api.url).port}/`;
    const silent = `${origin}:1024/`;
    for (const ask of [create, change]) {
      const [one, other] = [await ask(listening), await ask(silent)];
      expect([one.status, one.body.detail, one.body.errors]).toEqual([
        other.status,
        other.body.detail,
        other.body.errors,
      ]);
      expectRefusal(one);
    }
  },
);
