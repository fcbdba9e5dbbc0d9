import { Queue, type JobsOptions } from 'bullmq';
import { withDeadline } from '@signpost/runtime';
import { producerConnection } from './connection.ts';
import {
  type DeliverJob,
  deliverJobId,
  deliverQueueName,
  fanOutJobId,
  fanOutQueueName,
  jobOptions,
  maxEventsPerFanOutJob,
} from './job-catalogue.ts';

/** A delivery to enqueue. */
export interface DueDelivery {
  readonly deliveryId: string;
  /** How long until its attempt, in ms; 0 for now. */
  readonly delayMs: number;
}

/** How many jobs a queue holds, by state. */
export interface QueueDepth {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
}

/** Adds jobs. Every call may be repeated: ids are deterministic, so a job that still exists is not added again. */
export interface JobProducer {
  /** @throws what Redis answers, or that it does not, within about a second */
  enqueueFanOut(eventIds: readonly string[]): Promise<void>;
  /** @throws as above; a part may have been added: add them all again */
  enqueueDeliveries(deliveries: readonly DueDelivery[]): Promise<void>;
  /** One attempt now, ahead of those that wait. */
  enqueueAttemptNow(deliveryId: string, trigger: 'manual' | 'test'): Promise<void>;
  depth(queue: 'fan-out' | 'deliver'): Promise<QueueDepth>;
  /**
   * Whether Redis is still the one that the last rebuild filled: not wiped, not restarted, not replaced by a replica. If
   * it is not, any job may be missing.
   */
  isComplete(): Promise<boolean>;
  /** Begins to add every job that Postgres knows of. @returns what {@link JobProducer.finishRebuild} wants to see again */
  beginRebuild(): Promise<string>;
  /** Notes that every job is there, unless Redis was wiped or restarted since the rebuild began. */
  finishRebuild(rebuild: string): Promise<void>;
  close(): Promise<void>;
}

export interface JobProducerOptions {
  readonly redisUrl: string;
  /** Connection trouble; calls fail on their own account. */
  readonly onError: (error: Error) => void;
}

/** The mark lies beside the queues' keys: what wipes them wipes it. */
const completeMarkKey = 'signpost:complete';
/** Closing waits for Redis for at most this, in ms: while Redis is away it would wait for ever. */
const closeTimeoutMs = 1500;

export function createJobProducer({ redisUrl, onError }: JobProducerOptions): JobProducer {
  // Without the two flags an `add` waits for ever while Redis is away at start, and a queue whose first INFO failed
  // never recovers.
  const options = { connection: producerConnection(redisUrl), skipWaitingForReady: true, skipVersionCheck: true };
  const fanOut = new Queue(fanOutQueueName, options);
  const deliver = new Queue(deliverQueueName, options);
  for (const queue of [fanOut, deliver]) queue.on('error', onError);
  const queues = { 'fan-out': fanOut, deliver };

  const readRunId = async (): Promise<string> => {
    const client = await deliver.getBackend().client;
    return /^run_id:(.*)$/m.exec(await client.info())?.[1]?.trim() ?? 'unknown';
  };

  return {
    async enqueueFanOut(eventIds) {
      const chunks: (readonly string[])[] = [];
      for (let start = 0; start < eventIds.length; start += maxEventsPerFanOutJob)
        chunks.push(eventIds.slice(start, start + maxEventsPerFanOutJob));
      await addAll(
        fanOut,
        chunks.map(ids => ({
          name: 'fan-out',
          data: { v: 1, eventIds: ids },
          opts: { ...jobOptions, jobId: fanOutJobId(ids) },
        })),
      );
    },
    async enqueueDeliveries(deliveries) {
      await addAll(
        deliver,
        deliveries.map(({ deliveryId, delayMs }) => ({
          name: 'deliver',
          data: deliverJob(deliveryId, 'scheduled'),
          opts: {
            ...jobOptions,
            jobId: deliverJobId(deliveryId, 'scheduled'),
            ...(delayMs > 0 ? { delay: delayMs } : {}),
          },
        })),
      );
    },
    async enqueueAttemptNow(deliveryId, trigger) {
      const jobId = deliverJobId(deliveryId, trigger);
      await deliver.add('deliver', deliverJob(deliveryId, trigger), { ...jobOptions, jobId, lifo: true });
    },
    async depth(name) {
      const counts = await queues[name].getJobCounts('waiting', 'active', 'delayed');
      return { waiting: counts['waiting'] ?? 0, active: counts['active'] ?? 0, delayed: counts['delayed'] ?? 0 };
    },
    async isComplete() {
      const client = await deliver.getBackend().client;
      const [mark, runId] = await Promise.all([client.get(completeMarkKey), readRunId()]);
      return mark === runId;
    },
    async beginRebuild() {
      const client = await deliver.getBackend().client;
      const rebuild = `rebuilding ${await readRunId()}`;
      await client.set(completeMarkKey, rebuild);
      return rebuild;
    },
    async finishRebuild(rebuild) {
      const client = await deliver.getBackend().client;
      const [mark, runId] = await Promise.all([client.get(completeMarkKey), readRunId()]);
      if (mark === rebuild && rebuild === `rebuilding ${runId}`) await client.set(completeMarkKey, runId);
    },
    async close() {
      await withDeadline(Promise.all([fanOut.close(), deliver.close()]), closeTimeoutMs, 'closing the queues').catch(
        onError,
      );
    },
  };
}

function deliverJob(deliveryId: string, trigger: DeliverJob['trigger']): DeliverJob {
  return { v: 1, deliveryId, trigger };
}

/**
 * `addBulk` sends a pipeline of one script for each job. A script's refusal does not reject the call: it comes back as a
 * negative number in place of the job's id.
 */
async function addAll(queue: Queue, jobs: { name: string; data: object; opts: JobsOptions }[]): Promise<void> {
  const added = await queue.addBulk(jobs);
  const refused = added.find(job => job.id?.startsWith('-'));
  if (refused !== undefined) throw new JobRefusedError(queue.name, refused.id as string);
}

/** Redis refused a job. */
export class JobRefusedError extends Error {
  readonly code = 'job_refused';
  constructor(queue: string, answer: string) {
    super(`The queue ${queue} refused a job with ${answer}`);
    this.name = 'JobRefusedError';
  }
}
