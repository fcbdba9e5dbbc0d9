import { QueueKeys } from 'bullmq';
import { Redis } from 'ioredis';
import { markKey, runIdOf } from './completeness-mark.ts';
import { deliverJobId, deliverQueueName } from './job-catalogue.ts';

/** Looks at the queues without changing anything: it sends EXISTS, GET and INFO alone. */
export interface QueueAudit {
  /** Of these deliveries, those whose scheduled attempt has no job: neither waiting nor delayed nor under way. */
  withoutJob(deliveryIds: readonly string[]): Promise<string[]>;
  /** Whether Redis has every job that Postgres knows of; false after a wipe or restart, until a dispatcher has filled it. */
  isComplete(): Promise<boolean>;
  close(): void;
}

/** What BullMQ puts in front of its keys. */
const keyPrefix = 'bull';
const timeoutMs = 5000;

/**
 * Connects to Redis.
 *
 * @throws what the driver reports where Redis does not answer within 5 s
 */
export async function openQueueAudit(redisUrl: string): Promise<QueueAudit> {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  redis.on('error', () => {}); // The rejected calls report it.
  await redis.connect();
  const keys = new QueueKeys(keyPrefix);
  return {
    async withoutJob(deliveryIds) {
      const pipeline = redis.pipeline();
      for (const id of deliveryIds) pipeline.exists(keys.toKey(deliverQueueName, deliverJobId(id, 'scheduled')));
      const answers = (await pipeline.exec()) ?? [];
      return deliveryIds.filter((_id, index) => {
        const [error, exists] = answers[index] ?? [new Error('Redis did not answer'), 0];
        if (error !== null) throw error;
        return exists === 0;
      });
    },
    async isComplete() {
      const [mark, info] = await Promise.all([redis.get(markKey), redis.info('server')]);
      return mark === runIdOf(info);
    },
    close: () => redis.disconnect(),
  };
}
