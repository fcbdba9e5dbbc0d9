import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { builtInContracts } from '@signpost/contracts';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi } from '../../test-api.ts';

let testDatabase: TestDatabase;
let inProduction: TestApi;
let inDevelopment: TestApi;
let key: string;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const databaseUrl = testDatabase.url;
  inProduction = await startTestApi({ databaseUrl, override: built => ({ ...built, production: true }) });
  inDevelopment = await startTestApi({ databaseUrl });
  key = (await inDevelopment.makeWorkspace()).key;
});
afterAll(async () => {
  await inProduction.close();
  await inDevelopment.close();
  await testDatabase.drop();
});

const url = 'http://example.com/hooks';
const create = (api: TestApi, contract: string) =>
  api.call('POST /v1/webhooks', { key, body: { url, events: ['*'], contract } });

const strict = [...builtInContracts.values()].filter(({ document }) => document.url.https === 'production');

test('contracts that want HTTPS in production: replicer, stripe, slack', () => {
  expect(strict.map(({ name }) => name).toSorted()).toEqual(['replicer', 'slack', 'stripe']);
});

test.each(strict.map(({ name }) => name))(
  '422: production refuses http:// for %s; development takes it',
  async name => {
    const refused = await create(inProduction, name);
    expect([refused.status, refused.body.code]).toEqual([422, 'url_refused']);
    expect(refused.body.detail).toBe(
      `The contract ${name} wants a URL that starts with https:// in production; http:// is for development.`,
    );
    expect(refused.body.errors).toEqual([{ path: 'body.url', message: refused.body.detail }]);
    const taken = await create(inDevelopment, name);
    expect([taken.status, taken.body.url]).toEqual([201, url]);
  },
);

test('422: neither a URL nor a contract can be changed around the rule', async () => {
  const { body: plain } = await create(inProduction, 'repixa');
  const target = `PATCH /v1/webhooks/${plain.id}`;
  expect(plain.url).toBe(url);
  expect((await inProduction.call(target, { key, body: { contract: 'slack' } })).body.code).toBe('url_refused');
  const { body: secure } = await inProduction.call('POST /v1/webhooks', {
    key,
    body: { url: 'https://example.com/hooks', events: ['*'], contract: 'slack' },
  });
  const changed = await inProduction.call(`PATCH /v1/webhooks/${secure.id}`, { key, body: { url } });
  expect([changed.status, changed.body.code]).toEqual([422, 'url_refused']);
});
