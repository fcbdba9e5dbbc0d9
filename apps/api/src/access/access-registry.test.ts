import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, fixedClock, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi, type TestWorkspace } from '../test-api.ts';
import { createAccessRegistry } from './access-registry.ts';
import { hashKeySecret, makeKeySecret } from './key-secret.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let workspace: TestWorkspace;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ databaseUrl: testDatabase.url });
  workspace = await api.makeWorkspace();
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

test('digests of every secret have one length, so that they can be compared in constant time', () => {
  for (const secret of ['', 'a', makeKeySecret(), 'x'.repeat(10_000), '\u{1f511}'])
    expect(hashKeySecret(secret)).toHaveLength(32);
  expect(new Set(Array.from({ length: 100 }, makeKeySecret)).size).toBe(100);
});

test('a secret that no key has takes the same path as a right one: one look-up by its digest', async () => {
  const { database } = api.dependencies;
  const registry = createAccessRegistry({ database, clock: fixedClock(0), adminApiKey: api.adminKey });
  let lookUps = 0;
  const count = (): void => void (lookUps += 1);
  for (const pool of [database.pool, database.hotPool]) pool.on('acquire', count);
  const lookUpsOf = async (secret: string): Promise<number> => {
    lookUps = 0;
    await registry.findKeyHolder(secret);
    return lookUps;
  };
  try {
    const secrets = [
      workspace.key,
      makeKeySecret(),
      workspace.key.slice(0, -1),
      `${workspace.key}a`,
      'x',
      '~'.repeat(512),
    ];
    for (const secret of secrets) expect([secret, await lookUpsOf(secret)]).toEqual([secret, 1]);
    // Both are remembered: neither is told by asking again.
    for (const secret of secrets) expect([secret, await lookUpsOf(secret)]).toEqual([secret, 0]);
    expect(await lookUpsOf(api.adminKey)).toBe(0);
  } finally {
    for (const pool of [database.pool, database.hotPool]) pool.off('acquire', count);
  }
});

test('nothing but the whole secret opens, and every refusal is the same', async () => {
  const answers = new Set<string>();
  const { key } = workspace;
  const wrong = [
    key.slice(0, -1),
    `${key}a`,
    key.toUpperCase(),
    key.slice('sk_live_'.length),
    hashKeySecret(key).toString('hex'),
    hashKeySecret(key).toString('base64url'),
    makeKeySecret(),
    api.adminKey.slice(0, -1),
    `${api.adminKey}a`,
  ];
  for (const secret of wrong) {
    const { status, body } = await api.call('GET /v1/events', { key: secret });
    const { request_id: _, ...said } = body;
    answers.add(JSON.stringify([status, said]));
  }
  expect([...answers]).toHaveLength(1);
  expect([...answers][0]).toMatch(/^\[401,/);
  expect((await api.call('GET /v1/events', { key })).status).toBe(200);
});

test('a key is taken from the Authorization header alone', async () => {
  const { key } = workspace;
  const elsewhere = [
    { target: `GET /v1/events?key=${key}` },
    { target: `GET /v1/events?access_token=${key}` },
    { target: `GET /v1/events?authorization=Bearer%20${key}` },
    { target: 'GET /v1/events', headers: { 'x-api-key': key } },
    { target: 'GET /v1/events', headers: { cookie: `authorization=Bearer ${key}` } },
    { target: 'GET /v1/events', headers: { 'proxy-authorization': `Bearer ${key}` } },
    { target: 'GET /v1/events', headers: { authorization: `Basic ${Buffer.from(`x:${key}`).toString('base64')}` } },
  ];
  for (const { target, headers } of elsewhere)
    expect([target, (await api.call(target, { headers })).status]).toEqual([target, 401]);
});
