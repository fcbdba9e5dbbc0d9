import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createJobProducer } from '@signpost/queue';
import { createLogger } from '@signpost/runtime';
import { createTestDatabase, startApp, startTestRedis, waitFor } from '@signpost/testing';
import { startWorkers } from './workers.ts';

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

test('what is still at hand after the grace is not put back, however it ends: its lease is left to run out', async () => {
  const redis = await startTestRedis();
  const producer = createJobProducer({ redisUrl: redis.url, onError: () => {} });
  let began = 0;
  let release = (): void => {};
  const held = new Promise<void>(resolve => {
    release = resolve;
  });
  const ended: string[] = [];
  const workers = startWorkers({
    redisUrl: redis.url,
    concurrency: 2,
    leaseMs: 10_000,
    async deliverJob({ deliveryId }) {
      began += 1;
      await held;
      ended.push(deliveryId);
      if (ended.length === 1) throw new Error('broken');
      return { kind: 'done' };
    },
    fanOut: { run: async () => {} },
    logger: createLogger('dispatcher', 'silent'),
  });
  const ids = ['01a20194-6642-75b3-b709-2fdc62a32e65', '01a20194-6675-7682-a6fe-27798a1a5706'];
  await producer.enqueueDeliveries(ids.map(deliveryId => ({ deliveryId, delayMs: 0, scheduledAttempts: 0 })));
  await waitFor(() => began === 2, { description: 'both are at hand' });
  await workers.close(1);
  release();
  await waitFor(() => ended.length === 2, { description: 'both have ended' });
  const isPutBack = async (): Promise<boolean> => (await producer.depth('deliver')).active < 2;
  await expect(waitFor(isPutBack, { timeoutMs: 500, description: 'one is put back' })).rejects.toThrow('put back');
  await producer.close();
  await redis.stop();
}, 30_000);
