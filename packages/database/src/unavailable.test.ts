import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { type Database, isDatabaseUnavailable, isInstallationFault, openDatabase } from './index.ts';

let testDatabase: TestDatabase;
let database: Database;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase({
    url: testDatabase.url,
    maxConnections: 1,
    maxHotConnections: 1,
    onConnectionError: () => {},
  });
  await database.pool.query('create table numbers (n int primary key check (n < 10)); insert into numbers values (1)');
  await database.pool.query('create role grantless');
});
afterAll(async () => {
  await database.pool.query('drop role grantless');
  await database.close();
  await testDatabase.drop();
});

const query = (sql: string, values: unknown[] = []) => database.pool.query(sql, values);

test.each<[string, () => Promise<unknown>]>([
  ['a column that does not exist (42703)', () => query('select no_such_column from deliveries')],
  ['a table that does not exist (42P01)', () => query('select from no_such_table')],
  [
    'a grant that is missing (42501)',
    async () => {
      try {
        await query('set role grantless; select from deliveries');
      } finally {
        await query('reset role');
      }
    },
  ],
  [
    'a fault inside of Postgres (XX000)',
    () => query(`do $$ begin raise exception 'x' using errcode = 'XX000'; end $$`),
  ],
  ['a role that does not exist (28000)', () => openWith(url => (url.username = 'nobody'))],
  ['a database that does not exist (3D000)', () => openWith(url => (url.pathname = '/nothing'))],
  ['a refusal of the system', () => open(tmpdir(), 'w')],
  [
    'one of these as a cause',
    async () => {
      throw new Error('no', { cause: await query('select no_such_column').catch((cause: unknown) => cause) });
    },
  ],
])('%s is the fault of the installation, and Postgres is not away', async (_name, work) => {
  const error = await work().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ message: expect.any(String) });
  expect([isInstallationFault(error), isDatabaseUnavailable(error)]).toEqual([true, false]);
});

test.each<[string, () => Promise<unknown>]>([
  ['text where a number belongs (22P02)', () => query('select $1::int', ['soon'])],
  ['a character that Postgres does not keep (22021)', () => query('select $1::text', ['\0'])],
  ['a value beyond its range (22003)', () => query('select ($1::bigint)::int', ['99999999999'])],
  ['a row that exists (23505)', () => query('insert into numbers values (1)')],
  ['a row that a constraint refuses (23514)', () => query('insert into numbers values (10)')],
  ['an error that no driver threw', () => Promise.reject(new TypeError('x is not a function'))],
  ['one with a code of ours', () => Promise.reject(Object.assign(new Error('no'), { code: 'contract_unknown' }))],
])('%s is the fault of the row at hand', async (_name, work) => {
  const error = await work().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ message: expect.any(String) });
  expect([isInstallationFault(error), isDatabaseUnavailable(error)]).toEqual([false, false]);
});

test('a pool that has been closed is a Postgres that is away', async () => {
  const closed = openDatabase({
    url: testDatabase.url,
    maxConnections: 1,
    maxHotConnections: 1,
    onConnectionError: () => {},
  });
  await closed.close();
  const error: unknown = await closed.pool.query('select 1').catch((reason: unknown) => reason);
  expect(isDatabaseUnavailable(error)).toBe(true);
});

/** A query on another address than the right one. */
async function openWith(change: (url: URL) => unknown): Promise<unknown> {
  const url = new URL(testDatabase.url);
  change(url);
  const wrong = openDatabase({ url: url.href, maxConnections: 1, maxHotConnections: 1, onConnectionError: () => {} });
  try {
    return await wrong.pool.query('select 1');
  } finally {
    await wrong.close();
  }
}
