import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, fixedClock, type TestDatabase } from '@signpost/testing';
import { startTestApi } from './test-api.ts';

const clock = fixedClock(Date.parse('2026-11-21T12:00:00Z'));
let testDatabase: TestDatabase;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
});
afterAll(async () => {
  await testDatabase.drop();
});

test('429: a key above its limit, with the headers that say so; another key is not concerned', async () => {
  const limited = await startTestApi({ databaseUrl: testDatabase.url, requestsPerMinute: 3, clock });
  try {
    const [one, other] = [await limited.makeWorkspace(), await limited.makeWorkspace()];
    for (const left of [2, 1, 0]) {
      const { status, headers } = await limited.call('GET /v1/event-types', { key: one.key });
      expect([status, headers['ratelimit']]).toEqual([200, expect.stringContaining(`r=${left}`)]);
      expect(headers['ratelimit-policy']).toContain('q=3;w=60');
    }
    const refused = await limited.call('GET /v1/event-types', { key: one.key });
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
    expect(refused.headers['retry-after']).toBe('60');
    clock.advance(45_000);
    expect((await limited.call('GET /v1/event-types', { key: one.key })).headers['retry-after']).toBe('15');
    expect((await limited.call('GET /v1/event-types', { key: other.key })).status).toBe(200);
    clock.advance(15_000);
    expect((await limited.call('GET /v1/event-types', { key: one.key })).status).toBe(200);
  } finally {
    await limited.close();
  }
});

test('503: while Postgres is away, with Retry-After; live is live, ready is not', async () => {
  const cut = await startTestApi({ databaseUrl: 'postgresql://nobody@127.0.0.1:1/none' });
  try {
    const refused = await cut.call('GET /v1/event-types', { key: 'sk_live_any' });
    expect([refused.status, refused.body.code, refused.headers['retry-after']]).toEqual([
      503,
      'store_unavailable',
      '2',
    ]);
    expect((await cut.call('GET /health/live')).status).toBe(200);
    const ready = await cut.call('GET /health/ready');
    expect([ready.status, ready.body.status, ready.body.checks.postgres.status]).toEqual([503, 'not_ready', 'down']);
  } finally {
    await cut.close();
  }
});

test('500: an unexpected fault is logged, and its words stay inside', async () => {
  const logged: string[] = [];
  const broken = await startTestApi({ databaseUrl: testDatabase.url, onLogLine: line => logged.push(line) });
  try {
    const { key } = await broken.makeWorkspace();
    await broken.dependencies.database.pool.query('alter table event_types rename to hidden');
    const failed = await broken.call('GET /v1/event-types', { key, headers: { 'x-request-id': 'fault-1' } });
    await broken.dependencies.database.pool.query('alter table hidden rename to event_types');
    expect([failed.status, failed.body.code]).toEqual([500, 'internal']);
    expect(failed.text).not.toMatch(/event_types|select|\.ts/);
    expect(logged.find(line => line.includes('fault-1'))).toMatch(/"level":"error".*event_types/);
  } finally {
    await broken.close();
  }
});
