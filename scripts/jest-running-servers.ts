import type { PostgresServer } from '@signpost/stores';

/** What the global set-up started and the global tear-down, in the same process, ends. */
export const runningServers: PostgresServer[] = [];
