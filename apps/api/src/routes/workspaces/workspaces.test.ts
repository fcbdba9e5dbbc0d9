import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { builtInContracts } from '@signpost/contracts';
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

const uniqueName = (): string => `team-${crypto.randomUUID()}`;

describe('create', () => {
  test('201: the instance key makes a workspace', async () => {
    const name = uniqueName();
    const made = await api.call('POST /v1/workspaces', { key: api.adminKey, body: { name } });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      id: expect.stringMatching(/^ws_[0-7][0-9a-z]{25}$/),
      name,
      contract: 'standard',
      created_at: expect.stringMatching(/Z$/),
    });
  });

  test('403: the key of a workspace makes none', async () => {
    const { key } = await api.makeWorkspace();
    const refused = await api.call('POST /v1/workspaces', { key, body: { name: uniqueName() } });
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden_scope']);
  });

  test('409: names are unique, also when asked for at once', async () => {
    const name = uniqueName();
    const call = () => api.call('POST /v1/workspaces', { key: api.adminKey, body: { name } });
    const answers = await Promise.all([call(), call(), call()]);
    expect(answers.filter(each => each.status === 201)).toHaveLength(1);
    expect(answers.filter(each => each.status === 409)).toHaveLength(2);
    expect(answers.find(each => each.status === 409)?.body.code).toBe('conflict');
  });

  test('422: every wrong field is named', async () => {
    const wrong = await api.call('POST /v1/workspaces', { key: api.adminKey, body: { name: '', colour: 'red' } });
    expect(wrong.status).toBe(422);
    expect(wrong.body).toMatchObject({
      code: 'validation_failed',
      errors: [{ path: 'body.name' }, { path: 'body.colour', message: 'is not a known field' }],
    });
    const missing = await api.call('POST /v1/workspaces', { key: api.adminKey, body: {} });
    expect(missing.body.errors).toEqual([{ path: 'body.name', message: 'is required' }]);
    const unknownContract = await api.call('POST /v1/workspaces', {
      key: api.adminKey,
      body: { name: uniqueName(), contract: 'nobodys' },
    });
    expect(unknownContract.body.errors[0].path).toBe('body.contract');
    const nul = await api.call('POST /v1/workspaces', { key: api.adminKey, body: { name: 'a\u0000b' } });
    expect(nul.status).toBe(422);
  });
});

describe('read', () => {
  test('200: the key of a workspace sees its own, the instance key every one', async () => {
    const { key, publicId } = await api.makeWorkspace(['read']);
    const own = await api.call(`GET /v1/workspaces/${publicId}`, { key });
    expect([own.status, own.body.id]).toEqual([200, publicId]);
    const listed = await api.call('GET /v1/workspaces', { key });
    expect(listed.body).toMatchObject({ data: [{ id: publicId }], next_cursor: null, previous_cursor: null });
    const seen = await api.call(`GET /v1/workspaces/${publicId}`, { key: api.adminKey });
    expect(seen.body).toEqual(own.body);
  });

  test("404: another's workspace answers like none at all", async () => {
    const [mine, other] = [await api.makeWorkspace(), await api.makeWorkspace()];
    const headers = { 'x-request-id': 'same' };
    const answers = [
      await api.call(`GET /v1/workspaces/${other.publicId}`, { key: mine.key, headers }),
      await api.call('GET /v1/workspaces/ws_01jd3kq8e5f1x9a7m2c4v6b8n0', { key: mine.key, headers }),
      await api.call('GET /v1/workspaces/nothing', { key: mine.key, headers }),
      await api.call('GET /v1/workspaces/%zz', { key: mine.key, headers }),
      await api.call(`DELETE /v1/workspaces/${other.publicId}`, { key: mine.key, headers }),
      await api.call(`GET /v1/workspaces/${other.publicId}`, {
        key: api.adminKey,
        headers: { ...headers, 'x-workspace-id': mine.publicId },
      }),
    ];
    expect(answers.map(each => each.status)).toEqual([404, 404, 404, 404, 404, 404]);
    expect(new Set(answers.map(each => each.text)).size).toBe(1);
  });

  test('200: pages show every workspace once, newest first, while others arrive', async () => {
    for (let made = 0; made < 5; made += 1) await api.makeWorkspace();
    const seen: string[] = [];
    let next = '/v1/workspaces?limit=2';
    for (;;) {
      const { body } = await api.call(`GET ${next}`, { key: api.adminKey });
      seen.push(...body.data.map((each: { id: string }) => each.id));
      await api.makeWorkspace();
      if (body.next_cursor === null) break;
      next = `/v1/workspaces?limit=2&cursor=${body.next_cursor}`;
    }
    expect(seen.length).toBeGreaterThanOrEqual(5);
    expect(seen).toEqual([...new Set(seen)].toSorted().toReversed());
  });

  test('422: a limit out of range, a made-up cursor and an unknown parameter', async () => {
    for (const [query, path] of [
      ['limit=0', 'query.limit'],
      ['limit=101', 'query.limit'],
      ['limit=2&limit=3', 'query.limit'],
      ['cursor=xyz', 'query.cursor'],
      ['limt=2', 'query.limt'],
    ]) {
      const refused = await api.call(`GET /v1/workspaces?${query}`, { key: api.adminKey });
      expect([refused.status, refused.body.errors[0].path]).toEqual([422, path]);
    }
  });
});

describe('delete', () => {
  test('204: its key is worth nothing from then on', async () => {
    const { key, publicId } = await api.makeWorkspace();
    expect((await api.call('GET /v1/workspaces', { key })).status).toBe(200);
    const deleted = await api.call(`DELETE /v1/workspaces/${publicId}`, { key: api.adminKey });
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    expect((await api.call('GET /v1/workspaces', { key })).status).toBe(401);
    expect((await api.call(`DELETE /v1/workspaces/${publicId}`, { key: api.adminKey })).status).toBe(404);
  });

  test('403: a workspace does not delete itself', async () => {
    const { key, publicId } = await api.makeWorkspace();
    expect((await api.call(`DELETE /v1/workspaces/${publicId}`, { key })).status).toBe(403);
  });
});

const eventTypesOf = async (key: string): Promise<Record<string, unknown>[]> =>
  (await api.call('GET /v1/event-types?limit=100', { key })).body.data;

describe('change', () => {
  test('200: name and contract, each alone; the key of the workspace may, another one may not', async () => {
    const [mine, other] = [await api.makeWorkspace(), await api.makeWorkspace()];
    const name = uniqueName();
    const patch = (body: unknown, key = mine.key) => api.call(`PATCH /v1/workspaces/${mine.publicId}`, { key, body });
    expect((await patch({ name })).body).toMatchObject({ id: mine.publicId, name, contract: 'standard' });
    expect((await patch({ contract: 'github' })).body).toMatchObject({ name, contract: 'github' });
    expect((await patch({}, api.adminKey)).body).toMatchObject({ name, contract: 'github' });
    expect((await patch({ name: uniqueName() }, other.key)).status).toBe(404);
    expect((await patch({ name: uniqueName() }, await api.makeKey(mine.id, ['read', 'publish']))).status).toBe(403);
    const own = await api.call(`GET /v1/workspaces/${mine.publicId}`, { key: mine.key });
    expect(own.body).toMatchObject({ name, contract: 'github' });
    const made = await api.call('POST /v1/webhooks', {
      key: mine.key,
      body: { url: 'https://example.com', events: ['*'] },
    });
    expect(made.body.signing_secret).not.toMatch(/^whsec_/);
  });

  test('409: the name is taken; 422: no such contract', async () => {
    const [mine, other] = [await api.makeWorkspace(), await api.makeWorkspace()];
    const patch = (body: unknown) => api.call(`PATCH /v1/workspaces/${mine.publicId}`, { key: mine.key, body });
    const taken = await patch({ name: `workspace-${other.id}` });
    expect([taken.status, taken.body.code]).toEqual([409, 'conflict']);
    const unknown = await patch({ contract: 'nobodys' });
    expect([unknown.status, unknown.body.errors[0].path]).toEqual([422, 'body.contract']);
  });

  test('409: a webhook that leaves the choice to the workspace could not be sent to any more', async () => {
    const { key, publicId } = await api.makeWorkspace();
    const patch = (contract: string) => api.call(`PATCH /v1/workspaces/${publicId}`, { key, body: { contract } });
    await patch('github');
    const body = { url: 'https://example.com', events: ['*'], secret: 'a-secret-of-github' };
    const made = await api.call('POST /v1/webhooks', { key, body });
    const refused = await patch('standard');
    expect([refused.status, refused.body.code]).toEqual([409, 'contract_in_use']);
    expect(refused.body.detail).toContain(made.body.id);
    await api.call(`PATCH /v1/webhooks/${made.body.id}`, { key, body: { contract: 'github' } });
    expect((await patch('standard')).status).toBe(200);
  });
});

describe('the event types of a contract', () => {
  const nixflexTypes = builtInContracts.get('nixflex')?.document.event_types ?? [];

  test('come with it when a workspace is made, with schemas, descriptions and examples', async () => {
    const body = { name: uniqueName(), contract: 'nixflex' };
    const made = await api.call('POST /v1/workspaces', { key: api.adminKey, body });
    const headers = { 'x-workspace-id': made.body.id };
    const listed = await api.call('GET /v1/event-types', { key: api.adminKey, headers });
    expect(listed.body.data).toEqual(
      nixflexTypes.map(each => ({ ...each, created_at: expect.any(String), updated_at: expect.any(String) })),
    );
    const call = (target: string, sent: unknown) => api.call(target, { key: api.adminKey, headers, body: sent });
    const subscribe = (events: string[]) => call('POST /v1/webhooks', { url: 'https://example.com', events });
    for (const events of [['call.ended'], ['call.*'], ['*']]) expect((await subscribe(events)).status).toBe(201);
    const misspelt = await subscribe(['*', 'call.endde']);
    expect([misspelt.status, misspelt.body.errors]).toEqual([
      422,
      [{ path: 'body.events[1]', message: 'is not an event type of this workspace; did you mean call.ended?' }],
    ]);
    const broken = await call('POST /v1/events', { event_type: 'call.ended', data: { agent_id: 7 } });
    expect([broken.status, broken.body.code]).toEqual([422, 'event_data_invalid']);
  });

  test('come with it when a workspace chooses it, and leave alone what the workspace has', async () => {
    const { key, publicId } = await api.makeWorkspace();
    const own = { name: 'call.ended', description: 'Ours.', schema: null };
    await api.call('POST /v1/event-types', { key, body: own });
    await api.call(`PATCH /v1/workspaces/${publicId}`, { key, body: { contract: 'nixflex' } });
    const types = await eventTypesOf(key);
    expect(types.map(each => each['name'])).toEqual(nixflexTypes.map(each => each.name));
    expect(types.find(each => each['name'] === 'call.ended')).toMatchObject({ ...own, example: null });
  });

  test("come with a new version of the workspace's own, at once", async () => {
    const { key, publicId } = await api.makeWorkspace();
    const { body: standard } = await api.call('GET /v1/contracts/standard', { key });
    const document = { ...standard.document, name: 'ours' };
    const eventType = { name: 'order.paid', description: 'Paid.', schema: { type: 'object' }, example: {} };
    await api.call('POST /v1/contracts', { key, body: document });
    await api.call(`PATCH /v1/workspaces/${publicId}`, { key, body: { contract: 'ours' } });
    expect(await eventTypesOf(key)).toEqual([]);
    await api.call('PUT /v1/contracts/ours', { key, body: { ...document, event_types: [eventType] } });
    expect(await eventTypesOf(key)).toMatchObject([eventType]);
    const broken = await api.call('POST /v1/events', { key, body: { event_type: 'order.paid', data: 7 } });
    expect([broken.status, broken.body.code]).toEqual([422, 'event_data_invalid']);
  });
});
