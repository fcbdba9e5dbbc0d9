// The servers as processes: who ends them, who finds them again.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { waitFor } from '@signpost/testing';
import pg from 'pg';
import { isProcessAlive, startPostgres, startRedis } from './index.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'signpost-test-servers-'));
  // Root hands Postgres to another account, which has to pass through here.
  chmodSync(dir, 0o755);
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const ENTRY = path.join(import.meta.dirname, 'index.ts');

/** A process of its own that starts both stores in `dir`, tells their pids, and waits to be killed. */
async function startOwner(durability: 'durable' | 'throwaway'): Promise<{ owner: ChildProcess; pids: number[] }> {
  const program = `
    import { startPostgres, startRedis } from ${JSON.stringify(ENTRY)};
    const durability = ${JSON.stringify(durability)};
    const postgres = await startPostgres({ dir: ${JSON.stringify(path.join(dir, 'postgres'))}, durability });
    const redis = await startRedis({ dir: ${JSON.stringify(path.join(dir, 'redis'))}, durability });
    console.log(JSON.stringify([postgres.pid, redis.pid]));
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, NODE_OPTIONS: undefined },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  owner.stdout?.on('data', chunk => (output += String(chunk)));
  const pids = await waitFor(() => (output.includes(']') ? (JSON.parse(output) as number[]) : undefined), {
    timeoutMs: 30_000,
    description: 'both stores run',
  });
  return { owner, pids };
}

test('stores end with their owner, even when it is killed; durable data stay', async () => {
  const { owner, pids } = await startOwner('durable');
  expect(pids.map(isProcessAlive)).toEqual([true, true]);
  owner.kill('SIGKILL');
  await waitFor(() => !pids.some(isProcessAlive), { description: 'both servers have ended' });
  expect(existsSync(path.join(dir, 'postgres', 'data', 'PG_VERSION'))).toBe(true);
}, 40_000);

test('the folders of throwaway stores go, even when their owner is killed', async () => {
  const { owner } = await startOwner('throwaway');
  owner.kill('SIGKILL');
  const folders = ['postgres', 'redis'].map(name => path.join(dir, name));
  // In a container whose first process reaps nobody, the watchdog waits ten seconds for a zombie before it deletes.
  await waitFor(() => !folders.some(existsSync), { timeoutMs: 20_000, description: 'both folders are gone' });
}, 60_000);

test('a Postgres that still runs is taken over with its data, and one that crashed is started again', async () => {
  const options = { dir: path.join(dir, 'postgres'), durability: 'durable' } as const;
  const first = await startPostgres(options);
  const second = await startPostgres(options);
  expect({ pid: second.pid, reused: second.reused, url: second.url }).toEqual({
    pid: first.pid,
    reused: true,
    url: first.url,
  });
  await first.kill();
  const third = await startPostgres(options);
  expect(third.reused).toBe(false);
  const client = new pg.Client({ connectionString: third.url });
  await client.connect();
  expect((await client.query('show max_connections')).rows).toEqual([{ max_connections: '200' }]);
  await client.end();
  await third.stop();
  expect(isProcessAlive(third.pid)).toBe(false);
}, 30_000);

test('a pid file that names a process which is no Postgres is ignored, and that process left alone', async () => {
  const options = { dir: path.join(dir, 'postgres'), durability: 'durable' } as const;
  const first = await startPostgres(options);
  const pidFile = path.join(dir, 'postgres', 'data', 'postmaster.pid');
  const lines = readFileSync(pidFile, 'utf8').split('\n');
  await first.kill();
  const bystander = spawn('sleep', ['60'], { stdio: 'ignore' });
  writeFileSync(pidFile, [String(bystander.pid), ...lines.slice(1)].join('\n'));
  const second = await startPostgres(options);
  expect(second.reused).toBe(false);
  expect(bystander.exitCode).toBeNull();
  bystander.kill();
  await second.stop();
}, 30_000);

test('a folder that only its owner may enter works too, also for root, and keeps its data', async () => {
  chmodSync(dir, 0o700);
  const options = { dir: path.join(dir, 'postgres'), durability: 'durable' } as const;
  const query = async (sql: string): Promise<unknown[]> => {
    const postgres = await startPostgres(options);
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    const { rows } = await client.query(sql);
    await client.end();
    await postgres.stop();
    return rows;
  };
  await query('create table kept as select 7 as value');
  expect(await query('select value from kept')).toEqual([{ value: 7 }]);
  const marker = path.join(dir, 'postgres.elsewhere');
  if (existsSync(marker)) rmSync(readFileSync(marker, 'utf8'), { recursive: true });
}, 30_000);

test('a folder written by another major version is refused with both versions', async () => {
  const options = { dir: path.join(dir, 'postgres'), durability: 'durable' } as const;
  await (await startPostgres(options)).stop();
  writeFileSync(path.join(dir, 'postgres', 'data', 'PG_VERSION'), '17\n');
  await expect(startPostgres(options)).rejects.toMatchObject({
    code: 'postgres_data_unusable',
    message: expect.stringMatching(/Postgres 17; this is 18/),
  });
}, 30_000);

test('a Redis that still runs is taken over', async () => {
  const options = { dir: path.join(dir, 'redis'), durability: 'durable' } as const;
  const first = await startRedis(options);
  const second = await startRedis(options);
  expect({ url: second.url, reused: second.reused }).toEqual({ url: first.url, reused: true });
  await second.stop();
  const third = await startRedis(options);
  expect(third.reused).toBe(false);
  await third.stop();
});

test('a server that cannot start says why, in the words of its log', async () => {
  const settings = { 'maxmemory-policy': 'nonsense' };
  await expect(startRedis({ dir, durability: 'throwaway', settings })).rejects.toMatchObject({
    code: 'redis_start_failed',
    message: expect.stringContaining('maxmemory-policy'),
  });
});
