import type { PoolClient } from 'pg';
import { type FindingKind, type FindingLog, maxExamples } from './findings.ts';

/** How long something may wait before it counts as late, in ms. */
export interface LatenessBounds {
  /** An event in the outbox. A manual retry, too. */
  readonly eventMs: number;
  /** A delivery beyond its due time. */
  readonly deliveryMs: number;
}

interface LateRow {
  readonly id: string;
  readonly lateMs: number;
  /** Of all, not only of those returned. */
  readonly total: number;
}

const lateQueries: readonly {
  kind: FindingKind;
  bound: keyof LatenessBounds;
  names: 'event' | 'delivery';
  sql: string;
}[] = [
  {
    kind: 'event_late',
    bound: 'eventMs',
    names: 'event',
    sql: `select p.event_id as id, p.created_at as since from pending_fan_outs p
        where p.created_at < clock_timestamp() - $1 * interval '1 millisecond' and ($2::uuid is null
          or exists (select from events e where e.id = p.event_id and e.workspace_id = $2))`,
  },
  {
    kind: 'delivery_late',
    bound: 'deliveryMs',
    names: 'delivery',
    sql: `select id, next_attempt_at as since from deliveries
        where status = 'pending' and not test and next_attempt_at < clock_timestamp() - $1 * interval '1 millisecond'
          and ($2::uuid is null or workspace_id = $2)`,
  },
  {
    kind: 'manual_retry_late',
    bound: 'eventMs',
    names: 'delivery',
    sql: `select id, manual_retry_at as since from deliveries
        where manual_retry_at < clock_timestamp() - $1 * interval '1 millisecond'
          and ($2::uuid is null or workspace_id = $2)`,
  },
];

/** Looks for what waits too long, whenever it was accepted. */
export async function findLateWork(
  client: Pick<PoolClient, 'query'>,
  bounds: LatenessBounds,
  workspaceId: string | null,
  log: FindingLog,
): Promise<void> {
  for (const { kind, bound, names, sql } of lateQueries) {
    const { rows } = await client.query<LateRow>(
      `select id, (extract(epoch from clock_timestamp() - since) * 1000)::float8 as "lateMs",
         (count(*) over ())::int as total
       from (${sql}) as late order by since limit ${maxExamples}`,
      [bounds[bound], workspaceId],
    );
    log.addMany(
      kind,
      rows[0]?.total ?? 0,
      rows.map(row => ({ [names]: row.id, detail: `${Math.round(row.lateMs / 1000)} s` })),
    );
  }
}
