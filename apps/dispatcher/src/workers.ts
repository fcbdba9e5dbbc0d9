import { type Job, Worker, type WorkerOptions } from 'bullmq';
import {
  deliverJobSchema,
  deliverQueueName,
  fanOutJobSchema,
  fanOutQueueName,
  workerConnection,
} from '@signpost/queue';
import { withDeadline, type Logger } from '@signpost/runtime';
import type { createDeliverJob } from './deliver-job.ts';
import type { FanOut } from './fan-out.ts';
import { faultDelayMs, readJob, RunAgain, runDeliverJob } from './run-again.ts';

export interface WorkersOptions {
  readonly redisUrl: string;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly deliverJob: ReturnType<typeof createDeliverJob>;
  readonly fanOut: FanOut;
  readonly logger: Logger;
}

export interface Workers {
  /**
   * Takes no new jobs from this moment and waits for those at hand, but not longer than `graceMs`. What is left then is
   * not put back any more, however it ends: its lease runs out, and who takes it up sees what is recorded of it by then.
   */
  close(graceMs: number): Promise<void>;
}

/** Fan-outs are batches already; a few at a time keep Postgres and Redis busy in turn. */
const fanOutConcurrency = 4;
/** Workers without a job at hand close within this, in ms, unless Redis is away. */
const idleCloseMs = 2000;

export function startWorkers(options: WorkersOptions): Workers {
  const { logger, deliverJob, fanOut } = options;
  const shared: Omit<WorkerOptions, 'concurrency'> = {
    connection: workerConnection(options.redisUrl),
    lockDuration: options.leaseMs,
    stalledInterval: Math.max(1000, Math.round(options.leaseMs / 3)),
    // A job whose dispatcher died is run again, however often: Postgres says when it is enough.
    maxStalledCount: 1_000_000,
    // `undefined` or NaN from a strategy would retry at once, in a hot loop.
    settings: { backoffStrategy: (_made, _type, error) => (error instanceof RunAgain ? error.delayMs : faultDelayMs) },
  };
  const atHand = createCounter();
  let stopping = false;
  const during = async (job: Job, work: () => Promise<void>): Promise<void> => {
    // It was on its way to us when we were asked to stop.
    if (stopping) throw new RunAgain(job.failedReason ?? '', 0);
    await atHand.during(work);
  };
  const deliverWorker = new Worker(
    deliverQueueName,
    (job: Job) => during(job, () => runDeliverJob(job, deliverJobSchema, deliverJob, logger)),
    { ...shared, concurrency: options.concurrency },
  );
  const fanOutWorker = new Worker(
    fanOutQueueName,
    (job: Job) =>
      during(job, async () => {
        const data = readJob(job, fanOutJobSchema, logger);
        if (data !== null) await fanOut.run(data.eventIds);
      }),
    { ...shared, concurrency: fanOutConcurrency },
  );
  const outage = createOutage(logger);
  for (const worker of [deliverWorker, fanOutWorker]) {
    worker.on('error', error => outage.note(error, worker.name));
    worker.getBackend().on('ready', () => outage.end());
    worker.on('failed', (job, error) => {
      const reason: unknown = error instanceof RunAgain ? error.cause : error;
      if (reason !== undefined)
        logger.error({ error: reason, queue: worker.name, job_id: job?.id }, 'job failed; it runs again');
    });
  }
  return {
    async close(graceMs) {
      stopping = true;
      const closed = Promise.all([deliverWorker.close(), fanOutWorker.close()]);
      const closedOrIdle = async (): Promise<void> => {
        await Promise.race([closed, atHand.becomesZero()]);
        // While Redis is away, closing waits for ever, also when nothing is left to wait for.
        await withDeadline(closed, idleCloseMs, 'closing the idle workers');
      };
      await withDeadline(closedOrIdle(), graceMs, 'closing the workers').catch(error => {
        logger.warn({ error, jobs: atHand.count() }, 'workers did not close in time; others take up their jobs');
        for (const worker of [deliverWorker, fanOutWorker])
          void worker
            .getBackend()
            .close(true)
            .catch(() => {});
      });
    },
  };
}

/**
 * Tells of a lost connection once: both workers have two connections, and each of them reports each of its retries. Until
 * one of them is back, what else goes wrong at a worker comes from that; afterwards it is told each time.
 */
function createOutage(logger: Logger) {
  let isOn = false;
  return {
    note(error: Error, queue: string): void {
      if (isOn) return logger.debug({ error, queue }, 'Redis is still away');
      if (!isConnectionError(error)) return logger.warn({ error, queue }, 'worker trouble');
      isOn = true;
      logger.warn({ reason: error.message, queue }, 'Redis is away; its workers wait for it');
    },
    end(): void {
      if (isOn) logger.info('Redis is back');
      isOn = false;
    },
  };
}

/** Node's errors of a socket and of the resolver carry the system call. */
function isConnectionError(error: Error & { syscall?: unknown; code?: unknown }): boolean {
  return typeof error.syscall === 'string' || error.code === 'ETIMEDOUT';
}

/** Counts what is under way. */
function createCounter() {
  let count = 0;
  let resolveZero: (() => void) | null = null;
  return {
    async during<T>(work: () => Promise<T>): Promise<T> {
      count += 1;
      try {
        return await work();
      } finally {
        count -= 1;
        if (count === 0) resolveZero?.();
      }
    },
    count: (): number => count,
    becomesZero: (): Promise<void> =>
      count === 0
        ? Promise.resolve()
        : new Promise(resolve => {
            resolveZero = resolve;
          }),
  };
}
