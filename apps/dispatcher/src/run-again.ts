import type { Job } from 'bullmq';
import { readJobNotes, writeJobNotes } from '@signpost/queue';
import type { Logger } from '@signpost/runtime';
import type { z } from 'zod';
import type { createDeliverJob } from './deliver-job.ts';

/** After a fault of a store, a job is run again after this, in ms. */
export const faultDelayMs = 2000;
/**
 * Jobs are put back for so many ms more than their deliveries wait: Redis and Postgres count by timers that differ a
 * little, and a job that comes before its time is put back once more.
 */
export const timerMarginMs = 5;
/** A job that cannot be read is looked at so often, about a minute in all, and then dropped. */
const maxUnreadable = 30;

/**
 * Thrown to have BullMQ put the job back. The delay goes to the backoff strategy, the message to the job, which keeps its
 * notes there; `cause` is what went wrong, if anything did.
 */
export class RunAgain extends Error {
  readonly delayMs: number;
  constructor(message: string, delayMs: number, cause?: unknown) {
    super(message, { cause });
    this.delayMs = delayMs;
  }
}

/** Runs a job of the queue `deliver`. @throws RunAgain */
export async function runDeliverJob(
  job: Job,
  schema: z.ZodType<Parameters<ReturnType<typeof createDeliverJob>>[0]>,
  deliverJob: ReturnType<typeof createDeliverJob>,
  logger: Logger,
): Promise<void> {
  const data = readJob(job, schema, logger);
  if (data === null) return;
  const notes = readJobNotes(job.failedReason, data.scheduledAttempts ?? 0);
  const run = { addedAtMs: job.timestamp, stalledCount: job.stalledCounter, notes };
  const result = await deliverJob(data, run).catch(error => {
    throw new RunAgain(writeJobNotes(notes), faultDelayMs, error);
  });
  if (result.kind === 'again') throw new RunAgain(writeJobNotes(result.notes), result.delayMs + timerMarginMs);
}

/**
 * Reads what a job wants. One that only a later release understands is left for a dispatcher of that release, but not for
 * ever: its id keeps the repairer from adding the job in a form that this release knows.
 *
 * @returns null where the job is dropped
 * @throws RunAgain
 */
export function readJob<T>(job: Job, schema: z.ZodType<T>, logger: Logger): T | null {
  const read = schema.safeParse(job.data);
  if (read.success) return read.data;
  if (job.attemptsMade < maxUnreadable)
    throw new RunAgain(
      job.failedReason ?? '',
      faultDelayMs,
      new Error('the job is of a release that this one does not know'),
    );
  logger.error({ queue: job.queueName, job_id: job.id }, 'job dropped; the repairer adds it anew');
  return null;
}
