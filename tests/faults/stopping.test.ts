import { expect, test } from '@jest/globals';
import { waitFor } from '@signpost/testing';
import { Redis } from 'ioredis';
import { publishMany } from '../support/publish-many.ts';
import { expectNothingLost } from './nothing-lost.ts';
import { startTcpProxy } from './tcp-proxy.ts';
import { useInstallation } from './use-installation.ts';

const start = useInstallation();

test('a dispatcher that is asked to stop with 200 attempts under way and more waiting: ends those, takes no other, ends with 0', async () => {
  const { signpost, receiver } = await start({ dispatchers: 0, environment: { DISPATCHER_CONCURRENCY: '200' } });
  const releases: (() => void)[] = [];
  receiver.answerWith((_request, index) =>
    index < 200 ? { delay: new Promise<void>(resolve => releases.push(resolve)) } : {},
  );
  await signpost.createWebhook({ url: receiver.url, timeout_ms: 30_000 });
  const first = await signpost.addDispatcher({ LOG_LEVEL: 'info' });
  const published = await publishMany(signpost, 300);
  await receiver.waitForRequests(200, 20_000);
  await waitFor(async () => (await signpost.query('select from deliveries')).length === 300, {
    description: 'the others wait',
  });
  const stopped = first.stop();
  await waitFor(() => first.logs().includes('"stopping"'), { description: 'it is asked to stop' });
  for (const release of releases.slice(0, 100)) release();
  const succeeded = `select from deliveries where status = 'succeeded'`;
  await waitFor(async () => (await signpost.query(succeeded)).length === 100, {
    description: 'half of them have ended',
  });
  // It has 100 places free now, and 100 jobs wait.
  expect(receiver.requests).toHaveLength(200);
  for (const release of releases.slice(100)) release();
  expect(await stopped).toBe(0);
  expect(first.logs().match(/"delivery\.attempted"/g)).toHaveLength(200);
  await signpost.addDispatcher();
  await expectNothingLost(signpost, receiver, published);
  expect(receiver.requests).toHaveLength(300);
}, 60_000);

test('asked to stop while its repairer fills an empty Redis: takes no new jobs from then on, leaves the rest to the next, ends with 0', async () => {
  const { signpost, receiver } = await start({ dispatchers: 0, environment: { DISPATCHER_CONCURRENCY: '8' } });
  await signpost.createWebhook({ url: receiver.url });
  const [due, later] = [1000, 80_000];
  await signpost.publish({ eventType: 'call.ended', data: {} });
  await signpost.query('delete from pending_fan_outs');
  await signpost.query(
    `insert into deliveries (id, workspace_id, event_id, webhook_id, event_type, contract, contract_version, next_attempt_at)
     select gen_random_uuid(), e.workspace_id, e.id, w.id, e.event_type, 'standard', 0,
       now() + case when n <= $1 then interval '-1 hour' else interval '1 day' end
     from generate_series(1, $2) n, events e, webhooks w`,
    [due, due + later],
  );
  let requestsAtStop = 0;
  const first = await signpost.addDispatcher({ LOG_LEVEL: 'info' });
  await receiver.waitForRequests(10, 20_000);
  const stopped = first.stop();
  await waitFor(
    () => {
      requestsAtStop = receiver.requests.length;
      return first.logs().includes('"stopping"');
    },
    { intervalMs: 1, description: 'it is asked to stop' },
  );
  expect(await stopped).toBe(0);
  // Those that were under way, and what came while the log was on its way here.
  expect(receiver.requests.length - requestsAtStop).toBeLessThan(100);
  expect(receiver.requests.length).toBeLessThan(due);
  expect(first.logs()).not.toContain('queue.rebuilt');
  const redis = new Redis(signpost.redis.url);
  expect(await redis.get('signpost:complete')).toMatch(/^rebuilding /);
  redis.disconnect();

  const second = await signpost.addDispatcher({ LOG_LEVEL: 'info', DISPATCHER_CONCURRENCY: '64' });
  await waitFor(() => second.logs().includes('queue.rebuilt'), { timeoutMs: 60_000, description: 'Redis is filled' });
  const succeeded = `select from deliveries where status = 'succeeded'`;
  await waitFor(async () => (await signpost.query(succeeded)).length === due, {
    timeoutMs: 30_000,
    description: 'what was due is delivered',
  });
  expect(receiver.requests).toHaveLength(due);
}, 120_000);

test('an attempt that takes longer than the grace is cut, and nothing is said of its receiver: another dispatcher notes and makes it', async () => {
  const { signpost, receiver } = await start({ dispatchers: 0 });
  receiver.answerWith((_request, index) => (index === 0 ? { delay: new Promise<void>(() => {}) } : {}));
  await signpost.createWebhook({ url: receiver.url, timeout_ms: 30_000 });
  const first = await signpost.addDispatcher({ STOP_GRACE_MS: '1000' });
  const eventId = await signpost.publish({ eventType: 'call.ended', data: {} });
  await receiver.waitForRequests(1, 20_000);
  const askedAt = performance.now();
  expect(await first.stop()).toBe(0);
  expect(performance.now() - askedAt).toBeLessThan(10_000);
  expect(first.logs()).toContain('others take up their jobs');
  expect(await signpost.query('select from attempts')).toEqual([]);

  await signpost.addDispatcher();
  const [delivery] = await signpost.settledDeliveries(eventId, 20_000);
  expect(delivery.status).toBe('succeeded');
  expect(receiver.requests).toHaveLength(2);
  expect(await signpost.query('select number, status::text, error_code from attempts order by number')).toEqual([
    { number: 1, status: 'failed', error_code: 'dispatcher_lost' },
    { number: 2, status: 'succeeded', error_code: null },
  ]);
  const { body } = await signpost.call('GET', `/v1/deliveries/${delivery.id}`);
  expect(body.attempts.map((attempt: { received: string }) => attempt.received)).toEqual(['unknown', 'yes']);
}, 60_000);

test('asked to stop while Postgres does not answer: it does not wait for it for ever, ends with 0, and nothing is lost', async () => {
  const { signpost, receiver } = await start({ dispatchers: 0 });
  const proxy = await startTcpProxy(Number(new URL(signpost.databaseUrl).port));
  try {
    const throughProxy = new URL(signpost.databaseUrl);
    throughProxy.port = String(proxy.port);
    let release = (): void => {};
    const held = new Promise<void>(resolve => {
      release = resolve;
    });
    receiver.answerWith((_request, index) => (index === 0 ? { delay: held } : {}));
    await signpost.createWebhook({ url: receiver.url });
    const first = await signpost.addDispatcher({ DATABASE_URL: throughProxy.href, STOP_GRACE_MS: '1000' });
    const eventId = await signpost.publish({ eventType: 'call.ended', data: {} });
    await receiver.waitForRequests(1, 20_000);
    let dropped = 0;
    proxy.watch(() => {
      dropped += 1;
      return 'drop';
    });
    release();
    await waitFor(() => dropped > 0, { timeoutMs: 20_000, description: 'Postgres does not answer' });
    const askedAt = performance.now();
    expect(await first.stop()).toBe(0);
    expect(performance.now() - askedAt).toBeLessThan(9000);

    await signpost.addDispatcher();
    await expectNothingLost(signpost, receiver, [eventId]);
  } finally {
    await proxy.close();
  }
}, 60_000);
