import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseId } from '@signpost/runtime';
import { type Receiver, waitFor } from '@signpost/testing';
import { type JobsOptions, Queue } from 'bullmq';
import type { Installation } from '../support/installation.ts';
import { publishMany, receivedIds, waitUntilNothingPends, waitUntilReceived } from '../support/publish-many.ts';
import { useInstallation } from './use-installation.ts';

let signpost: Installation;
let receiver: Receiver;
let fanOut: Queue;
let deliver: Queue;
beforeEach(async () => {
  ({ signpost, receiver } = await start({ dispatchers: 0 }));
  const connection = { url: signpost.redis.url };
  fanOut = new Queue('fan-out', { connection });
  deliver = new Queue('deliver', { connection });
}, 60_000);
// Above the next line, so that they close before their Redis ends.
afterEach(() => Promise.all([fanOut.close(), deliver.close()]));
const start = useInstallation();

/** Job options as every release has written them. */
const options = (jobId: string): JobsOptions => ({
  jobId,
  attempts: 1_000_000,
  backoff: { type: 'postgres' },
  removeOnComplete: true,
  removeOnFail: true,
});

/** Nothing but the jobs that are there brings a delivery about: the repairer waits longer than the test. */
const withoutRepair = { REPAIR_INTERVAL_MS: '60000', LEASE_MS: '600000' };

const uuidOf = (eventId: string): string => parseId('event', eventId) ?? '';

describe('jobs of another release', () => {
  test('of an earlier one are done; of a later one wait for a dispatcher that knows them, and hold up no other', async () => {
    receiver.answerWith(() => ({ status: 503 }));
    await signpost.createWebhook({ url: receiver.url, retry_schedule: [2, 60] });
    const first = await signpost.addDispatcher();
    const published = await publishMany(signpost, 20);
    const pending = () =>
      signpost.query<{ id: string }>(`select id from deliveries where attempt_count = 1 and status = 'pending'`);
    await waitFor(async () => (await pending()).length === 20, { description: 'all failed once' });
    await first.stop();
    const [later, ...earlier] = (await pending()).map(({ id }) => id);
    for (const id of [later as string, ...earlier]) expect(await deliver.remove(id)).toBe(1);
    for (const deliveryId of earlier)
      await deliver.add('deliver', { v: 1, deliveryId, trigger: 'scheduled' }, options(deliveryId));
    const laterJob = { v: 2, delivery: later, trigger: 'scheduled' };
    await deliver.add('deliver', laterJob, { ...options(later as string), lifo: true });
    await fanOut.add('fan-out', { v: 2, events: ['x'] }, { ...options('later'), lifo: true });

    receiver.answerWith(() => ({}));
    await signpost.addDispatcher({ ...withoutRepair, DISPATCHER_CONCURRENCY: '1' });
    published.push(...(await publishMany(signpost, 100)));
    const succeeded = async () =>
      (await signpost.query(`select from deliveries where status = 'succeeded'`)).length === 119;
    await waitFor(succeeded, { timeoutMs: 30_000, description: 'all but one are delivered' });
    await waitFor(async () => ((await deliver.getJob(later as string))?.attemptsMade ?? 0) > 1, {
      description: 'the job of the later release was looked at more than once',
    });
    expect((await deliver.getJob(later as string))?.data).toEqual(laterJob);
    expect((await fanOut.getJob('later'))?.data).toEqual({ v: 2, events: ['x'] });
    expect(await pending()).toEqual([{ id: later }]);
  }, 60_000);
});

describe('a fan-out', () => {
  test('that many ask for at once makes one delivery for each event and webhook, each sent once', async () => {
    for (const name of ['a', 'b', 'c']) await signpost.createWebhook({ url: `${receiver.url}/${name}` });
    // The API hands them over …
    const published = await publishMany(signpost, 300);
    await waitFor(async () => (await fanOut.getJobCounts('waiting'))['waiting'] ?? 0, { description: 'they wait' });
    // … somebody asks for each twice more, in other groups …
    const ids = published.map(uuidOf);
    for (const size of [7, 30])
      for (let start = 0; start < ids.length; start += size)
        await fanOut.add('fan-out', { v: 1, eventIds: ids.slice(start, start + size) }, options(`${size}.${start}`));
    // … and so do the repairers of two dispatchers, which find an empty mark in Redis.
    const dispatchers = await Promise.all([1, 2].map(() => signpost.addDispatcher({ REPAIR_INTERVAL_MS: '50' })));
    await waitUntilReceived(receiver, published, 30_000);
    await waitUntilNothingPends(signpost, 30_000);
    await waitFor(async () => (await fanOut.getJobCountByTypes('waiting', 'active', 'delayed')) === 0, {
      timeoutMs: 20_000,
      description: 'every fan-out was done',
    });
    await waitFor(async () => (await deliver.getJobCountByTypes('waiting', 'active', 'delayed')) === 0, {
      timeoutMs: 20_000,
      description: 'every job was done',
    });
    expect(receivedIds(receiver)).toEqual(new Set(published));
    expect(receiver.requests).toHaveLength(900);
    expect(
      await signpost.query(
        `select count(*)::int as deliveries, count(distinct (event_id, webhook_id))::int as pairs from deliveries`,
      ),
    ).toEqual([{ deliveries: 900, pairs: 900 }]);
    for (const dispatcher of dispatchers) expect(await dispatcher.stop()).toBe(0);
  }, 60_000);
});
