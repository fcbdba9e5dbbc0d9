import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeUuid, systemClock } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import {
  type Database,
  type DeliveryFilter,
  idRange,
  listAuditEntries,
  listDeliveries,
  listEvents,
  openDatabase,
  type PageRequest,
  type PageStart,
} from './index.ts';

let testDatabase: TestDatabase;
let database: Database;
const [small, large, webhookId, other] = Array.from({ length: 4 }, () => makeUuid(systemClock.nowMs())) as [
  string,
  string,
  string,
  string,
];

/** Of today in UTC, as the tables of a day have it: rows lie in them alike at any hour. */
const midnight = `date_trunc('day', current_timestamp, 'UTC')`;

/** Rows of three days, of which the small workspace has one in sixty, and one webhook half of the large one's. */
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase({
    url: testDatabase.url,
    maxConnections: 4,
    maxHotConnections: 2,
    onConnectionError: () => {},
  });
  const tables = [
    ['events (id, workspace_id, event_type, occurred_at, payload)', `'a', now(), repeat('x', 500)`],
    [
      'deliveries (id, workspace_id, event_id, event_type, status, webhook_id)',
      `id, 'a', 'succeeded', case n % 2 when 0 then '${webhookId}' else '${other}' end::uuid`,
    ],
    [
      'audit_log (id, workspace_id, actor_type, actor_name, action, resource_type, resource_id, changes)',
      `'system', 'test', 'workspace.updated', 'workspace', n, '{}'`,
    ],
  ];
  for (const [into, values] of tables)
    await database.pool.query(
      `insert into ${into} select id, workspace_id, ${values} from (
         select uuidv7_of(${midnight} + (n / 20000.0 - 1) * interval '1 day') as id,
           case n % 60 when 0 then $1 else $2 end::uuid as workspace_id, n
         from generate_series(1, 60000) as n) rows`,
      [small, large],
    );
  await database.pool.query('analyze');
}, 60_000);
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

/** Reads a page. @returns the plans of the statements that it ran */
async function plansOf(read: (recording: Database) => Promise<unknown>): Promise<string[]> {
  const statements: { readonly text: string; readonly values: unknown[] }[] = [];
  const query = (text: string, values: unknown[]) => {
    statements.push({ text, values: [...values] });
    return database.pool.query(text, values);
  };
  const pool = new Proxy(database.pool, {
    get: (target, name) => (name === 'query' ? query : Reflect.get(target, name)),
  });
  await read({ ...database, pool });
  const plans = [];
  for (const { text, values } of statements) {
    const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values);
    plans.push(rows.map(row => row['QUERY PLAN']).join('\n'));
  }
  return plans;
}

const ids = idRange(null, null);
const deliveries: DeliveryFilter = {
  webhookId: null,
  eventId: null,
  eventType: null,
  status: null,
  responseCode: null,
  ids,
};
type Read = (database: Database, page: PageRequest) => Promise<unknown>;
const lists: [name: string, index: string, Read][] = [
  [
    'events',
    'events_workspace_id_id_idx',
    (to, page) => listEvents(to, small, { eventType: null, subject: null, ids }, page, 4_000_000),
  ],
  ['deliveries', 'deliveries_workspace_id_id_idx', (to, page) => listDeliveries(to, small, deliveries, page)],
  [
    'deliveries of a webhook',
    'deliveries_webhook_id_id_idx',
    (to, page) => listDeliveries(to, large, { ...deliveries, webhookId }, page),
  ],
  [
    'audit log',
    'audit_log_workspace_id_id_idx',
    (to, page) =>
      listAuditEntries(to, small, { action: null, actorId: null, resourceType: null, resourceId: null, ids }, page),
  ],
];

/** Of partitions, the names without the day. */
const indexesOf = (plans: readonly string[]): Set<string> =>
  new Set(
    Array.from(plans.join('\n').matchAll(/using (\S+) on/g), ([, name = '']) => name.replace(/_(\d{8}|default)/, '')),
  );

test.each(lists)(
  '%s: a page is read in the order of an index, the same one in both directions: %s',
  async (_name, index, read) => {
    // In the middle, so that there is as much either way.
    const { rows } = await database.pool.query<{ key: string }>(
      `select uuidv7_of(${midnight} + interval '12 hours') as key`,
    );
    const key = rows[0]?.key as string;
    const plansOfPage = (direction: PageStart['direction']) =>
      plansOf(to => read(to, { limit: 20, start: { key, direction, inclusive: false } }));
    const [forward, backward] = [await plansOfPage('forward'), await plansOfPage('backward')];
    // The rows, and whether there are any on the other side.
    expect([forward.length, backward.length]).toEqual([2, 2]);
    expect(indexesOf(backward)).toEqual(indexesOf(forward));
    expect([...indexesOf(forward)]).toContain(index);
    for (const plan of [...forward, ...backward])
      expect(plan).not.toMatch(/ Sort {2}\(|^Sort {2}\(|Seq Scan on (events|deliveries|audit)/m);
  },
);
