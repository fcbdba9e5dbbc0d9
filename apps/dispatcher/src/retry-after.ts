import {
  type Database,
  type DeliveryToAttempt,
  noteRetryAfter,
  putOffDeliveries,
  type PutOffDelivery,
} from '@signpost/database';
import { createMicroBatch, formatId, type Logger } from '@signpost/runtime';
import type { DispatcherCounts } from './dispatcher-metrics.ts';
import type { JobResult } from './judge-job.ts';

/**
 * What a receiver says with `Retry-After` goes for all that is sent to it (RFC 9110, section 10.2.3; RFC 6585, section 4):
 * the other deliveries of the webhook wait, too, and use up no attempt by it.
 */
export interface RetryAfter {
  /** Notes for all dispatchers what a receiver asked for. Never throws: a delivery more than it wanted is no loss. */
  note(webhookId: string, retryAfterMs: number): Promise<void>;
  /**
   * Lets a delivery that is due wait.
   *
   * @param jitterRatio share of the wait that is added at most, so that those who waited do not all come at once
   * @throws the driver's errors
   */
  putOff(delivery: DeliveryToAttempt, retryAfterMs: number, jitterRatio: number): Promise<JobResult>;
}

export interface RetryAfterOptions {
  readonly database: Database;
  readonly counts: DispatcherCounts;
  readonly logger: Logger;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
}

export function createRetryAfter({ database, counts, logger, random }: RetryAfterOptions): RetryAfter {
  const batch = createMicroBatch<PutOffDelivery, null>({
    maxItems: 200,
    intervalMs: 6,
    concurrency: 2,
    async run(deliveries) {
      await putOffDeliveries(database, deliveries);
      return deliveries.map(() => null);
    },
  });
  return {
    async note(webhookId, retryAfterMs) {
      try {
        const isNews = await noteRetryAfter(database, webhookId, retryAfterMs);
        if (isNews)
          logger.info(
            { webhook_id: formatId('webhook', webhookId), retry_after_ms: retryAfterMs },
            'webhook.retry_after',
          );
      } catch (error) {
        logger.warn({ error, webhook_id: formatId('webhook', webhookId) }, 'Retry-After could not be noted');
      }
    },
    async putOff({ id, scheduledAttemptCount }, retryAfterMs, jitterRatio) {
      const delayMs = Math.ceil(retryAfterMs * (1 + jitterRatio * random()));
      await batch.add({ id, scheduledAttemptCount, delayMs });
      counts.putOff += 1;
      return { kind: 'again', delayMs, scheduledAttempts: scheduledAttemptCount };
    },
  };
}
