import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type NewEvent, openDatabase, type Database } from '@signpost/database';
import { createLogger, makeUuid, systemClock } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi, type TestWorkspace } from '../test-api.ts';
import { createPublisher } from './publisher.ts';

let testDatabase: TestDatabase;
let database: Database;
let api: TestApi;
let workspace: TestWorkspace;
const logged: string[] = [];

// Validation lets through nothing that Postgres is known to refuse. This stands for what is not known yet: a data exception.
const unknownRule = `alter table events add check (1 / (case when subject = 'refused' then 0 else 1 end) = 1)`;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase({
    url: testDatabase.url,
    maxConnections: 1,
    maxHotConnections: 2,
    onConnectionError: () => {},
  });
  await database.pool.query(unknownRule);
  api = await startTestApi({ databaseUrl: testDatabase.url, onLogLine: line => logged.push(line) });
  workspace = await api.makeWorkspace();
});
afterAll(async () => {
  await api.close();
  await database.close();
  await testDatabase.drop();
});

const newEvent = (subject: string): NewEvent => ({
  id: makeUuid(systemClock.nowMs()),
  workspaceId: workspace.id,
  eventType: 'a.b',
  occurredAtMs: 0,
  payload: '1',
  metadata: null,
  subject,
  channels: [],
  idempotencyKey: null,
  fingerprint: Buffer.alloc(0),
});

test('an event that Postgres refuses is found by halving: the others of its commit are stored in few statements', async () => {
  const handedOver: string[] = [];
  const publisher = createPublisher({
    database,
    handOver: { add: ids => void handedOver.push(...ids), close: () => Promise.resolve() },
    logger: createLogger('api', 'silent'),
  });
  let statements = 0;
  database.hotPool.on('acquire', () => (statements += 1));
  const events = Array.from({ length: 200 }, (_, index) => newEvent(index === 77 ? 'refused' : 'good'));
  const outcomes = await Promise.all(events.map(event => publisher.publish(event)));
  await publisher.close();
  expect(outcomes.map(({ kind }) => kind)).toEqual(
    events.map(({ subject }) => (subject === 'good' ? 'accepted' : 'refused')),
  );
  const good = events.filter(({ subject }) => subject === 'good').map(({ id }) => id);
  const { rows } = await database.pool.query<{ id: string }>('select id from events where id = any($1)', [
    events.map(({ id }) => id),
  ]);
  expect(rows.map(({ id }) => id).toSorted()).toEqual(good.toSorted());
  expect(handedOver.toSorted()).toEqual(good.toSorted());
  // Each of eight halvings stores one half and tries the other.
  expect(statements).toBeLessThan(20);
});

test('its sender gets a 422, alone and in a batch, and the log says why', async () => {
  const event = { event_type: 'a.b', data: 1 };
  const alone = await api.call('POST /v1/events', { key: workspace.key, body: { ...event, subject: 'refused' } });
  expect([alone.status, alone.body.errors]).toEqual([
    422,
    [{ path: 'body', message: 'holds a value that cannot be stored' }],
  ]);
  const { status, body } = await api.call('POST /v1/events/batch', {
    key: workspace.key,
    body: { events: [event, { ...event, subject: 'refused' }, event] },
  });
  expect(status).toBe(202);
  expect(body.data).toEqual([
    { id: expect.stringMatching(/^evt_/), duplicate: false },
    {
      error: expect.objectContaining({
        code: 'validation_failed',
        errors: [expect.objectContaining({ path: 'body.events[1]' })],
      }),
    },
    { id: expect.stringMatching(/^evt_/), duplicate: false },
  ]);
  expect(
    logged.filter(line => line.includes('refused a validated event') && line.includes('division by zero')),
  ).toHaveLength(2);
});
