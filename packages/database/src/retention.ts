import type { Database } from './database.ts';

/** Makes the day partitions from yesterday to `daysAhead`, where they are missing. */
export async function ensurePartitions(database: Database, daysAhead: number): Promise<void> {
  await database.pool.query(
    `select ensure_day_partitions((current_timestamp at time zone 'UTC')::date + n) from generate_series(-1, $1::int) as n`,
    [daysAhead],
  );
}

/**
 * Drops the partitions of days that ended more than `retentionDays` ago, attempts before deliveries before events.
 *
 * @returns the names of the dropped tables
 */
export async function dropExpiredPartitions(database: Database, retentionDays: number): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent in ('attempts'::regclass, 'deliveries'::regclass, 'events'::regclass)
       and c.relname ~ '_[0-9]{8}$'
       and to_date(right(c.relname, 8), 'YYYYMMDD') < (current_timestamp at time zone 'UTC')::date - $1::int
     order by split_part(c.relname, '_', 1), c.relname`,
    [retentionDays],
  );
  // The names come from the catalogue and fit the pattern above: nothing in them needs quoting.
  for (const { name } of rows) await database.pool.query(`drop table if exists ${name}`);
  return rows.map(row => row.name);
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
