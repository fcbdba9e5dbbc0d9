import type { JobsOptions, Queue } from 'bullmq';
import { type CompletenessMark, createCompletenessMark } from './completeness-mark.ts';
import { type DeliverJob, deliverJobId, fanOutJobId, jobOptions, maxEventsPerFanOutJob } from './job-catalogue.ts';
import { createJobStates, type JobStates } from './job-states.ts';
import { createWriteCheck } from './write-check.ts';
import { openQueues, type OpenQueuesOptions } from './open-queues.ts';

/** A delivery to enqueue. */
export interface DueDelivery {
  readonly deliveryId: string;
  /** How long until its attempt, in ms; 0 for now. */
  readonly delayMs: number;
  /** Recorded so far. */
  readonly scheduledAttempts: number;
}

/** How many jobs a queue holds, by state. */
export interface QueueDepth {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
}

/** Adds jobs. Every call may be repeated: ids are deterministic, so a job that still exists is not added again. */
export interface JobProducer extends CompletenessMark, JobStates {
  /** @throws what Redis answers, or that it does not, within about a second */
  enqueueFanOut(eventIds: readonly string[]): Promise<void>;
  /** @throws as above; a part may have been added: add them all again */
  enqueueDeliveries(deliveries: readonly DueDelivery[]): Promise<void>;
  /** One attempt now, ahead of those that wait. */
  enqueueAttemptNow(deliveryId: string, trigger: 'manual' | 'test'): Promise<void>;
  depth(queue: 'fan-out' | 'deliver'): Promise<QueueDepth>;
  /** @throws where Redis is away, full, or takes no writes for another reason, within about two seconds */
  checkWritable(): Promise<void>;
  close(): Promise<void>;
}

export function createJobProducer({ redisUrl, onError }: OpenQueuesOptions): JobProducer {
  const opened = openQueues({ redisUrl, onError });
  const { fanOut, deliver } = opened;
  const queues = { 'fan-out': fanOut, deliver };

  return {
    ...createCompletenessMark(deliver),
    ...createJobStates(deliver, onError),
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
        deliveries.map(({ deliveryId, delayMs, scheduledAttempts }) => ({
          name: 'deliver',
          data: { ...deliverJob(deliveryId, 'scheduled'), ...(scheduledAttempts > 0 ? { scheduledAttempts } : {}) },
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
    checkWritable: createWriteCheck(deliver),
    close: () => opened.close(),
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
