import { type Job, Worker, type WorkerOptions } from 'bullmq';
import {
  deliverJobSchema,
  deliverQueueName,
  fanOutJobSchema,
  fanOutQueueName,
  workerConnection,
} from '@signpost/queue';
import { withDeadline, type Logger } from '@signpost/runtime';
import type { Deliver } from './deliver.ts';
import type { FanOut } from './fan-out.ts';

export interface WorkersOptions {
  readonly redisUrl: string;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly deliver: Deliver;
  readonly fanOut: FanOut;
  readonly logger: Logger;
}

export interface Workers {
  /** Takes no new jobs and waits for those at hand, but not longer than `graceMs`; what is left is taken up by others. */
  close(graceMs: number): Promise<void>;
}

/** Fan-outs are batches already; a few at a time keep Postgres and Redis busy in turn. */
const fanOutConcurrency = 4;
/** After a fault of a store, a job is run again after this, in ms. */
const faultDelayMs = 2000;

/** Tells the backoff strategy, on its way through BullMQ, when the job wants to run again. */
class RunAgain extends Error {
  readonly delayMs: number;
  constructor(message: string, delayMs: number) {
    super(message);
    this.delayMs = delayMs;
  }
}

export function startWorkers(options: WorkersOptions): Workers {
  const { logger, deliver, fanOut } = options;
  const shared: Omit<WorkerOptions, 'concurrency'> = {
    connection: workerConnection(options.redisUrl),
    lockDuration: options.leaseMs,
    stalledInterval: Math.max(1000, Math.round(options.leaseMs / 3)),
    // A job whose dispatcher died is run again, however often: Postgres says when it is enough.
    maxStalledCount: 1_000_000,
    // `undefined` or NaN from a strategy would retry at once, in a hot loop.
    settings: { backoffStrategy: (_made, _type, error) => (error instanceof RunAgain ? error.delayMs : faultDelayMs) },
  };
  const deliverWorker = new Worker(
    deliverQueueName,
    async (job: Job) => {
      const result = await deliver(deliverJobSchema.parse(job.data));
      if (result.kind === 'again') throw new RunAgain('due again', result.delayMs);
    },
    { ...shared, concurrency: options.concurrency },
  );
  const fanOutWorker = new Worker(
    fanOutQueueName,
    async (job: Job) => fanOut.run(fanOutJobSchema.parse(job.data).eventIds),
    { ...shared, concurrency: fanOutConcurrency },
  );
  for (const worker of [deliverWorker, fanOutWorker]) {
    worker.on('error', error => logger.warn({ error, queue: worker.name }, 'worker trouble'));
    worker.on('failed', (job, error) => {
      if (!(error instanceof RunAgain))
        logger.error({ error, queue: worker.name, job_id: job?.id }, 'job failed; it runs again');
    });
  }
  return {
    async close(graceMs) {
      // While Redis is away, closing waits for ever.
      await withDeadline(
        Promise.all([deliverWorker.close(), fanOutWorker.close()]),
        graceMs,
        'closing the workers',
      ).catch(error => logger.warn({ error }, 'workers closed with jobs at hand'));
    },
  };
}
