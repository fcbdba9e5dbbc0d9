import { copyFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Receiver, startTestRedis, waitFor } from '@signpost/testing';
import { Redis } from 'ioredis';
import type { Installation, InstallationOptions } from '../support/installation.ts';
import { publishMany, waitUntilNothingPends } from '../support/publish-many.ts';
import { expectNothingLost } from './nothing-lost.ts';
import { startTcpProxy } from './tcp-proxy.ts';
import { useInstallation } from './use-installation.ts';

const startBoth = useInstallation();
let signpost: Installation;
let receiver: Receiver;
let fail: boolean;
/** The receiver refuses everything while `fail` stands. */
async function start(options: InstallationOptions): Promise<void> {
  fail = true;
  ({ signpost, receiver } = await startBoth(options));
  receiver.answerWith(() => ({ status: fail ? 503 : 204 }));
}

async function command(url: string, name: string, ...values: string[]): Promise<unknown> {
  const redis = new Redis(url, { maxRetriesPerRequest: 0, replyMapping: 'legacy' });
  redis.on('error', () => {});
  try {
    return await redis.call(name, ...values);
  } finally {
    redis.disconnect();
  }
}

/** Events whose deliveries all failed once and wait for their second attempt: a job each in Redis. */
async function publishAndFailOnce(count: number): Promise<string[]> {
  await signpost.createWebhook({ url: receiver.url, retry_schedule: [4, 60] });
  const published = await publishMany(signpost, count);
  await waitFor(async () => (await signpost.query('select from deliveries where attempt_count = 1')).length === count, {
    timeoutMs: 20_000,
    description: 'all first attempts are recorded',
  });
  return published;
}

/** Goes on with a working receiver: the delayed ones and as many new ones succeed. */
async function finishAndPublish(count: number): Promise<string[]> {
  fail = false;
  const published = await publishMany(signpost, count);
  await waitUntilNothingPends(signpost, 30_000);
  return published;
}

/** Every delivery was sent as often as its attempts say, and none after it had succeeded. */
async function expectNothingRepeated(failedOnce: readonly string[], published: readonly string[]): Promise<void> {
  await expectNothingLost(signpost, receiver, [...failedOnce, ...published]);
  const sent = new Map<string, number>();
  for (const request of receiver.requests) {
    const id = String(request.headers['webhook-id']);
    sent.set(id, (sent.get(id) ?? 0) + 1);
  }
  expect(failedOnce.map(id => sent.get(id))).toEqual(failedOnce.map(() => 2));
  expect(published.map(id => sent.get(id))).toEqual(published.map(() => 1));
  expect(await signpost.query('select count(*)::int as attempts from attempts')).toEqual([
    { attempts: receiver.requests.length },
  ]);
}

/** The jobs of the state that Redis has fallen back to have all been taken up and ended. */
const untilQueuesAreEmpty = (url: string): Promise<unknown> =>
  waitFor(
    async () => {
      const lengths = await Promise.all([
        command(url, 'llen', 'bull:deliver:wait'),
        command(url, 'llen', 'bull:deliver:active'),
        command(url, 'zcard', 'bull:deliver:delayed'),
        command(url, 'llen', 'bull:fan-out:wait'),
        command(url, 'llen', 'bull:fan-out:active'),
      ]);
      return lengths.every(length => length === 0);
    },
    { timeoutMs: 30_000, description: 'no job is left' },
  );

const jobsOf = (url: string): Promise<unknown> => command(url, 'zcard', 'bull:deliver:delayed');

describe('Redis', () => {
  test('back with an old snapshot: jobs of deliveries that have ended do nothing, and new events go through', async () => {
    await start({ dispatchers: 2 });
    const { redis } = signpost;
    const failedOnce = await publishAndFailOnce(200);
    await waitFor(async () => (await jobsOf(redis.url)) === 200, { description: 'all wait in Redis' });
    await command(redis.url, 'save');
    const [, folder] = (await command(redis.url, 'config', 'get', 'dir')) as [string, string];
    const dump = path.join(folder, 'dump.rdb');
    const kept = path.join(folder, 'kept.rdb');
    copyFileSync(dump, kept);
    const published = await finishAndPublish(200);
    await redis.kill();
    copyFileSync(kept, dump);
    rmSync(kept);
    await redis.restart();
    // The jobs were back: 200 delayed ones, by now overdue, whose deliveries have succeeded.
    expect(Number(await command(redis.url, 'exists', 'bull:deliver:meta'))).toBe(1);
    await untilQueuesAreEmpty(redis.url);
    published.push(...(await publishMany(signpost, 50)));
    await expectNothingRepeated(failedOnce, published);
    for (const dispatcher of signpost.dispatchers) expect(await dispatcher.stop()).toBe(0);
  }, 90_000);

  test('replaced by a replica that lags: what it lacks is added, what it has too much does nothing', async () => {
    const settings = { 'repl-diskless-sync-delay': '0' };
    const [old, replica] = await Promise.all([startTestRedis({ settings }), startTestRedis({ settings })]);
    await command(replica.url, 'replicaof', '127.0.0.1', String(old.port));
    await waitFor(
      async () => String(await command(replica.url, 'info', 'replication')).includes('master_link_status:up'),
      {
        timeoutMs: 20_000,
        description: 'the replica follows',
      },
    );
    const proxy = await startTcpProxy(old.port);
    await start({
      dispatchers: 2,
      environment: { REDIS_URL: `redis://127.0.0.1:${proxy.port}` },
    });
    try {
      const failedOnce = await publishAndFailOnce(200);
      await waitFor(async () => (await jobsOf(replica.url)) === 200, {
        timeoutMs: 20_000,
        description: 'it is replicated',
      });
      // From here on the replica falls behind; then it is promoted.
      await command(replica.url, 'replicaof', 'no', 'one');
      const published = await finishAndPublish(200);
      // These wait in the old server alone.
      fail = true;
      const waiting = await publishMany(signpost, 50);
      await waitFor(async () => (await jobsOf(old.url)) === 50, { timeoutMs: 20_000, description: 'all wait there' });
      proxy.pointTo(replica.port);
      fail = false;
      await expectNothingLost(signpost, receiver, [...failedOnce, ...published, ...waiting]);
      await untilQueuesAreEmpty(replica.url);
      await expectNothingRepeated([...failedOnce, ...waiting], published);
    } finally {
      for (const dispatcher of signpost.dispatchers) await dispatcher.stop();
      await signpost.api.stop();
      await proxy.close();
      await Promise.all([old.stop(), replica.stop()]);
    }
  }, 90_000);
});
