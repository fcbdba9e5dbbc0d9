import { randomBytes } from 'node:crypto';
import {
  type AppProcess,
  createTestDatabase,
  startApp,
  startTestRedis,
  type TestRedis,
  waitFor,
} from '@signpost/testing';
import { createSignpostClient, type NewEvent, type SignpostClient } from '@signpost/client';
import pg from 'pg';

// oxlint-disable-next-line typescript/no-explicit-any -- tests look at answers of every shape
export type AnyJson = any;

/** What the API answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AnyJson;
  readonly text: string;
}

/** A whole Signpost: a database and a Redis of its own, one API, some dispatchers, all real processes. */
export interface Installation {
  readonly api: AppProcess;
  readonly redis: TestRedis;
  readonly databaseUrl: string;
  readonly dispatchers: AppProcess[];
  readonly key: string;
  /** As the producers use it. */
  readonly client: SignpostClient;
  readonly environment: Readonly<Record<string, string>>;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** @returns the webhook with its `signing_secret` */
  createWebhook(fields: Record<string, unknown>): Promise<AnyJson>;
  /** @returns the event's id */
  publish(event: NewEvent): Promise<string>;
  addDispatcher(environment?: Record<string, string>): Promise<AppProcess>;
  query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Waits until an event's deliveries have all left `pending`, and returns them. */
  settledDeliveries(eventId: string, timeoutMs?: number): Promise<AnyJson[]>;
  close(): Promise<void>;
}

export interface InstallationOptions {
  readonly dispatchers?: number;
  readonly environment?: Record<string, string>;
  /** Instead of a clone of the run's template database. */
  readonly databaseUrl?: string;
  /** Redis keeps an append-only file. */
  readonly persistentRedis?: boolean;
}

export async function startInstallation(options: InstallationOptions = {}): Promise<Installation> {
  const testDatabase = options.databaseUrl === undefined ? await createTestDatabase() : null;
  const databaseUrl = options.databaseUrl ?? testDatabase?.url ?? '';
  const redis = await startTestRedis({ persistent: options.persistentRedis ?? false });
  const key = `sk_live_${randomBytes(32).toString('base64url')}`;
  const environment = { ...testEnvironment(databaseUrl, redis.url, key), ...options.environment };
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  pool.on('error', () => {}); // Tests stop Postgres on purpose.
  const api = await startApp('api', environment);
  const client = createSignpostClient({ baseUrl: api.url, apiKey: key });
  const call = createCaller(api.url, key);
  const dispatchers: AppProcess[] = [];
  const installation: Installation = {
    api,
    redis,
    databaseUrl,
    dispatchers,
    key,
    client,
    environment,
    call,
    createWebhook: async fields => bodyOf(await call('POST', '/v1/webhooks', { events: ['*'], ...fields }), 201),
    publish: async event => (await client.publish(event)).id,
    async addDispatcher(extra = {}) {
      const dispatcher = await startApp('dispatcher', { ...environment, ...extra });
      dispatchers.push(dispatcher);
      return dispatcher;
    },
    query: async (sql, values) => (await pool.query(sql, values)).rows as never,
    settledDeliveries: (eventId, timeoutMs = 15_000) => waitUntilSettled(call, eventId, timeoutMs),
    async close() {
      await client.close();
      await Promise.all([api, ...dispatchers].map(app => app.stop()));
      await pool.end();
      await redis.stop();
      await testDatabase?.drop();
    },
  };
  for (let n = 0; n < (options.dispatchers ?? 1); n += 1) await installation.addDispatcher();
  return installation;
}

function testEnvironment(databaseUrl: string, redisUrl: string, key: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    SIGNPOST_API_KEY: key,
    ADMIN_API_KEY: `admin_${randomBytes(32).toString('base64url')}`,
    ALLOW_HTTP_URLS: 'true',
    ALLOWED_PRIVATE_RANGES: '127.0.0.0/8',
    LOG_LEVEL: 'warn',
    NODE_ENV: 'test',
    REPAIR_INTERVAL_MS: '200',
    LEASE_MS: '2000',
  };
}

function createCaller(apiUrl: string, key: string): Installation['call'] {
  return async (method, path, body, headers = {}) => {
    const contentType: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await fetch(apiUrl + path, {
      method,
      headers: { authorization: `Bearer ${key}`, ...contentType, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : null };
  };
}

function bodyOf(answer: Answer, status: number): AnyJson {
  if (answer.status !== status) throw new Error(`The API answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

function waitUntilSettled(call: Installation['call'], eventId: string, timeoutMs: number): Promise<AnyJson[]> {
  const settled = async (): Promise<AnyJson[] | null> => {
    const event = bodyOf(await call('GET', `/v1/events/${eventId}`), 200);
    const deliveries: AnyJson[] = event.deliveries;
    return event.fanned_out && deliveries.every(delivery => delivery.status !== 'pending') ? deliveries : null;
  };
  return waitFor(settled, { timeoutMs, description: `the deliveries of ${eventId} are settled` });
}
