import { describe, expect, test } from '@jest/globals';
import { formatId } from '@signpost/runtime';
import { type ReceivedRequest, type TestRedis, waitFor } from '@signpost/testing';
import type { Installation } from '../support/installation.ts';
import { publishMany, waitUntilReceived } from '../support/publish-many.ts';
import { flushRedis } from './flush-redis.ts';
import { expectNothingLost } from './nothing-lost.ts';
import { useInstallation } from './use-installation.ts';

const start = useInstallation();

describe('Redis', () => {
  test('stopped while events are published: still 202, each within a second, and all are delivered when it is back', async () => {
    const { signpost, receiver } = await start();
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
    await expectNothingLost(signpost, receiver, [...before, ...during]);
  }, 90_000);

  test('killed while 10,000 events are published, and back with its append-only file: none is lost', async () => {
    const { signpost, receiver } = await start({ dispatchers: 2, persistentRedis: true });
    await signpost.createWebhook({ url: receiver.url });
    const published: string[] = [];
    let restarted: Promise<void> | undefined;
    const produce = async (): Promise<void> => {
      for (let n = 0; n < 25; n += 1) {
        published.push(...(await publishMany(signpost, 100)));
        if (published.length === 5000) restarted = signpost.redis.restart();
      }
    };
    await Promise.all([produce(), produce(), produce(), produce()]);
    await restarted;
    expect(published).toHaveLength(10_000);
    await expectNothingLost(signpost, receiver, published);
  }, 120_000);

  test('frozen for three leases while events are published: each is taken within a second and delivered once', async () => {
    const { signpost, receiver } = await start({ dispatchers: 2 });
    await signpost.createWebhook({ url: receiver.url });
    const published = await publishMany(signpost, 100);
    signpost.redis.pause();
    let slowestMs = 0;
    const frozenUntil = performance.now() + 6000;
    while (performance.now() < frozenUntil) {
      const startedAt = performance.now();
      published.push(await signpost.publish({ eventType: 'call.ended', data: {} }));
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    }
    signpost.redis.resume();
    expect(slowestMs).toBeLessThan(1000);
    expect(published.length).toBeGreaterThan(110);
    await expectNothingLost(signpost, receiver, published);
    expect(receiver.requests).toHaveLength(published.length);
  }, 90_000);

  test('frozen for longer than a lease while attempts are under way: their outcomes are kept, and each retry is made once', async () => {
    const { signpost, receiver } = await start({ dispatchers: 2 });
    let release = (): void => {};
    const held = new Promise<void>(resolve => {
      release = resolve;
    });
    receiver.answerWith((_request, index) => (index < 50 ? { delay: held, status: 503 } : {}));
    await signpost.createWebhook({ url: receiver.url, retry_schedule: [1, 1, 1] });
    const published = await publishMany(signpost, 50);
    await receiver.waitForRequests(50, 20_000);
    signpost.redis.pause();
    release();
    const overdue = `select from deliveries where attempt_count = 1 and next_attempt_at < clock_timestamp() - interval '2.5 seconds'`;
    await waitFor(async () => (await signpost.query(overdue)).length === 50, {
      timeoutMs: 20_000,
      description: 'all second attempts are overdue by more than a lease',
    });
    signpost.redis.resume();
    await expectNothingLost(signpost, receiver, published);
    // Their jobs count as stalled, but nobody takes their attempts for lost: they were recorded.
    const attempts = await signpost.query(
      `select attempts, count(*)::int as deliveries from (
         select array_agg(coalesce(error_code, 'none') order by number) as attempts from attempts
         group by delivery_id
       ) as each group by attempts`,
    );
    expect(attempts).toEqual([{ attempts: ['http_status', 'none'], deliveries: 50 }]);
    expect(receiver.requests).toHaveLength(100);
  }, 60_000);

  test.each<[string, (redis: TestRedis) => Promise<void>]>([
    ['wiped', redis => flushRedis(redis.url)],
    // Without a file: it comes back with nothing.
    ['killed and replaced by an empty one', redis => redis.restart()],
  ])(
    '%s with 1,000 deliveries due and 1,000 delayed: those due are made at once, the others at their time',
    async (_name, empty) => {
      const { signpost, receiver } = await start();
      const wait = 8;
      receiver.answerWith((_request, index) => ({ status: index < 1000 ? 503 : 204 }));
      await signpost.createWebhook({ url: receiver.url, retry_schedule: [wait, wait, wait] });
      const delayed = await publishMany(signpost, 1000);
      const allRecorded = async () =>
        (await signpost.query('select 1 from deliveries where attempt_count = 1')).length === 1000;
      await waitFor(allRecorded, { timeoutMs: 30_000, description: 'all first attempts are recorded' });
      const due = await dueTimes(signpost);
      const published = await publishMany(signpost, 1000);
      await empty(signpost.redis);
      const emptiedAtMs = Date.now();
      await expectNothingLost(signpost, receiver, [...delayed, ...published]);
      const attempts = await signpost.query<{ event_id: string; started_at: Date; number: number }>(
        `select d.event_id, a.started_at, a.number from attempts a join deliveries d on d.id = a.delivery_id
         where a.number > 1 or a.status = 'succeeded'`,
      );
      const [retries, firsts] = [attempts.filter(({ number }) => number > 1), attempts.filter(a => a.number === 1)];
      expect([retries.length, firsts.length]).toEqual([1000, 1000]);
      const isEarly = ({ headers, receivedAtMs }: ReceivedRequest): boolean =>
        receivedAtMs < (due.get(String(headers['webhook-id'])) ?? 0);
      expect(receiver.requests.slice(1000).filter(isEarly)).toEqual([]);
      const latenessMs = retries.map(
        attempt => attempt.started_at.getTime() - (due.get(formatId('event', attempt.event_id)) ?? 0),
      );
      // Not a measurement: without the rebuild they would come the lease and a round late, 2.2 s here, at the least.
      expect(Math.max(...latenessMs)).toBeLessThan(2000);
      const lastFirstMs = Math.max(...firsts.map(attempt => attempt.started_at.getTime()));
      expect(lastFirstMs - emptiedAtMs).toBeLessThan(10_000);
    },
    90_000,
  );
});

/** When each event's delivery is due, in Unix milliseconds, by the event's public id. */
async function dueTimes(signpost: Installation): Promise<Map<string, number>> {
  const rows = await signpost.query<{ id: string; due: Date }>(
    'select event_id as id, next_attempt_at as due from deliveries',
  );
  return new Map(rows.map(row => [formatId('event', row.id), row.due.getTime()]));
}
