import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { isProcessAlive, processCommand } from './process-table.ts';
import { obtainRedisServer } from './redis-binary.ts';
import { redisAnswers, redisFolder } from './redis-connection.ts';
import { adoptServer, endLeftover, logTail, spawnServer } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';
import { StoreError } from './store-error.ts';

export interface RedisOptions {
  /** Folder for data and log; created if missing. */
  dir: string;
  /** `durable`: append-only file, synced each second. `throwaway`: nothing is written, the folder is deleted at the end. */
  durability: 'durable' | 'throwaway';
  /** Default: any free port. */
  port?: number;
  /** More settings, e.g. `{ maxmemory: '64mb' }`; they win over the ones made here. */
  settings?: Readonly<Record<string, string>>;
  /** Told in one sentence about anything worth saying, such as an installation. */
  onNotice?: (sentence: string) => void;
}

export interface RedisServer {
  url: string;
  port: number;
  pid: number;
  /** True if a server of an earlier run was still there and has been taken over. */
  reused: boolean;
  logFile: string;
  /** Resolves when the server has ended, for whatever reason. */
  ended: Promise<void>;
  /** Saves (durable) and ends. A throwaway server's folder goes too. */
  stop(): Promise<void>;
  /** SIGKILL, as in a crash; the folder stays. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
}

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 10;
const PORT_TRIES = 5;
const STOP_SIGNAL = 'SIGTERM';

/**
 * Starts Valkey or Redis on 127.0.0.1, installing it first where none is there and that is permitted. A server that an
 * earlier run left behind on the same folder is taken over. Ends with this process.
 *
 * @throws {StoreError} `redis_missing`, `redis_start_failed`
 */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  mkdirSync(path.resolve(options.dir), { recursive: true, mode: 0o700 });
  const dir = realpathSync(options.dir);
  const leftover = findLeftover(dir);
  if (leftover !== undefined) {
    if (
      options.port === undefined &&
      (await redisFolder(leftover.port)) === dir &&
      (await redisAnswers(leftover.port))
    ) {
      return server(dir, options, adoptServer(leftover.pid, STOP_SIGNAL), leftover.port, true);
    }
    await endLeftover(leftover.pid, STOP_SIGNAL, STOP_TIMEOUT_MS);
  }
  const file = await obtainRedisServer({ onNotice: options.onNotice ?? (() => undefined) });
  for (let tries = 1; ; tries += 1) {
    const port = options.port ?? (await freePort());
    const redis = await launch(dir, options, file, port);
    const failure = await waitUntilReady(dir, redis, port);
    if (failure === undefined) return server(dir, options, redis, port, false);
    await redis.kill();
    if (!/Address already in use/.test(failure) || options.port !== undefined || tries === PORT_TRIES)
      throw new StoreError('redis_start_failed', `Redis did not start:\n${failure}`);
  }
}

function server(dir: string, options: RedisOptions, redis: ServerProcess, port: number, reused: boolean): RedisServer {
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: redis.pid,
    reused,
    logFile: logFileOf(dir),
    ended: redis.ended,
    kill: () => redis.kill(),
    pause: () => redis.signal('SIGSTOP'),
    resume: () => redis.signal('SIGCONT'),
    stop: async () => {
      await redis.stop(STOP_TIMEOUT_MS);
      rmSync(options.durability === 'throwaway' ? dir : processFileOf(dir), { recursive: true, force: true });
    },
  };
}

function logFileOf(dir: string): string {
  return path.join(dir, 'redis.log');
}

function processFileOf(dir: string): string {
  return path.join(dir, 'process.json');
}

async function launch(dir: string, options: RedisOptions, file: string, port: number): Promise<ServerProcess> {
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    dir,
    daemonize: 'no',
    save: '',
    appendonly: options.durability === 'durable' ? 'yes' : 'no',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
    ...options.settings,
  };
  const command = {
    file,
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    logFile: logFileOf(dir),
    account: undefined,
    stopSignal: STOP_SIGNAL,
    deleteWhenOrphaned: options.durability === 'throwaway' ? dir : undefined,
  } as const;
  const redis = await spawnServer(command, 'redis_start_failed');
  writeFileSync(processFileOf(dir), JSON.stringify({ pid: redis.pid, port }));
  return redis;
}

/** Undefined when it takes commands (the append-only file has been read by then), else the log. */
async function waitUntilReady(dir: string, redis: ServerProcess, port: number): Promise<string | undefined> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (redis.isAlive() && performance.now() < deadline) {
    // The folder is compared because another server may have taken the port in between.
    if ((await redisAnswers(port)) && (await redisFolder(port)) === dir) return undefined;
    await delay(POLL_MS);
  }
  return logTail(logFileOf(dir)) || `no answer within ${START_TIMEOUT_MS / 1000} s`;
}

/** A server of an earlier run on this very folder; the servers write their port into their process title. */
function findLeftover(dir: string): { pid: number; port: number } | undefined {
  try {
    const { pid, port } = JSON.parse(readFileSync(processFileOf(dir), 'utf8')) as { pid: number; port: number };
    if (!isProcessAlive(pid)) return undefined;
    const command = processCommand(pid) ?? '';
    return /(redis|valkey)-server/.test(command) && command.includes(String(port)) ? { pid, port } : undefined;
  } catch {
    return undefined;
  }
}
