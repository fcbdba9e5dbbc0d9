import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Database, insertEvents, openDatabase } from '@signpost/database';
import { createLogger, makeUuid, systemClock } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { maintain } from './maintenance.ts';
import { newEvent } from './new-event.fixture.ts';
import { startRounds } from './rounds.ts';

let testDatabase: TestDatabase;
let database: Database;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase({
    url: testDatabase.url,
    maxConnections: 2,
    maxHotConnections: 2,
    onConnectionError: () => {},
  });
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const config = { RETENTION_DAYS: 30, IDEMPOTENCY_HOURS: 72, AUDIT_LOG_DAYS: 400 };

test('a day with work that is not done is told of once in each round, and dropped by the first one after it', async () => {
  const lines: unknown[] = [];
  const logger = createLogger('dispatcher', 'info', { write: line => void lines.push(JSON.parse(line)) });
  const event = { ...newEvent(makeUuid(systemClock.nowMs())), id: makeUuid(Date.parse('2020-05-01T12:00:00Z')) };
  await database.pool.query(`select ensure_day_partitions(day) from unnest('{2020-05-01,2020-05-02}'::date[]) day`);
  await insertEvents(database, [event]);
  const { signal } = new AbortController();
  const round = async (): Promise<unknown[]> => {
    lines.length = 0;
    await maintain({ database, config, logger, signal });
    return [...lines];
  };
  const postponed = { level: 'warn', msg: 'retention.postponed', days: ['20200501'] };
  expect(await round()).toMatchObject([{ msg: 'retention.applied', dropped: ['20200502'] }, postponed]);
  expect(await round()).toMatchObject([postponed]);
  await database.pool.query('delete from pending_fan_outs');
  expect(await round()).toMatchObject([{ msg: 'retention.applied', dropped: ['20200501'] }]);
  expect(await round()).toEqual([]);
});

test('a round that is running when its rounds are stopped is told so and waited for', async () => {
  let ended = false;
  const rounds = startRounds('long', 1, createLogger('dispatcher', 'silent'), async signal => {
    await new Promise(resolve => signal.addEventListener('abort', resolve));
    ended = true;
  });
  await rounds.stop();
  expect(ended).toBe(true);
});
