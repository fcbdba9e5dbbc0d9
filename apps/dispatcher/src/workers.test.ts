import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createTestDatabase, startApp, startTestRedis, waitFor } from '@signpost/testing';

test('an outage of Redis is told once, without a stack, however often a connection is tried; the next one again', async () => {
  const [database, redis] = await Promise.all([createTestDatabase(), startTestRedis()]);
  const app = await startApp('dispatcher', {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    LOG_LEVEL: 'debug',
  });
  const lines = (text: string): Record<string, unknown>[] =>
    app
      .logs()
      .split('\n')
      .filter(line => line.includes(text))
      .map(line => JSON.parse(line) as Record<string, unknown>);
  const told = () => lines('"msg":"Redis is away');
  const retries = () => lines('"msg":"Redis is still away');
  try {
    await redis.kill();
    await waitFor(() => retries().length >= 12, { timeoutMs: 20_000, description: 'each connection was tried thrice' });
    expect(told()).toEqual([expect.objectContaining({ level: 'warn', reason: expect.stringMatching(/ECONN|EPIPE/) })]);
    expect(told()[0]).not.toHaveProperty('error');
    // Nothing else of it above debug.
    expect(lines('"level":"warn"').filter(({ msg }) => msg === 'worker trouble')).toEqual([]);
    await redis.restart();
    await waitFor(() => lines('"msg":"Redis is back"').length === 1, { timeoutMs: 20_000, description: 'it is back' });
    await redis.kill();
    await waitFor(() => told().length === 2, { timeoutMs: 20_000, description: 'the second outage is told' });
  } finally {
    expect(await app.stop()).toBe(0);
    await redis.stop();
    await database.drop();
  }
}, 90_000);
