// `npm start`: everything Signpost needs, on this machine, in one terminal. Stores (or those that DATABASE_URL and REDIS_URL
// name), migrations, one API, one dispatcher and a demo receiver; Ctrl-C stops all of it in reverse order.
//
// PORT, DATA_DIR, SIGNPOST_API_KEY, ENCRYPTION_KEY and LOG_LEVEL are honoured. HOST is not: some shells export it. INTERNAL_PORT is
// not either: it is for one process, and both apps would take it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { applyMigrations, MigrationError, StoreError, startPostgres, startRedis } from '@signpost/stores';
import { isRevoked } from './start/api-key.ts';
import { type ChildApp, startChildApp } from './start/child-app.ts';
import { type DataFolder, takeDataFolder } from './start/data-folder.ts';
import { keepSecrets, replaceApiKey } from './start/kept-secrets.ts';
import { whenNpmEnds } from './start/parent-watch.ts';
import { apiPort, nextFreePort } from './start/ports.ts';
import { createStack, type Stack } from './start/stack.ts';
import { StartFailure } from './start/start-failure.ts';
import { givenStoreUrl, hostOfDatabase } from './start/store-urls.ts';
import { welcomeText } from './start/welcome.ts';

const DEFAULT_PORT = 3000;
const MIGRATIONS = path.resolve(import.meta.dirname, '../prisma/migrations');

/** Aborted when everything is to stop; the reason is a failure, or undefined when somebody asked for it. */
const stopping = new AbortController();
const env = process.env;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Throws when a stop has been asked for in the meantime, so that nothing more is started. */
async function step<T>(work: Promise<T>): Promise<T> {
  const result = await work;
  stopping.signal.throwIfAborted();
  return result;
}

function stopBecause(failure?: StartFailure): void {
  if (!stopping.signal.aborted) stopping.abort(failure ?? 'asked');
}

function listenForStops(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopBecause());
  // A reader of our output that went away, as in `npm start | head`, is no reason to fail.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
  if (process.connected) process.on('disconnect', () => stopBecause());
  if (env.npm_lifecycle_event !== undefined) whenNpmEnds(() => stopBecause());
}

async function startDatabase(stack: Stack, dataDir: string): Promise<string> {
  const options = { dir: path.join(dataDir, 'postgres'), durability: 'durable', onNotice: say } as const;
  const postgres = await startPostgres(options);
  stack.add({ name: 'Postgres', stop: () => postgres.stop() });
  void postgres.ended.then(() => stopBecause(new StartFailure(`Postgres ended. Its log: ${postgres.logFile}`)));
  return postgres.url;
}

async function startQueue(stack: Stack, dataDir: string): Promise<string> {
  const redis = await startRedis({ dir: path.join(dataDir, 'redis'), durability: 'durable', onNotice: say });
  stack.add({ name: 'Redis', stop: () => redis.stop() });
  void redis.ended.then(() => stopBecause(new StartFailure(`Redis ended. Its log: ${redis.logFile}`)));
  return redis.url;
}

async function migrate(databaseUrl: string): Promise<void> {
  try {
    const { edited } = await applyMigrations(databaseUrl, MIGRATIONS);
    for (const name of edited) say(`Migration ${name} was changed after it had been applied here.`);
  } catch (error) {
    if (error instanceof MigrationError) throw error;
    const reason = error instanceof Error ? error.message || (error as NodeJS.ErrnoException).code : String(error);
    throw new StartFailure(`Cannot use the database at ${hostOfDatabase(databaseUrl)}: ${reason}`, { cause: error });
  }
}

/** Lines of the apps while everything starts: shown when it has started, so that a failure is told once and by itself. */
let held: string[] | undefined = [];

function showLine(name: string, line: string): void {
  const text = `[${name}] ${line}`;
  // What an app says while it is being stopped is noise, unless somebody asked for its log.
  if (env.LOG_LEVEL !== undefined) say(text);
  else if (held !== undefined) held.push(text);
  else if (!stopping.signal.aborted) say(text);
}

interface RunningApp {
  port: number;
  /** Ends this app alone. */
  end(): Promise<void>;
}

/** Starts an app and waits until it is ready; a later end of it, unasked, stops everything. */
async function startApp(stack: Stack, name: string, appEnv: Readonly<Record<string, string>>): Promise<RunningApp> {
  const app = startChildApp(name, appEnv, line => showLine(name, line));
  let isAsked = false;
  stack.add(app);
  void app.ended.then(how => {
    if (!isAsked) stopBecause(endedUnasked(app, how));
  });
  const stopped = new Promise<never>((_resolve, reject) => {
    stopping.signal.addEventListener('abort', () => reject(stopping.signal.reason as Error), { once: true });
  });
  const port = await Promise.race([app.ready, stopped]);
  const end = (): Promise<void> => {
    isAsked = true;
    return app.stop();
  };
  return { port, end };
}

/** Makes sure that the key that is shown works: a kept one that was revoked is replaced, which takes a start of the API. */
async function withLivingKey(
  api: RunningApp,
  dataDir: string,
  startApi: (apiKey: string) => Promise<RunningApp>,
  apiKey: string,
): Promise<{ url: string; apiKey: string }> {
  const url = urlOf(api);
  if (!(await step(isRevoked(url, apiKey)))) return { url, apiKey };
  if (env.SIGNPOST_API_KEY) {
    say('The API key in SIGNPOST_API_KEY is revoked: set it to another one, or unset it to have one made.');
    return { url, apiKey };
  }
  const fresh = replaceApiKey(dataDir);
  say('The API key of this data folder is revoked: here is a new one.');
  await step(api.end());
  return { url: urlOf(await step(startApi(fresh))), apiKey: fresh };
}

function urlOf({ port }: RunningApp): string {
  return `http://127.0.0.1:${port}`;
}

function endedUnasked(app: ChildApp, how: string): StartFailure {
  const lines = app.lastLines();
  return new StartFailure(`The ${app.name} ended (${how}).${lines === '' ? '' : ` Its last lines:\n${lines}`}`);
}

/** The same port as last time, because webhooks that people made point at it. */
async function demoReceiverPort(dataDir: string, port: number): Promise<number> {
  const file = path.join(dataDir, 'demo-receiver-port');
  const last = existsSync(file) ? Number(readFileSync(file, 'utf8')) : Number.NaN;
  const preferred = last > 0 && last !== port ? last : (port || DEFAULT_PORT) + 1;
  const chosen = await nextFreePort(preferred);
  writeFileSync(file, String(chosen));
  return chosen;
}

async function startAll(stack: Stack, folder: DataFolder): Promise<void> {
  const dataDir = folder.dir;
  const given = {
    databaseUrl: givenStoreUrl('DATABASE_URL', env.DATABASE_URL),
    redisUrl: givenStoreUrl('REDIS_URL', env.REDIS_URL),
  };
  const kept = keepSecrets(dataDir);
  const firstKey = env.SIGNPOST_API_KEY || kept.apiKey;
  const port = await apiPort(env.PORT, DEFAULT_PORT);
  if (!env.PORT && port !== DEFAULT_PORT) say(`Port ${DEFAULT_PORT} is taken: using ${port}.`);
  const databaseUrl = given.databaseUrl ?? (await step(startDatabase(stack, dataDir)));
  const redisUrl = given.redisUrl ?? (await step(startQueue(stack, dataDir)));
  await step(migrate(databaseUrl));
  const appEnv = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    HOST: '127.0.0.1',
    ENCRYPTION_KEY: env.ENCRYPTION_KEY || kept.encryptionKey,
    ALLOW_HTTP_URLS: env.ALLOW_HTTP_URLS ?? 'true',
    ALLOWED_PRIVATE_RANGES: env.ALLOWED_PRIVATE_RANGES ?? '127.0.0.0/8,::1/128',
    NODE_ENV: 'development',
    LOG_LEVEL: env.LOG_LEVEL ?? 'warn',
  };
  const receiverEnv = {
    PORT: String(await step(demoReceiverPort(dataDir, port))),
    SIGNING_SECRET: kept.demoSigningSecret,
  };
  // The receiver first and the dispatcher last: the other way round on the way down.
  const startApi = (apiKey: string): Promise<RunningApp> =>
    startApp(stack, 'api', {
      ...appEnv,
      PORT: String(port),
      SIGNPOST_API_KEY: apiKey,
      METRICS_OPEN: env.METRICS_OPEN ?? 'true',
    });
  const [demoReceiver, api] = await step(
    Promise.all([
      startApp(stack, 'demo-receiver', receiverEnv),
      startApi(firstKey),
      startApp(stack, 'dispatcher', appEnv),
    ]),
  );
  const demoReceiverUrl = urlOf(demoReceiver);
  const { url, apiKey } = await withLivingKey(api, dataDir, startApi, firstKey);
  folder.announce(url, demoReceiverUrl);
  say(welcomeText({ url, demoReceiverUrl, apiKey, demoSigningSecret: kept.demoSigningSecret, dataDir }));
  for (const line of held ?? []) say(line);
  held = undefined;
}

function messageOf(reason: unknown): string {
  const isForPeople =
    reason instanceof StartFailure || reason instanceof StoreError || reason instanceof MigrationError;
  if (isForPeople) return reason.message;
  return reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
}

async function main(): Promise<number> {
  listenForStops();
  const stack = createStack();
  let failure: unknown;
  let folder: DataFolder | undefined;
  const stopped = new Promise<void>(resolve => stopping.signal.addEventListener('abort', () => resolve()));
  // Keeps the process alive while it only waits for signals.
  const alive = setInterval(() => undefined, 60_000);
  try {
    folder = takeDataFolder(path.resolve(env.DATA_DIR || '.signpost'));
    await startAll(stack, folder);
    await stopped;
  } catch (error) {
    failure = error;
  }
  if (stopping.signal.aborted) failure = stopping.signal.reason === 'asked' ? undefined : stopping.signal.reason;
  else stopBecause();
  if (failure !== undefined) process.stderr.write(`${messageOf(failure)}\n`);
  const leftRunning = await stack.stopAll();
  for (const sentence of leftRunning) process.stderr.write(`${sentence}\n`);
  folder?.release();
  clearInterval(alive);
  return failure === undefined && leftRunning.length === 0 ? 0 : 1;
}

process.exit(await main());
