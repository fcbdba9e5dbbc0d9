import path from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { applyMigrations } from '@signpost/stores';
import { type Receiver, startReceiver, startTestPostgres, waitFor } from '@signpost/testing';
import { type Installation, type InstallationOptions, startInstallation } from './support/installation.ts';
import { publishMany, receivedIds, waitUntilNothingPends, waitUntilReceived } from './support/publish-many.ts';

let signpost: Installation;
let receiver: Receiver;
const start = async (options: InstallationOptions = {}): Promise<void> => {
  receiver = await startReceiver();
  signpost = await startInstallation(options);
};
afterEach(async () => {
  await receiver.close();
  await signpost.close();
}, 60_000);

/** The proof after every fault: what was accepted is what arrived, and each delivery has exactly one final state. */
async function expectNothingLost(published: readonly string[]): Promise<void> {
  await waitUntilReceived(receiver, published, 60_000);
  await waitUntilNothingPends(signpost, 60_000);
  expect(receivedIds(receiver)).toEqual(new Set(published));
  const states = await signpost.query<{ status: string; deliveries: string; events: string }>(
    'select status, count(*) as deliveries, count(distinct event_id) as events from deliveries group by status',
  );
  const all = String(published.length);
  expect(states).toEqual([{ status: 'succeeded', deliveries: all, events: all }]);
}

describe('Redis', () => {
  test('stopped while events are published: still 202, each within a second, and all are delivered when it is back', async () => {
    await start();
    await signpost.createWebhook({ url: receiver.url });
    const before = await publishMany(signpost, 50);
    await waitUntilReceived(receiver, before, 20_000);
    await signpost.redis.kill();
    const during: string[] = [];
    for (let n = 0; n < 20; n += 1) {
      const answer = await fetch(`${signpost.api.url}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${signpost.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ event_type: 'call.ended', data: { n } }),
        signal: AbortSignal.timeout(1000),
      });
      expect(answer.status).toBe(202);
      during.push(((await answer.json()) as { id: string }).id);
    }
    await signpost.redis.restart();
    await expectNothingLost([...before, ...during]);
  }, 90_000);

  test('frozen while events are published: still 202', async () => {
    await start();
    await signpost.createWebhook({ url: receiver.url });
    signpost.redis.pause();
    const published = await publishMany(signpost, 200);
    signpost.redis.resume();
    await expectNothingLost(published);
  }, 90_000);

  test('wiped with 500 delayed retries: each resumes at its due time', async () => {
    await start();
    receiver.answerWith((_request, index) => ({ status: index < 500 ? 503 : 204 }));
    await signpost.createWebhook({ url: receiver.url, retry_schedule: [6, 6, 6] });
    const published = await publishMany(signpost, 500);
    await receiver.waitForRequests(500, 30_000);
    const recorded = async () =>
      (await signpost.query('select 1 from deliveries where attempt_count = 1')).length === 500;
    await waitFor(recorded, { timeoutMs: 20_000, description: 'all first attempts are recorded' });
    const due = new Map(
      (
        await signpost.query<{ id: string; due: Date }>('select event_id as id, next_attempt_at as due from deliveries')
      ).map(row => [row.id, row.due.getTime()]),
    );
    const { Redis } = await import('ioredis');
    const redis = new Redis(signpost.redis.url);
    await redis.flushall();
    redis.disconnect();
    await expectNothingLost(published);
    const attempts = await signpost.query<{ event_id: string; started_at: Date; number: number }>(
      `select d.event_id, a.started_at, a.number from attempts a join deliveries d on d.id = a.delivery_id where a.number > 1`,
    );
    expect(attempts).toHaveLength(500);
    const latenessMs = attempts.map(attempt => attempt.started_at.getTime() - (due.get(attempt.event_id) ?? 0));
    expect(Math.min(...latenessMs)).toBeGreaterThan(-50);
    // Not a measurement: without the rebuild they would come the lease and a round late, 2.2 s here, at the least.
    expect(latenessMs.filter(late => late < 2000).length).toBeGreaterThan(450);
  }, 90_000);

  test('wiped while 500 events are under way: none is lost', async () => {
    await start();
    await signpost.createWebhook({ url: receiver.url });
    const published = await publishMany(signpost, 500);
    const { Redis } = await import('ioredis');
    const redis = new Redis(signpost.redis.url);
    await redis.flushall();
    redis.disconnect();
    await expectNothingLost(published);
  }, 90_000);
});

describe('Postgres', () => {
  test('stopped while events are published: 503 with Retry-After, then all goes on; what was accepted is delivered', async () => {
    // What is acknowledged is with the operating system at least: it survives the death of the server.
    const postgres = await startTestPostgres({ settings: { synchronous_commit: 'on' } });
    await applyMigrations(postgres.url, path.resolve('prisma/migrations'));
    await start({ databaseUrl: postgres.url });
    try {
      await signpost.createWebhook({ url: receiver.url });
      const before = await publishMany(signpost, 300);
      await postgres.kill();
      // A session that outlives the server by a moment may still commit: what it accepted counts as accepted.
      const refused = await waitFor(
        async () => {
          const answer = await signpost.call('POST', '/v1/events', { event_type: 'call.ended', data: {} });
          if (answer.status === 202) before.push(answer.body.id);
          return answer.status === 202 ? null : answer;
        },
        { description: 'publishing is refused' },
      );
      expect(refused).toMatchObject({ status: 503, body: { code: 'store_unavailable' } });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await signpost.call('GET', '/health/ready')).status).toBe(503);
      expect((await signpost.call('GET', '/health/live')).status).toBe(200);
      await postgres.start();
      await waitFor(async () => (await signpost.call('GET', '/health/ready')).status === 200, {
        timeoutMs: 20_000,
        description: 'the API is ready again',
      });
      const after = await publishMany(signpost, 20);
      await expectNothingLost([...before, ...after]);
    } finally {
      await signpost.api.stop();
      await Promise.all(signpost.dispatchers.map(dispatcher => dispatcher.stop()));
      await postgres.remove();
    }
  }, 120_000);
});

describe('dispatchers', () => {
  test('killed with 500 deliveries in flight: another takes them up, and every event arrives', async () => {
    await start({ dispatchers: 0, environment: { DISPATCHER_CONCURRENCY: '500' } });
    let release = (): void => {};
    const held = new Promise<void>(resolve => {
      release = resolve;
    });
    receiver.answerWith(() => ({ delay: held }));
    await signpost.createWebhook({ url: receiver.url, timeout_ms: 30_000 });
    const victim = await signpost.addDispatcher();
    const published = await publishMany(signpost, 500);
    await receiver.waitForRequests(500, 30_000);
    await victim.kill();
    receiver.answerWith(() => ({}));
    release();
    await signpost.addDispatcher();
    await expectNothingLost(published);
  }, 120_000);

  test('two side by side share the work; nothing is made twice', async () => {
    await start({ dispatchers: 2 });
    await signpost.createWebhook({ url: `${receiver.url}/a` });
    await signpost.createWebhook({ url: `${receiver.url}/b`, events: ['call.*'] });
    const published = await publishMany(signpost, 1000);
    await waitUntilReceived(receiver, published, 60_000);
    await waitUntilNothingPends(signpost, 60_000);
    expect(receiver.requests).toHaveLength(2000);
    expect(await signpost.query('select status, count(*)::int from deliveries group by status')).toEqual([
      { status: 'succeeded', count: 2000 },
    ]);
  }, 90_000);

  test('one that is asked to stop finishes what it has begun', async () => {
    await start();
    let release = (): void => {};
    const held = new Promise<void>(resolve => {
      release = resolve;
    });
    receiver.answerWith(() => ({ delay: held }));
    await signpost.createWebhook({ url: receiver.url });
    const published = await publishMany(signpost, 100);
    await receiver.waitForRequests(100, 20_000);
    const stopped = signpost.dispatchers[0]?.stop();
    release();
    expect(await stopped).toBe(0);
    await waitUntilNothingPends(signpost, 1000);
    expect(receiver.requests).toHaveLength(100);
    expect(receivedIds(receiver)).toEqual(new Set(published));
  }, 60_000);
});
