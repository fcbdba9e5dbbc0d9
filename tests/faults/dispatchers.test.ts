import { afterEach, describe, expect, test } from '@jest/globals';
import { type Receiver, startReceiver } from '@signpost/testing';
import { type Installation, type InstallationOptions, startInstallation } from '../support/installation.ts';
import { publishMany, receivedIds, waitUntilNothingPends, waitUntilReceived } from '../support/publish-many.ts';
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

describe('dispatchers', () => {
  test('killed with 500 deliveries in flight: another takes them up, and every event arrives', async () => {
    await start({ dispatchers: 0, environment: { DISPATCHER_CONCURRENCY: '500' } });
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
    await start({ dispatchers: 2 });
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
    await start();
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
