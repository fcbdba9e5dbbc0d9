import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase, waitFor } from '@signpost/testing';
import { createWriteCheck, type Database, isDatabaseUnavailable, openDatabase } from './index.ts';

let testDatabase: TestDatabase;
let database: Database;
const open = (url: string): Database =>
  openDatabase({ url, maxConnections: 3, maxHotConnections: 1, onConnectionError: () => {} });
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = open(testDatabase.url);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const pages = async (): Promise<number> => {
  const { rows } = await database.pool.query(
    `select (pg_relation_size('write_probes') / current_setting('block_size')::int)::int as pages`,
  );
  return rows[0].pages;
};

test('each write wants room of its own, leaves no row, and vacuum gives all of it back', async () => {
  expect(await pages()).toBe(0);
  for (let n = 1; n <= 20; n += 1) {
    await createWriteCheck(database)();
    expect(await pages()).toBe(n);
  }
  expect((await database.pool.query('select from write_probes')).rowCount).toBe(0);
  await database.pool.query('vacuum write_probes');
  expect(await pages()).toBe(0);
});

test('what succeeded stands for a while, however often it is asked for, and also from many at once', async () => {
  const before = await pages();
  const check = createWriteCheck(database);
  await Promise.all(Array.from({ length: 10 }, () => check()));
  for (let n = 0; n < 10; n += 1) await check();
  expect(await pages()).toBe(before + 1);
  await waitFor(async () => (await check(), (await pages()) > before + 1), {
    timeoutMs: 10_000,
    description: 'it writes again',
  });
});

test('behind a lock it fails in time, and is right again as soon as the lock is gone', async () => {
  const locker = await database.pool.connect();
  await locker.query('begin; lock table write_probes in access exclusive mode');
  const check = createWriteCheck(database);
  const startedAt = performance.now();
  await expect(check()).rejects.toMatchObject({ code: '55P03' });
  expect(performance.now() - startedAt).toBeLessThan(2000);
  await locker.query('commit');
  locker.release();
  await check();
});

test('a server that takes reads alone is told, although it answers', async () => {
  const reading = open(`${testDatabase.url}?options=-c%20default_transaction_read_only%3Don`);
  await reading.pool.query('select 1');
  const failure: unknown = await createWriteCheck(reading)().catch(error => error);
  expect(failure).toMatchObject({ code: '25006' });
  expect(isDatabaseUnavailable(failure)).toBe(true);
  await reading.close();
});
