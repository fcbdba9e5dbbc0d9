import { Redis } from 'ioredis';

/** Wipes a Redis. */
export async function flushRedis(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.flushall();
  redis.disconnect();
}
