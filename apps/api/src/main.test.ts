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
const usable = {
  // Nothing listens there: the API works without Redis.
  REDIS_URL: 'redis://127.0.0.1:1',
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  SIGNPOST_API_KEY: key,
  ADMIN_API_KEY: undefined,
  INTERNAL_PORT: undefined,
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
  'with INTERNAL_PORT, health and metrics are not on the public port',
  async () => {
    const reserve = await startApp('api', { ...usable, DATABASE_URL: testDatabase.url });
    await reserve.stop();
    // The port that was free a moment ago.
    const app = await startApp('api', {
      ...usable,
      DATABASE_URL: testDatabase.url,
      INTERNAL_PORT: String(reserve.port),
    });
    try {
      for (const target of ['/metrics', '/health/live', '/health/ready']) {
        expect((await get(app, target, false)).status).toBe(404);
        expect((await fetch(`http://127.0.0.1:${reserve.port}${target}`)).status).toBe(200);
      }
      expect((await fetch(`http://127.0.0.1:${reserve.port}/v1/workspaces`)).status).toBe(404);
    } finally {
      await app.stop();
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
      for (const name of ['DATABASE_URL', 'ADMIN_API_KEY', 'RATE_LIMIT_PER_MINUTE', 'INTERNAL_PORT'])
        expect(stdout).toContain(name);
    },
    processTimeoutMs,
  );
});
