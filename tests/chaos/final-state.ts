import { waitFor } from '@signpost/testing';
import { openQueueAudit } from '@signpost/queue';
import { formatId } from '@signpost/runtime';
import { findingLines } from '../../scripts/audit/report.ts';
import { runAudit } from '../../scripts/audit/run-audit.ts';
import type { ChaosSystem } from './system.ts';

/** How the deliveries stand when nothing is pending any more. */
export interface FinalState {
  readonly deliveries: number;
  readonly attempts: number;
  /** Deliveries by status, without `succeeded`, which all should be. */
  readonly notSucceeded: readonly string[];
  /** Deliveries that ended more than once, or were never seen to end. */
  readonly endedTwice: readonly string[];
  /** Findings of `npm run audit`, with the ids of their examples. */
  readonly findings: readonly string[];
}

/** @throws where something is still pending after `timeoutMs`, with what it is */
export async function waitUntilSettled(system: ChaosSystem, timeoutMs: number): Promise<void> {
  const { pool, url } = system.postgres;
  const open = async () => {
    const { rows } = await pool.query<{ events: number; deliveries: number }>(
      `select (select count(*)::int from pending_fan_outs) as events,
         (select count(*)::int from deliveries where status = 'pending') as deliveries`,
    );
    return rows[0] as { events: number; deliveries: number };
  };
  await waitFor(async () => Object.values(await open()).every(count => count === 0), {
    timeoutMs,
    intervalMs: 250,
    description: 'nothing is pending',
  }).catch(async (cause: unknown) => {
    const { events, deliveries } = await open();
    const { rows } = await pool.query(
      `select d.id, d.status, d.attempt_count, d.scheduled_attempt_count, d.next_attempt_at, clock_timestamp() as now
       from deliveries d where status = 'pending' order by next_attempt_at limit 10`,
    );
    const text = `After ${timeoutMs / 1000} s of peace ${events} events are not fanned out and ${deliveries} deliveries pend:`;
    throw new Error([text, ...rows.map(row => JSON.stringify(row))].join('\n'), { cause });
  });
  const queue = await openQueueAudit(system.redis.url);
  try {
    await waitFor(() => queue.isComplete(), { timeoutMs, intervalMs: 100, description: `Redis is filled (${url})` });
  } finally {
    queue.close();
  }
}

export async function readFinalState(system: ChaosSystem): Promise<FinalState> {
  const { pool } = system.postgres;
  const count = async (sql: string) => (await pool.query<{ count: number }>(sql)).rows[0]?.count ?? 0;
  const notSucceeded = await pool.query<{ id: string; status: string }>(
    `select id, status from deliveries where status <> 'succeeded' order by id limit 50`,
  );
  const endedTwice = await pool.query<{ id: string; ends: string }>(
    `select d.id, coalesce(string_agg(e.status, ', ' order by e.at), 'never') as ends
     from deliveries d left join chaos_ends e on e.delivery_id = d.id
     group by d.id having count(e.delivery_id) <> 1 order by d.id limit 50`,
  );
  const audit = await runAudit(
    { databaseUrl: system.postgres.url, redisUrl: system.redis.url },
    { sinceMs: null, untilMs: null, workspaceId: null, lateEventsMs: 1000, lateDeliveriesMs: 1000, changeMarginMs: 0 },
  );
  return {
    deliveries: await count('select count(*)::int as count from deliveries'),
    attempts: await count('select count(*)::int as count from attempts'),
    notSucceeded: notSucceeded.rows.map(({ id, status }) => `${formatId('delivery', id)} is ${status}`),
    endedTwice: endedTwice.rows.map(({ id, ends }) => `${formatId('delivery', id)} ended: ${ends}`),
    findings: audit.findings.map(finding => findingLines(finding).join('\n')),
  };
}

/** The rows of an event's delivery to a webhook, for whoever looks for the cause. */
export async function describeDelivery(system: ChaosSystem, eventUuid: string, webhookUuid: string): Promise<string> {
  const { rows } = await system.postgres.pool.query<{ row: unknown }>(
    `select json_build_object('waits_in_outbox', exists (select from pending_fan_outs where event_id = $1),
       'delivery', (select to_json(d) from deliveries d where d.event_id = $1 and d.webhook_id = $2),
       'attempts', (select json_agg(json_build_object('number', a.number, 'trigger', a.trigger, 'started_at', a.started_at,
           'status', a.status, 'response_code', a.response_code, 'error_code', a.error_code) order by a.number)
         from deliveries d join attempts a on a.delivery_id = d.id where d.event_id = $1 and d.webhook_id = $2)) as row`,
    [eventUuid, webhookUuid],
  );
  return JSON.stringify(rows[0]?.row);
}
