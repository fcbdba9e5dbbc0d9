import { startPostgres } from '@signpost/stores';
import { temporaryFolder } from './temporary-folder.ts';

export interface TestPostgres {
  /** A database without tables: pass it to `applyMigrations` of @signpost/stores. */
  url: string;
  port: number;
  /** Ends the server as `pg_ctl stop -m fast` does; the data stay for `start()`. */
  stop(): Promise<void>;
  /** SIGKILL; the data stay for `start()`. */
  kill(): Promise<void>;
  /** Brings it back on the same port with the same data. */
  start(): Promise<void>;
  /** Ends it and deletes its data. Safe to call twice. */
  remove(): Promise<void>;
}

/**
 * A Postgres of the caller's own, for tests that stop it. Costs a second; others take `createTestDatabase`.
 *
 * @param options.settings server settings, e.g. `{ max_connections: '20' }`
 */
export async function startTestPostgres(
  options: { settings?: Readonly<Record<string, string>> } = {},
): Promise<TestPostgres> {
  const dir = temporaryFolder('postgres');
  const start = (port?: number) => startPostgres({ dir, durability: 'throwaway', settings: options.settings, port });
  let postgres = await start();
  const { url, port } = postgres;
  return {
    url,
    port,
    stop: () => postgres.end(),
    kill: () => postgres.kill(),
    start: async () => {
      postgres = await start(port);
    },
    remove: () => postgres.stop(),
  };
}
