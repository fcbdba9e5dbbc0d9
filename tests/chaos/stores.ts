import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { applyMigrations, type PostgresServer, type RedisServer, startPostgres, startRedis } from '@signpost/stores';
import { Redis } from 'ioredis';
import pg from 'pg';

/** Sends a signal to whatever is left of some processes. */
export function signalAll(pids: Iterable<number>, signal: NodeJS.Signals): void {
  for (const pid of pids)
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended.
    }
}

function childrenOf(pid: number): number[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .map(line => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child as number);
}

export interface ChaosPostgres {
  readonly url: string;
  readonly port: number;
  readonly pool: pg.Pool;
  kill(): Promise<void>;
  /** Asks it to end; it saves what it has. */
  stop(): Promise<void>;
  /** Ends one session as a crash does: Postgres then ends all of them and recovers. */
  crash(): void;
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
  remove(): Promise<void>;
}

/** After hours, the last questions go over millions of rows. */
const queryTimeoutMs = 300_000;

const temporaryFolder = (name: string): string => mkdtempSync(path.join(tmpdir(), `signpost-chaos-${name}-`));

export async function startChaosPostgres(): Promise<ChaosPostgres> {
  const dir = temporaryFolder('postgres');
  // What is acknowledged is with the operating system: it survives the death of the server.
  const options = { dir, durability: 'throwaway', settings: { synchronous_commit: 'on' } } as const;
  let server: PostgresServer = await startPostgres(options);
  const { url, port } = server;
  await applyMigrations(url, path.resolve(import.meta.dirname, '../../prisma/migrations'));
  const pool = new pg.Pool({ connectionString: url, max: 2, query_timeout: queryTimeoutMs });
  pool.on('error', () => {}); // It is killed on purpose.
  let frozen: number[] = [];
  const thaw = (): void => {
    signalAll(frozen, 'SIGCONT');
    frozen = [];
  };
  return {
    url,
    port,
    pool,
    kill: () => server.kill(),
    stop: () => server.end(),
    crash: () => signalAll(childrenOf(server.pid).slice(-1), 'SIGKILL'),
    start: async () => {
      server = await startPostgres({ ...options, port });
    },
    freeze() {
      // The postmaster first: then it makes no new children.
      signalAll([server.pid], 'SIGSTOP');
      frozen = [server.pid, ...childrenOf(server.pid)];
      signalAll(frozen, 'SIGSTOP');
    },
    thaw,
    async remove() {
      thaw();
      await pool.end().catch(() => {});
      await server.stop();
    },
  };
}

export interface ChaosRedis {
  readonly url: string;
  readonly port: number;
  kill(): Promise<void>;
  /** Asks it to end; it saves what it has. */
  stop(): Promise<void>;
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
  wipe(): Promise<void>;
  /** No memory for writing; `false`: as much as it likes. */
  fill(full: boolean): Promise<void>;
  /** While it is down: forgets all data. */
  empty(): void;
  /** While it is down: takes back the data of the last {@link ChaosRedis.remember}. */
  rewind(): void;
  /** Keeps a copy of the data. */
  remember(): void;
  remove(): Promise<void>;
}

export async function startChaosRedis(): Promise<ChaosRedis> {
  const dir = temporaryFolder('redis');
  const options = { dir, durability: 'throwaway', settings: { appendonly: 'yes' } } as const;
  let server: RedisServer = await startRedis(options);
  const { url, port } = server;
  const data = path.join(dir, 'appendonlydir');
  const copy = `${dir}.copy`;
  const empty = (): void => rmSync(data, { recursive: true, force: true });
  return {
    url,
    port,
    kill: () => server.kill(),
    stop: async () => {
      // Its own stop() would delete the data.
      signalAll([server.pid], 'SIGTERM');
      await server.ended;
    },
    start: async () => {
      server = await startRedis({ ...options, port });
    },
    freeze: () => server.pause(),
    thaw: () => server.resume(),
    wipe: () => command(url, redis => redis.flushall()),
    fill: full => command(url, redis => redis.config('SET', 'maxmemory', full ? '1' : '0')),
    empty,
    rewind() {
      empty();
      cpSync(copy, data, { recursive: true });
    },
    remember() {
      rmSync(copy, { recursive: true, force: true });
      cpSync(data, copy, { recursive: true });
    },
    async remove() {
      server.resume();
      await server.stop();
      rmSync(copy, { recursive: true, force: true });
    },
  };
}

async function command(url: string, send: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(url, { commandTimeout: 5000, maxRetriesPerRequest: 1, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    await send(redis);
  } finally {
    redis.disconnect();
  }
}
