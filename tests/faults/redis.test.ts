import { afterEach, describe, expect, test } from '@jest/globals';
import { type Receiver, startReceiver, waitFor } from '@signpost/testing';
import { type Installation, type InstallationOptions, startInstallation } from '../support/installation.ts';
import { publishMany, waitUntilReceived } from '../support/publish-many.ts';
import { expectNothingLost } from './nothing-lost.ts';

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
    await expectNothingLost(signpost, receiver, [...before, ...during]);
  }, 90_000);

  test('frozen while events are published: still 202', async () => {
    await start();
    await signpost.createWebhook({ url: receiver.url });
    signpost.redis.pause();
    const published = await publishMany(signpost, 200);
    signpost.redis.resume();
    await expectNothingLost(signpost, receiver, published);
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
    await expectNothingLost(signpost, receiver, published);
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
    await expectNothingLost(signpost, receiver, published);
  }, 90_000);
});
