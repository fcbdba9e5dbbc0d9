import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startTestRedis, type TestRedis, waitFor } from '@signpost/testing';
import { Queue } from 'bullmq';
import {
  createJobProducer,
  deliverJobSchema,
  deliverQueueName,
  fanOutQueueName,
  type JobProducer,
  QueueUnavailableError,
} from './index.ts';
import { judgeRedis, readServerInfo } from './redis-check.ts';

let redis: TestRedis;
let producer: JobProducer;
beforeEach(async () => {
  redis = await startTestRedis();
  producer = createJobProducer({ redisUrl: redis.url, onError: () => {} });
});
afterEach(async () => {
  await producer.close();
  await redis.stop();
});

const flushAll = async (): Promise<void> => {
  const queue = new Queue(deliverQueueName, { connection: { url: redis.url } });
  const client = await queue.getBackend().client;
  await (client as unknown as { flushall(): Promise<unknown> }).flushall();
  await queue.close();
};

describe('adding jobs', () => {
  test('the same delivery twice is one job', async () => {
    const deliveryId = randomUUID();
    await producer.enqueueDeliveries([{ deliveryId, delayMs: 0, scheduledAttempts: 0 }]);
    await producer.enqueueDeliveries([{ deliveryId, delayMs: 60_000, scheduledAttempts: 0 }]);
    expect(await producer.depth('deliver')).toMatchObject({ waiting: 1, delayed: 0 });
  });

  test('a job says how many scheduled attempts were recorded when it was added; one of an earlier release says nothing', async () => {
    await producer.enqueueDeliveries([
      { deliveryId: randomUUID(), delayMs: 0, scheduledAttempts: 0 },
      { deliveryId: randomUUID(), delayMs: 0, scheduledAttempts: 3 },
    ]);
    const queue = new Queue(deliverQueueName, { connection: { url: redis.url } });
    const jobs = await queue.getWaiting();
    await queue.close();
    const counts = jobs.map(job => deliverJobSchema.parse(job.data).scheduledAttempts);
    expect(new Set(counts)).toEqual(new Set([undefined, 3]));
  });

  test('a manual retry is a job beside the scheduled one', async () => {
    const deliveryId = randomUUID();
    await producer.enqueueDeliveries([{ deliveryId, delayMs: 60_000, scheduledAttempts: 0 }]);
    await producer.enqueueAttemptNow(deliveryId, 'manual');
    expect(await producer.depth('deliver')).toMatchObject({ waiting: 1, delayed: 1 });
  });

  test('a job that waits for a time that a wrong clock has set is set to work; others stay as they are', async () => {
    const [late, other] = [randomUUID(), randomUUID()];
    await producer.enqueueDeliveries([
      { deliveryId: late, delayMs: 3_600_000, scheduledAttempts: 0 },
      { deliveryId: other, delayMs: 3_600_000, scheduledAttempts: 0 },
    ]);
    // Due by this clock: it waits for a place, and a worker takes it.
    await producer.promoteDeliveries([late], Date.now() + 7_200_000);
    expect(await producer.depth('deliver')).toMatchObject({ waiting: 0, delayed: 2 });
    await producer.promoteDeliveries([late, randomUUID()], Date.now());
    await producer.promoteDeliveries([late], Date.now());
    expect(await producer.depth('deliver')).toMatchObject({ waiting: 1, delayed: 1 });
  });

  test('a burst of events is a few jobs, with ids alone in them', async () => {
    const eventIds = Array.from({ length: 250 }, () => randomUUID());
    await producer.enqueueFanOut(eventIds);
    const queue = new Queue(fanOutQueueName, { connection: { url: redis.url } });
    const jobs = await queue.getWaiting();
    await queue.close();
    expect(jobs).toHaveLength(3);
    expect(new Set(jobs.flatMap(job => job.data.eventIds))).toEqual(new Set(eventIds));
    expect(Object.keys(jobs[0]?.data).sort()).toEqual(['eventIds', 'v']);
  });
});

describe('while Redis is away', () => {
  test('adding fails instead of hanging, and works again when it is back', async () => {
    await producer.enqueueFanOut([randomUUID()]);
    await redis.stop();
    await expect(producer.enqueueFanOut([randomUUID()])).rejects.toThrow();
    await redis.restart();
    await waitFor(
      async () =>
        producer.enqueueFanOut([randomUUID()]).then(
          () => true,
          () => false,
        ),
      { timeoutMs: 10_000, description: 'adding works again' },
    );
  });

  test('whether a job is running is not told, under an error of its own', async () => {
    await producer.enqueueFanOut([randomUUID()]);
    const isRunning = (): Promise<boolean> => producer.isRunning(randomUUID(), 'scheduled');
    expect(await isRunning()).toBe(false);
    redis.pause();
    await expect(isRunning()).rejects.toThrow(QueueUnavailableError);
    redis.resume();
    await redis.stop();
    await expect(isRunning()).rejects.toThrow(QueueUnavailableError);
    const late = createJobProducer({ redisUrl: redis.url, onError: () => {} });
    await expect(late.isRunning(randomUUID(), 'scheduled')).rejects.toThrow(QueueUnavailableError);
    await redis.restart();
    await late.close();
  });

  test('a frozen Redis fails an add as well', async () => {
    await producer.enqueueFanOut([randomUUID()]);
    redis.pause();
    await expect(producer.enqueueFanOut([randomUUID()])).rejects.toThrow();
    redis.resume();
  });
});

describe('the mark that all jobs are there', () => {
  test('is missing on a new Redis, set by a rebuild, and lost when Redis is wiped', async () => {
    expect(await producer.isComplete()).toBe(false);
    await producer.finishRebuild(await producer.beginRebuild());
    expect(await producer.isComplete()).toBe(true);
    await flushAll();
    expect(await producer.isComplete()).toBe(false);
  });

  test('is not set by a rebuild during which Redis was wiped', async () => {
    const rebuild = await producer.beginRebuild();
    await flushAll();
    await producer.finishRebuild(rebuild);
    expect(await producer.isComplete()).toBe(false);
  });
});

describe('judging a Redis server', () => {
  test.each([
    ['redis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\n', 'suitable'],
    ['redis_version:6.2.0\r\n', 'suitable'],
    ['redis_version:6.0.16\r\nmaxmemory_policy:noeviction\r\n', 'unsuitable'],
    ['redis_version:7.2.4\r\nmaxmemory_policy:allkeys-lru\r\n', 'unsuitable'],
    ['', 'unsuitable'],
  ])('%p is %s', (info, kind) => expect(judgeRedis(readServerInfo(info)).kind).toBe(kind));
});
