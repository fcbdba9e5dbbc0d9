import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi, type TestWorkspace } from '../../test-api.ts';

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

const call = (target: string, body?: unknown) =>
  api.call(target, body === undefined ? { key: mine.key } : { key: mine.key, body });
const create = (name: string, schema?: unknown) => call('POST /v1/event-types', { name, schema });
const schemaOf = (length: number) => ({ description: 'x'.repeat(length) });

async function fill(count: number, schemaLength: number | null): Promise<void> {
  await api.dependencies.database.pool.query(
    `insert into event_types (workspace_id, name, schema)
     select $1, 'filled' || n, case when $3::int is not null then json_build_object('description', repeat('x', $3)) end
     from generate_series(1, $2::int) n`,
    [mine.id, count, schemaLength],
  );
}
const countTypes = async (): Promise<number> => {
  const { rows } = await api.dependencies.database.pool.query<{ count: number }>(
    'select count(*)::int as count from event_types where workspace_id = $1',
    [mine.id],
  );
  return rows[0]?.count ?? 0;
};

test('409: a workspace has 1000 event types at most, whoever comes at once', async () => {
  await fill(999, null);
  const answers = await Promise.all(['a', 'b', 'c'].map(name => create(name)));
  expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['201', '409', '409']);
  const refused = answers.find(({ status }) => status === 409);
  expect([refused?.body.code, refused?.body.detail]).toEqual(['too_many_event_types', expect.stringContaining('1000')]);
  expect(await countTypes()).toBe(1000);
  expect((await call('DELETE /v1/event-types/filled1')).status).toBe(204);
  expect((await create('d')).status).toBe(201);
});

test('409: their schemas have 8 MiB at most; a shorter one is always taken', async () => {
  await fill(130, 64_000);
  expect((await create('fits', schemaOf(40_000))).status).toBe(201);
  expect((await create('more', schemaOf(60_000))).body.code).toBe('too_many_event_types');
  expect((await call('PATCH /v1/event-types/fits', { schema: schemaOf(63_000) })).status).toBe(200);
  expect((await create('small', schemaOf(1000))).status).toBe(201);
  expect((await call('PATCH /v1/event-types/small', { schema: schemaOf(60_000) })).body.code).toBe(
    'too_many_event_types',
  );
  // From before there was a limit.
  await api.dependencies.database.pool.query(
    `update event_types set schema = json_build_object('description', repeat('x', 200000)) where workspace_id = $1 and name = 'filled1'`,
    [mine.id],
  );
  expect((await call('PATCH /v1/event-types/filled1', { schema: schemaOf(100) })).status).toBe(200);
  expect((await call('PATCH /v1/event-types/filled2', { description: 'Longer.' })).status).toBe(200);
});

test('409: the event types that a contract would bring count, and the contract is not chosen', async () => {
  await fill(1000, null);
  const refused = await call(`PATCH /v1/workspaces/${mine.publicId}`, { contract: 'repairy' });
  expect([refused.status, refused.body.code]).toEqual([409, 'too_many_event_types']);
  expect((await call(`GET /v1/workspaces/${mine.publicId}`)).body.contract).toBe('standard');
  expect(await countTypes()).toBe(1000);
});
