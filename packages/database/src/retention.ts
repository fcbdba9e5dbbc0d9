import type { Database } from './database.ts';
import { inTransaction } from './transaction.ts';

/**
 * A statement that wants a table for itself waits for those that use it, and all that come behind it wait for both. So it
 * gives up after this, in ms, lets the others pass, and tries again.
 */
const lockTimeoutMs = 100;
const lockTries = 10;
const pauseBetweenTriesMs = 400;
const lockNotAvailable = '55P03';

/** @returns false where the table was in use at every try. @throws what else the driver reports */
async function runWithShortLock(
  database: Database,
  tries: number,
  sql: string,
  values: unknown[] = [],
): Promise<boolean> {
  for (let made = 1; ; made += 1) {
    try {
      await inTransaction(database, async client => {
        await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
        await client.query(sql, values);
      });
      return true;
    } catch (error) {
      if ((error as { code?: unknown }).code !== lockNotAvailable) throw error;
      if (made === tries) return false;
      await new Promise(resolve => setTimeout(resolve, pauseBetweenTriesMs));
    }
  }
}

/**
 * Makes the day partitions from yesterday to `daysAhead`, where they are missing.
 *
 * @returns how many days could not be made now, because somebody reads the tables for long: there is a next time
 */
export async function ensurePartitions(database: Database, daysAhead: number): Promise<number> {
  let postponed = 0;
  for (let day = -1; day <= daysAhead; day += 1) {
    const made = await runWithShortLock(
      database,
      // Who reads one day for long reads the next for as long, most likely.
      postponed === 0 ? lockTries : 1,
      `select ensure_day_partitions((current_timestamp at time zone 'UTC')::date + $1::int)`,
      [day],
    );
    if (!made) postponed += 1;
  }
  return postponed;
}

/**
 * Drops the partitions of days that ended more than `retentionDays` ago, attempts before deliveries before events.
 *
 * @returns the names of the dropped tables, and of those that somebody reads for long: there is a next time
 */
export async function dropExpiredPartitions(
  database: Database,
  retentionDays: number,
): Promise<{ readonly dropped: readonly string[]; readonly postponed: readonly string[] }> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent in ('attempts'::regclass, 'deliveries'::regclass, 'events'::regclass)
       and c.relname ~ '_[0-9]{8}$'
       and to_date(right(c.relname, 8), 'YYYYMMDD') < (current_timestamp at time zone 'UTC')::date - $1::int
     order by split_part(c.relname, '_', 1), c.relname`,
    [retentionDays],
  );
  const dropped: string[] = [];
  const postponed: string[] = [];
  // The names come from the catalogue and fit the pattern above: nothing in them needs quoting.
  for (const { name } of rows) {
    const tries = postponed.length === 0 ? lockTries : 1;
    const isDropped = await runWithShortLock(database, tries, `drop table if exists ${name}`);
    (isDropped ? dropped : postponed).push(name);
  }
  return { dropped, postponed };
}

/** Forgets idempotency keys older than `hours`, in bites that hold no lock for long. @returns how many */
export async function deleteExpiredIdempotencyKeys(database: Database, hours: number): Promise<number> {
  for (let total = 0; ; ) {
    const { rowCount } = await database.pool.query(
      `delete from idempotency_keys where ctid = any(array(
         select ctid from idempotency_keys where created_at < current_timestamp - $1 * interval '1 hour' limit 5000))`,
      [hours],
    );
    total += rowCount ?? 0;
    if ((rowCount ?? 0) < 5000) return total;
  }
}

/** Forgets entries of the audit log older than `days`, oldest first, in bites that hold no lock for long. @returns how many */
export async function deleteExpiredAuditEntries(database: Database, days: number): Promise<number> {
  for (let total = 0; ; ) {
    const { rowCount } = await database.pool.query(
      `delete from audit_log where id = any(array(
         select id from audit_log where id < uuidv7_floor(current_timestamp - $1 * interval '1 day')
         order by id limit 5000))`,
      [days],
    );
    total += rowCount ?? 0;
    if ((rowCount ?? 0) < 5000) return total;
  }
}
