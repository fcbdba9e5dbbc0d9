import { expect, test } from '@jest/globals';
import { waitFor } from '@signpost/testing';
import { publishMany, waitUntilNothingPends } from '../support/publish-many.ts';
import { useInstallation } from './use-installation.ts';

const start = useInstallation();
const deliveries = 20;

const linesWith = (logs: string, text: string): number => logs.split('\n').filter(line => line.includes(text)).length;

const outcomes = `select a.error_code, d.status, count(*)::int as deliveries from deliveries d
  left join attempts a on a.delivery_id = d.id group by 1, 2`;

test('a column that is missing when attempts are recorded: each receiver gets one request, and nothing is lost or set aside', async () => {
  const { signpost, receiver } = await start({ environment: { LOG_LEVEL: 'debug' } });
  await signpost.createWebhook({ url: receiver.url });
  await signpost.query('alter table attempts rename column tls_ms to tls_ms_before');
  await publishMany(signpost, deliveries);
  await receiver.waitForRequests(deliveries);
  const [dispatcher] = signpost.dispatchers;
  // Each is tried twice a second: by now jobs that ran again every 2 s would have made their requests again.
  await waitFor(() => linesWith(dispatcher?.logs() ?? '', 'outcomes wait for Postgres') >= 10 * deliveries, {
    timeoutMs: 30_000,
    description: 'all outcomes have been refused ten times',
  });
  expect(linesWith(dispatcher?.logs() ?? '', 'which refuses them')).toBe(1);
  await signpost.query('alter table attempts rename column tls_ms_before to tls_ms');
  await waitUntilNothingPends(signpost, 20_000);
  expect(receiver.requests).toHaveLength(deliveries);
  expect(await signpost.query(outcomes)).toEqual([{ error_code: null, status: 'succeeded', deliveries }]);
}, 90_000);

test('a column that is missing before requests are made: nothing is sent, and all of it later', async () => {
  const { signpost, receiver } = await start();
  await signpost.createWebhook({ url: receiver.url });
  // What a dispatcher reads of a webhook when it makes an attempt, and nobody before.
  await signpost.query('alter table webhook_secrets rename column sealed to sealed_before');
  const startedAtMs = Date.now();
  await publishMany(signpost, deliveries);
  const [dispatcher] = signpost.dispatchers;
  const failures = (): number => linesWith(dispatcher?.logs() ?? '', 'job failed; it runs again');
  await waitFor(() => failures() >= 6 * deliveries, {
    timeoutMs: 40_000,
    description: 'each has failed more often than a delivery may break',
  });
  // Every 2 s: the repairer finds them overdue, and leaves them alone.
  expect(failures()).toBeLessThanOrEqual(deliveries * (1 + (Date.now() - startedAtMs) / 2000));
  expect(receiver.requests).toHaveLength(0);
  await signpost.query('alter table webhook_secrets rename column sealed_before to sealed');
  await waitUntilNothingPends(signpost, 20_000);
  expect(receiver.requests).toHaveLength(deliveries);
  expect(await signpost.query(outcomes)).toEqual([{ error_code: null, status: 'succeeded', deliveries }]);
}, 90_000);

test('while the repairer looks for lost jobs, a delivery that breaks is tried again after 2, 4 and 8 s all the same', async () => {
  const { signpost, receiver } = await start({ dispatchers: 0, environment: { LEASE_MS: '1000' } });
  receiver.answerWith(() => ({ status: 500 }));
  await signpost.createWebhook({ url: receiver.url });
  // A schedule that no API takes: Postgres refuses each outcome.
  await signpost.query(`update webhooks set retry_schedule = '["soon"]'`);
  const dispatcher = await signpost.addDispatcher();
  await signpost.publish({ eventType: 'call.ended', data: {} });
  await receiver.waitForRequests(4, 30_000);
  const times = receiver.requests.map(request => request.receivedAtMs);
  const gaps = times.slice(1).map((time, index) => time - (times[index] as number));
  for (const [index, seconds] of [2, 4, 8].entries()) expect(gaps[index]).toBeGreaterThanOrEqual(seconds * 1000);
  expect(linesWith(dispatcher.logs(), 'deliveries.repaired')).toBe(0);
}, 60_000);
