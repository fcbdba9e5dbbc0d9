import { expect, test } from '@jest/globals';
import { waitFor } from '@signpost/testing';
import { publishMany } from '../support/publish-many.ts';
import { expectNothingLost } from './nothing-lost.ts';
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
