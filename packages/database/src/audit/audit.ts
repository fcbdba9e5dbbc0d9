import type { PoolClient } from 'pg';
import type { Database } from '../database.ts';
import { idRange, millisecondRange } from '../id-range.ts';
import { type AuditRules, compareWindow, type WindowRows } from './compare-window.ts';
import { createFindingLog, type Finding } from './findings.ts';
import { findLateWork, type LatenessBounds } from './late-work.ts';
import {
  type AuditedWebhook,
  readDeliveries,
  readDroppedDays,
  readEvents,
  readOrphanedAttempts,
  readRevisions,
  readWebhookOwners,
  readWebhooks,
  type Window,
} from './window-rows.ts';

export interface AuditOptions {
  readonly rules: AuditRules;
  readonly lateness: LatenessBounds;
  /** Unix milliseconds of the events, as their ids carry it; null: no bound. */
  readonly sinceMs: number | null;
  /** Not included. */
  readonly untilMs: number | null;
  /** Null: every workspace. */
  readonly workspaceId: string | null;
  /** Rows of events, and of deliveries, that one transaction reads. Default 2000. */
  readonly windowRows?: number;
}

export interface AuditReport {
  readonly windows: number;
  readonly events: number;
  /** Of these, those that still stand in the outbox. */
  readonly eventsWaiting: number;
  readonly deliveries: number;
  readonly attempts: number;
  /** Pairs of an event and a webhook that matched and has not changed since before the event. */
  readonly expectedDeliveries: number;
  readonly findings: readonly Finding[];
}

const defaultWindowRows = 2000;
/** A window reads some thousand rows by their keys: one that takes longer is a burden to the installation. */
const windowTimeoutMs = 20_000;
const lockTimeoutMs = 2000;

/**
 * Compares what was accepted with what was made of it, on a live installation. Reads only: a role that may do nothing
 * but select will do. Goes over the ids in windows of a bounded number of rows, each in a transaction of its own that
 * sees one moment: one long transaction would hold up vacuum and retention.
 *
 * @throws the driver's errors
 */
export async function auditDatabase(database: Database, options: AuditOptions): Promise<AuditReport> {
  const log = createFindingLog();
  const webhooks = createWebhookCache();
  const totals = { windows: 0, events: 0, eventsWaiting: 0, deliveries: 0, attempts: 0, expectedDeliveries: 0 };
  const range = idRange(options.sinceMs, options.untilMs);
  let from = range.from ?? '00000000-0000-0000-0000-000000000000';
  const before = range.before ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  while (from < before) {
    const window = await inSnapshot(database, async client => {
      const bounds = await chooseWindow(client, { from, before }, options);
      const { rows, orphans, attempts } = await readWindow(client, bounds, options, webhooks);
      totals.expectedDeliveries += compareWindow(rows, options.rules, log);
      for (const { deliveryId, attempts: count } of orphans)
        if (!rows.lacks('deliveries', deliveryId))
          log.add('attempt_without_delivery', { delivery: deliveryId, detail: `${count} attempts` });
      totals.events += rows.events.length;
      totals.eventsWaiting += rows.events.filter(event => event.waits).length;
      totals.deliveries += rows.deliveries.length;
      totals.attempts += attempts;
      return bounds;
    });
    totals.windows += 1;
    from = window.before;
  }
  await inSnapshot(database, client => findLateWork(client, options.lateness, options.workspaceId, log));
  return { ...totals, findings: log.list() };
}

/** Runs `work` on one moment's state, in a transaction that cannot write. */
async function inSnapshot<T>(database: Database, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await database.pool.connect();
  let broken: Error | undefined;
  const noteBroken = (error: Error): void => {
    broken = error;
  };
  client.on('error', noteBroken);
  try {
    await client.query('begin transaction isolation level repeatable read read only');
    await client.query(`set local statement_timeout = ${windowTimeoutMs}`);
    await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
    // Every statement here reads a range of keys; without statistics yet, a plan would read whole partitions.
    await client.query('set local enable_seqscan = off');
    return await work(client);
  } finally {
    // Nothing was written: a rollback ends the transaction as well as a commit, also after an error.
    await client.query('rollback').catch(noteBroken);
    client.off('error', noteBroken);
    client.release(broken);
  }
}

/** The next ids that hold at most `windowRows` events and deliveries, whole milliseconds: one's deliveries are in the other's. */
async function chooseWindow(
  client: PoolClient,
  { from, before }: Window,
  { workspaceId, windowRows = defaultWindowRows }: AuditOptions,
): Promise<Window> {
  const beyond = (table: string) => `(select id from ${table} where id >= $1 and id < $2
    and ($3::uuid is null or workspace_id = $3) order by id offset $4 limit 1)`;
  const { rows } = await client.query<{ id: string | null }>(
    `select least(${beyond('events')}, ${beyond('deliveries')}) as id`,
    [from, before, workspaceId, windowRows],
  );
  const id = rows[0]?.id ?? null;
  if (id === null) return { from, before };
  const millisecond = millisecondRange(id);
  const cut = millisecond.from > from ? millisecond.from : millisecond.before;
  return { from, before: cut < before ? cut : before };
}

async function readWindow(client: PoolClient, window: Window, options: AuditOptions, cache: WebhookCache) {
  const events = await readEvents(client, window, options.workspaceId);
  const deliveries = await readDeliveries(client, window, options.workspaceId);
  const orphans = options.workspaceId === null ? await readOrphanedAttempts(client, window) : [];
  const workspaceIds = new Set([...events, ...deliveries].map(row => row.workspaceId));
  const webhooks = await cache.read(client, [...workspaceIds]);
  const webhookOwners = await readWebhookOwners(client, [...new Set(deliveries.map(each => each.webhookId))]);
  const dropped = await readDroppedDays(client);
  const rows: WindowRows = {
    events,
    deliveries,
    webhooks,
    webhookOwners,
    lacks: (table, id) => dropped[table].has(dayOf(id)),
  };
  return { rows, orphans, attempts: deliveries.reduce((sum, delivery) => sum + delivery.attempts, 0) };
}

/** The day of an id's partition: `20261121`. */
function dayOf(id: string): string {
  const ms = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return new Date(ms).toISOString().slice(0, 10).replaceAll('-', '');
}

interface WebhookCache {
  read(client: PoolClient, workspaceIds: readonly string[]): Promise<Map<string, readonly AuditedWebhook[]>>;
}

/** Webhooks by workspace, kept under the workspace's revision: few workspaces change between two windows. */
function createWebhookCache(): WebhookCache {
  const known = new Map<string, { revision: string; webhooks: readonly AuditedWebhook[] }>();
  return {
    async read(client, workspaceIds) {
      const revisions = await readRevisions(client, workspaceIds);
      const changed = [...revisions].filter(([id, revision]) => known.get(id)?.revision !== revision);
      const loaded =
        changed.length === 0
          ? []
          : await readWebhooks(
              client,
              changed.map(([id]) => id),
            );
      const byWorkspace = Map.groupBy(loaded, webhook => webhook.workspaceId);
      for (const [id, revision] of changed) known.set(id, { revision, webhooks: byWorkspace.get(id) ?? [] });
      return new Map([...revisions.keys()].map(id => [id, known.get(id)?.webhooks ?? []]));
    },
  };
}
