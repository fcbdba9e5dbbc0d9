import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { standardContract } from '@signpost/contracts';
import { loadWebhookTargets, webhookSecretContext } from '@signpost/database';
import { parseId } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi, type TestWorkspace } from '../../test-api.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let mine: TestWorkspace;
const logLines: string[] = [];

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ databaseUrl: testDatabase.url, onLogLine: line => logLines.push(line) });
  mine = await api.makeWorkspace();
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

const url = 'https://example.com/hooks';
const create = (body: object, key = mine.key) =>
  api.call('POST /v1/webhooks', { key, body: { url, events: ['*'], ...body } });
const make = async (body: object = {}, key = mine.key) => (await create(body, key)).body;
const patch = (id: string, body: object, key = mine.key) => api.call(`PATCH /v1/webhooks/${id}`, { key, body });
const uuidOf = (id: string): string => parseId('webhook', id) as string;

async function storedSecrets(id: string): Promise<string[]> {
  const [target] = await loadWebhookTargets(api.dependencies.database, [uuidOf(id)]);
  const context = webhookSecretContext(uuidOf(id));
  return (target?.secrets ?? []).map(secret => api.dependencies.encryption.open(secret, context));
}

async function statusesOf(id: string): Promise<string[]> {
  const { rows } = await api.dependencies.database.pool.query(
    'select status from deliveries where webhook_id = $1 order by status',
    [uuidOf(id)],
  );
  return rows.map(row => row.status);
}

async function addDelivery(id: string, status: string): Promise<void> {
  await api.dependencies.database.pool.query(
    `insert into deliveries (id, workspace_id, event_id, webhook_id, event_type, status, next_attempt_at)
     select gen_random_uuid(), $1, gen_random_uuid(), $2, 'a', $3, now()`,
    [mine.id, uuidOf(id), status],
  );
}

describe('create', () => {
  test('201: defaults, and a secret of the contract that is stored sealed and shown here only', async () => {
    const made = await create({});
    expect(made.status).toBe(201);
    const { signing_secret: secret, ...webhook } = made.body;
    expect(webhook).toEqual({
      id: expect.stringMatching(/^wh_[0-7][0-9a-z]{25}$/),
      url,
      events: ['*'],
      description: null,
      contract: null,
      method: null,
      headers: {},
      timeout_ms: null,
      retry_schedule: null,
      subject: null,
      channels: [],
      metadata: {},
      active: true,
      deactivated_reason: null,
      retry_after: null,
      created_at: expect.stringMatching(/Z$/),
      updated_at: expect.stringMatching(/Z$/),
    });
    expect(standardContract.checkSecret(secret)).toEqual({ kind: 'valid' });
    expect(await storedSecrets(webhook.id)).toEqual([secret]);

    const read = await api.call(`GET /v1/webhooks/${webhook.id}`, { key: mine.key });
    expect(read.body).toEqual(webhook);
    const others = [
      read,
      await api.call('GET /v1/webhooks?limit=100', { key: mine.key }),
      await patch(webhook.id, { description: 'changed' }),
    ];
    for (const { text } of others) expect(text).not.toContain(secret.slice(6));
    expect(logLines.join('')).not.toContain(secret.slice(6));
    const { rows } = await api.dependencies.database.pool.query('select sealed, key_id from webhook_secrets');
    expect(rows.every(row => !row.sealed.toString('latin1').includes(secret.slice(6)))).toBe(true);
    expect(rows.every(row => row.key_id === api.dependencies.encryption.activeKeyId)).toBe(true);
  });

  test('201: every field', async () => {
    const fields = {
      url: 'https://example.com/a?b=c',
      events: ['call.ended', 'sms.*'],
      description: 'For accounting',
      contract: 'repairy',
      method: 'PUT',
      headers: { 'X-Tenant': 'seven', Authorization: 'Bearer of-the-receiver' },
      timeout_ms: 1000,
      retry_schedule: [1, 604_800],
      subject: 'agent-1',
      channels: ['billing'],
      metadata: { team: { name: 'a' } },
      active: false,
    };
    const made = await create({ ...fields, events: ['call.ended', 'sms.*', 'call.ended'] });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ ...fields, headers: { 'X-Tenant': 'seven', Authorization: '[hidden]' } });
    const [target] = await loadWebhookTargets(api.dependencies.database, [uuidOf(made.body.id)]);
    expect(target).toMatchObject({ headers: fields.headers, method: 'PUT' });
  });

  test("201: a secret of one's own is kept; 422: not in the form of the contract, and it is not repeated", async () => {
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    const made = await create({ secret });
    expect([made.status, made.body.signing_secret]).toEqual([201, secret]);
    expect(await storedSecrets(made.body.id)).toEqual([secret]);
    const wrong = await create({ secret: 'whsec_not-base64-at-all' });
    expect([wrong.status, wrong.body.errors[0].path]).toEqual([422, 'body.secret']);
    expect(wrong.text).not.toContain('not-base64-at-all');
  });

  test.each([
    [{ retry_schedule: [] }, 201, ''],
    [{ retry_schedule: Array.from({ length: 20 }, () => 1) }, 201, ''],
    [{ retry_schedule: Array.from({ length: 21 }, () => 1) }, 422, 'body.retry_schedule'],
    [{ retry_schedule: [0] }, 422, 'body.retry_schedule[0]'],
    [{ retry_schedule: [604_801] }, 422, 'body.retry_schedule[0]'],
    [{ timeout_ms: 999 }, 422, 'body.timeout_ms'],
    [{ timeout_ms: 30_001 }, 422, 'body.timeout_ms'],
    [{ contract: 'nobodys' }, 422, 'body.contract'],
    [{ method: 'DELETE' }, 422, 'body.method'],
    [{ method: 'PUT' }, 422, 'body.method'],
    [{ events: [] }, 422, 'body.events'],
    [{ events: ['call.*.ended'] }, 422, 'body.events[0]'],
    [{ events: undefined }, 422, 'body.events'],
    [{ colour: 'red' }, 422, 'body.colour'],
    [{ headers: null }, 422, 'body.headers'],
    [{ metadata: [] }, 422, 'body.metadata'],
  ])('%j: %i %s', async (body, status, path) => {
    const made = await create(body);
    expect([made.status, made.body.errors?.[0].path ?? '']).toEqual([status, path]);
  });

  test.each([
    'host',
    'Content-Length',
    'transfer-encoding',
    'connection',
    'expect',
    'upgrade',
    'te',
    'cookie',
    'webhook-signature',
    'Proxy-Authorization',
    'a b',
    '',
  ])('422: the header %j cannot be chosen', async name => {
    const made = await create({ headers: { [name]: 'x' } });
    expect([made.status, made.body.errors?.[0].path]).toEqual([422, `body.headers.${name}`]);
  });

  test.each(['a\r\nb: c', 'a\u0000', '€', 'x'.repeat(4097), '[hidden]'])(
    '422: a header cannot have the value %j',
    async value => {
      const made = await create({ headers: { 'x-a': value } });
      expect([made.status, made.body.errors?.[0].path]).toEqual([422, 'body.headers.x-a']);
    },
  );

  test('422: more than 20 headers', async () => {
    const headers = Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`x-${n}`, 'a']));
    expect((await create({ headers })).status).toBe(422);
  });

  test('422: patterns that match no event type of the workspace, with the nearest', async () => {
    const workspace = await api.makeWorkspace();
    await api.call('POST /v1/event-types', { key: workspace.key, body: { name: 'call.ended' } });
    const wrong = await create({ events: ['call.*', 'call.endet'] }, workspace.key);
    expect([wrong.status, wrong.body.code]).toEqual([422, 'event_type_unknown']);
    expect(wrong.body.errors).toEqual([
      { path: 'body.events[1]', message: expect.stringContaining('did you mean call.ended?') },
    ]);
    const made = await make({ events: ['call.*', '*'] }, workspace.key);
    const changed = await patch(made.id, { events: ['sms.*'] }, workspace.key);
    expect([changed.status, changed.body.code]).toEqual([422, 'event_type_unknown']);
  });

  test('the contract of the workspace gives the secret its form', async () => {
    const { database } = api.dependencies;
    const workspace = await api.makeWorkspace();
    await database.pool.query(`update workspaces set contract = 'github' where id = $1`, [workspace.id]);
    const made = await make({}, workspace.key);
    expect(made.contract).toBeNull();
    expect(made.signing_secret).not.toMatch(/^whsec_/);
  });
});

describe('list', () => {
  test('200: newest first, stable while webhooks are made, and by filter', async () => {
    const { key } = await api.makeWorkspace();
    const ids: string[] = [];
    for (const body of [{ events: ['call.*'], subject: 'agent-1' }, { active: false }, { events: ['sms.sent'] }])
      ids.unshift((await make(body, key)).id);
    const list = async (query: string) => (await api.call(`GET /v1/webhooks?${query}`, { key })).body;
    const idsOf = async (query: string) => (await list(query)).data.map((each: { id: string }) => each.id);
    const first = await list('limit=2');
    expect(first.data.map((each: { id: string }) => each.id)).toEqual(ids.slice(0, 2));
    await make({}, key);
    const second = await list(`limit=2&cursor=${first.next_cursor}`);
    expect([second.data.map((each: { id: string }) => each.id), second.next_cursor]).toEqual([ids.slice(2), null]);
    expect(await idsOf('active=false')).toEqual([ids[1]]);
    expect(await idsOf('event_type=call.started&subject=agent-1')).toEqual([ids[2]]);
    expect(await idsOf('event_type=sms.sent&active=true')).toEqual([expect.any(String), ids[0]]);
    const wrong = await api.call('GET /v1/webhooks?active=maybe', { key });
    expect([wrong.status, wrong.body.errors[0].path]).toEqual([422, 'query.active']);
  });
});

describe('change', () => {
  test('200: what is not given stays, null clears', async () => {
    const made = await make({ description: 'a', subject: 's', timeout_ms: 2000, retry_schedule: [], method: 'POST' });
    const { signing_secret: _secret, ...before } = made;
    const same = await patch(made.id, {});
    expect([same.status, same.body]).toEqual([200, before]);
    const changed = await patch(made.id, { description: null, timeout_ms: null, retry_schedule: null, subject: 't' });
    expect(changed.body).toEqual({
      ...before,
      description: null,
      timeout_ms: null,
      retry_schedule: null,
      subject: 't',
      updated_at: expect.any(String),
    });
  });

  test('200: deactivating cancels what is pending; activating forgets why it was deactivated', async () => {
    const { id } = await make();
    await addDelivery(id, 'pending');
    await addDelivery(id, 'succeeded');
    const off = await patch(id, { active: false });
    expect([off.body.active, off.body.deactivated_reason]).toEqual([false, null]);
    expect(await statusesOf(id)).toEqual(['succeeded', 'cancelled']);
    await api.dependencies.database.pool.query(`update webhooks set deactivated_reason = 'gone' where id = $1`, [
      uuidOf(id),
    ]);
    expect((await patch(id, { description: 'x' })).body.deactivated_reason).toBe('gone');
    const on = await patch(id, { active: true });
    expect([on.body.active, on.body.deactivated_reason]).toEqual([true, null]);
  });

  test('422: contract, method and URL must fit together, and the secrets must fit the contract', async () => {
    const { id } = await make();
    expect((await patch(id, { method: 'PATCH' })).body.errors[0].path).toBe('body.method');
    expect((await patch(id, { contract: 'nobodys' })).body.errors[0].path).toBe('body.contract');
    const fitting = await patch(id, { contract: 'repairy', method: 'PATCH' });
    expect([fitting.status, fitting.body.contract]).toEqual([200, 'repairy']);
    expect((await patch(id, { contract: null })).body.errors[0].path).toBe('body.method');
    const { id: otherForm } = await make({ contract: 'github' });
    const refused = await patch(otherForm, { contract: 'standard' });
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'body.contract']);
    expect((await patch(id, { url: 'ftp://example.com' })).body.code).toBe('url_refused');
    expect((await api.call(`GET /v1/webhooks/${id}`, { key: mine.key })).body.url).toBe(url);
  });

  test('422: unknown fields and the mask of a header', async () => {
    const { id } = await make({ headers: { Authorization: 'Bearer real' } });
    expect((await patch(id, { id: 'x' })).body.errors[0].path).toBe('body.id');
    const masked = await patch(id, { headers: { Authorization: '[hidden]' } });
    expect([masked.status, masked.body.errors[0].path]).toEqual([422, 'body.headers.Authorization']);
  });
});

describe('delete', () => {
  test('204: gone for good, with what is pending cancelled', async () => {
    const { id } = await make();
    await addDelivery(id, 'pending');
    const gone = await api.call(`DELETE /v1/webhooks/${id}`, { key: mine.key });
    expect([gone.status, gone.text]).toEqual([204, '']);
    expect(await statusesOf(id)).toEqual(['cancelled']);
    for (const method of ['GET', 'DELETE'])
      expect((await api.call(`${method} /v1/webhooks/${id}`, { key: mine.key })).status).toBe(404);
  });
});
