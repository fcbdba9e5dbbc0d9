import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, startApp, startTestRedis, type TestDatabase, type TestRedis } from '@signpost/testing';

let database: TestDatabase;
let evicting: TestRedis;
let environment: Record<string, string>;
beforeAll(async () => {
  database = await createTestDatabase();
  evicting = await startTestRedis({ settings: { 'maxmemory-policy': 'allkeys-lru' } });
  environment = {
    DATABASE_URL: database.url,
    REDIS_URL: evicting.url,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    ADMIN_API_KEY: randomBytes(32).toString('hex'),
    LOG_LEVEL: 'warn',
  };
});
afterAll(async () => {
  await evicting.stop();
  await database.drop();
});

describe.each(['api', 'dispatcher'] as const)('the %s', app => {
  test('does not start in production on a Redis that evicts keys, and says what to set', async () => {
    await expect(startApp(app, { ...environment, NODE_ENV: 'production' })).rejects.toThrow(
      /set maxmemory-policy to noeviction/,
    );
  });

  test('warns of it in development', async () => {
    const started = await startApp(app, { ...environment, NODE_ENV: 'development' });
    expect(started.logs()).toContain('set maxmemory-policy to noeviction');
    expect(await started.stop()).toBe(0);
  });

  test.each([
    ['DATABASE_URL', undefined],
    ['REDIS_URL', 'localhost:6379'],
    ['ENCRYPTION_KEY', 'short'],
  ])('does not start in production when %s is %p, and names it', async (name, value) => {
    await expect(startApp(app, { ...environment, NODE_ENV: 'production', [name]: value })).rejects.toThrow(name);
  });

  test('starts while Redis is away, and stops', async () => {
    const started = await startApp(app, { ...environment, REDIS_URL: 'redis://127.0.0.1:1', NODE_ENV: 'production' });
    expect(await started.stop()).toBe(0);
  });
});
