import { randomBytes } from 'node:crypto';
import { createEncryption } from '@signpost/runtime';
import {
  type AppProcess,
  createTestDatabase,
  type Receiver,
  startApp,
  startReceiver,
  startTestRedis,
  type TestRedis,
} from '@signpost/testing';
import { startTestApi, type TestApi } from './test-api.ts';

/** The app as startTestApi makes it, and a real dispatcher that delivers what it accepts to a receiver on loopback. */
export interface ApiWithDispatcher {
  readonly api: TestApi;
  readonly dispatcher: AppProcess;
  /** Answers 204 until told otherwise. */
  readonly receiver: Receiver;
  readonly redis: TestRedis;
  close(): Promise<void>;
}

export interface ApiWithDispatcherOptions {
  /** Settings of the dispatcher, on top of what it needs to find the stores and the receiver. */
  readonly dispatcherEnvironment?: Readonly<Record<string, string>>;
  /** Makes what the dispatcher is to find when it starts. */
  readonly beforeDispatcher?: (api: TestApi) => Promise<unknown>;
}

/**
 * Starts a database, a Redis, a receiver, the app and a dispatcher. App and dispatcher share an encryption key, so that
 * what one seals the other opens.
 */
export async function startApiWithDispatcher(options: ApiWithDispatcherOptions = {}): Promise<ApiWithDispatcher> {
  const encryptionKey = randomBytes(32).toString('base64');
  const [testDatabase, redis, receiver] = await Promise.all([createTestDatabase(), startTestRedis(), startReceiver()]);
  const api = await startTestApi({
    databaseUrl: testDatabase.url,
    redisUrl: redis.url,
    override: dependencies => ({ ...dependencies, encryption: createEncryption(encryptionKey) }),
  });
  await options.beforeDispatcher?.(api);
  const dispatcher = await startApp('dispatcher', {
    DATABASE_URL: testDatabase.url,
    REDIS_URL: redis.url,
    ENCRYPTION_KEY: encryptionKey,
    ALLOW_HTTP_URLS: 'true',
    ALLOWED_PRIVATE_RANGES: '127.0.0.0/8',
    LOG_LEVEL: 'warn',
    ...options.dispatcherEnvironment,
  });
  return {
    api,
    dispatcher,
    receiver,
    redis,
    async close() {
      await dispatcher.stop();
      await Promise.all([api.close(), receiver.close()]);
      await redis.stop();
      await testDatabase.drop();
    },
  };
}
