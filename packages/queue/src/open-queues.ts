import { Queue } from 'bullmq';
import { withDeadline } from '@signpost/runtime';
import { producerConnection } from './connection.ts';
import { deliverQueueName, fanOutQueueName } from './job-catalogue.ts';

/** The two queues, opened for adding and looking; workers have connections of their own. */
export interface OpenQueues {
  readonly fanOut: Queue;
  readonly deliver: Queue;
  close(): Promise<void>;
}

export interface OpenQueuesOptions {
  readonly redisUrl: string;
  /** Connection trouble; calls fail on their own account. */
  readonly onError: (error: Error) => void;
}

/** Closing waits for Redis for at most this, in ms: while Redis is away it would wait for ever. */
const closeTimeoutMs = 1500;

/** Opens the queues. No call waits for Redis to be there: each fails within about a second while it is away. */
export function openQueues({ redisUrl, onError }: OpenQueuesOptions): OpenQueues {
  // Without the two flags an `add` waits for ever while Redis is away at start, and a queue whose first INFO failed
  // never recovers.
  const options = { connection: producerConnection(redisUrl), skipWaitingForReady: true, skipVersionCheck: true };
  const fanOut = new Queue(fanOutQueueName, options);
  const deliver = new Queue(deliverQueueName, options);
  for (const queue of [fanOut, deliver]) queue.on('error', onError);
  return {
    fanOut,
    deliver,
    async close() {
      await withDeadline(Promise.all([fanOut.close(), deliver.close()]), closeTimeoutMs, 'closing the queues').catch(
        onError,
      );
    },
  };
}
