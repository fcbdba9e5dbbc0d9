import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { applyMigrations, startPostgres, startRedis } from '@signpost/stores';
import { type AppProcess, startApp } from '@signpost/testing';
import pg from 'pg';
import { type BenchProcess, startBenchProcess } from './bench-process.ts';
import type { LoadCommands, QueueFloorCommands, ReceiverCommands } from './commands.ts';

export type ProfiledApp = 'api' | 'dispatcher';

/** Everything that a run measures, up and running. */
export interface System {
  readonly api: AppProcess;
  readonly apiKey: string;
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

export const processNames = ['api', 'dispatcher', 'redis', 'postgres', 'receiver', 'loadGenerator'] as const;
export type ProcessName = (typeof processNames)[number];

export interface SystemOptions {
  readonly profile: ProfiledApp | undefined;
  /** Where profiles go. */
  readonly profileDir: string;
}

/** Stops what has been started, backwards. */
export interface Stops {
  add(stop: () => Promise<unknown>): void;
  /** @throws the first failure, after every part has had its turn */
  all(): Promise<void>;
}

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
 * Starts stores of its own in a new folder, with everything on that production has (fsync, append-only file), one API, one
 * dispatcher, and the processes that measure them.
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
  const start = async (name: ProfiledApp): Promise<AppProcess> => {
    const profiled = options.profile === name;
    const app = await startApp(name, profiled ? { ...env, NODE_OPTIONS: profileFlags(options.profileDir) } : env);
    stops.add(async () => {
      const code = await app.stop();
      if (code !== 0) throw new Error(`The ${name} ended with ${code ?? 'a signal'}:\n${app.logs()}`);
    });
    return app;
  };
  const api = await start('api');
  const dispatcher = await start('dispatcher');
  const loadGenerator = await startBenchProcess<LoadCommands>(new URL('./load-generator.ts', import.meta.url));
  stops.add(() => loadGenerator.stop());
  const queueFloor = await startBenchProcess<QueueFloorCommands>(new URL('./queue-floor.ts', import.meta.url));
  stops.add(() => queueFloor.stop());
  const database = new pg.Client({ connectionString: postgres.url });
  await database.connect();
  stops.add(() => database.end());
  return {
    api,
    apiKey,
    redisUrl: redis.url,
    receiver,
    loadGenerator,
    queueFloor,
    database,
    pids: {
      api: api.pid,
      dispatcher: dispatcher.pid,
      redis: redis.pid,
      postgres: postgres.pid,
      receiver: receiver.pid,
      loadGenerator: loadGenerator.pid,
    },
    logs: () => api.logs() + dispatcher.logs(),
  };
}

function profileFlags(dir: string): string {
  return `--cpu-prof --cpu-prof-dir=${dir}`;
}
