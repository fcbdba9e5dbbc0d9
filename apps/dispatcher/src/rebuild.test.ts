import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { PendingCursor } from '@signpost/database';
import { createJobProducer, type JobProducer } from '@signpost/queue';
import { createLogger } from '@signpost/runtime';
import { startTestRedis, type TestRedis } from '@signpost/testing';
import { Redis } from 'ioredis';
import { createCounts } from './dispatcher-metrics.ts';
import { createRebuild } from './rebuild.ts';

let redis: TestRedis;
let client: Redis;
let producer: JobProducer;
beforeAll(async () => {
  redis = await startTestRedis();
  client = new Redis(redis.url);
  producer = createJobProducer({ redisUrl: redis.url, onError: () => {} });
});
beforeEach(() => client.flushall());
afterAll(async () => {
  await producer.close();
  client.disconnect();
  await redis.stop();
});

const never = new AbortController().signal;

/** Four pages of one delivery each; the one after `breaksAfter` cannot be added the first time. */
function pages(breaksAfter: string) {
  const asked: (string | null)[] = [];
  let isBroken = true;
  const addPage = (after: PendingCursor | null) => {
    asked.push(after?.id ?? null);
    if (isBroken && after?.id === breaksAfter) {
      isBroken = false;
      return Promise.reject(new Error('Command timed out'));
    }
    const id = String(Number(after?.id ?? 0) + 1);
    return Promise.resolve({ ids: [id], next: id === '4' ? null : { dueAt: '2026-01-01', id } });
  };
  return { asked, addPage };
}

const rebuildOf = (addPage: ReturnType<typeof pages>['addPage'], counts = createCounts()) =>
  createRebuild({ producer, counts, logger: createLogger('dispatcher', 'silent') }, addPage);

test('a rebuild that Redis broke off goes on where it stopped', async () => {
  const { asked, addPage } = pages('2');
  const counts = createCounts();
  const rebuild = rebuildOf(addPage, counts);
  await expect(rebuild(never)).rejects.toThrow('timed out');
  expect(await producer.isComplete()).toBe(false);
  await rebuild(never);
  expect(asked).toEqual([null, '1', '2', '2', '3']);
  expect([await producer.isComplete(), counts.rebuilds]).toEqual([true, 1]);
});

test('it begins anew where Redis was wiped meanwhile, or another dispatcher began one', async () => {
  for (const disturb of [() => client.flushall(), () => producer.beginRebuild()]) {
    const { asked, addPage } = pages('2');
    const rebuild = rebuildOf(addPage);
    await expect(rebuild(never)).rejects.toThrow('timed out');
    await disturb();
    await rebuild(never);
    expect(asked).toEqual([null, '1', '2', null, '1', '2', '3']);
    expect(await producer.isComplete()).toBe(true);
  }
});

test('one that has ended is not gone on with', async () => {
  const { asked, addPage } = pages('none');
  const rebuild = rebuildOf(addPage);
  await rebuild(never);
  await client.flushall();
  await rebuild(never);
  expect(asked).toEqual([null, '1', '2', '3', null, '1', '2', '3']);
});
