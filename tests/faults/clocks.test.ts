import { afterEach, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { freePort } from '@signpost/stores';
import { type Receiver, waitFor } from '@signpost/testing';
import { Redis } from 'ioredis';
import { type ClockShift, createClockShift } from '../support/clock-shift.ts';
import type { Installation } from '../support/installation.ts';
import { publishMany, waitUntilNothingPends } from '../support/publish-many.ts';
import { useInstallation } from './use-installation.ts';

const start = useInstallation();
afterEach(() => {
  for (const clock of clocks.splice(0)) clock.remove();
});

const hourMs = 3_600_000;
const clocks: ClockShift[] = [];
/** Wrong from the start. */
const clockShiftedBy = (shiftMs: number): ClockShift => {
  const clock = createClockShift(shiftMs);
  clocks.push(clock);
  return clock;
};

/** How many scripts Redis has run: each look of a worker for a job is one, and so is each move of a job. */
async function scriptsRun(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

/** The retries that wait for 5 s were made once each, none early, and were signed with the right time. */
function expectRetriesOnTime(receiver: Receiver, events: number): void {
  expect(receiver.requests).toHaveLength(2 * events);
  const byEvent = Map.groupBy(receiver.requests, ({ headers }) => headers['webhook-id']);
  expect(byEvent.size).toBe(events);
  for (const [first, second] of byEvent.values())
    expect((second?.receivedAtMs ?? 0) - (first?.receivedAtMs ?? 0)).toBeGreaterThanOrEqual(5000);
  for (const request of receiver.requests)
    expect(Math.abs(Number(request.headers['webhook-timestamp']) * 1000 - request.receivedAtMs)).toBeLessThan(60_000);
}

async function hostOffsetSeconds(port: number): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^signpost_host_clock_offset_seconds (\S+)$/m.exec(metrics)?.[1]);
}

// The repairer has no part in it.
const withoutRepairs = { dispatchers: 0, environment: { LEASE_MS: '60000', REPAIR_INTERVAL_MS: '60000' } };

describe.each([
  ['ahead', hourMs],
  ['behind', -hourMs],
])('an hour %s', (_name, shiftMs) => {
  test('what a dispatcher has put off whose host is so from the start, another takes up on time', async () => {
    const events = 40;
    const { signpost, receiver } = await start(withoutRepairs);
    receiver.answerWith((_request, index) => ({ status: index < events ? 500 : 204 }));
    const wrong = await signpost.addDispatcher(clockShiftedBy(shiftMs).environment);
    await signpost.createWebhook({ url: receiver.url, retry_schedule: [5, 5] });
    await publishMany(signpost, events);
    await waitForFirstAttempts(signpost, events);
    await wrong.stop();
    const redis = new Redis(signpost.redis.url);
    const before = await scriptsRun(redis);
    await signpost.addDispatcher();
    await waitUntilNothingPends(signpost, 30_000);
    const scripts = (await scriptsRun(redis)) - before;
    redis.disconnect();

    expectRetriesOnTime(receiver, events);
    // One look and one end for each job, and some looks of workers that wait: nothing was pulled before its time.
    expect(scripts).toBeLessThan(3 * events);
  }, 90_000);

  test('a host that jumps there while retries wait: those, and what is put off afterwards, are made on time', async () => {
    const events = 40;
    const { signpost, receiver } = await start(withoutRepairs);
    const refused = new Set<string>();
    receiver.answerWith(({ headers }) => {
      const id = String(headers['webhook-id']);
      const isFirst = !refused.has(id);
      refused.add(id);
      return { status: isFirst ? 500 : 204 };
    });
    const clock = clockShiftedBy(0);
    const port = await freePort();
    await signpost.addDispatcher({ ...clock.environment, INTERNAL_PORT: String(port) });
    await signpost.createWebhook({ url: receiver.url, retry_schedule: [5, 5] });
    await publishMany(signpost, events / 2);
    await waitForFirstAttempts(signpost, events / 2);
    clock.set(shiftMs);
    await publishMany(signpost, events / 2);
    await waitUntilNothingPends(signpost, 30_000);

    expectRetriesOnTime(receiver, events);
    // One run for each attempt, and perhaps a few that came some ms early: nothing was pulled before its time.
    expect(await runsOfDeliverJobs(signpost)).toBeLessThan(2.2 * events);
    await waitFor(async () => Math.abs((await hostOffsetSeconds(port)) - shiftMs / 1000) < 60, {
      timeoutMs: 10_000,
      description: 'its metrics tell of the jump, so there was one',
    });
  }, 90_000);
});

/** How often a job of a delivery has been taken up. */
async function runsOfDeliverJobs(signpost: Installation): Promise<number> {
  const redis = new Redis(signpost.redis.url);
  const told = await redis.xrange('bull:deliver:events', '-', '+');
  redis.disconnect();
  return told.filter(([_id, fields]) => fields[fields.indexOf('event') + 1] === 'active').length;
}

async function waitForFirstAttempts(signpost: Installation, count: number): Promise<void> {
  const recorded = async () => (await signpost.query('select 1 from deliveries where attempt_count = 1')).length;
  await waitFor(async () => (await recorded()) === count, {
    timeoutMs: 20_000,
    description: 'all first attempts are recorded',
  });
}

test('a dispatcher tells of a clock that is off, in its log and its metrics', async () => {
  const { signpost } = await start({ dispatchers: 0 });
  const port = await freePort();
  const { environment } = clockShiftedBy(-hourMs);
  const dispatcher = await signpost.addDispatcher({ ...environment, INTERNAL_PORT: String(port) });
  expect(dispatcher.logs()).toContain("this host's clock differs from the database's");
  expect(await hostOffsetSeconds(port)).toBeCloseTo(-3600, -1);
}, 60_000);

test('the clock that is made wrong is the one of the system: it can be replaced, and moves while a process runs', async () => {
  const clock = clockShiftedBy(hourMs);
  const script = `
    const wall = Date.now, made = new Date(), seen = [wall(), made.getTime()];
    const monotonic = performance.now();
    Date.now = () => 5;
    require('node:fs').writeFileSync(process.env.CLOCK_SHIFT_FILE, '-3600000');
    console.log(JSON.stringify([...seen, wall(), Date.now(), new Date(7).getTime(), made instanceof Date, performance.now() - monotonic]))`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { env: clock.environment });
  const [now, made, later, replaced, seven, isDate, took] = JSON.parse(stdout);
  for (const time of [now, made]) expect(Math.abs(time - Date.now() - hourMs)).toBeLessThan(20_000);
  expect(Math.abs(later - Date.now() + hourMs)).toBeLessThan(20_000);
  expect([replaced, seven, isDate]).toEqual([5, 7, true]);
  expect(took).toBeLessThan(20_000);
});
