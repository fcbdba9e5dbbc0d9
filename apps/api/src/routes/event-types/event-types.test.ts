import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { findWorkspaceAccess } from '@signpost/database';
import { startTestApi, type TestApi, type TestWorkspace } from '../../test-api.ts';
import { eventType, minimal } from '../contracts/contract-document.fixture.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let mine: TestWorkspace;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ databaseUrl: testDatabase.url });
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});
beforeEach(async () => {
  mine = await api.makeWorkspace();
});

const schema = { type: 'object', required: ['id'], properties: { id: { type: 'string' } } };
const create = (body: unknown) => api.call('POST /v1/event-types', { key: mine.key, body });
const revision = async () => (await findWorkspaceAccess(api.dependencies.database, mine.id))?.catalogueRevision ?? '';
const check = async (eventType: string, data: unknown) =>
  api.dependencies.eventCatalogue.check(mine.id, await revision(), eventType, data, 100);

describe('create', () => {
  test('201: with all fields, and with the name alone', async () => {
    const full = await create({ name: 'call.ended', description: 'A call ended.', schema, example: { id: 'c1' } });
    expect(full.status).toBe(201);
    expect(full.body).toEqual({
      name: 'call.ended',
      description: 'A call ended.',
      schema,
      example: { id: 'c1' },
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    expect((await create({ name: 'sms' })).body).toMatchObject({ description: null, schema: null, example: null });
  });

  test('409: a name once, also when asked for at once', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => create({ name: 'call.ended' })));
    expect(answers.filter(each => each.status === 201)).toHaveLength(1);
    expect(answers.filter(each => each.body.code === 'conflict')).toHaveLength(2);
  });

  test('422: names that are none', async () => {
    for (const name of ['a..b', 'A b', 'x'.repeat(257), '👋', '*', '../', '', 'call.*', 3, null, 'a\u0000'])
      expect([name, (await create({ name })).body.errors?.[0].path]).toEqual([name, 'body.name']);
  });

  test('422: a schema that is no JSON Schema, is too large, or that the example breaks', async () => {
    const wrong = await create({ name: 'a', schema: { type: 'objekt' } });
    expect([wrong.status, wrong.body.errors[0].path]).toEqual([422, 'body.schema.type']);
    const large = await create({ name: 'a', schema: { description: 'a'.repeat(65_536) } });
    expect(large.body.errors[0]).toEqual({ path: 'body.schema', message: expect.stringContaining('65536') });
    const misfit = await create({ name: 'a', schema, example: { id: 1 } });
    expect(misfit.body.errors).toEqual([{ path: 'body.example.id', message: 'must be string' }]);
  });
});

describe('read', () => {
  test('200: one, and all by name in pages', async () => {
    for (const name of ['b', 'a.c', 'B', 'a', 'a-b']) await create({ name });
    expect((await api.call('GET /v1/event-types/a.c', { key: mine.key })).body.name).toBe('a.c');
    const names: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const target: string = `GET /v1/event-types?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const { body } = await api.call(target, { key: mine.key });
      names.push(...body.data.map((each: { name: string }) => each.name));
      cursor = body.next_cursor;
    }
    expect(names).toEqual(['B', 'a', 'a-b', 'a.c', 'b']);
    expect((await api.call('GET /v1/event-types?cursor=Kio', { key: mine.key })).status).toBe(422);
  });

  test("404: another workspace's, like none at all", async () => {
    await create({ name: 'secret.thing' });
    const other = await api.makeWorkspace();
    for (const target of ['GET', 'PATCH', 'DELETE'])
      expect(
        (
          await api.call(`${target} /v1/event-types/secret.thing`, {
            key: other.key,
            body: target === 'PATCH' ? {} : undefined,
          })
        ).status,
      ).toBe(404);
    expect((await api.call('GET /v1/event-types', { key: other.key })).body.data).toEqual([]);
  });
});

describe('update', () => {
  const update = (body: unknown) => api.call('PATCH /v1/event-types/call.ended', { key: mine.key, body });

  test('200: null clears, what is missing stays', async () => {
    await create({ name: 'call.ended', description: 'Old.', schema, example: { id: 'c1' } });
    expect((await update({ description: 'New.' })).body).toMatchObject({
      description: 'New.',
      schema,
      example: { id: 'c1' },
    });
    expect((await update({ schema: null, description: null })).body).toMatchObject({
      description: null,
      schema: null,
      example: { id: 'c1' },
    });
    expect((await update({})).body).toMatchObject({ schema: null, example: { id: 'c1' } });
  });

  test('422: a new schema must fit the example that stays; the name cannot change', async () => {
    await create({ name: 'call.ended', example: { id: 1 } });
    expect((await update({ schema })).body.errors[0].path).toBe('body.example.id');
    expect((await update({ schema, example: { id: 'a' } })).status).toBe(200);
    expect((await update({ name: 'b' })).body.errors[0].path).toBe('body.name');
  });
});

describe('what publishing is checked against', () => {
  test('everything is allowed until there is an event type, and again when the last is deleted', async () => {
    expect(await check('anything.at.all', {})).toEqual({ kind: 'accepted' });
    await create({ name: 'call.ended' });
    const unknown = await check('call.endd', {});
    expect(unknown.kind === 'unknown_type' && unknown.findNearest()).toBe('call.ended');
    expect(await check('call.ended', { any: 'thing' })).toEqual({ kind: 'accepted' });
    expect((await api.call('DELETE /v1/event-types/call.ended', { key: mine.key })).status).toBe(204);
    expect((await api.call('DELETE /v1/event-types/call.ended', { key: mine.key })).status).toBe(404);
    expect(await check('anything.at.all', {})).toEqual({ kind: 'accepted' });
  });

  test('every change counts the revision up, so that the next check sees it', async () => {
    const revisions = [await revision()];
    await create({ name: 'call.ended' });
    revisions.push(await revision());
    expect(await check('call.ended', {})).toEqual({ kind: 'accepted' });
    await api.call('PATCH /v1/event-types/call.ended', { key: mine.key, body: { schema } });
    revisions.push(await revision());
    expect(await check('call.ended', {})).toEqual({
      kind: 'data_invalid',
      errors: [{ path: 'data.id', message: 'is required' }],
    });
    await create({ name: 'call.ended' });
    revisions.push(await revision());
    expect(revisions.map(BigInt).map(each => each - BigInt(revisions[0] as string))).toEqual([0n, 1n, 2n, 2n]);
  });

  test('subscription patterns must be able to match', async () => {
    const checkPatterns = async (...patterns: string[]) =>
      api.dependencies.eventCatalogue.checkPatterns(mine.id, await revision(), patterns);
    expect(await checkPatterns('cal.*')).toEqual({ kind: 'accepted' });
    await create({ name: 'call.ended' });
    expect(await checkPatterns('call.ended', 'call.*', '*')).toEqual({ kind: 'accepted' });
    expect(await checkPatterns('*', 'cal.*')).toEqual({
      kind: 'unknown_type',
      index: 1,
      pattern: 'cal.*',
      nearest: 'call.*',
    });
  });

  test('checks of many at once read the event types once', async () => {
    await create({ name: 'call.ended', schema });
    const current = await revision();
    const { pool } = api.dependencies.database;
    let queries = 0;
    const count = (): void => void (queries += 1);
    pool.on('acquire', count);
    await Promise.all(
      Array.from({ length: 50 }, () =>
        api.dependencies.eventCatalogue.check(mine.id, current, 'call.ended', { id: 'a' }, 10),
      ),
    );
    pool.off('acquire', count);
    expect(queries).toBe(1);
  });
});

describe('the time of schemas', () => {
  /** Validating this data by it goes on until it is stopped, after 250 ms. */
  const slow = { type: 'string', pattern: '^(a+)+$' };
  const slowData = `${'a'.repeat(60)}!`;
  /** Takes 100 ms and more to compile. */
  const large = { dependentRequired: { a: Array.from({ length: 9000 }, (_, n) => `p${n.toString(36)}`) } };
  const publish = (event_type: string, data: unknown, key = mine.key) =>
    api.call('POST /v1/events', { key, body: { event_type, data } });
  const update = (body: unknown) => api.call('PATCH /v1/event-types/slow', { key: mine.key, body });

  test('is that of the workspace: a change gives nothing back, and what has no schema pays nothing', async () => {
    await create({ name: 'slow', schema: slow });
    await create({ name: 'other', schema });
    await create({ name: 'plain' });
    const codes: string[] = [];
    for (let round = 0; round < 12; round += 1) {
      await update({ description: `round ${round}` });
      codes.push((await publish('slow', slowData)).body.code);
    }
    // 1000 ms at once, and a tenth of what passes meanwhile: four or five.
    expect(codes.filter(code => code === 'event_data_invalid').length).toBeLessThan(8);
    const refused = await publish('other', { id: 'a' });
    expect([refused.status, refused.body.code]).toEqual([429, 'schema_too_slow']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await publish('plain', 1)).status).toBe(202);

    const theirs = await api.makeWorkspace();
    await api.call('POST /v1/event-types', { key: theirs.key, body: { name: 'other', schema } });
    expect((await publish('other', { id: 'a' }, theirs.key)).status).toBe(202);

    // The way out is open.
    expect((await update({ schema: { type: 'number' } })).body.code).toBe('schema_too_slow');
    expect((await update({ schema: null })).status).toBe(200);
    expect((await publish('slow', slowData)).status).toBe(202);
  });

  test('is spent on compiling as well, of event types and of contracts', async () => {
    const codes: string[] = [];
    for (let round = 0; round < 40 && !codes.includes('schema_too_slow'); round += 1)
      codes.push((await create({ name: 'large', schema: large })).body.code);
    expect(codes).toContain('schema_too_slow');
    const document = { ...minimal, event_types: [eventType()] };
    const secret = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3';
    const event = { event_type: 'a', data: 1 };
    const answers = [
      await api.call('POST /v1/contracts', { key: mine.key, body: document }),
      await api.call('POST /v1/contracts/preview', { key: mine.key, body: { document, event, secret } }),
    ];
    for (const { status, body } of answers) expect([status, body.code]).toEqual([429, 'schema_too_slow']);
    const without = { ...document, event_types: [] };
    expect((await api.call('POST /v1/contracts', { key: mine.key, body: without })).status).toBe(201);
  });

  test('of a batch is one allowance for all its event types, and others have their turn between its items', async () => {
    const types = Array.from({ length: 20 }, (_, n) => `slow.${n}`);
    for (const name of types) await create({ name, schema: slow });
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const startedMs = performance.now();
    const { status, body } = await api.call('POST /v1/events/batch', {
      key: mine.key,
      body: { events: types.map(event_type => ({ event_type, data: slowData })) },
    });
    const totalMs = performance.now() - startedMs;
    delay.disable();
    expect(status).toBe(202);
    const codes: string[] = body.data.map((item: { error: { code: string } }) => item.error.code);
    expect(codes.filter(code => code === 'event_data_invalid').length).toBeLessThan(8);
    expect(codes.filter(code => code === 'schema_too_slow').length).toBeGreaterThan(12);
    // Four validations or more, of which one at a time holds up the others.
    expect(delay.max / 1e6).toBeLessThan(totalMs / 2);
  });
});
