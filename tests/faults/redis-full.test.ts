import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { freePort } from '@signpost/stores';
import { type AppProcess, type Receiver, waitFor } from '@signpost/testing';
import { Redis } from 'ioredis';
import type { Installation } from '../support/installation.ts';
import { publishMany, waitUntilReceived } from '../support/publish-many.ts';
import { expectNothingLost } from './nothing-lost.ts';
import { readReadiness, waitForReadiness } from './readiness.ts';
import { useInstallation } from './use-installation.ts';

const start = useInstallation();
let signpost: Installation;
let receiver: Receiver;
let dispatcher: AppProcess;
let internalUrl: string;
beforeEach(async () => {
  ({ signpost, receiver } = await start({ dispatchers: 0, persistentRedis: true }));
  const port = await freePort();
  internalUrl = `http://127.0.0.1:${port}`;
  dispatcher = await signpost.addDispatcher({ INTERNAL_PORT: String(port) });
  await signpost.createWebhook({ url: receiver.url });
}, 60_000);

/** One command to Redis, on a connection of its own. */
async function command(name: string, ...values: string[]): Promise<unknown> {
  const redis = new Redis(signpost.redis.url, { maxRetriesPerRequest: 0, replyMapping: 'legacy' });
  redis.on('error', () => {});
  try {
    return await redis.call(name, ...values);
  } finally {
    redis.disconnect();
  }
}

async function oldestUnfannedAgeSeconds(): Promise<number> {
  const text = await (await fetch(`${internalUrl}/metrics`)).text();
  return Number(/^signpost_oldest_unfanned_age_seconds (\S+)$/m.exec(text)?.[1]);
}

/** Publishes for as long as it takes until the events visibly wait. @returns what was accepted */
async function publishUntilTheyWait(): Promise<string[]> {
  const published = await publishMany(signpost, 200);
  await waitFor(async () => (await oldestUnfannedAgeSeconds()) > 1, {
    description: 'the metric shows that events wait',
  });
  const startedAt = performance.now();
  published.push(await signpost.publish({ eventType: 'call.ended', data: {} }));
  expect(performance.now() - startedAt).toBeLessThan(1000);
  return published;
}

/** The dispatcher cannot work then; the API can, and tells of it. */
async function expectReadinessWithFullRedis(): Promise<void> {
  expect(await readReadiness(internalUrl)).toEqual({ status: 503, postgres: 'up', redis: 'down' });
  expect(await readReadiness(signpost.api.url)).toEqual({ status: 200, postgres: 'up', redis: 'down' });
}

async function expectDrained(published: readonly string[]): Promise<void> {
  await expectNothingLost(signpost, receiver, published);
  expect(receiver.requests).toHaveLength(published.length);
  expect(await oldestUnfannedAgeSeconds()).toBe(0);
  for (const url of [internalUrl, signpost.api.url])
    await waitForReadiness(url, { status: 200, postgres: 'up', redis: 'up' });
}

describe('Redis', () => {
  test('out of memory: events are taken and wait, the metric says so, and all are delivered when it has memory', async () => {
    const before = await publishMany(signpost, 50);
    await waitUntilReceived(receiver, before, 20_000);
    await command('config', 'set', 'maxmemory', '1mb');
    await expect(command('set', 'one-more', 'x')).rejects.toThrow(/^OOM/);
    const published = await publishUntilTheyWait();
    await expectReadinessWithFullRedis();
    await command('config', 'set', 'maxmemory', '0');
    await expectDrained([...before, ...published]);
  }, 60_000);

  // /dev/full refuses every write with ENOSPC, as a full disk does.
  const testWithFullDevice = process.platform === 'linux' ? test : test.skip;
  testWithFullDevice(
    'with a full disk: as out of memory; nothing is lost when there is room again',
    async () => {
      const before = await publishMany(signpost, 50);
      await waitUntilReceived(receiver, before, 20_000);
      const [, folder] = (await command('config', 'get', 'dir')) as [string, string];
      const file = path.join(folder, 'appendonlydir', 'appendonly.aof.1.incr.aof');
      await signpost.redis.kill();
      rmSync(file);
      symlinkSync('/dev/full', file);
      await signpost.redis.restart();
      await waitFor(
        () =>
          command('set', 'one-more', 'x').then(
            () => false,
            (error: Error) => /MISCONF.*AOF/.test(error.message),
          ),
        { description: 'Redis refuses to write' },
      );
      const published = await publishUntilTheyWait();
      await expectReadinessWithFullRedis();
      await signpost.redis.kill();
      rmSync(file);
      writeFileSync(file, '');
      await signpost.redis.restart();
      await expectDrained([...before, ...published]);
      expect(await dispatcher.stop()).toBe(0);
    },
    60_000,
  );
});
