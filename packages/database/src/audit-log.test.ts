import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeUuid, systemClock, uuidTimeMs } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { audit, author } from './audit-log.fixture.ts';
import {
  type AuditFilter,
  changeWorkspace,
  type Database,
  deleteExpiredAuditEntries,
  ensureWorkspace,
  idRange,
  insertWorkspace,
  listAuditEntries,
  openDatabase,
} from './index.ts';

let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase({
    url: testDatabase.url,
    maxConnections: 12,
    maxHotConnections: 2,
    onConnectionError: () => {},
  });
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const newId = (): string => makeUuid(systemClock.nowMs());
const everything: AuditFilter = {
  action: null,
  actorId: null,
  resourceType: null,
  resourceId: null,
  ids: idRange(null, null),
};
const page = { limit: 1000, start: null };

async function makeWorkspace(): Promise<string> {
  const id = newId();
  await insertWorkspace(database, { id, name: id, contract: 'standard' }, [], audit);
  return id;
}

test('entries of changes that wait for each other sort in the order of the changes, and tell the time of their ids', async () => {
  const id = await makeWorkspace();
  await Promise.all(
    Array.from({ length: 60 }, (_, n) =>
      changeWorkspace(database, id, { name: `${id}-${n}` }, ({ before, after }) => ({
        ...audit(),
        workspaceId: id,
        changes: { name: { before: before.name, after: after.name } },
      })),
    ),
  );
  const entries = (await listAuditEntries(database, id, everything, page)).rows.toReversed();
  expect(entries).toHaveLength(60);
  const names = entries.map(({ changes }) => changes['name'] as { before: string; after: string });
  // Each begins where the one before ended.
  expect(names.map(({ before }) => before)).toEqual([id, ...names.slice(0, -1).map(({ after }) => after)]);
  for (const entry of entries) {
    expect(entry.createdAt.getTime()).toBe(uuidTimeMs(entry.id));
    expect(entry.id[14]).toBe('7');
    expect('89ab').toContain(entry.id[19]);
  }
});

test('an entry is read as it was written; JSON texts hold what jsonb would refuse', async () => {
  const workspaceId = newId();
  const changes = { 'a\u0000': '\u0000', b: [null, 1.5, { __proto__: null, c: '' }] };
  await ensureWorkspace(database, { id: workspaceId, name: workspaceId, contract: 'standard' }, () => ({
    author: { ...author, actor: { type: 'api_key', id: workspaceId, name: 'billing' } },
    action: 'workspace.created',
    workspaceId,
    resourceId: 'ws_1',
    changes,
  }));
  expect((await listAuditEntries(database, workspaceId, everything, page)).rows).toEqual([
    {
      id: expect.any(String),
      author: { ...author, actor: { type: 'api_key', id: workspaceId, name: 'billing' } },
      action: 'workspace.created',
      workspaceId,
      resourceType: 'workspace',
      resourceId: 'ws_1',
      changes,
      createdAt: expect.any(Date),
    },
  ]);
});

test('an entry that cannot be made undoes its change', async () => {
  const id = newId();
  const fault = new Error('no entry');
  const workspace = { id, name: id, contract: 'standard' };
  const failing = (): never => {
    throw fault;
  };
  await expect(insertWorkspace(database, workspace, [], failing)).rejects.toBe(fault);
  expect(await insertWorkspace(database, workspace, [], audit)).toMatchObject({ id });
});

test('entries older than the limit are deleted, also when there are more than one bite of them, and no others', async () => {
  const workspaceId = newId();
  const insertAged = (count: number, days: number) =>
    database.pool.query(
      `insert into audit_log (id, workspace_id, actor_type, actor_name, action, resource_type, resource_id, changes)
       select uuidv7_of(current_timestamp - $2 * interval '1 day'), $3, 'system', 'test', 'workspace.updated', 'workspace', n, '{}'
       from generate_series(1, $1::int) as n`,
      [count, days, workspaceId],
    );
  await insertAged(5001, 401);
  await insertAged(3, 399);
  expect(await deleteExpiredAuditEntries(database, 400)).toBe(5001);
  expect((await listAuditEntries(database, workspaceId, everything, page)).rows).toHaveLength(3);
  expect(await deleteExpiredAuditEntries(database, 400)).toBe(0);
});

test('a list reads through an index, not the whole log', async () => {
  await database.pool.query('analyze audit_log');
  const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(
    `explain select id from audit_log where workspace_id = '${newId()}' order by id desc limit 20`,
  );
  expect(rows.map(row => row['QUERY PLAN']).join('\n')).toMatch(/audit_log_workspace_id_id_idx/);
});
