// Applies prisma/migrations with nothing but `pg`. Prisma's own `migrate deploy` needs an engine that is downloaded from a
// host which closed networks do not reach. The bookkeeping is Prisma's (table `_prisma_migrations`, sha256 of the file, the
// same advisory lock), so that Prisma's tools agree about what has been applied.
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** The key that Prisma's schema engine locks. */
const ADVISORY_LOCK = 72_707_369;
const LOCK_POLL_MS = 50;
const LOCK_TIMEOUT_MS = 120_000;

const BOOKKEEPING_TABLE = `
create table if not exists _prisma_migrations (
  id                  varchar(36) primary key not null,
  checksum            varchar(64) not null,
  finished_at         timestamptz,
  migration_name      varchar(255) not null,
  logs                text,
  rolled_back_at      timestamptz,
  started_at          timestamptz not null default now(),
  applied_steps_count integer not null default 0
)`;

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

export interface MigrationResult {
  /** Names of the migrations applied by this call, in order; empty if the database was up to date. */
  applied: string[];
  /** Names of migrations whose file differs from the one that was applied. */
  edited: string[];
}

/** `code`: `migration_failed` (the database said no; nothing of it stays), `migration_blocked`, `migration_lock_timeout`. */
export class MigrationError extends Error {
  readonly code: 'migration_failed' | 'migration_blocked' | 'migration_lock_timeout';

  constructor(code: MigrationError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MigrationError';
    this.code = code;
  }
}

/**
 * Applies every migration of the folder that the database has not seen, in the order of their names. May be called by
 * several processes at once: one does the work, the others wait for it.
 *
 * A file runs in one transaction together with its bookkeeping row: it is applied and recorded, or neither. A file with
 * `CONCURRENTLY` cannot (Postgres forbids it inside a transaction) and must hold that one statement alone.
 *
 * @param databaseUrl a direct connection, not one through a pooler in transaction mode
 * @param migrationsDir folder of `<timestamp>_<name>/migration.sql`
 * @throws {MigrationError}
 */
export async function applyMigrations(databaseUrl: string, migrationsDir: string): Promise<MigrationResult> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 });
  // Without a listener, a connection that breaks would end the process before the query's own error says why.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await lock(client);
    await client.query("set client_min_messages = 'warning'");
    await client.query(BOOKKEEPING_TABLE);
    return await applyMissing(client, readMigrations(migrationsDir));
  } finally {
    // Ends the session and with it the lock.
    await client.end();
  }
}

/**
 * Tries again and again instead of waiting inside Postgres: a session that waits holds a snapshot, and the other one's
 * CREATE INDEX CONCURRENTLY would wait for that snapshot for ever.
 */
async function lock(client: pg.Client): Promise<void> {
  const deadline = performance.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    const { rows } = await client.query('select pg_try_advisory_lock($1) as locked', [ADVISORY_LOCK]);
    if (rows[0]?.locked === true) return;
    if (performance.now() >= deadline)
      throw new MigrationError('migration_lock_timeout', 'Another process has been applying migrations for too long');
    await delay(LOCK_POLL_MS);
  }
}

function readMigrations(dir: string): Migration[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && existsSync(path.join(dir, entry.name, 'migration.sql')))
    .map(entry => entry.name)
    .sort()
    .map(name => {
      const sql = readFileSync(path.join(dir, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

async function applyMissing(client: pg.Client, migrations: readonly Migration[]): Promise<MigrationResult> {
  const { rows } = await client.query<{ migration_name: string; checksum: string; finished: boolean }>(
    'select migration_name, checksum, finished_at is not null as finished from _prisma_migrations where rolled_back_at is null',
  );
  const unfinished = rows.find(row => !row.finished);
  if (unfinished !== undefined)
    throw new MigrationError(
      'migration_blocked',
      `Migration ${unfinished.migration_name} was begun and never finished: put the database right by hand, ` +
        'then set rolled_back_at (to run it again) or finished_at (it is done) in its row of _prisma_migrations',
    );
  const known = new Map(rows.map(row => [row.migration_name, row.checksum]));
  const result: MigrationResult = { applied: [], edited: [] };
  for (const migration of migrations) {
    const checksum = known.get(migration.name);
    if (checksum === undefined) {
      await apply(client, migration);
      result.applied.push(migration.name);
    } else if (checksum !== migration.checksum) result.edited.push(migration.name);
  }
  return result;
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  const isTransactional = !/\bconcurrently\b/i.test(migration.sql.replaceAll(/--.*$/gm, ''));
  const id = randomUUID();
  try {
    if (isTransactional) await client.query('begin');
    await client.query('insert into _prisma_migrations (id, checksum, migration_name) values ($1, $2, $3)', [
      id,
      migration.checksum,
      migration.name,
    ]);
    // One simple query: Postgres splits the statements itself, so functions and quoted semicolons are safe.
    await client.query(migration.sql);
    await client.query('update _prisma_migrations set finished_at = now(), applied_steps_count = 1 where id = $1', [
      id,
    ]);
    if (isTransactional) await client.query('commit');
  } catch (cause) {
    if (isTransactional) await client.query('rollback').catch(() => undefined);
    else
      await client
        .query('update _prisma_migrations set logs = $2 where id = $1', [id, String(cause)])
        .catch(() => undefined);
    throw new MigrationError('migration_failed', describe(migration, cause), { cause });
  }
}

function describe(migration: Migration, cause: unknown): string {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const position = cause instanceof pg.DatabaseError ? Number(cause.position) : Number.NaN;
  const line = Number.isInteger(position) ? migration.sql.slice(0, position).split('\n').length : undefined;
  return `Migration ${migration.name} failed${line === undefined ? '' : ` at line ${line}`}: ${reason}`;
}
