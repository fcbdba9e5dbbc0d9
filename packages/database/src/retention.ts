import type { PoolClient } from 'pg';
import type { Database } from './database.ts';
import { inTransaction } from './transaction.ts';

/**
 * A statement that wants a table for itself waits for those that use it, and all that come behind it wait for both. So it
 * gives up after this, in ms, lets the others pass, and tries again.
 */
const lockTimeoutMs = 100;
const lockTries = 10;
const pauseBetweenTriesMs = 400;
/** Dropping a day locks six tables. They are waited for together, and the dropping itself takes its time as well. */
const dayLockTimeoutMs = 50;
/** `lock_timeout` and `statement_timeout`. */
const lockTimeoutCodes = new Set<unknown>(['55P03', '57014']);
const noSuchTable = '42P01';

/** @returns null where the tables were in use at every try. @throws what else the driver reports */
async function withShortLock<T>(
  database: Database,
  tries: number,
  signal: AbortSignal | undefined,
  work: (client: PoolClient) => Promise<T>,
): Promise<T | null> {
  for (let made = 1; ; made += 1) {
    try {
      return await inTransaction(database, work);
    } catch (error) {
      if (!lockTimeoutCodes.has((error as { code?: unknown }).code)) throw error;
      if (made === tries || signal?.aborted === true) return null;
      await new Promise(resolve => setTimeout(resolve, pauseBetweenTriesMs));
    }
  }
}

/**
 * Makes the day partitions from yesterday to `daysAhead`, where they are missing.
 *
 * @param signal aborted: ends between two days
 * @returns how many days could not be made now, because somebody reads the tables for long: there is a next time
 */
export async function ensurePartitions(database: Database, daysAhead: number, signal?: AbortSignal): Promise<number> {
  let postponed = 0;
  for (let day = -1; day <= daysAhead && signal?.aborted !== true; day += 1) {
    // Who reads one day for long reads the next for as long, most likely.
    const made = await withShortLock(database, postponed === 0 ? lockTries : 1, signal, async client => {
      await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
      await client.query(`select ensure_day_partitions((current_timestamp at time zone 'UTC')::date + $1::int)`, [day]);
      return true;
    });
    if (made === null) postponed += 1;
  }
  return postponed;
}

/** Days, as `20261121`. */
export interface ExpiredDays {
  readonly dropped: readonly string[];
  /** Somebody reads them for long. */
  readonly inUse: readonly string[];
  /** They hold work that is not done: events in the outbox, pending deliveries, manual retries. */
  readonly unfinished: readonly string[];
}

/**
 * Drops the days that ended more than `retentionDays` ago. A day goes as a whole, its attempts, deliveries and events in
 * one step, so that no payload outlives what tells of it, and nobody sees a delivery whose event is gone. A day that
 * cannot go now stays for the next time.
 *
 * @param signal aborted: ends between two days
 */
export async function dropExpiredDays(
  database: Database,
  retentionDays: number,
  signal?: AbortSignal,
): Promise<ExpiredDays> {
  const { rows } = await database.pool.query<{ day: string; tables: string[] }>(
    `select right(c.relname, 8) as day, array_agg(c.relname::text order by c.relname) as tables
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent in ('attempts'::regclass, 'deliveries'::regclass, 'events'::regclass)
       and c.relname ~ '_[0-9]{8}$'
       and to_date(right(c.relname, 8), 'YYYYMMDD') < (current_timestamp at time zone 'UTC')::date - $1::int
     group by 1 order by 1`,
    [retentionDays],
  );
  const days = { dropped: [] as string[], inUse: [] as string[], unfinished: [] as string[] };
  for (const { day, tables } of rows) {
    if (signal?.aborted === true) break;
    const state = await dropDay(database, day, tables, days.inUse.length === 0 ? lockTries : 1, signal).catch(error => {
      // Another dispatcher was faster.
      if ((error as { code?: unknown }).code !== noSuchTable) throw error;
    });
    if (state !== undefined) days[state].push(day);
  }
  return days;
}

async function dropDay(
  database: Database,
  day: string,
  tables: readonly string[],
  tries: number,
  signal: AbortSignal | undefined,
): Promise<keyof ExpiredDays> {
  // First without a lock: a day may hold a delivery that is pending for weeks, and nobody shall wait for it each round.
  if (await inTransaction(database, client => hasUnfinishedWork(client, day, tables))) return 'unfinished';
  // The names come from the catalogue and fit its pattern: nothing in them needs quoting.
  const list = tables.join(', ');
  const state = await withShortLock(database, tries, signal, async client => {
    await client.query(
      `set local statement_timeout = ${dayLockTimeoutMs}; set local lock_timeout = ${dayLockTimeoutMs}`,
    );
    // A table that leaves its parent wants that for itself, too.
    await client.query(`lock table only deliveries, only attempts, only events, ${list} in access exclusive mode`);
    await client.query('set local statement_timeout to default');
    if (await hasUnfinishedWork(client, day, tables)) return 'unfinished';
    await client.query(`drop table ${list}`);
    return 'dropped';
  });
  return state ?? 'inUse';
}

/** Test sends do not count: nobody waits for one of long ago. */
async function hasUnfinishedWork(client: PoolClient, day: string, tables: readonly string[]): Promise<boolean> {
  // What is looked for is found by indexes of a few rows; stale statistics must not have a day of deliveries read.
  await client.query('set local enable_seqscan = off');
  const { rows: waiting } = await client.query(
    `select from pending_fan_outs
     where event_id >= uuidv7_floor($1::timestamp at time zone 'UTC')
       and event_id < uuidv7_floor(($1::timestamp + interval '1 day') at time zone 'UTC') limit 1`,
    [day],
  );
  if (waiting.length > 0) return true;
  const deliveries = `deliveries_${day}`;
  if (!tables.includes(deliveries)) return false;
  const { rows: open } = await client.query(
    `(select from ${deliveries} where status = 'pending' and not test limit 1) union all
     (select from ${deliveries} where manual_retry_at is not null limit 1)`,
  );
  return open.length > 0;
}

/** Forgets idempotency keys older than `hours`, in bites that hold no lock for long. @returns how many */
export async function deleteExpiredIdempotencyKeys(
  database: Database,
  hours: number,
  signal?: AbortSignal,
): Promise<number> {
  let total = 0;
  while (signal?.aborted !== true) {
    const { rowCount } = await database.pool.query(
      `delete from idempotency_keys where ctid = any(array(
         select ctid from idempotency_keys where created_at < current_timestamp - $1 * interval '1 hour' limit 5000))`,
      [hours],
    );
    total += rowCount ?? 0;
    if ((rowCount ?? 0) < 5000) break;
  }
  return total;
}

/** Forgets entries of the audit log older than `days`, oldest first, in bites that hold no lock for long. @returns how many */
export async function deleteExpiredAuditEntries(
  database: Database,
  days: number,
  signal?: AbortSignal,
): Promise<number> {
  let total = 0;
  while (signal?.aborted !== true) {
    const { rowCount } = await database.pool.query(
      `delete from audit_log where id = any(array(
         select id from audit_log where id < uuidv7_floor(current_timestamp - $1 * interval '1 day')
         order by id limit 5000))`,
      [days],
    );
    total += rowCount ?? 0;
    if ((rowCount ?? 0) < 5000) break;
  }
  return total;
}
