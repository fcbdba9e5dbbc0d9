import type { JobsOptions } from 'bullmq';
import { z } from 'zod';

/**
 * The two queues. Job data are ids and counts, never payloads or secrets: Redis is a queue and a timer, Postgres is the truth. The
 * data carry a version `v`, so that dispatchers of two releases can run side by side.
 */
export const fanOutQueueName = 'fan-out';
export const deliverQueueName = 'deliver';

/** Events of one group commit that want their deliveries made. */
export const fanOutJobSchema = z.object({ v: z.literal(1), eventIds: z.array(z.uuid()).min(1) });
export type FanOutJob = z.infer<typeof fanOutJobSchema>;

/** One delivery that is due for an attempt. */
export const deliverJobSchema = z.object({
  v: z.literal(1),
  deliveryId: z.uuid(),
  trigger: z.enum(['scheduled', 'manual', 'test']),
  /** Scheduled attempts that were recorded when the job was added; not there: none. Earlier releases do not look at it. */
  scheduledAttempts: z.int().min(0).optional(),
});
export type DeliverJob = z.infer<typeof deliverJobSchema>;

/** A fan-out job carries at most this many events: more jobs let more dispatchers share a burst. */
export const maxEventsPerFanOutJob = 100;

/**
 * How a job fares. Attempts are counted and timed by Postgres, so BullMQ must never run out of them; a job that ended
 * leaves nothing behind, because an id that still exists would swallow the same job when it is added again.
 */
export const jobOptions: JobsOptions = {
  attempts: 1_000_000,
  backoff: { type: 'postgres' },
  removeOnComplete: true,
  removeOnFail: true,
  stackTraceLimit: 0,
};

/**
 * The id of a delivery's job. The same delivery and trigger always have the same id: adding the job twice adds it once.
 * A manual retry has an id of its own, because the scheduled job may be waiting under the other.
 */
export function deliverJobId(deliveryId: string, trigger: DeliverJob['trigger']): string {
  return trigger === 'scheduled' ? deliveryId : `${deliveryId}.${trigger}`;
}

/** The id of a fan-out job is that of its first event: several APIs and the repairer may name the same events. */
export function fanOutJobId(eventIds: readonly string[]): string {
  return `${eventIds[0]}.${eventIds.length}`;
}
