import { expect, test } from '@jest/globals';
import { waitFor } from '@signpost/testing';
import { Redis } from 'ioredis';
import { publishMany, waitUntilNothingPends } from '../support/publish-many.ts';
import { useInstallation } from './use-installation.ts';

const start = useInstallation();

const hourMs = 3_600_000;
const shiftedBy = (shiftMs: number): Record<string, string> => ({
  NODE_OPTIONS: `--import=${import.meta.resolve('../support/shifted-clock.mjs')}`,
  CLOCK_SHIFT_MS: String(shiftMs),
});

/** How many scripts Redis has run: each look of a worker for a job is one, and so is each move of a job. */
async function scriptsRun(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

test.each([
  ['an hour ahead', hourMs],
  ['an hour behind', -hourMs],
])(
  'what a dispatcher whose host is %s has put off, another takes up on time',
  async (_name, shiftMs) => {
    const events = 40;
    // The repairer has no part in it.
    const { signpost, receiver } = await start({
      dispatchers: 0,
      environment: { LEASE_MS: '60000', REPAIR_INTERVAL_MS: '60000' },
    });
    receiver.answerWith((_request, index) => ({ status: index < events ? 500 : 204 }));
    const wrong = await signpost.addDispatcher(shiftedBy(shiftMs));
    await signpost.createWebhook({ url: receiver.url, retry_schedule: [5, 5] });
    await publishMany(signpost, events);
    const recorded = async () =>
      (await signpost.query('select 1 from deliveries where attempt_count = 1')).length === events;
    await waitFor(recorded, { timeoutMs: 20_000, description: 'all first attempts are recorded' });
    await wrong.stop();
    const redis = new Redis(signpost.redis.url);
    const before = await scriptsRun(redis);
    await signpost.addDispatcher();
    await waitUntilNothingPends(signpost, 30_000);
    const scripts = (await scriptsRun(redis)) - before;
    redis.disconnect();

    expect(receiver.requests).toHaveLength(2 * events);
    const lateness = await signpost.query<{ ms: number }>(
      `select (extract(epoch from a2.started_at - a1.started_at) * 1000)::int - 5000 as ms
     from attempts a1 join attempts a2 on a2.delivery_id = a1.delivery_id and a1.number = 1 and a2.number = 2`,
    );
    expect(lateness).toHaveLength(events);
    expect(Math.min(...lateness.map(({ ms }) => ms))).toBeGreaterThanOrEqual(-50);
    for (const request of receiver.requests)
      expect(Math.abs(Number(request.headers['webhook-timestamp']) * 1000 - request.receivedAtMs)).toBeLessThan(60_000);
    // One look and one end for each job, and some looks of workers that wait: nothing was pulled before its time.
    expect(scripts).toBeLessThan(3 * events);
  },
  90_000,
);

test('a dispatcher tells of a clock that is off, in its log and its metrics', async () => {
  const { signpost } = await start({ dispatchers: 0 });
  const { promise, resolve } = Promise.withResolvers<number>();
  const { createServer } = await import('node:net');
  const probe = createServer().listen(0, '127.0.0.1', () => resolve((probe.address() as { port: number }).port));
  const port = await promise;
  await new Promise(closed => probe.close(closed));
  const dispatcher = await signpost.addDispatcher({ ...shiftedBy(-hourMs), INTERNAL_PORT: String(port) });
  expect(dispatcher.logs()).toContain("this host's clock differs from the database's");
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(Number(/^signpost_host_clock_offset_seconds (\S+)$/m.exec(metrics)?.[1])).toBeCloseTo(-3600, -1);
}, 60_000);
