import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import pg from 'pg';
import { createTestDatabase, startTestPostgres, startTestRedis, waitFor } from './index.ts';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** One inline command, one answer line. */
function redis(port: number, command: string, timeoutMs = 2000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
    socket.once('data', data => {
      socket.destroy();
      resolve(String(data).split('\r\n')[0] ?? '');
    });
  });
}

test('databases of two callers do not see each other, and a dropped one is gone', async () => {
  const [first, second] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await query(first.url, 'create table mine (id int)');
  await expect(query(second.url, 'select * from mine')).rejects.toMatchObject({ code: '42P01' });
  await first.drop();
  await expect(query(first.url, 'select 1')).rejects.toMatchObject({ code: '3D000' });
  await second.drop();
});

test('a database has the bookkeeping of the migrations', async () => {
  const database = await createTestDatabase();
  expect(
    await query(database.url, 'select count(*)::int as unfinished from _prisma_migrations where finished_at is null'),
  ).toEqual([{ unfinished: 0 }]);
  await database.drop();
});

test('a Postgres that was stopped or killed comes back on the same port with its data', async () => {
  const postgres = await startTestPostgres();
  await query(postgres.url, 'create table kept as select 7 as value');
  await postgres.stop();
  await expect(query(postgres.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await postgres.start();
  expect(await query(postgres.url, 'select value from kept')).toEqual([{ value: 7 }]);
  await query(postgres.url, 'checkpoint');
  await postgres.kill();
  await postgres.start();
  expect(await query(postgres.url, 'select value from kept')).toEqual([{ value: 7 }]);
  await postgres.remove();
}, 30_000);

test('a Redis without persistence comes back empty after a crash', async () => {
  const server = await startTestRedis();
  await redis(server.port, 'SET key value');
  await server.restart();
  expect(await redis(server.port, 'EXISTS key')).toBe(':0');
  await server.stop();
  await expect(redis(server.port, 'PING')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a Redis with persistence keeps what was synced', async () => {
  const server = await startTestRedis({ persistent: true, settings: { appendfsync: 'always' } });
  await redis(server.port, 'SET key value');
  await server.restart();
  expect(await redis(server.port, 'EXISTS key')).toBe(':1');
  await server.stop();
});

test('a paused Redis accepts connections and answers only when resumed', async () => {
  const server = await startTestRedis();
  server.pause();
  await expect(redis(server.port, 'PING', 100)).rejects.toThrow('no answer');
  server.resume();
  expect(await waitFor(() => redis(server.port, 'PING'), { description: 'Redis answers' })).toBe('+PONG');
  await server.stop();
});
