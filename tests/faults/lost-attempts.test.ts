import { describe, expect, test } from '@jest/globals';
import { type Receiver, waitFor } from '@signpost/testing';
import type { AnyJson, Installation, InstallationOptions } from '../support/installation.ts';
import { waitUntilNothingPends } from '../support/publish-many.ts';
import { flushRedis } from './flush-redis.ts';
import { useInstallation } from './use-installation.ts';

const leaseMs = 1000;

const startBoth = useInstallation();
let signpost: Installation;
let receiver: Receiver;
/** No dispatcher yet; the receiver keeps every request until the test lets it go. */
const start = async (options: InstallationOptions = {}): Promise<{ release: () => void }> => {
  let release = (): void => {};
  const held = new Promise<void>(resolve => {
    release = resolve;
  });
  ({ signpost, receiver } = await startBoth({
    dispatchers: 0,
    ...options,
    environment: { LEASE_MS: String(leaseMs), LOG_LEVEL: 'info', ...options.environment },
  }));
  receiver.answerWith(() => ({ delay: held }));
  await signpost.createWebhook({ url: receiver.url, timeout_ms: 30_000 });
  return { release };
};

async function attemptsOf(eventId: string): Promise<AnyJson[]> {
  const event = (await signpost.call('GET', `/v1/events/${eventId}`)).body;
  return (await signpost.call('GET', `/v1/deliveries/${event.deliveries[0].id}`)).body.attempts;
}

const lost = (number: number): AnyJson =>
  expect.objectContaining({
    number,
    status: 'failed',
    received: 'unknown',
    phase: null,
    duration_ms: null,
    response: null,
    error: { code: 'dispatcher_lost', message: expect.any(String) },
  });

describe('an attempt whose dispatcher was killed behind the request', () => {
  test('stands in the log as unknown, and the next one follows within the lease and a little', async () => {
    const { release } = await start();
    const victim = await signpost.addDispatcher();
    const id = await signpost.publish({ eventType: 'call.ended', data: {} });
    await receiver.waitForRequests(1);
    await victim.kill();
    const killedAtMs = Date.now();
    release();
    await signpost.addDispatcher();
    await waitUntilNothingPends(signpost, 20_000);
    const [first, second] = receiver.requests;
    expect(receiver.requests).toHaveLength(2);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect((second?.receivedAtMs ?? 0) - killedAtMs).toBeLessThan(leaseMs + 5000);
    expect(await attemptsOf(id)).toEqual([
      lost(1),
      expect.objectContaining({ number: 2, status: 'succeeded', received: 'yes', phase: 'response' }),
    ]);
  }, 60_000);

  test('five times in a row: the delivery goes on, each time is in the log, and the schedule has not moved', async () => {
    const { release } = await start();
    const id = await signpost.publish({ eventType: 'call.ended', data: {} });
    for (let kills = 1; kills <= 5; kills += 1) {
      const victim = await signpost.addDispatcher();
      await receiver.waitForRequests(kills, 20_000);
      await victim.kill();
    }
    release();
    await signpost.addDispatcher();
    await waitUntilNothingPends(signpost, 20_000);
    expect(await attemptsOf(id)).toEqual([
      ...[1, 2, 3, 4, 5].map(lost),
      expect.objectContaining({ number: 6, status: 'succeeded' }),
    ]);
    expect(await signpost.query('select status, attempt_count, scheduled_attempt_count from deliveries')).toEqual([
      { status: 'succeeded', attempt_count: 6, scheduled_attempt_count: 1 },
    ]);
  }, 90_000);
});

test('an attempt lost behind a queue that was wiped and filled anew, later in the schedule, stands in the log', async () => {
  await start();
  let held = false;
  receiver.answerWith(() => (held ? { delay: new Promise(() => {}) } : { status: 500 }));
  await signpost.query(`update webhooks set retry_schedule = '[4, 4, 4]', version = version + 1`);
  const victim = await signpost.addDispatcher();
  const id = await signpost.publish({ eventType: 'call.ended', data: {} });
  await waitFor(async () => (await signpost.query('select from deliveries where attempt_count = 1')).length === 1, {
    description: 'the first attempt is recorded',
  });
  held = true;
  await flushRedis(signpost.redis.url);
  await receiver.waitForRequests(2, 20_000);
  await victim.kill();
  receiver.answerWith(() => ({ status: 204 }));
  await signpost.addDispatcher();
  await waitUntilNothingPends(signpost, 20_000);
  expect(receiver.requests).toHaveLength(3);
  expect(await attemptsOf(id)).toEqual([
    expect.objectContaining({ number: 1, response_code: 500 }),
    lost(2),
    expect.objectContaining({ number: 3, status: 'succeeded' }),
  ]);
}, 60_000);

test('an answer that comes after its delivery was cancelled stands in the log, and the delivery stays cancelled', async () => {
  const { release } = await start({ dispatchers: 1 });
  const id = await signpost.publish({ eventType: 'call.ended', data: {} });
  await receiver.waitForRequests(1);
  const [{ id: webhookId }] = (await signpost.call('GET', '/v1/webhooks')).body.data;
  await signpost.call('PATCH', `/v1/webhooks/${webhookId}`, { active: false });
  await waitFor(async () => (await signpost.query(`select from deliveries where status = 'cancelled'`)).length === 1, {
    description: 'the delivery is cancelled',
  });
  release();
  await waitFor(async () => (await attemptsOf(id)).length === 1, { description: 'the attempt is in the log' });
  expect(await attemptsOf(id)).toEqual([
    expect.objectContaining({
      number: 1,
      status: 'succeeded',
      received: 'yes',
      response_code: expect.any(Number),
      error: { code: 'superseded', message: expect.any(String) },
    }),
  ]);
  expect(await signpost.query('select status, attempt_count from deliveries')).toEqual([
    { status: 'cancelled', attempt_count: 1 },
  ]);
}, 60_000);

test('a dispatcher that freezes and wakes up after another took over sends nothing more and changes nothing', async () => {
  const { release } = await start();
  const frozen = await signpost.addDispatcher();
  const ids = [];
  for (let n = 0; n < 20; n += 1) ids.push(await signpost.publish({ eventType: 'call.ended', data: { n } }));
  await receiver.waitForRequests(20);
  frozen.pause();
  release();
  await signpost.addDispatcher();
  await waitUntilNothingPends(signpost, 30_000);
  const before = await signpost.query('select id, status, attempt_count, completed_at from deliveries order by id');
  frozen.resume();
  await waitFor(async () => superseded(frozen.logs()) === 20, {
    timeoutMs: 20_000,
    description: 'the woken dispatcher has found all its outcomes superseded',
  });
  expect(receiver.requests).toHaveLength(40);
  expect(await signpost.query('select id, status, attempt_count, completed_at from deliveries order by id')).toEqual(
    before,
  );
  // What nobody knew is told in the row of the loss: a row for each request.
  expect(await attemptsOf(ids[0] as string)).toEqual([
    expect.objectContaining({
      number: 1,
      status: 'succeeded',
      received: 'yes',
      response_code: expect.any(Number),
      error: { code: 'superseded', message: expect.any(String) },
    }),
    expect.objectContaining({ number: 2, status: 'succeeded', error: null }),
  ]);
}, 60_000);

function superseded(logs: string): number {
  return logs.split('\n').filter(line => line.includes('"outcome":"superseded"')).length;
}

test('a manual retry and the scheduled attempt of one delivery are never on their way at the same time; both are recorded', async () => {
  const { release } = await start({ dispatchers: 2 });
  const id = await signpost.publish({ eventType: 'call.ended', data: {} });
  await receiver.waitForRequests(1);
  const [{ id: deliveryId }] = (await signpost.call('GET', `/v1/events/${id}`)).body.deliveries;
  expect((await signpost.call('POST', `/v1/deliveries/${deliveryId}/retry`)).status).toBe(202);
  // The manual job has been looked at, and put back because the scheduled one is under way.
  await waitFor(async () => (await timesPutBack('manual')) > 0, { description: 'the manual job has waited once' });
  expect(receiver.requests).toHaveLength(1);
  release();
  await receiver.waitForRequests(2);
  await waitFor(async () => (await attemptsOf(id)).length === 2, { description: 'both attempts are recorded' });
  expect((await attemptsOf(id)).map(({ number, trigger, status }) => ({ number, trigger, status }))).toEqual([
    { number: 1, trigger: 'scheduled', status: 'succeeded' },
    { number: 2, trigger: 'manual', status: 'succeeded' },
  ]);
}, 60_000);

test('a scheduled attempt that falls due at another dispatcher while a manual retry is on its way waits for it; both are recorded', async () => {
  // One place each: whoever makes the manual attempt cannot look at the scheduled one.
  const environment = { LEASE_MS: '20000', DISPATCHER_CONCURRENCY: '1' };
  ({ signpost, receiver } = await startBoth({ dispatchers: 2, environment }));
  let release = (): void => {};
  const held = new Promise<void>(resolve => {
    release = resolve;
  });
  receiver.answerWith((_request, index) => [{ status: 500 }, { status: 503, delay: held }][index] ?? {});
  await signpost.createWebhook({ url: receiver.url, timeout_ms: 30_000, retry_schedule: [2, 60] });
  const id = await signpost.publish({ eventType: 'call.ended', data: {} });
  await waitFor(async () => (await attemptsOf(id)).length === 1, { description: 'the first attempt is recorded' });
  const [{ id: deliveryId }] = (await signpost.call('GET', `/v1/events/${id}`)).body.deliveries;
  expect((await signpost.call('POST', `/v1/deliveries/${deliveryId}/retry`)).status).toBe(202);
  await receiver.waitForRequests(2);
  // Once behind its first attempt, and again because the manual one is under way.
  await waitFor(async () => (await timesPutBack('scheduled')) > 1, { description: 'the scheduled job has waited' });
  expect(receiver.requests).toHaveLength(2);
  release();
  await waitUntilNothingPends(signpost, 20_000);
  expect(receiver.requests).toHaveLength(3);
  expect((await attemptsOf(id)).map(({ number, trigger, status }) => ({ number, trigger, status }))).toEqual([
    { number: 1, trigger: 'scheduled', status: 'failed' },
    { number: 2, trigger: 'manual', status: 'failed' },
    { number: 3, trigger: 'scheduled', status: 'succeeded' },
  ]);
}, 60_000);

/** How often this job of the only delivery has been run and put back. */
async function timesPutBack(trigger: 'scheduled' | 'manual'): Promise<number> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(signpost.redis.url);
  const [row] = await signpost.query<{ id: string }>('select id from deliveries');
  const made = await redis.hget(`bull:deliver:${row?.id}${trigger === 'manual' ? '.manual' : ''}`, 'atm');
  redis.disconnect();
  return Number(made ?? 0);
}
