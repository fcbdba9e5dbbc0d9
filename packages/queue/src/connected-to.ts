import type { Queue } from 'bullmq';
import { withDeadline } from '@signpost/runtime';

const connectTimeoutMs = 1500;

/** The connection of a queue. While Redis is away from the start, BullMQ promises one that never comes. */
export function connectedTo(queue: Queue) {
  return withDeadline(Promise.resolve(queue.getBackend().client), connectTimeoutMs, 'connecting to Redis');
}
