import { describe, expect, test } from '@jest/globals';
import { publishMany, receivedIds, waitUntilNothingPends, waitUntilReceived } from '../support/publish-many.ts';
import { expectNothingLost } from './nothing-lost.ts';
import { useInstallation } from './use-installation.ts';

const start = useInstallation();

describe('dispatchers', () => {
  test('killed with 500 deliveries in flight: another takes them up, and every event arrives', async () => {
    const { signpost, receiver } = await start({ dispatchers: 0, environment: { DISPATCHER_CONCURRENCY: '500' } });
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
    await expectNothingLost(signpost, receiver, published);
  }, 120_000);

  test('two side by side share the work; nothing is made twice', async () => {
    // A lease that a busy machine does not let run out: what is made again then is no fault.
    const { signpost, receiver } = await start({ dispatchers: 2, environment: { LEASE_MS: '30000' } });
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
    const { signpost, receiver } = await start();
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
