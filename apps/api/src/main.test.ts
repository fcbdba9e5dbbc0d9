import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { applyMigrations } from '@signpost/stores';
import {
  type AppProcess,
  createTestDatabase,
  startApp,
  startTestPostgres,
  type TestDatabase,
  waitFor,
} from '@signpost/testing';

const key = 'bootstrap-key-of-at-least-32-characters';
const adminKey = 'instance-key-of-at-least-32-characters';
const usable = {
  // Nothing listens there: the API works without Redis.
  REDIS_URL: 'redis://127.0.0.1:1',
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  SIGNPOST_API_KEY: key,
  ADMIN_API_KEY: undefined,
  INTERNAL_PORT: undefined,
  METRICS_OPEN: undefined,
  NODE_ENV: 'production',
};
/** Starting a process takes a second, several where all tests run at once. */
const processTimeoutMs = 60_000;
let testDatabase: TestDatabase;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
});
afterAll(async () => {
  await testDatabase.drop();
});

const get = (app: AppProcess, target: string, withKey = true) =>
  fetch(app.url + target, { headers: withKey ? { authorization: `Bearer ${key}` } : {} });

/** Runs an API that is expected to end by itself. */
function runToEnd(env: Record<string, string | undefined>, args: string[] = []) {
  return spawnSync(process.execPath, [path.join(import.meta.dirname, 'main.ts'), ...args], {
    env: { ...process.env, NODE_OPTIONS: undefined, PORT: '0', ...env },
    encoding: 'utf8',
    timeout: 20_000,
  });
}

test(
  'two APIs that start at once agree on the workspace and the key of SIGNPOST_API_KEY',
  async () => {
    const env = { ...usable, DATABASE_URL: testDatabase.url };
    const apps = await Promise.all([startApp('api', env), startApp('api', env)]);
    const [first, second] = await Promise.all(apps.map(async app => (await get(app, '/v1/workspaces')).json()));
    expect(first).toMatchObject({ data: [{ name: 'default' }] });
    expect(second).toEqual(first);
    expect(await Promise.all(apps.map(app => app.stop()))).toEqual([0, 0]);
    const again = await startApp('api', env);
    expect(await (await get(again, '/v1/workspaces')).json()).toEqual(first);
    expect(await again.stop()).toBe(0);
  },
  processTimeoutMs,
);

test(
  'without Postgres at start it lives and says 503, and serves as soon as Postgres is there',
  async () => {
    const postgres = await startTestPostgres();
    let app: AppProcess | undefined;
    try {
      await applyMigrations(postgres.url, path.resolve(import.meta.dirname, '../../../prisma/migrations'));
      await postgres.stop();
      app = await startApp('api', { ...usable, DATABASE_URL: postgres.url });
      const started = app;
      expect((await get(started, '/health/live', false)).status).toBe(200);
      expect((await get(started, '/health/ready', false)).status).toBe(503);
      const refused = await get(started, '/v1/workspaces');
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
      await postgres.start();
      await waitFor(async () => (await get(started, '/v1/workspaces')).status === 200, {
        description: 'the key of SIGNPOST_API_KEY works',
      });
      expect((await get(started, '/health/ready', false)).status).toBe(200);
    } finally {
      await app?.stop();
      await postgres.remove();
    }
  },
  processTimeoutMs,
);

test(
  'metrics are for the instance key, for anybody only where that is set, and with INTERNAL_PORT on that port alone',
  async () => {
    const env = { ...usable, DATABASE_URL: testDatabase.url, ADMIN_API_KEY: adminKey };
    const [closed, open, apart] = await Promise.all([
      startApp('api', env),
      startApp('api', { ...env, METRICS_OPEN: 'true' }),
      startApp('api', { ...env, INTERNAL_PORT: '0', METRICS_OPEN: 'true' }),
    ]);
    try {
      const statusOf = async (url: string, sent?: string): Promise<number> =>
        (await fetch(url, sent === undefined ? {} : { headers: { authorization: `Bearer ${sent}` } })).status;
      const asked = [undefined, 'a-key-that-nobody-has', key, adminKey];
      const statuses = (app: AppProcess) => Promise.all(asked.map(sent => statusOf(`${app.url}/metrics`, sent)));
      expect(await statuses(closed)).toEqual([401, 401, 403, 200]);
      expect(await statusOf(`${closed.url}/metrics?key=${adminKey}`)).toBe(401);
      expect(await statuses(open)).toEqual([200, 200, 200, 200]);
      expect(await statuses(apart)).toEqual([404, 404, 404, 404]);
      const internal = `http://127.0.0.1:${apart.internalPort}`;
      for (const target of ['/metrics', '/health/live', '/health/ready'])
        expect(await statusOf(internal + target)).toBe(200);
      for (const target of ['/v1/workspaces', '/docs', '/openapi.json'])
        expect(await statusOf(internal + target, adminKey)).toBe(404);
      for (const target of ['/health/live', '/health/ready']) expect(await statusOf(apart.url + target)).toBe(200);
    } finally {
      await Promise.all([closed, open, apart].map(app => app.stop()));
    }
  },
  processTimeoutMs,
);

test(
  'the internal port listens on this machine alone unless INTERNAL_HOST says otherwise',
  async () => {
    // 127.0.0.2 is this machine as well, and not where the default listens.
    const env = { ...usable, DATABASE_URL: testDatabase.url, INTERNAL_PORT: '0' };
    const [usual, other] = await Promise.all([
      startApp('api', { ...env, HOST: '0.0.0.0' }),
      startApp('api', { ...env, INTERNAL_HOST: '127.0.0.2' }),
    ]);
    try {
      const reach = (host: string, port: number) =>
        fetch(`http://${host}:${port}/health/live`).then(
          ({ status }) => status,
          () => 'refused',
        );
      expect(await reach('127.0.0.1', usual.internalPort)).toBe(200);
      expect(await reach('127.0.0.2', usual.internalPort)).toBe('refused');
      expect(await reach('127.0.0.2', other.internalPort)).toBe(200);
      expect(await reach('127.0.0.1', other.internalPort)).toBe('refused');
    } finally {
      await Promise.all([usual.stop(), other.stop()]);
    }
  },
  processTimeoutMs,
);

describe('settings', () => {
  const complete = { ...usable, DATABASE_URL: 'postgresql://127.0.0.1:1/none' };

  test(
    'a value that is missing stops the start with exit code 1 and a sentence, no stack',
    () => {
      const { status, stderr } = runToEnd({ ...complete, ENCRYPTION_KEY: undefined });
      expect(status).toBe(1);
      expect(stderr).toMatch(/ENCRYPTION_KEY must be set in production/);
      expect(stderr).not.toMatch(/^\s+at /m);
      const keyless = runToEnd({ ...complete, SIGNPOST_API_KEY: undefined });
      expect(keyless.status).toBe(1);
      expect(keyless.stderr).toMatch(/ADMIN_API_KEY or SIGNPOST_API_KEY must be set/);
    },
    processTimeoutMs,
  );

  test(
    '--help names every setting',
    () => {
      const { status, stdout } = runToEnd({}, ['--help']);
      expect(status).toBe(0);
      for (const name of ['DATABASE_URL', 'ADMIN_API_KEY', 'RATE_LIMIT_PER_MINUTE', 'INTERNAL_PORT', 'METRICS_OPEN'])
        expect(stdout).toContain(name);
    },
    processTimeoutMs,
  );
});
