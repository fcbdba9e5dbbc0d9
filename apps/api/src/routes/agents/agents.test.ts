import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi, type TestWorkspace } from '../../test-api.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let mine: TestWorkspace;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ databaseUrl: testDatabase.url });
  mine = await api.makeWorkspace();
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

const url = 'https://example.com/hooks';
const put = (id: string, webhookUrl: string | null, key = mine.key) =>
  api.call(`PUT /v1/agents/${id}`, { key, body: { webhook_url: webhookUrl } });
const get = (id: string, key = mine.key) => api.call(`GET /v1/agents/${id}`, { key });
const webhooksOf = async (subject: string, key = mine.key) =>
  (await api.call(`GET /v1/webhooks?subject=${subject}`, { key })).body.data;

describe('set', () => {
  test('201: the webhook is made, for every event of the subject, with its secret; nothing shows that again', async () => {
    const made = await put('agent_1', url);
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      id: 'agent_1',
      webhook_url: url,
      webhook_id: expect.stringMatching(/^wh_/),
      contract: 'nixflex',
      active: true,
      signing_secret: expect.stringMatching(/^.{40,}$/),
    });
    const [webhook, ...others] = await webhooksOf('agent_1');
    expect(others).toEqual([]);
    expect(webhook).toMatchObject({ id: made.body.webhook_id, events: ['*'], subject: 'agent_1', contract: 'nixflex' });
    const { signing_secret: _secret, ...agent } = made.body;
    const shown = await get('agent_1');
    expect([shown.status, shown.body]).toEqual([200, agent]);
  });

  test('200: the same URL again changes nothing, another one changes the same webhook; neither shows a secret', async () => {
    const { body: made } = await put('agent_2', url);
    const before = (await webhooksOf('agent_2'))[0];
    const again = await put('agent_2', url);
    expect([again.status, again.body.webhook_id, again.body.signing_secret]).toEqual([200, made.webhook_id, undefined]);
    expect(await webhooksOf('agent_2')).toEqual([before]);
    const changed = await put('agent_2', `${url}/2`);
    expect([changed.status, changed.body.webhook_url, changed.body.webhook_id]).toEqual([
      200,
      `${url}/2`,
      made.webhook_id,
    ]);
    expect(await webhooksOf('agent_2')).toHaveLength(1);
  });

  test('200: null removes it, twice as once; a new one has another secret', async () => {
    const { body: first } = await put('agent_3', url);
    for (let n = 0; n < 2; n += 1) {
      const removed = await put('agent_3', null);
      expect([removed.status, removed.body.webhook_url, removed.body.webhook_id]).toEqual([200, null, null]);
      expect(await webhooksOf('agent_3')).toEqual([]);
      expect((await get('agent_3')).status).toBe(404);
    }
    const second = await put('agent_3', url);
    expect(second.status).toBe(201);
    expect(second.body.signing_secret).not.toBe(first.signing_secret);
  });

  test('many at once make one webhook, and one of them shows its secret', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => put('agent_4', `${url}/${n % 2}`)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([...Array(11).fill(200), 201]);
    expect(answers.filter(({ body }) => body.signing_secret !== undefined)).toHaveLength(1);
    expect(new Set(answers.map(({ body }) => body.webhook_id)).size).toBe(1);
    expect(await webhooksOf('agent_4')).toHaveLength(1);
  });

  test('setting and removing at once never ends in a fault or in two webhooks', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => put('agent_5', n % 3 === 0 ? null : url)));
    for (const { status } of answers) expect([200, 201, 409]).toContain(status);
    expect((await webhooksOf('agent_5')).length).toBeLessThanOrEqual(1);
  });

  test('webhooks that name the agent as their subject on their own are left alone', async () => {
    const body = { url: `${url}/other`, events: ['*'], subject: 'agent_6' };
    const { body: other } = await api.call('POST /v1/webhooks', { key: mine.key, body });
    expect((await get('agent_6')).status).toBe(404);
    const { body: made } = await put('agent_6', url);
    expect(made.webhook_id).not.toBe(other.id);
    await put('agent_6', null);
    expect((await webhooksOf('agent_6')).map(({ id }: { id: string }) => id)).toEqual([other.id]);
  });

  test('a webhook that is given another subject no longer belongs to the agent', async () => {
    const { body: made } = await put('agent_7', url);
    const target = `PATCH /v1/webhooks/${made.webhook_id}`;
    await api.call(target, { key: mine.key, body: { subject: 'agent_7', description: 'still here' } });
    expect((await get('agent_7')).status).toBe(200);
    await put('agent_8', url);
    const moved = await api.call(target, { key: mine.key, body: { subject: 'agent_8' } });
    expect([moved.status, moved.body.subject]).toEqual([200, 'agent_8']);
    expect((await get('agent_7')).status).toBe(404);
    expect((await get('agent_8')).body.webhook_id).not.toBe(made.webhook_id);
  });

  test('another URL makes a deactivated webhook active, the same one does not', async () => {
    const { body: made } = await put('agent_9', url);
    await api.call(`PATCH /v1/webhooks/${made.webhook_id}`, { key: mine.key, body: { active: false } });
    expect((await put('agent_9', url)).body.active).toBe(false);
    expect((await put('agent_9', `${url}/9`)).body.active).toBe(true);
  });

  test("a workspace that chose a contract gets that one, in its secret's form", async () => {
    const workspace = await api.makeWorkspace();
    const { database, access } = api.dependencies;
    await database.pool.query(`update workspaces set contract = 'stripe' where id = $1`, [workspace.id]);
    access.forget();
    const { body } = await put('agent_1', url, workspace.key);
    expect([body.contract, body.signing_secret.slice(0, 6)]).toEqual([null, 'whsec_']);
  });

  test('422: URLs that may not be delivered to, ids that are none, and other members', async () => {
    for (const refused of ['http://10.0.0.1/', 'ftp://example.com', 'https://']) {
      const made = await put('agent_10', refused);
      expect([refused, made.status, made.body.errors[0].path]).toEqual([refused, 422, 'body.webhook_url']);
    }
    await put('agent_10', url);
    expect((await put('agent_10', 'http://10.0.0.1/')).body.code).toBe('url_refused');
    expect((await get('agent_10')).body.webhook_url).toBe(url);
    for (const id of ['%20', '-a', 'a%2Fb', 'x'.repeat(129)]) {
      const answers = [await put(id, url), await get(id)];
      for (const { status } of answers) expect([404, 422]).toContain(status);
      expect(answers[0]?.status).toBe(answers[1]?.status);
    }
    const extra = await api.call('PUT /v1/agents/agent_10', { key: mine.key, body: { webhook_url: null, events: [] } });
    expect(extra.status).toBe(422);
    expect((await get('agent_10')).status).toBe(200);
  });
});

describe('access', () => {
  test('403: setting needs the scope admin, reading the scope read', async () => {
    await put('agent_20', url);
    const reader = await api.makeKey(mine.id, ['read']);
    const publisher = await api.makeKey(mine.id, ['publish']);
    expect((await put('agent_20', null, reader)).body.code).toBe('forbidden_scope');
    expect((await get('agent_20', reader)).status).toBe(200);
    expect((await get('agent_20', publisher)).status).toBe(403);
  });

  test('404: another workspace sees as little as of an agent that never was, and its own is another one', async () => {
    await put('agent_21', url);
    const { key } = await api.makeWorkspace();
    const headers = { 'x-request-id': 'same' };
    const [others, never] = [
      await api.call('GET /v1/agents/agent_21', { key, headers }),
      await api.call('GET /v1/agents/agent_never', { key, headers }),
    ];
    expect([others.status, others.text]).toEqual([404, never.text]);
    expect((await put('agent_21', `${url}/theirs`, key)).status).toBe(201);
    await put('agent_21', null, key);
    expect((await get('agent_21')).body.webhook_url).toBe(url);
  });
});
