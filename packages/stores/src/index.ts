export { applyMigrations, MigrationError } from './migrations.ts';
export type { MigrationResult } from './migrations.ts';
export { freePort } from './free-port.ts';
export { startPostgres } from './postgres.ts';
export type { PostgresOptions, PostgresServer } from './postgres.ts';
export { startRedis } from './redis.ts';
export type { RedisOptions, RedisServer } from './redis.ts';
export { isProcessAlive, processCommand } from './process-table.ts';
export { StoreError } from './store-error.ts';
