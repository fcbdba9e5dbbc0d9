import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { type Database, isDatabaseUnavailable, openDatabase } from './index.ts';
import { inTransaction } from './transaction.ts';

let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase({
    url: testDatabase.url,
    maxConnections: 2,
    maxHotConnections: 1,
    onConnectionError: () => {},
  });
  await database.pool.query('create table kept (n int)');
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const kept = async () => (await database.pool.query('select n from kept order by n')).rows.map(row => row.n);

test('what it did is kept when it resolves, and undone when it throws', async () => {
  const fault = new Error('no');
  expect(
    await inTransaction(database, async client => {
      await client.query('insert into kept values (1)');
      return 'result';
    }),
  ).toBe('result');
  const failing = inTransaction(database, async client => {
    await client.query('insert into kept values (2)');
    throw fault;
  });
  await expect(failing).rejects.toBe(fault);
  expect(await kept()).toEqual([1]);
});

test('a connection that breaks between two statements fails the call, and neither the process nor the pool', async () => {
  const broken = inTransaction(database, async client => {
    await client.query('insert into kept values (3)');
    const { rows } = await client.query('select pg_backend_pid() as pid');
    const ended = once(client, 'end');
    await database.pool.query('select pg_terminate_backend($1)', [rows[0].pid]);
    await ended;
    await client.query('insert into kept values (4)');
  });
  const error = await broken.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  expect(isDatabaseUnavailable(error)).toBe(true);
  expect(await kept()).toEqual([1]);
});
