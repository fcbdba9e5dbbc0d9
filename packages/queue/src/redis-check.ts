import type { Logger } from '@signpost/runtime';
import { Redis } from 'ioredis';

/** What of a Redis server decides whether jobs are safe in it. */
export interface RedisServer {
  readonly version: string;
  readonly evictionPolicy: string;
}

export type RedisVerdict =
  | { readonly kind: 'suitable' }
  | { readonly kind: 'unsuitable'; readonly reasons: readonly string[] };

/** BullMQ works from 5.0 and wants 6.2. */
const oldestVersion = [6, 2] as const;

/** Judges a server: one that evicts keys loses jobs, one that is too old cannot run the queue's scripts. Pure. */
export function judgeRedis(server: RedisServer): RedisVerdict {
  const reasons: string[] = [];
  const [major = 0, minor = 0] = server.version.split('.').map(Number);
  if (major < oldestVersion[0] || (major === oldestVersion[0] && minor < oldestVersion[1]))
    reasons.push(`Redis ${server.version} is too old: 6.2 or newer is needed.`);
  if (server.evictionPolicy !== 'noeviction')
    reasons.push(
      `Redis may evict keys (maxmemory-policy is ${server.evictionPolicy}), and with them jobs: set maxmemory-policy to noeviction.`,
    );
  return reasons.length === 0 ? { kind: 'suitable' } : { kind: 'unsuitable', reasons };
}

/**
 * Asks a server what it is, on a connection of its own.
 *
 * @param timeoutMs for connecting and for the answer, each
 * @throws where Redis does not answer in time
 */
async function inspectRedis(redisUrl: string, timeoutMs: number): Promise<RedisServer> {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  redis.on('error', () => {}); // The rejected call below reports it.
  try {
    await redis.connect();
    return readServerInfo(await redis.info());
  } finally {
    redis.disconnect();
  }
}

/** Reads the answer of INFO. A server that hides its policy is taken to keep its keys, as `noeviction` is the default. */
export function readServerInfo(info: string): RedisServer {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
  return { version: field('redis_version') ?? '0.0.0', evictionPolicy: field('maxmemory_policy') ?? 'noeviction' };
}

/** The Redis in use would lose jobs; in production nothing starts on it. */
export class RedisUnsuitableError extends Error {
  readonly code = 'redis_unsuitable';
  constructor(reasons: readonly string[]) {
    super(reasons.join(' '));
    this.name = 'RedisUnsuitableError';
  }
}

/**
 * Checks the Redis in use when an app starts. One that does not answer is no reason to stay down: it is only said.
 *
 * @param production refuse an unsuitable server rather than warn of it
 * @throws RedisUnsuitableError in production
 */
export async function checkRedisAtStart(redisUrl: string, production: boolean, logger: Logger): Promise<void> {
  let verdict: RedisVerdict;
  try {
    verdict = judgeRedis(await inspectRedis(redisUrl, 3000));
  } catch (error) {
    logger.warn({ error }, 'Redis does not answer; work waits for it');
    return;
  }
  if (verdict.kind === 'suitable') return;
  if (production) throw new RedisUnsuitableError(verdict.reasons);
  logger.warn({ reasons: verdict.reasons }, 'Redis is not fit for production');
}
