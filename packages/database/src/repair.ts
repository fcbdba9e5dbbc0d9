import type { Database } from './database.ts';

/** Work of the repairer, done by one dispatcher at a time. */
const repairLockKey = 7_272_001;

/**
 * Runs `work` if no other process is running it: a session's advisory lock, which Postgres frees when the process dies.
 *
 * @returns what `work` returns, or null where another process has the lock
 */
export async function withRepairLock<T>(database: Database, work: () => Promise<T>): Promise<T | null> {
  const client = await database.pool.connect();
  let broken: Error | undefined;
  // Nobody else listens on a connection that is lent: Postgres cutting it between two statements would end the process.
  const noteBroken = (error: Error): void => {
    broken = error;
  };
  client.on('error', noteBroken);
  try {
    const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [
      repairLockKey,
    ]);
    if (rows[0]?.locked !== true) return null;
    try {
      return await work();
    } finally {
      // If the lock cannot be given back, the connection is thrown away, and the lock with it.
      await client.query('select pg_advisory_unlock($1)', [repairLockKey]).catch(noteBroken);
    }
  } finally {
    client.off('error', noteBroken);
    client.release(broken);
  }
}

/** Events in the outbox for longer than `graceMs`, oldest first, but for those that wait after a fault. */
export async function listUnfannedEvents(database: Database, graceMs: number, limit: number): Promise<string[]> {
  const { rows } = await database.pool.query<{ event_id: string }>(
    `select event_id from pending_fan_outs where created_at <= clock_timestamp() - $1 * interval '1 millisecond'
       and (retry_at is null or retry_at <= clock_timestamp())
     order by event_id limit $2`,
    [graceMs, limit],
  );
  return rows.map(row => row.event_id);
}

/** A pending delivery, and how long until it is due, in ms; negative when overdue. */
export interface PendingDelivery {
  readonly id: string;
  readonly dueInMs: number;
  readonly scheduledAttemptCount: number;
}

/** Where a walk over pending deliveries goes on: behind this due time and id. */
export interface PendingCursor {
  readonly dueAt: string;
  readonly id: string;
}

/**
 * A page of the pending deliveries by due time. Test sends are left out: they are made once or never.
 *
 * @param dueWithinMs only those due up to this from now; negative: overdue by at least that
 * @param after null for the first page
 */
export async function listPendingDeliveries(
  database: Database,
  dueWithinMs: number,
  after: PendingCursor | null,
  limit: number,
): Promise<{ deliveries: PendingDelivery[]; next: PendingCursor | null }> {
  const { rows } = await database.pool.query<PendingDelivery & { dueAt: string }>(
    `select id, next_attempt_at::text as "dueAt", scheduled_attempt_count as "scheduledAttemptCount",
       (extract(epoch from next_attempt_at - clock_timestamp()) * 1000)::float8 as "dueInMs"
     from deliveries
     where status = 'pending' and not test and next_attempt_at <= clock_timestamp() + $1 * interval '1 millisecond'
       and ($2::timestamptz is null or (next_attempt_at, id) > ($2::timestamptz, $3::uuid))
     order by next_attempt_at, id limit $4`,
    [dueWithinMs, after?.dueAt ?? null, after?.id ?? null, limit],
  );
  const last = rows.length === limit ? rows.at(-1) : undefined;
  return { deliveries: rows, next: last === undefined ? null : { dueAt: last.dueAt, id: last.id } };
}

/** Deliveries whose manual retry was asked for more than `graceMs` ago and has not been made. */
export async function listOpenManualRetries(database: Database, graceMs: number, limit: number): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>(
    `select id from deliveries where manual_retry_at is not null
       and manual_retry_at <= clock_timestamp() - $1 * interval '1 millisecond'
     order by manual_retry_at limit $2`,
    [graceMs, limit],
  );
  return rows.map(row => row.id);
}

/** How long the oldest event in the outbox has waited for its fan-out, in ms; 0 when none does. */
export async function oldestUnfannedAgeMs(database: Database): Promise<number> {
  const { rows } = await database.pool.query<{ age: number | null }>(
    'select (extract(epoch from clock_timestamp() - min(created_at)) * 1000)::float8 as age from pending_fan_outs',
  );
  return Math.max(0, rows[0]?.age ?? 0);
}

/** How late the most overdue pending delivery is, in ms; 0 when none is. The one number to alert and to scale on. */
export async function oldestDueAgeMs(database: Database): Promise<number> {
  const { rows } = await database.pool.query<{ age: number | null }>(
    `select (extract(epoch from clock_timestamp() - min(next_attempt_at)) * 1000)::float8 as age
     from deliveries where status = 'pending' and not test`,
  );
  return Math.max(0, rows[0]?.age ?? 0);
}
