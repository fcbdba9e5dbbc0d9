import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Operation, operations } from '@signpost/api-schema';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi, type TestCall } from '../../test-api.ts';
import { minimal } from '../contracts/contract-document.fixture.ts';

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

type Call = readonly [target: string, options: TestCall];
const url = 'https://example.com/hooks';

async function make(target: string, key: string, body: unknown) {
  const { status, body: made, text } = await api.call(target, { key, body });
  if (status >= 300) throw new Error(`${target} answered ${status}: ${text}`);
  return made;
}

const makeWebhook = async (key: string): Promise<string> =>
  (await make('POST /v1/webhooks', key, { url, events: ['*'] })).id;

async function countEntries(): Promise<number> {
  const { rows } = await api.dependencies.database.pool.query('select count(*)::int as n from audit_log');
  return rows[0].n;
}

test('publishing, previews and every GET leave no entry', async () => {
  const own = await api.makeWorkspace();
  const { key } = own;
  const ids: Record<string, string> = {
    webhooks: await makeWebhook(key),
    workspaces: own.publicId,
    agents: 'a1',
    contracts: 'standard',
  };
  const before = await countEntries();
  const event = { event_type: 'call.ended', data: {} };
  const published = await make('POST /v1/events', key, event);
  await make('POST /v1/events/batch', key, { events: [event] });
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  await make('POST /v1/contracts/preview', key, { contract: 'standard', event, secret });
  for (const { method, path } of Object.values<Operation>(operations)) {
    if (method !== 'get' || !path.startsWith('/v1/')) continue;
    const id = { ...ids, events: published.id }[path.split('/')[2] ?? ''] ?? 'call.ended';
    const { status } = await api.call(`GET ${path.replace(/\{\w+\}/, id)}`, { key });
    expect([path, status]).toEqual([path, expect.any(Number)]);
    expect([200, 404]).toContain(status);
  }
  expect(await countEntries()).toBe(before);
});

test('what is refused and what changes nothing leave no entry', async () => {
  const own = await api.makeWorkspace();
  const { key, publicId } = own;
  const reader = await api.makeKey(own.id, ['read']);
  const id = await makeWebhook(key);
  await make('POST /v1/event-types', key, { name: 'a.b', schema: { type: 'object' }, description: 'd' });
  await make('PUT /v1/agents/a1', key, { webhook_url: url });
  await make('POST /v1/contracts', key, minimal);
  const revoked = (await make('POST /v1/api-keys', key, { name: 'k', scopes: ['read'] })).id;
  await api.call(`DELETE /v1/api-keys/${revoked}`, { key });
  const expunged = (await make('POST /v1/events', key, { event_type: 'a.b', data: {} })).id;
  await api.call(`DELETE /v1/events/${expunged}/payload`, { key });
  const missing = '01jd3kq8e5f1x9a7m2c4v6b8n0';
  const before = await countEntries();
  const calls: [status: number, ...Call][] = [
    [403, `PATCH /v1/webhooks/${id}`, { key: reader, body: { active: false } }],
    [401, `DELETE /v1/webhooks/${id}`, {}],
    [422, 'POST /v1/webhooks', { key, body: { url: 'http://10.0.0.1', events: ['*'] } }],
    [404, `DELETE /v1/webhooks/wh_${missing}`, { key }],
    [404, `POST /v1/deliveries/del_${missing}/retry`, { key }],
    [404, `DELETE /v1/events/evt_${missing}/payload`, { key }],
    [204, `DELETE /v1/events/${expunged}/payload`, { key }],
    [409, 'POST /v1/event-types', { key, body: { name: 'a.b' } }],
    [409, 'POST /v1/contracts', { key, body: minimal }],
    [404, 'DELETE /v1/contracts/nothing', { key }],
    [404, `PATCH /v1/workspaces/ws_${missing}`, { key: api.adminKey, body: { contract: 'repixa' } }],
    [200, `PATCH /v1/webhooks/${id}`, { key, body: {} }],
    [200, `PATCH /v1/webhooks/${id}`, { key, body: { active: true, events: ['*'], url, metadata: {} } }],
    [200, 'PATCH /v1/event-types/a.b', { key, body: { schema: { type: 'object' }, description: 'd', example: null } }],
    [200, 'PUT /v1/agents/a1', { key, body: { webhook_url: url } }],
    [200, 'PUT /v1/agents/a2', { key, body: { webhook_url: null } }],
    [200, `PATCH /v1/workspaces/${publicId}`, { key, body: { contract: 'standard' } }],
    [204, `DELETE /v1/api-keys/${revoked}`, { key }],
  ];
  const statuses = await calls.reduce<Promise<number[]>>(
    async (sofar, [, target, options]) => [...(await sofar), (await api.call(target, options)).status],
    Promise.resolve([]),
  );
  expect(statuses).toEqual(calls.map(([status]) => status));
  expect(await countEntries()).toBe(before);
});
