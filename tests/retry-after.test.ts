import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type ReceivedRequest, type Receiver, startReceiver, waitFor } from '@signpost/testing';
import { type AnyJson, type Installation, startInstallation } from './support/installation.ts';

let signpost: Installation;
let receiver: Receiver;
beforeAll(async () => {
  signpost = await startInstallation();
}, 60_000);
afterAll(async () => {
  await receiver.close();
  await signpost.close();
});
beforeEach(async () => {
  if (receiver !== undefined) await receiver.close();
  receiver = await startReceiver();
  const { body } = await signpost.call('GET', '/v1/webhooks?limit=100');
  for (const webhook of body.data) await signpost.call('DELETE', `/v1/webhooks/${webhook.id}`);
});

const to = (path: string): ReceivedRequest[] => receiver.requests.filter(request => request.path === path);
const publish = () => signpost.publish({ eventType: 'call.ended', data: {} });
const readWebhook = async (id: string): Promise<AnyJson> => (await signpost.call('GET', `/v1/webhooks/${id}`)).body;
const deliveriesOf = async (webhookId: string): Promise<AnyJson[]> =>
  (await signpost.call('GET', `/v1/deliveries?webhook_id=${webhookId}`)).body.data;

/** A webhook whose receiver has answered the first request to `/busy` so, and takes all others. */
async function makeBusyWebhook(status: number, seconds: number): Promise<AnyJson> {
  receiver.answerWith(request =>
    request.path === '/busy' && to('/busy').length === 1
      ? { status, headers: { 'retry-after': String(seconds) } }
      : { status: 204 },
  );
  const webhook = await signpost.createWebhook({ url: `${receiver.url}/busy`, retry_schedule: [1, 1, 1] });
  await publish();
  await waitFor(async () => (await readWebhook(webhook.id)).retry_after !== null, {
    description: 'the webhook says until when its deliveries wait',
  });
  return webhook;
}

describe('a receiver that asks for a pause', () => {
  test.each([429, 503])(
    'with %i gets nothing before its end, and those that waited used up no attempt',
    async status => {
      const webhook = await makeBusyWebhook(status, 3);
      const other = await signpost.createWebhook({ url: `${receiver.url}/other` });
      const ids = [await publish(), await publish(), await publish()];
      // Another webhook goes on.
      await receiver.waitForRequests(4);
      expect([to('/busy').length, to('/other').length]).toEqual([1, 3]);
      for (const id of ids) await signpost.settledDeliveries(id);
      const [first, ...later] = to('/busy') as [ReceivedRequest, ...ReceivedRequest[]];
      expect(later).toHaveLength(4);
      for (const request of later) expect(request.receivedAtMs - first.receivedAtMs).toBeGreaterThanOrEqual(3000);
      expect((await deliveriesOf(webhook.id)).map(({ status, attempt_count }) => [status, attempt_count])).toEqual([
        ['succeeded', 1],
        ['succeeded', 1],
        ['succeeded', 1],
        ['succeeded', 2],
      ]);
      expect((await readWebhook(webhook.id)).retry_after).toBeNull();
      expect((await readWebhook(other.id)).retry_after).toBeNull();
    },
    30_000,
  );

  test('gets what a person sends in the meantime; those that wait say when they are due', async () => {
    const webhook = await makeBusyWebhook(429, 600);
    const eventId = await publish();
    const waiting = await waitFor(
      async () => {
        const delivery = (await deliveriesOf(webhook.id)).find(({ event_id }) => event_id === eventId);
        return Date.parse(delivery?.next_attempt_at) > Date.parse(delivery?.created_at) + 500_000 && delivery;
      },
      { description: 'the second delivery is put off' },
    );
    expect(waiting).toMatchObject({ status: 'pending', attempt_count: 0 });
    expect(to('/busy')).toHaveLength(1);
    expect((await signpost.call('POST', `/v1/deliveries/${waiting.id}/retry`)).status).toBe(202);
    await receiver.waitForRequests(2);
    const result = await signpost.call('POST', `/v1/webhooks/${webhook.id}/test`, { event_type: 'call.ended' });
    expect(result.body.status).toBe('success');
    expect(to('/busy')).toHaveLength(3);
  }, 20_000);

  test.each<[string, object]>([
    ['another URL', { url: 'REPLACED' }],
    ['activation', { active: true }],
  ])('is asked no more after %s', async (_name, change) => {
    const webhook = await makeBusyWebhook(503, 600);
    const path = `/v1/webhooks/${webhook.id}`;
    expect((await signpost.call('PATCH', path, { description: 'busy' })).body.retry_after).not.toBeNull();
    if ('active' in change) await signpost.call('PATCH', path, { active: false });
    const body = 'url' in change ? { url: `${receiver.url}/new` } : change;
    expect((await signpost.call('PATCH', path, body)).body.retry_after).toBeNull();
    await publish();
    await receiver.waitForRequests(2);
  });
});
