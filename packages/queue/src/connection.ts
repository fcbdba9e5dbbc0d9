import { withDeadline } from '@signpost/runtime';
import type { ConnectionOptions, Queue } from 'bullmq';

/**
 * A connection for adding jobs. A command fails within a second while Redis is slow or away, so that a producer never
 * hangs; see `skipWaitingForReady` in producer.ts, without which this is not enough.
 */
export function producerConnection(redisUrl: string): ConnectionOptions {
  return {
    url: redisUrl,
    maxRetriesPerRequest: 1,
    commandTimeout: producerTimeoutMs,
    connectTimeout: 2000,
    retryStrategy,
  };
}

/** A connection for a worker: it waits in blocking reads, and for Redis to come back. */
export function workerConnection(redisUrl: string): ConnectionOptions {
  return { url: redisUrl, maxRetriesPerRequest: null, connectTimeout: 5000, retryStrategy };
}

/** An add that takes longer counts as failed; the repairer adds the job later. */
const producerTimeoutMs = 1000;

/** Redis is back within a second or two more often than not: never wait longer than 2 s before the next try. */
function retryStrategy(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 6), 2000);
}

const clientTimeoutMs = 1500;

/** The client of a queue. While Redis is away from the start, it is promised and never comes. @throws then, in time */
export function connectedClient(queue: Queue) {
  return withDeadline(Promise.resolve(queue.getBackend().client), clientTimeoutMs, 'connecting to Redis');
}
