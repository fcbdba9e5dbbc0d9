import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi } from '../../test-api.ts';

let testDatabase: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ databaseUrl: testDatabase.url });
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

test('201: a key is shown once, is stored hashed, and works at once', async () => {
  const { key } = await api.makeWorkspace();
  const made = await api.call('POST /v1/api-keys', { key, body: { name: 'billing', scopes: ['publish', 'read'] } });
  expect(made.status).toBe(201);
  expect(made.body).toEqual({
    id: expect.stringMatching(/^key_/),
    name: 'billing',
    scopes: ['publish', 'read'],
    secret: expect.stringMatching(/^sk_live_[A-Za-z0-9_-]{43}$/),
    secret_hint: made.body.secret.slice(-4),
    created_at: expect.any(String),
    revoked_at: null,
  });
  expect((await api.call('GET /v1/workspaces', { key: made.body.secret })).status).toBe(200);
  const { rows } = await api.dependencies.database.pool.query('select row_to_json(k)::text as text from api_keys k');
  expect(rows.map(row => row.text).join()).not.toContain(made.body.secret.slice(8, 40));
  const listed = await api.call('GET /v1/api-keys', { key });
  expect(listed.text).not.toContain(made.body.secret);
  expect(listed.body.data[0]).toMatchObject({ id: made.body.id, secret_hint: made.body.secret.slice(-4) });
});

test('422: no scopes, a scope that is none, one twice', async () => {
  const { key } = await api.makeWorkspace();
  for (const scopes of [[], ['root'], ['read', 'read'], 'read', undefined]) {
    const refused = await api.call('POST /v1/api-keys', { key, body: { name: 'a', scopes } });
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, expect.stringMatching(/^body\.scopes/)]);
  }
});

test('403: a key without admin neither makes nor sees keys', async () => {
  const { id } = await api.makeWorkspace();
  const key = await api.makeKey(id, ['publish', 'read']);
  expect((await api.call('GET /v1/api-keys', { key })).status).toBe(403);
  expect((await api.call('POST /v1/api-keys', { key, body: { name: 'a', scopes: ['admin'] } })).status).toBe(403);
});

test('204: a revoked key is refused by the next call; revoking twice changes nothing', async () => {
  const { key } = await api.makeWorkspace();
  const { body: made } = await api.call('POST /v1/api-keys', { key, body: { name: 'a', scopes: ['read'] } });
  expect((await api.call('GET /v1/workspaces', { key: made.secret })).status).toBe(200);
  expect((await api.call(`DELETE /v1/api-keys/${made.id}`, { key })).status).toBe(204);
  expect((await api.call('GET /v1/workspaces', { key: made.secret })).status).toBe(401);
  const revokedAt = async () => (await api.call('GET /v1/api-keys', { key })).body.data[0].revoked_at;
  const first = await revokedAt();
  expect(first).toMatch(/Z$/);
  expect((await api.call(`DELETE /v1/api-keys/${made.id}`, { key })).status).toBe(204);
  expect(await revokedAt()).toBe(first);
});

test("404: another workspace's key, like none at all, and it stays valid", async () => {
  const [mine, other] = [await api.makeWorkspace(), await api.makeWorkspace()];
  const { body: theirs } = await api.call('GET /v1/api-keys', { key: other.key });
  for (const id of [theirs.data[0].id, 'key_01jd3kq8e5f1x9a7m2c4v6b8n0', 'wh_01jd3kq8e5f1x9a7m2c4v6b8n0'])
    expect((await api.call(`DELETE /v1/api-keys/${id}`, { key: mine.key })).status).toBe(404);
  expect((await api.call('GET /v1/api-keys', { key: other.key })).status).toBe(200);
});

test('200: pages go through every key', async () => {
  const { key } = await api.makeWorkspace();
  for (const name of ['a', 'b', 'c']) await api.call('POST /v1/api-keys', { key, body: { name, scopes: ['read'] } });
  const first = (await api.call('GET /v1/api-keys?limit=2', { key })).body;
  const second = (await api.call(`GET /v1/api-keys?limit=2&cursor=${first.next_cursor}`, { key })).body;
  expect([...first.data, ...second.data].map(each => each.name)).toEqual(['c', 'b', 'a', 'test']);
  expect(second.next_cursor).toBeNull();
});
