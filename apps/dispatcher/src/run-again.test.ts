import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { deliverJobSchema, openQueues, type OpenQueues } from '@signpost/queue';
import { createLogger } from '@signpost/runtime';
import { startTestRedis, type TestRedis } from '@signpost/testing';
import { readJob, RunAgain } from './run-again.ts';

let redis: TestRedis;
let queues: OpenQueues;
beforeAll(async () => {
  redis = await startTestRedis();
  queues = openQueues({ redisUrl: redis.url, onError: () => {} });
});
afterAll(async () => {
  await queues.close();
  await redis.stop();
});

test('a job that cannot be read comes back every 2 s and is dropped after a minute; its notes stay as they are', async () => {
  const lines: string[] = [];
  const logger = createLogger('dispatcher', 'error', { write: line => void lines.push(line) });
  const job = await queues.deliver.add('deliver', { v: 2, delivery: 'x' }, { jobId: randomUUID() });
  job.failedReason = 'scheduled attempts 3, stalls seen 0, faults 0';
  for (; job.attemptsMade < 30; job.attemptsMade += 1) {
    const again = expect.objectContaining({ message: job.failedReason, delayMs: 2000, cause: expect.any(Error) });
    expect(catchError(() => readJob(job, deliverJobSchema, logger))).toEqual(again);
  }
  expect(lines).toEqual([]);
  expect(readJob(job, deliverJobSchema, logger)).toBeNull();
  expect(lines).toEqual([expect.stringContaining(job.id as string)]);
});

function catchError(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    expect(error).toBeInstanceOf(RunAgain);
    return error;
  }
}
