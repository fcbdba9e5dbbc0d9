import { randomBytes } from 'node:crypto';
import {
  type AppProcess,
  createTestDatabase,
  startApp,
  startTestRedis,
  type TestRedis,
  waitFor,
} from '@signpost/testing';
import pg from 'pg';

/** What the API answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore format: one word
  readonly body: any;
  readonly text: string;
}

/** A whole Signpost: a database and a Redis of its own, one API, some dispatchers, all real processes. */
export interface Installation {
  readonly api: AppProcess;
  readonly redis: TestRedis;
  readonly databaseUrl: string;
  readonly dispatchers: AppProcess[];
  readonly key: string;
  readonly environment: Readonly<Record<string, string>>;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** @returns the webhook with its `signing_secret` */
  createWebhook(fields: Record<string, unknown>): Promise<any>;
  /** @returns the event's id */
  publish(event: Record<string, unknown>): Promise<string>;
  addDispatcher(environment?: Record<string, string>): Promise<AppProcess>;
  query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Waits until an event's deliveries have all left `pending`, and returns them. */
  settledDeliveries(eventId: string, timeoutMs?: number): Promise<any[]>;
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
  const databaseUrl = options.databaseUrl ?? (testDatabase?.url as string);
  const redis = await startTestRedis({ persistent: options.persistentRedis ?? false });
  const key = `sk_live_${randomBytes(32).toString('base64url')}`;
  const environment = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redis.url,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    SIGNPOST_API_KEY: key,
    ADMIN_API_KEY: `admin_${randomBytes(32).toString('base64url')}`,
    ALLOW_HTTP_URLS: 'true',
    ALLOWED_PRIVATE_RANGES: '127.0.0.0/8',
    LOG_LEVEL: 'warn',
    NODE_ENV: 'test',
    REPAIR_INTERVAL_MS: '200',
    LEASE_MS: '2000',
    ...options.environment,
  };
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  pool.on('error', () => {}); // Tests stop Postgres on purpose.
  const api = await startApp('api', environment);
  const dispatchers: AppProcess[] = [];

  const call: Installation['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(api.url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: text === '' ? null : parseJson(text) };
  };
  const expectStatus = (answer: Answer, ...statuses: number[]): any => {
    if (!statuses.includes(answer.status)) throw new Error(`The API answered ${answer.status}: ${answer.text}`);
    return answer.body;
  };
  const installation: Installation = {
    api,
    redis,
    databaseUrl,
    dispatchers,
    key,
    environment,
    call,
    createWebhook: async fields => expectStatus(await call('POST', '/v1/webhooks', { events: ['*'], ...fields }), 201),
    publish: async event => expectStatus(await call('POST', '/v1/events', event), 202).id,
    async addDispatcher(extra = {}) {
      const dispatcher = await startApp('dispatcher', { ...environment, ...extra });
      dispatchers.push(dispatcher);
      return dispatcher;
    },
    query: async (sql, values) => (await pool.query(sql, values)).rows as never,
    settledDeliveries: (eventId, timeoutMs = 15_000) =>
      waitFor(
        async () => {
          const event = expectStatus(await call('GET', `/v1/events/${eventId}`), 200);
          const { deliveries } = event;
          return event.fanned_out && deliveries.every((delivery: any) => delivery.status !== 'pending') && deliveries;
        },
        { timeoutMs, description: `the deliveries of ${eventId} are settled` },
      ),
    async close() {
      await Promise.all([api, ...dispatchers].map(app => app.stop()));
      await pool.end();
      await redis.stop();
      await testDatabase?.drop();
    },
  };
  for (let n = 0; n < (options.dispatchers ?? 1); n += 1) await installation.addDispatcher();
  return installation;
}

function parseJson(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
