import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { createClientAddressFinder } from '../../access/client-address.ts';
import { startBootstrap } from '../../bootstrap.ts';
import { startTestApi, type TestApi, type TestWorkspace } from '../../test-api.ts';

let testDatabase: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({
    databaseUrl: testDatabase.url,
    override: dependencies => ({
      ...dependencies,
      findClientAddress: createClientAddressFinder(['127.0.0.1', '10.2.0.0/16']),
    }),
  });
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

const list = async (key: string, search = '', headers: Record<string, string> = {}) => {
  const { status, body } = await api.call(`GET /v1/audit-log${search}`, { key, headers });
  if (status !== 200) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
  return body;
};
const actionsOf = (body: { data: { action: string }[] }): string[] => body.data.map(each => each.action);

async function makeWebhook({ key }: TestWorkspace, fields: object = {}): Promise<string> {
  const body = { url: 'https://example.com/hooks', events: ['*'], ...fields };
  return (await api.call('POST /v1/webhooks', { key, body })).body.id;
}

describe('an entry', () => {
  test('says who, what, when and from where', async () => {
    const own = await api.makeWorkspace();
    const id = await makeWebhook(own);
    const agent = 'x'.repeat(300);
    const changed = await api.call(`PATCH /v1/webhooks/${id}`, {
      key: own.key,
      body: { description: 'for billing', timeout_ms: 2000 },
      headers: { 'user-agent': agent, 'x-request-id': 'ticket-7', 'x-forwarded-for': '198.51.100.9, 203.0.113.5' },
    });
    const { data } = await list(own.key);
    expect(data[0]).toEqual({
      id: expect.stringMatching(/^aud_[0-9a-z]{26}$/),
      workspace_id: own.publicId,
      actor: { type: 'api_key', id: expect.stringMatching(/^key_/), name: 'test' },
      action: 'webhook.updated',
      resource: { type: 'webhook', id },
      changes: {
        description: { before: null, after: 'for billing' },
        timeout_ms: { before: null, after: 2000 },
      },
      ip: '203.0.113.5',
      user_agent: agent.slice(0, 256),
      request_id: 'ticket-7',
      created_at: expect.stringMatching(/Z$/),
    });
    expect(Math.abs(Date.parse(data[0].created_at) - Date.parse(changed.body.updated_at))).toBeLessThan(5000);
    expect(data[1]).toMatchObject({ action: 'webhook.created', changes: { url: 'https://example.com/hooks' } });
  });

  test('holds no credential: not in headers, not in URLs, not the secrets that were made; but says that they changed', async () => {
    const own = await api.makeWorkspace();
    const canary = (n: number): string => `canary-${n}-8f2c51`;
    const created = await api.call('POST /v1/webhooks', {
      key: own.key,
      body: {
        url: `https://example.com/hooks?token=${canary(1)}&b=${canary(2)}`,
        events: ['*'],
        headers: { Authorization: `Bearer ${canary(3)}`, 'X-Team': 'billing' },
      },
    });
    const { id } = created.body;
    const headers = { Authorization: `Bearer ${canary(4)}`, 'X-Team': 'billing' };
    const url = `https://example.com/hooks?token=${canary(5)}&b=${canary(2)}`;
    await api.call(`PATCH /v1/webhooks/${id}`, { key: own.key, body: { headers, url } });
    const rotated = await api.call(`POST /v1/webhooks/${id}/rotate-secret`, { key: own.key });
    const key = await api.call('POST /v1/api-keys', { key: own.key, body: { name: 'k', scopes: ['read'] } });
    const agentUrl = `https://example.com/agent?key=${canary(6)}`;
    const agent = await api.call('PUT /v1/agents/a1', { key: own.key, body: { webhook_url: agentUrl } });
    const body = await list(own.key);
    expect(actionsOf(body)).toEqual([
      'agent.created',
      'api_key.created',
      'webhook.secret_rotated',
      'webhook.updated',
      'webhook.created',
    ]);
    const { rows } = await api.dependencies.database.pool.query(
      "select string_agg(a::text, '') as text from audit_log a",
    );
    for (const secret of [
      'canary-',
      created.body.signing_secret,
      rotated.body.signing_secret,
      key.body.secret,
      agent.body.signing_secret,
      own.key,
      api.adminKey,
    ]) {
      expect(secret).toMatch(/^.{6,}$/);
      expect(rows[0].text).not.toContain(secret);
    }
    const shown = 'https://example.com/hooks?token=[hidden]&b=[hidden]';
    const shownHeaders = { Authorization: '[hidden]', 'X-Team': 'billing' };
    expect(body.data[4].changes).toMatchObject({ url: shown, headers: shownHeaders });
    expect(body.data[3].changes).toEqual({
      url: { before: shown, after: shown },
      headers: { before: shownHeaders, after: shownHeaders },
    });
  });

  test('tells of long values by their length, so that a page of entries stays readable', async () => {
    const own = await api.makeWorkspace();
    await makeWebhook(own, { metadata: { note: 'x'.repeat(10_000) }, description: 'short' });
    const { changes } = (await list(own.key)).data[0];
    expect(changes).toMatchObject({ metadata: '[10011 characters of JSON, not kept]', description: 'short' });
  });

  test('of a new contract version says what differs, and which event types came with it', async () => {
    const own = await api.makeWorkspace();
    await api.call(`PATCH /v1/workspaces/${own.publicId}`, { key: own.key, body: { contract: 'repixa' } });
    const { changes } = (await list(own.key)).data[0];
    expect(changes).toEqual({
      contract: { before: 'standard', after: 'repixa' },
      added_event_types: { before: [], after: expect.any(Array) },
    });
    const { data } = (await api.call('GET /v1/event-types?limit=100', { key: own.key })).body;
    expect(changes.added_event_types.after).toEqual(data.map((each: { name: string }) => each.name));
  });

  test('of what a process makes at start names the process', async () => {
    const { database, clock, logger } = api.dependencies;
    const bootstrap = startBootstrap({ database, clock, logger, secret: 'sk_of_the_start', onDone: () => {} });
    await bootstrap.firstTry;
    await bootstrap.stop();
    const { data } = await list(api.adminKey, '?limit=2');
    const author = { actor: { type: 'system', id: null, name: 'api' }, ip: null, user_agent: null, request_id: null };
    expect(data).toMatchObject([
      { action: 'api_key.created', changes: { name: 'SIGNPOST_API_KEY', scopes: ['admin'] }, ...author },
      { action: 'workspace.created', changes: { name: 'default', contract: 'standard' }, ...author },
    ]);
    expect(data[0].workspace_id).toBe(data[1].resource.id);
  });

  test('outlives what it tells of: the webhook, the key and the workspace', async () => {
    const own = await api.makeWorkspace();
    const id = await makeWebhook(own);
    await api.call(`DELETE /v1/webhooks/${id}`, { key: own.key });
    await api.call(`DELETE /v1/workspaces/${own.publicId}`, { key: api.adminKey });
    const body = await list(api.adminKey, `?resource_id=${id}`);
    expect(actionsOf(body)).toEqual(['webhook.deleted', 'webhook.created']);
    expect((await list(api.adminKey, `?resource_id=${own.publicId}`)).data[0]).toMatchObject({
      action: 'workspace.deleted',
      actor: { type: 'instance_key', id: null, name: 'ADMIN_API_KEY' },
      workspace_id: own.publicId,
    });
  });
});

describe('the list', () => {
  test('is filtered by action, actor, thing and time', async () => {
    const own = await api.makeWorkspace();
    const other = await api.makeKey(own.id, ['admin']);
    const id = await makeWebhook(own);
    await api.call('POST /v1/event-types', { key: other, body: { name: 'call.ended' } });
    await api.call(`PATCH /v1/webhooks/${id}`, { key: other, body: { description: 'a' } });
    const { data } = await list(own.key);
    const [patched, typeMade, made] = data;
    const filtered = async (search: string) => (await list(own.key, search)).data;
    expect(data).toHaveLength(3);
    expect(await filtered('?action=webhook.created')).toEqual([made]);
    expect(await filtered(`?actor_id=${patched.actor.id}`)).toEqual([patched, typeMade]);
    expect(await filtered('?resource_type=event_type')).toEqual([typeMade]);
    expect(await filtered(`?resource_id=${id}`)).toEqual([patched, made]);
    expect(await filtered('?resource_id=call.ended')).toEqual([typeMade]);
    expect(await filtered(`?since=${data[0].created_at}&until=${made.created_at}`)).toEqual([]);
    expect(await filtered(`?since=${made.created_at}`)).toEqual(data);
    expect(await filtered('?until=2020-01-01T00:00:00Z')).toEqual([]);
    for (const search of [
      'action=webhook.eaten',
      'actor_id=wh_1',
      'resource_type=cat',
      'since=now',
      'cursor=aGk',
      'x=1',
    ])
      expect([search, (await api.call(`GET /v1/audit-log?${search}`, { key: own.key })).status]).toEqual([search, 422]);
  });

  test('goes page by page through every entry, and is not moved by new ones', async () => {
    const own = await api.makeWorkspace();
    const id = await makeWebhook(own);
    for (const description of ['1', '2', '3'])
      await api.call(`PATCH /v1/webhooks/${id}`, { key: own.key, body: { description } });
    const all = (await list(own.key)).data;
    const first = await list(own.key, '?limit=3');
    await api.call(`PATCH /v1/webhooks/${id}`, { key: own.key, body: { description: '4' } });
    const second = await list(own.key, `?limit=3&cursor=${first.next_cursor}`);
    expect([...first.data, ...second.data]).toEqual(all);
    expect(second.next_cursor).toBeNull();
  });

  test('shows nothing of another workspace, also by filters, cursors and named workspaces', async () => {
    const [mine, theirs] = [await api.makeWorkspace(), await api.makeWorkspace()];
    const id = await makeWebhook(theirs);
    await api.call(`PATCH /v1/webhooks/${id}`, { key: theirs.key, body: { description: 'a' } });
    const page = await list(theirs.key, '?limit=1');
    const actor = page.data[0].actor.id;
    for (const search of ['', `?resource_id=${id}`, `?actor_id=${actor}`])
      expect(await list(mine.key, search)).toEqual({ data: [], next_cursor: null, previous_cursor: null });
    const cursor = await api.call(`GET /v1/audit-log?cursor=${page.next_cursor}`, { key: mine.key });
    expect([cursor.status, cursor.body.errors?.[0].path]).toEqual([422, 'query.cursor']);
    const named = await api.call('GET /v1/audit-log', {
      key: mine.key,
      headers: { 'x-workspace-id': theirs.publicId },
    });
    expect(named.status).toBe(404);
  });

  test('needs the scope admin', async () => {
    const { id } = await api.makeWorkspace();
    for (const scope of ['read', 'publish'] as const) {
      const refused = await api.call('GET /v1/audit-log', { key: await api.makeKey(id, [scope]) });
      expect([refused.status, refused.body.code]).toEqual([403, 'forbidden_scope']);
    }
  });

  test('has the entries of all workspaces and of none with the instance key, and of one where it is named', async () => {
    const [one, other] = [await api.makeWorkspace(), await api.makeWorkspace()];
    const ids = [await makeWebhook(one), await makeWebhook(other)];
    const all = await list(api.adminKey, '?limit=100');
    const ofThese = all.data.filter((each: { resource: { id: string } }) => ids.includes(each.resource.id));
    expect(ofThese).toHaveLength(2);
    expect(all.data.some((each: { workspace_id: string | null }) => each.workspace_id === null)).toBe(true);
    const named = await list(api.adminKey, '', { 'x-workspace-id': one.publicId });
    expect(named.data.map((each: { resource: { id: string } }) => each.resource.id)).toEqual([ids[0]]);
  });
});
