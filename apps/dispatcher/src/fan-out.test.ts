import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Database, insertEvents, listUnfannedEvents, openDatabase } from '@signpost/database';
import { createJobProducer, type JobProducer } from '@signpost/queue';
import { createLogger, makeUuid, systemClock } from '@signpost/runtime';
import { createTestDatabase, startTestRedis, type TestDatabase, type TestRedis } from '@signpost/testing';
import { createCounts } from './dispatcher-metrics.ts';
import { createFanOut } from './fan-out.ts';
import { newEvent } from './new-event.fixture.ts';

let testDatabase: TestDatabase;
let database: Database;
let redis: TestRedis;
let producer: JobProducer;
beforeAll(async () => {
  [testDatabase, redis] = await Promise.all([createTestDatabase(), startTestRedis()]);
  database = openDatabase({
    url: testDatabase.url,
    maxConnections: 2,
    maxHotConnections: 2,
    onConnectionError: () => {},
  });
  producer = createJobProducer({ redisUrl: redis.url, onError: () => {} });
});
afterAll(async () => {
  await producer.close();
  await database.close();
  await redis.stop();
  await testDatabase.drop();
});

const newId = (): string => makeUuid(systemClock.nowMs());

/** A workspace with one webhook for everything, and an event that was just accepted. */
async function makeEvent(): Promise<{ workspaceId: string; eventId: string }> {
  const workspaceId = newId();
  const event = newEvent(workspaceId);
  await database.pool.query('insert into workspaces (id, name) values ($1, $2)', [workspaceId, workspaceId]);
  await database.pool.query(
    `insert into webhooks (id, workspace_id, url, event_types) values ($1, $2, 'https://example.com', '{*}')`,
    [newId(), workspaceId],
  );
  await insertEvents(database, [event]);
  return { workspaceId, eventId: event.id };
}

const setEventTypes = (workspaceId: string, eventTypes: string) =>
  database.pool.query(
    `with changed as (update webhooks set event_types = '${eventTypes}' where workspace_id = $1)
     update workspaces set webhooks_revision = webhooks_revision + 1 where id = $1`,
    [workspaceId],
  );
const deliveriesOf = async (eventId: string): Promise<number> =>
  (await database.pool.query('select 1 from deliveries where event_id = $1', [eventId])).rowCount ?? 0;

test('webhooks of workspaces are kept while there is room for them, by their size', async () => {
  const logger = createLogger('dispatcher', 'silent');
  const deliveriesOfNext = async (fanOut: ReturnType<typeof createFanOut>, workspaceId: string): Promise<number> => {
    const event = newEvent(workspaceId);
    await insertEvents(database, [event]);
    await fanOut.run([event.id]);
    return deliveriesOf(event.id);
  };
  // Nobody changes webhooks like this, without a new revision: who still gets the event goes by what was kept.
  const forgetsAfter = async (maxCachedCharacters: number, others: number): Promise<boolean> => {
    const fanOut = createFanOut({ database, producer, counts: createCounts(), logger, maxCachedCharacters });
    const { workspaceId } = await makeEvent();
    expect(await deliveriesOfNext(fanOut, workspaceId)).toBe(1);
    for (let n = 0; n < others; n += 1) {
      const other = await makeEvent();
      await database.pool.query('update webhooks set event_types = $2 where workspace_id = $1', [
        other.workspaceId,
        Array.from({ length: 100 }, (_, index) => `${'long'.repeat(20)}.${index}`),
      ]);
      expect(await deliveriesOfNext(fanOut, other.workspaceId)).toBe(0);
    }
    await database.pool.query(`update webhooks set event_types = '{other}' where workspace_id = $1`, [workspaceId]);
    return (await deliveriesOfNext(fanOut, workspaceId)) === 0;
  };
  expect(await forgetsAfter(20_000, 1)).toBe(false);
  expect(await forgetsAfter(20_000, 3)).toBe(true);
  // One that alone is too large is not kept at all, and fanned out all the same.
  expect(await forgetsAfter(500, 0)).toBe(true);
  await database.pool.query('delete from pending_fan_outs');
});

test('an event that breaks our code holds up no other, waits longer each time, and is fanned out when the fault is gone', async () => {
  const [bad, good] = [await makeEvent(), await makeEvent()];
  // What no API takes, and what matching cannot read.
  await setEventTypes(bad.workspaceId, '{NULL}');
  const counts = createCounts();
  const lines: string[] = [];
  const logger = createLogger('dispatcher', 'error', { write: line => void lines.push(line) });
  const fanOut = createFanOut({ database, producer, counts, logger });
  await fanOut.run([bad.eventId, good.eventId]);

  expect(await deliveriesOf(good.eventId)).toBe(1);
  expect(await deliveriesOf(bad.eventId)).toBe(0);
  expect(counts).toMatchObject({ eventsFannedOut: 1, fanOutFaults: 1 });
  expect(lines).toEqual([expect.stringContaining('event.fan_out_broke')]);
  // Neither the repairer nor a job that names it touches it before its time.
  expect(await listUnfannedEvents(database, 0, 10)).toEqual([]);
  await fanOut.run([bad.eventId]);
  expect(counts.fanOutFaults).toBe(1);

  const waits: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const { rows } = await database.pool.query<{ wait: number }>(
      `update pending_fan_outs p set retry_at = clock_timestamp() - interval '1 second' from pending_fan_outs old
       where old.event_id = p.event_id returning extract(epoch from old.retry_at - clock_timestamp())::float8 as wait`,
    );
    waits.push(Math.round((rows[0]?.wait ?? 0) / 10) * 10);
    await fanOut.run([bad.eventId]);
  }
  expect(waits).toEqual([10, 20, 40]);

  await setEventTypes(bad.workspaceId, '{*}');
  await database.pool.query("update pending_fan_outs set retry_at = clock_timestamp() - interval '1 second'");
  await fanOut.run(await listUnfannedEvents(database, 0, 10));
  expect(await deliveriesOf(bad.eventId)).toBe(1);
  expect((await database.pool.query('select 1 from pending_fan_outs')).rowCount).toBe(0);
});
