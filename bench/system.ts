import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { applyMigrations, freePort, startPostgres, startRedis } from '@signpost/stores';
import { type AppProcess, startApp } from '@signpost/testing';
import pg from 'pg';
import { type BenchProcess, startBenchProcess } from './bench-process.ts';
import type { LoadCommands, QueueFloorCommands, ReceiverCommands } from './commands.ts';

export type ProfiledApp = 'api' | 'dispatcher';

/** Everything that a run measures, up and running. */
export interface System {
  readonly api: AppProcess;
  /** Those that run from the start. */
  readonly dispatchers: readonly Dispatcher[];
  /** One more, with the settings of the others. */
  startDispatcher(): Promise<Dispatcher>;
  readonly apiKey: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly receiver: BenchProcess<ReceiverCommands>;
  readonly loadGenerator: BenchProcess<LoadCommands>;
  readonly queueFloor: BenchProcess<QueueFloorCommands>;
  readonly database: pg.Client;
  /** Process ids by the names that the report shows. */
  readonly pids: Readonly<Record<ProcessName, number>>;
  /** What the apps have logged: at level warn, nothing unless something is amiss. */
  logs(): string;
}

export interface Dispatcher extends AppProcess {
  /** Where its metrics are. */
  readonly metricsUrl: string;
}

export const processNames = ['api', 'dispatcher', 'redis', 'postgres', 'receiver', 'loadGenerator'] as const;
export type ProcessName = (typeof processNames)[number];

export interface SystemOptions {
  readonly profile: ProfiledApp | undefined;
  /** Where profiles go. */
  readonly profileDir: string;
  /** Default: 1. `pids` has the first alone. */
  readonly dispatchers?: number;
  /** Attempts that one dispatcher makes at the same time. Default: as in production. */
  readonly concurrency?: number;
  /** Whether the apps' heaps can be looked into: see app-probe.ts. */
  readonly inspect?: boolean;
}

/** Stops what has been started, backwards. */
export interface Stops {
  add(stop: () => Promise<unknown>): void;
  /** @throws the first failure, after every part has had its turn */
  all(): Promise<void>;
}

/** What Node says on standard error when it can be inspected. */
const inspectorNotice = /^(Debugger (listening|attached|ending)|For help, see|Waiting for the debugger).*\n/gm;
/** What the dispatcher's setting is where nobody sets it. */
export const productionConcurrency = 512;
const migrations = path.resolve(import.meta.dirname, '../prisma/migrations');

export function createStops(): Stops {
  const stops: (() => Promise<unknown>)[] = [];
  const stopAll = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) {
      try {
        await stop();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  };
  let running = Promise.resolve();
  return { add: stop => void stops.push(stop), all: () => (running = running.then(stopAll)) };
}

/**
 * Starts stores of its own in a new folder, with everything on that production has (fsync, append-only file), one API, the
 * dispatchers, and the processes that measure them.
 *
 * @param stops gets each part as soon as it runs
 */
export async function startSystem(options: SystemOptions, stops: Stops): Promise<System> {
  const dir = mkdtempSync(path.join(tmpdir(), 'signpost-bench-'));
  stops.add(async () => rmSync(dir, { recursive: true, force: true }));
  // Started by root, Postgres runs as somebody else, who must get through.
  chmodSync(dir, 0o711);
  const postgres = await startPostgres({ dir: path.join(dir, 'postgres'), durability: 'durable' });
  stops.add(() => postgres.stop());
  const redis = await startRedis({ dir: path.join(dir, 'redis'), durability: 'durable' });
  stops.add(() => redis.stop());
  await applyMigrations(postgres.url, migrations);
  const receiver = await startBenchProcess<ReceiverCommands>(new URL('./receiver.ts', import.meta.url));
  stops.add(() => receiver.stop());
  const apiKey = `sk_live_${randomBytes(32).toString('base64url')}`;
  const env = {
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    SIGNPOST_API_KEY: apiKey,
    ALLOW_HTTP_URLS: 'true',
    ALLOWED_PRIVATE_RANGES: '127.0.0.0/8',
    RATE_LIMIT_PER_MINUTE: '0',
    LOG_LEVEL: 'warn',
    NODE_ENV: 'production',
  };
  const { api, startDispatcher, logs } = await startApps(env, options, stops);
  const dispatchers: Dispatcher[] = [];
  while (dispatchers.length < (options.dispatchers ?? 1)) dispatchers.push(await startDispatcher());
  const loadGenerator = await startBenchProcess<LoadCommands>(new URL('./load-generator.ts', import.meta.url));
  stops.add(() => loadGenerator.stop());
  const queueFloor = await startBenchProcess<QueueFloorCommands>(new URL('./queue-floor.ts', import.meta.url));
  stops.add(() => queueFloor.stop());
  const database = new pg.Client({ connectionString: postgres.url });
  await database.connect();
  stops.add(() => database.end());
  return {
    api,
    dispatchers,
    startDispatcher,
    apiKey,
    databaseUrl: postgres.url,
    redisUrl: redis.url,
    receiver,
    loadGenerator,
    queueFloor,
    database,
    pids: {
      api: api.pid,
      dispatcher: (dispatchers[0] as Dispatcher).pid,
      redis: redis.pid,
      postgres: postgres.pid,
      receiver: receiver.pid,
      loadGenerator: loadGenerator.pid,
    },
    logs,
  };
}

async function startApps(env: Readonly<Record<string, string>>, options: SystemOptions, stops: Stops) {
  const started: AppProcess[] = [];
  const start = async (name: ProfiledApp, more: Record<string, string> = {}): Promise<AppProcess> => {
    const flags = nodeFlags(name, options);
    const app = await startApp(name, { ...env, ...more, ...(flags === '' ? {} : { NODE_OPTIONS: flags }) });
    started.push(app);
    stops.add(async () => {
      const code = await app.stop();
      if (code !== 0) throw new Error(`The ${name} ended with ${code ?? 'a signal'}:\n${app.logs()}`);
    });
    return app;
  };
  const api = await start('api');
  const startDispatcher = async (): Promise<Dispatcher> => {
    const port = await freePort();
    const dispatcher = await start('dispatcher', {
      INTERNAL_PORT: `${port}`,
      DISPATCHER_CONCURRENCY: `${options.concurrency ?? productionConcurrency}`,
    });
    return { ...dispatcher, metricsUrl: `http://127.0.0.1:${port}/metrics` };
  };
  const logs = (): string => started.map(app => app.logs().replace(inspectorNotice, '')).join('');
  return { api, startDispatcher, logs };
}

function nodeFlags(name: ProfiledApp, { profile, profileDir, inspect }: SystemOptions): string {
  const flags: string[] = [];
  if (profile === name) flags.push('--cpu-prof', `--cpu-prof-dir=${profileDir}`);
  if (inspect === true) flags.push('--inspect=127.0.0.1:0');
  return flags.join(' ');
}
