import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createEncryption } from '@signpost/runtime';
import { type Receiver, startReceiver } from '@signpost/testing';
import { type Installation, startInstallation } from './support/installation.ts';

let receiver: Receiver;
let signpost: Installation;
beforeAll(async () => {
  receiver = await startReceiver();
  signpost = await startInstallation();
}, 60_000);
afterAll(async () => {
  await signpost.close();
  await receiver.close();
}, 60_000);

const countEvents = async (): Promise<number> =>
  (await signpost.query<{ count: number }>('select count(*)::int as count from events'))[0]?.count ?? 0;

/** Publishes an event to one webhook alone and returns what its first attempt got. */
async function deliverOnce(
  webhook: Record<string, unknown>,
  eventType: string,
): Promise<{ code: number; body: string }> {
  await signpost.createWebhook({ events: [eventType], retry_schedule: [], ...webhook });
  const [delivery] = await signpost.settledDeliveries(await signpost.publish({ eventType, data: { n: 1 } }));
  const { body } = await signpost.call('GET', `/v1/deliveries/${delivery.id}`);
  expect(body.status).toBe('failed');
  return { code: body.attempts[0].response_code, body: body.attempts[0].response.body };
}

test('a webhook with the URL of its own API and a valid key gets 508, and no event comes of it', async () => {
  const before = await countEvents();
  const got = await deliverOnce(
    { url: `${signpost.api.url}/v1/events`, headers: { authorization: `Bearer ${signpost.key}` } },
    'loop.direct',
  );
  expect(got.code).toBe(508);
  expect(JSON.parse(got.body)).toMatchObject({ code: 'delivery_loop', status: 508 });
  expect(await countEvents()).toBe(before + 1);
}, 30_000);

test('a contract with a user agent of its own does not get round it, and its user agent is still sent', async () => {
  const created = await signpost.call('POST', '/v1/contracts', {
    name: 'courier',
    title: 'Courier',
    // The body is the event's data: with the right data, a call that the API would take.
    envelope: { shape: 'data' },
    headers: [
      { name: 'Content-Type', value: 'application/json' },
      { name: 'User-Agent', value: 'Courier/7' },
    ],
    signature: {
      algorithm: 'hmac-sha256',
      content: '{timestamp}.{body}',
      encoding: 'hex',
      format: '{signature}',
      separator: null,
      headers: [{ name: 'X-Signature', value: '{signatures}' }],
    },
  });
  expect(created.status).toBe(201);
  const webhook = { contract: 'courier', events: ['loop.contract'], retry_schedule: [] };
  const headers = { authorization: `Bearer ${signpost.key}` };
  await signpost.createWebhook({ ...webhook, url: `${signpost.api.url}/v1/events`, headers });
  await signpost.createWebhook({ ...webhook, url: `${receiver.url}/courier` });
  const before = await countEvents();
  const data = { event_type: 'loop.contract', data: {} };
  const deliveries = await signpost.settledDeliveries(await signpost.publish({ eventType: 'loop.contract', data }));
  expect(new Set(deliveries.map(({ status }) => status))).toEqual(new Set(['failed', 'succeeded']));
  const codes = deliveries.map(
    async ({ id }) => (await signpost.call('GET', `/v1/deliveries/${id}`)).body.attempts[0].response_code,
  );
  expect(new Set(await Promise.all(codes))).toEqual(new Set([204, 508]));
  expect(await countEvents()).toBe(before + 1);
  const courier = receiver.requests.find(({ path }) => path === '/courier');
  expect(courier?.headers['user-agent']).toMatch(/^Courier\/7 Signpost\/0\.1 \(installation [0-9a-f]{12}\)$/);
}, 30_000);

test('what others send with a user agent like ours is taken: the name has to be ours', async () => {
  const other = createEncryption(Buffer.alloc(32, 7).toString('base64')).installationIds[0];
  const publish = (userAgent: string) =>
    signpost.call('POST', '/v1/events', { event_type: 'other.agent', data: 1 }, { 'user-agent': userAgent });
  expect((await publish(`Signpost/0.1 (installation ${other})`)).status).toBe(202);
  expect((await publish('Signpost/0.1')).status).toBe(202);
  const own = createEncryption(signpost.environment['ENCRYPTION_KEY'] ?? '').installationIds[0];
  expect((await publish(`Signpost/0.1 (installation ${own})`)).status).toBe(508);
}, 30_000);

test('the headers of a webhook cannot name another sender', async () => {
  const refused = await signpost.call('POST', '/v1/webhooks', {
    url: receiver.url,
    events: ['*'],
    headers: { 'User-Agent': 'curl/8' },
  });
  expect([refused.status, refused.body.code]).toEqual([422, 'validation_failed']);
  // One that was saved when it was allowed.
  const webhook = await signpost.createWebhook({ url: `${receiver.url}/old`, events: ['old.header'] });
  expect(webhook.id).toMatch(/^wh_/);
  await signpost.query(`update webhooks set headers = '{"User-Agent":"curl/8","X-Kept":"yes"}' where url = $1`, [
    `${receiver.url}/old`,
  ]);
  await signpost.publish({ eventType: 'old.header', data: 1 });
  const request = (await receiver.waitForRequests(2)).at(-1);
  const own = createEncryption(signpost.environment['ENCRYPTION_KEY'] ?? '').installationIds[0];
  expect(request?.headers).toMatchObject({ 'user-agent': `Signpost/0.1 (installation ${own})`, 'x-kept': 'yes' });
}, 30_000);
