import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { builtInContracts } from '@signpost/contracts';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi, type TestWorkspace } from '../../test-api.ts';
import { eventType, type Json, minimal, textSecret } from './contract-document.fixture.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let mine: TestWorkspace;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ databaseUrl: testDatabase.url });
});
beforeEach(async () => {
  mine = await api.makeWorkspace();
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

const call = (target: string, body?: unknown, key = mine.key) =>
  api.call(target, body === undefined ? { key } : { key, body });
const create = (parts: Json = {}) => call('POST /v1/contracts', { ...minimal, ...parts });
const webhook = { url: 'https://example.com/', events: ['*'] };

describe('create and read', () => {
  test('201: a document becomes version 1, completed from the standard contract', async () => {
    const made = await create({ event_types: [eventType()] });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      name: 'acme',
      title: 'Acme',
      built_in: false,
      version: 1,
      created_at: expect.stringMatching(/Z$/),
      document: { ...minimal, methods: ['POST'], timeout_ms: 10_000, event_types: [eventType()] },
    });
    expect((await call('GET /v1/contracts/acme')).body).toEqual(made.body);
    // A document that was read can be sent back as it is.
    expect((await call('PUT /v1/contracts/acme', made.body.document)).body).toMatchObject({
      version: 2,
      document: made.body.document,
    });
  });

  test('200: the list holds the own ones and those that come with Signpost, page by page', async () => {
    await create();
    await create({ name: 'zeta' });
    const names = [...builtInContracts.keys(), 'acme', 'zeta'].toSorted();
    const listed = await call('GET /v1/contracts?limit=100');
    expect(listed.body.data.map((each: Json) => each['name'])).toEqual(names);
    const seen: Json[] = [];
    for (let next = ''; ; ) {
      const { body } = await call(`GET /v1/contracts?limit=4${next}`);
      seen.push(...body.data);
      if (body.next_cursor === null) break;
      next = `&cursor=${body.next_cursor}`;
    }
    expect(seen).toEqual(listed.body.data);
    expect(seen.filter(each => each['built_in'] === false).map(each => each['name'])).toEqual(['acme', 'zeta']);
    expect(seen.find(each => each['name'] === 'repairy')).toMatchObject({
      built_in: true,
      version: 0,
      created_at: null,
      warnings: expect.arrayContaining([expect.stringMatching(/MD5/i)]),
    });
    expect((await call('GET /v1/contracts?cursor=xyz')).body.errors[0].path).toBe('query.cursor');
  });

  test.each([...builtInContracts.keys()])(
    '200: the document of %s can be read, and accepted under a name of one’s own',
    async name => {
      const { status, body } = await call(`GET /v1/contracts/${name}`);
      expect([status, body.built_in, body.document]).toEqual([200, true, builtInContracts.get(name)?.document]);
      expect((await create({ ...body.document, name: `my-${name}` })).status).toBe(201);
    },
  );

  test('409: the name is taken, also when asked for at once; 422: it is one of Signpost’s own', async () => {
    const answers = await Promise.all([create(), create(), create()]);
    expect(answers.map(each => String(each.status)).toSorted()).toEqual(['201', '409', '409']);
    for (const name of ['standard', 'github', 'preview']) {
      const refused = await create({ name });
      expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'body.name']);
    }
  });

  test('403: reading needs no more than read, changing needs admin', async () => {
    await create();
    const reader = await api.makeKey(mine.id, ['read']);
    expect((await call('GET /v1/contracts/acme', undefined, reader)).status).toBe(200);
    expect((await call('POST /v1/contracts', minimal, reader)).status).toBe(403);
    expect((await call('PUT /v1/contracts/acme', minimal, reader)).status).toBe(403);
    expect((await call('DELETE /v1/contracts/acme', undefined, reader)).status).toBe(403);
  });

  test("404: another workspace's contract answers like none at all, and is no choice", async () => {
    await create();
    const other = await api.makeWorkspace();
    for (const [target, body] of [
      ['GET /v1/contracts/acme', undefined],
      ['PUT /v1/contracts/acme', minimal],
      ['DELETE /v1/contracts/acme', undefined],
    ] as const)
      expect([target, (await call(target, body, other.key)).status]).toEqual([target, 404]);
    const refused = await call('POST /v1/webhooks', { ...webhook, contract: 'acme' }, other.key);
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'body.contract']);
    expect((await call('POST /v1/contracts', minimal, other.key)).status).toBe(201);
  });
});

describe('a contract with a credential in a header, from before that was refused', () => {
  const credential = { name: 'X-Api-Key', value: 'stored-credential' };
  const kept = [
    { name: 'X-Tenant', value: 'seven' },
    { name: 'X-Event-Token', value: '{event.id}' },
  ];

  test('200: is sent, and shown without it wherever it is read', async () => {
    await create({ headers: kept });
    await api.dependencies.database.pool.query(
      `update contracts set document = jsonb_set(document::jsonb, '{headers,2}', $2)::json where workspace_id = $1`,
      [mine.id, credential],
    );
    const reader = await api.makeKey(mine.id, ['read']);
    const read = await call('GET /v1/contracts/acme', undefined, reader);
    expect(read.body.document.headers).toEqual([...kept, { ...credential, value: '[hidden]' }]);
    const preview = { contract: 'acme', event: { event_type: 'a', data: 1 }, secret: `whsec_${'A'.repeat(32)}` };
    const previewed = await call('POST /v1/contracts/preview', preview, reader);
    expect([previewed.status, previewed.body.headers]).toEqual([
      200,
      expect.objectContaining({
        'X-Tenant': 'seven',
        'X-Event-Token': expect.stringMatching(/^evt_/),
        'X-Api-Key': '[hidden]',
      }),
    ]);
    const contract = await api.dependencies.contracts.findVersion(mine.id, { contract: 'acme', contractVersion: 1 });
    expect(contract?.document.headers).toContainEqual(credential);
    // What was read cannot be sent back as the credential.
    expect((await call('PUT /v1/contracts/acme', read.body.document)).body.errors[0].path).toBe(
      'body.headers[2].value',
    );
    expect((await call('PUT /v1/contracts/acme', { ...minimal, headers: kept })).status).toBe(200);
    const entries = await call('GET /v1/audit-log');
    expect(entries.body.data[0].changes.headers.before).toContainEqual({ ...credential, value: '[hidden]' });
    await call('DELETE /v1/contracts/acme');
    for (const { text } of [read, previewed, entries, await call('GET /v1/audit-log'), await call('GET /v1/contracts')])
      expect(text).not.toContain(credential.value);
  });
});

describe('change', () => {
  test('200: every change is a version of its own, also at once', async () => {
    await create();
    const answers = await Promise.all(
      [1, 2, 3, 4].map(n => call('PUT /v1/contracts/acme', { ...minimal, title: `Acme ${n}` })),
    );
    expect(answers.map(each => `${each.status} ${each.body.version}`).toSorted()).toEqual([
      '200 2',
      '200 3',
      '200 4',
      '200 5',
    ]);
    const last = answers.find(each => each.body.version === 5);
    expect((await call('GET /v1/contracts/acme')).body).toEqual(last?.body);
  });

  test('422: another name, a wrong document; 404: no such contract; 409: it comes with Signpost', async () => {
    await create();
    const renamed = await call('PUT /v1/contracts/acme', { ...minimal, name: 'acme2' });
    expect([renamed.status, renamed.body.errors[0].path]).toEqual([422, 'body.name']);
    expect((await call('PUT /v1/contracts/acme', { name: 'acme' })).status).toBe(422);
    expect((await call('PUT /v1/contracts/nothing', { ...minimal, name: 'nothing' })).status).toBe(404);
    expect((await call('PUT /v1/contracts/github', { ...minimal, name: 'github' })).status).toBe(409);
    expect((await call('GET /v1/contracts/acme')).body.version).toBe(1);
  });

  test('409: a webhook that uses it could not be sent to any more', async () => {
    await create({ methods: ['POST', 'PUT'] });
    const made = await call('POST /v1/webhooks', {
      ...webhook,
      url: 'http://127.0.0.1/',
      contract: 'acme',
      method: 'PUT',
    });
    expect(made.status).toBe(201);
    for (const [parts, reason] of [
      [{ methods: ['POST'] }, 'sent with PUT'],
      [{ methods: ['PUT'], url: { https: 'always' } }, 'https://'],
      [{ methods: ['PUT'], secret: { ...textSecret, prefix: 'acme_' } }, 'secret'],
    ] as const) {
      const refused = await call('PUT /v1/contracts/acme', { ...minimal, ...parts });
      expect([refused.status, refused.body.code]).toEqual([409, 'contract_in_use']);
      expect(refused.body.detail).toContain(made.body.id);
      expect(refused.body.detail).toContain(reason);
    }
    expect((await call('PUT /v1/contracts/acme', { ...minimal, methods: ['PUT'] })).status).toBe(200);
  });
});

describe('delete', () => {
  test('409 while a webhook or the workspace uses it, with a sentence that says who; 204 afterwards', async () => {
    await create();
    const made = await call('POST /v1/webhooks', { ...webhook, contract: 'acme' });
    await call(`PATCH /v1/workspaces/${mine.publicId}`, { contract: 'acme' });
    const refusals = [];
    for (const release of [
      () => call(`DELETE /v1/webhooks/${made.body.id}`),
      () => call(`PATCH /v1/workspaces/${mine.publicId}`, { contract: 'standard' }),
    ]) {
      const refused = await call('DELETE /v1/contracts/acme');
      refusals.push([refused.status, refused.body.code, refused.body.detail]);
      await release();
    }
    expect(refusals).toEqual([
      [409, 'contract_in_use', 'The contract acme is used by the workspace, as its default and 1 webhook.'],
      [409, 'contract_in_use', 'The contract acme is used by the workspace, as its default.'],
    ]);
    expect((await call('DELETE /v1/contracts/acme')).status).toBe(204);
    for (const target of ['GET /v1/contracts/acme', 'DELETE /v1/contracts/acme'])
      expect((await call(target)).status).toBe(404);
    expect((await call('POST /v1/webhooks', { ...webhook, contract: 'acme' })).status).toBe(422);
  });

  test('a contract that is made anew goes on counting: a version stands for one document for ever', async () => {
    await create();
    await call('DELETE /v1/contracts/acme');
    expect((await create({ title: 'Another' })).body.version).toBe(2);
  });

  test('409: those that come with Signpost stay', async () => {
    const refused = await call('DELETE /v1/contracts/standard');
    expect([refused.status, refused.body.code]).toEqual([409, 'conflict']);
  });
});

describe('a webhook that names a contract of its own', () => {
  test('has a secret and a method in the form of that contract', async () => {
    await create({ secret: { ...textSecret, prefix: 'acme_' }, methods: ['PUT', 'PATCH'] });
    const wrong = await call('POST /v1/webhooks', { ...webhook, contract: 'acme', secret: 'short' });
    expect([wrong.status, wrong.body.errors[0].path]).toEqual([422, 'body.secret']);
    const method = await call('POST /v1/webhooks', { ...webhook, contract: 'acme', method: 'POST' });
    expect([method.status, method.body.errors[0].path]).toEqual([422, 'body.method']);
    const made = await call('POST /v1/webhooks', { ...webhook, contract: 'acme', method: 'PATCH' });
    expect([made.status, made.body.contract]).toEqual([201, 'acme']);
    expect(made.body.signing_secret).toMatch(/^acme_[\w-]{32}$/);
    const rotated = await call(`POST /v1/webhooks/${made.body.id}/rotate-secret`, { overlap_seconds: 60 });
    expect(rotated.body).toMatchObject({ signing_secret: expect.stringMatching(/^acme_/), overlap: false });
    const changed = await call(`PATCH /v1/webhooks/${made.body.id}`, { contract: 'standard', method: null });
    expect([changed.status, changed.body.errors[0].path]).toEqual([422, 'body.contract']);
  });
});
