import { startRedis } from '@signpost/stores';
import { temporaryFolder } from './temporary-folder.ts';

export interface TestRedis {
  url: string;
  port: number;
  /** Ends it and deletes its data. Safe to call twice. */
  stop(): Promise<void>;
  /** SIGKILL. What was not on disk is lost. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): void;
  /** SIGCONT */
  resume(): void;
  /** Brings it back on the same port: after `kill()`, or with `kill()` first if it runs. */
  restart(): Promise<void>;
}

/**
 * A Redis of the caller's own.
 *
 * @param options.persistent true: append-only file, so that `restart()` finds what was synced. Default: comes back empty.
 * @param options.settings server settings, e.g. `{ 'maxmemory-policy': 'allkeys-lru' }`
 */
export async function startTestRedis(
  options: { persistent?: boolean; settings?: Readonly<Record<string, string>> } = {},
): Promise<TestRedis> {
  const dir = temporaryFolder('redis');
  // Throwaway also when persistent, because that is what deletes the folder; the setting brings the file.
  const persistence: Record<string, string> = options.persistent === true ? { appendonly: 'yes' } : {};
  const start = (port?: number) =>
    startRedis({ dir, durability: 'throwaway', settings: { ...persistence, ...options.settings }, port });
  let redis = await start();
  const { url, port } = redis;
  return {
    url,
    port,
    stop: () => redis.stop(),
    kill: () => redis.kill(),
    pause: () => redis.pause(),
    resume: () => redis.resume(),
    restart: async () => {
      await redis.kill();
      redis = await start(port);
    },
  };
}
