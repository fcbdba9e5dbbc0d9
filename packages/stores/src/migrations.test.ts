import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import pg from 'pg';
import { applyMigrations } from './index.ts';

let database: TestDatabase;
let client: pg.Client;
let dir: string;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});

beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'signpost-test-migrations-'));
  await client.query('drop schema public cascade; create schema public');
});

afterEach(() => rmSync(dir, { recursive: true }));

afterAll(async () => {
  await client.end();
  await database.drop();
});

function write(name: string, sql: string): void {
  mkdirSync(path.join(dir, name), { recursive: true });
  writeFileSync(path.join(dir, name, 'migration.sql'), sql);
}

const apply = () => applyMigrations(database.url, dir);

async function recorded(): Promise<unknown[]> {
  const { rows } = await client.query(
    'select migration_name as name, finished_at is not null as finished, applied_steps_count as steps from _prisma_migrations order by 1',
  );
  return rows;
}

test('migrations are applied in the order of their names, once', async () => {
  write('2_second', 'alter table things add column name text;');
  write('1_first', 'create table things (id int);');
  expect(await apply()).toEqual({ applied: ['1_first', '2_second'], edited: [] });
  expect(await apply()).toEqual({ applied: [], edited: [] });
  expect(await recorded()).toEqual([
    { name: '1_first', finished: true, steps: 1 },
    { name: '2_second', finished: true, steps: 1 },
  ]);
});

test('several processes at once apply each migration once', async () => {
  write('1_first', 'create table things (id int); insert into things values (1);');
  const results = await Promise.all([apply(), apply(), apply(), apply()]);
  expect(results.flatMap(result => result.applied)).toEqual(['1_first']);
  expect((await client.query('select count(*)::int as rows from things')).rows).toEqual([{ rows: 1 }]);
});

test('a migration that fails leaves nothing, names its line, and can be corrected and run again', async () => {
  write('1_first', 'create table things (id int);\n\nalter table missing add column x int;');
  await expect(apply()).rejects.toMatchObject({
    code: 'migration_failed',
    message: expect.stringContaining('1_first failed'),
    cause: expect.objectContaining({ code: '42P01' }),
  });
  expect(await recorded()).toEqual([]);
  expect((await client.query("select to_regclass('things') as found")).rows).toEqual([{ found: null }]);
  write('1_first', 'create table things (id int);\n\nselect nonsense;');
  await expect(apply()).rejects.toThrow('1_first failed at line 3: column "nonsense" does not exist');
  write('1_first', 'create table things (id int);');
  expect((await apply()).applied).toEqual(['1_first']);
});

test('functions and quoted semicolons are one statement', async () => {
  write('1_first', `create function two() returns text language plpgsql as $$ begin perform 1; return 'a;b'; end $$;`);
  await apply();
  expect((await client.query('select two()')).rows).toEqual([{ two: 'a;b' }]);
});

test('a file with CONCURRENTLY runs outside a transaction, beside others that wait for their turn', async () => {
  write('1_first', 'create table things (id int);');
  write('2_index', '-- no lock on writers\ncreate index concurrently things_id on things (id);');
  const results = await Promise.all([apply(), apply()]);
  expect(results.flatMap(result => result.applied).toSorted()).toEqual(['1_first', '2_index']);
  expect((await client.query("select to_regclass('things_id') is not null as found")).rows).toEqual([{ found: true }]);
});

test('a migration outside a transaction that failed blocks the next run until somebody has looked', async () => {
  write('1_index', 'create index concurrently nothing_id on nothing (id);');
  await expect(apply()).rejects.toMatchObject({ code: 'migration_failed' });
  await expect(apply()).rejects.toMatchObject({
    code: 'migration_blocked',
    message: expect.stringContaining('1_index'),
  });
  await client.query('update _prisma_migrations set rolled_back_at = now()');
  write('1_index', 'select 1;');
  expect((await apply()).applied).toEqual(['1_index']);
});

test('a file that was changed after it had been applied is reported and not run again', async () => {
  write('1_first', 'create table things (id int);');
  await apply();
  write('1_first', 'create table things (id bigint);');
  expect(await apply()).toEqual({ applied: [], edited: ['1_first'] });
});
