import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { type Receiver, type ReceivedRequest, startReceiver, waitFor } from '@signpost/testing';
import { type AnyJson, type Installation, startInstallation } from './support/installation.ts';

let signpost: Installation;
let receiver: Receiver;
let admin: Record<string, string>;
let workspacePath: string;
beforeAll(async () => {
  signpost = await startInstallation();
  const { body } = await signpost.call('GET', '/v1/workspaces');
  workspacePath = `/v1/workspaces/${body.data[0].id}`;
  admin = { authorization: `Bearer ${signpost.environment['ADMIN_API_KEY']}` };
}, 60_000);
afterAll(() => signpost.close());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await receiver.close();
  const { body } = await signpost.call('GET', '/v1/webhooks?limit=100');
  for (const webhook of body.data) await signpost.call('DELETE', `/v1/webhooks/${webhook.id}`);
  await signpost.call('PATCH', workspacePath, { contract: 'standard' });
});

/** A contract whose requests tell its version, in the body, in a header and by what they sign. */
const versioned = (name: string, version: string, more: object = {}): object => ({
  name,
  title: `Version ${version}`,
  envelope: {
    shape: 'object',
    fields: [
      { name: 'version', constant: version },
      { name: 'data', value: '{data}' },
    ],
  },
  headers: [
    { name: `X-${version}`, value: '{delivery.id}' },
    { name: 'X-Time', value: '{timestamp}' },
  ],
  signature: {
    algorithm: 'hmac-sha256',
    content: `${version}.{timestamp}.{body}`,
    encoding: 'hex',
    format: `${version}={signature}`,
    separator: null,
    headers: [{ name: 'X-Signature', value: '{signatures}' }],
  },
  secret: { prefix: '', encoding: 'text', key: 'printed', generated_bytes: 24, min_length: 16, max_length: 64 },
  retry: { schedule_seconds: [1, 1], jitter_ratio: 0 },
  ...more,
});

const create = async (document: object): Promise<AnyJson> => {
  const made = await signpost.call('POST', '/v1/contracts', document);
  expect(made.status).toBe(201);
  return made.body;
};

/** What the contract's sheet tells a receiver to do. */
function expectVersion(request: ReceivedRequest | undefined, version: string, secret: string, data: string): void {
  const { headers = {}, body = Buffer.alloc(0) } = request ?? {};
  expect(body.toString()).toBe(`{"version":"${version}","data":${data}}`);
  expect(headers[`x-${version}`]).toMatch(/^del_/);
  const signed = createHmac('sha256', secret)
    .update(`${version}.${String(headers['x-time'])}.`)
    .update(body)
    .digest('hex');
  expect(headers['x-signature']).toBe(`${version}=${signed}`);
}

const attemptsOf = async (deliveryId: string): Promise<AnyJson[]> =>
  (await signpost.call('GET', `/v1/deliveries/${deliveryId}`)).body.attempts;

describe('a delivery keeps the version of the contract that it began with', () => {
  test('a retry goes out by the old one after a change, a new event by the new one, and the log shows each as it was', async () => {
    await create(versioned('shifting', 'v1'));
    const webhook = await signpost.createWebhook({ url: receiver.url, contract: 'shifting' });
    receiver.answerWith((_request, index) => ({ status: index === 0 ? 500 : 204 }));
    const old = await signpost.publish({ eventType: 'a', data: { n: 1 } });
    await receiver.waitForRequests(1);
    const changed = await signpost.call('PUT', '/v1/contracts/shifting', versioned('shifting', 'v2'));
    expect([changed.status, changed.body.version]).toEqual([200, 2]);
    const fresh = await signpost.publish({ eventType: 'a', data: { n: 2 } });

    const [oldDelivery] = await signpost.settledDeliveries(old);
    const [freshDelivery] = await signpost.settledDeliveries(fresh);
    expect([oldDelivery.status, freshDelivery.status]).toEqual(['succeeded', 'succeeded']);
    const about = (n: number) => receiver.requests.filter(({ body }) => body.includes(`"n":${n}`));
    expect([about(1).length, about(2).length]).toEqual([2, 1]);
    for (const request of about(1)) expectVersion(request, 'v1', webhook.signing_secret, '{"n":1}');
    expectVersion(about(2)[0], 'v2', webhook.signing_secret, '{"n":2}');
    for (const [delivery, requests] of [
      [oldDelivery, about(1)],
      [freshDelivery, about(2)],
    ] as const)
      expect((await attemptsOf(delivery.id)).map(attempt => attempt.request.body)).toEqual(
        requests.map(({ body }) => body.toString()),
      );
  });

  test('so it does when the contract is deleted, and when the workspace chooses another', async () => {
    await create(versioned('leaving', 'v1'));
    expect((await signpost.call('PATCH', workspacePath, { contract: 'leaving' })).body.contract).toBe('leaving');
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    await signpost.createWebhook({ url: receiver.url, secret });
    receiver.answerWith((_request, index) => ({ status: index === 0 ? 500 : 204 }));
    const old = await signpost.publish({ eventType: 'a', data: 1 });
    await receiver.waitForRequests(1);
    expect((await signpost.call('PATCH', workspacePath, { contract: 'standard' })).status).toBe(200);
    expect((await signpost.call('DELETE', '/v1/contracts/leaving')).status).toBe(204);
    const fresh = await signpost.publish({ eventType: 'a', data: 2 });

    const [delivery] = await signpost.settledDeliveries(old);
    expect(delivery.status).toBe('succeeded');
    await signpost.settledDeliveries(fresh);
    const mine = receiver.requests.filter(({ headers }) => headers['x-v1'] === delivery.id);
    expect(mine).toHaveLength(2);
    for (const request of mine) expectVersion(request, 'v1', secret, '1');
    const others = receiver.requests.filter(({ headers }) => headers['webhook-id'] === fresh);
    expect(others).toHaveLength(1);
    expect((await attemptsOf(delivery.id)).map(attempt => attempt.request.body)).toEqual([
      '{"version":"v1","data":1}',
      '{"version":"v1","data":1}',
    ]);
  });

  test('its schedule and its rule of success are those of its version', async () => {
    await create(versioned('strict', 'v1', { success: { from: 200, to: 200 }, retry: { schedule_seconds: [1] } }));
    await signpost.createWebhook({ url: receiver.url, contract: 'strict' });
    const old = await signpost.publish({ eventType: 'a', data: 1 });
    await receiver.waitForRequests(1);
    await signpost.call('PUT', '/v1/contracts/strict', versioned('strict', 'v2'));
    const [oldDelivery] = await signpost.settledDeliveries(old);
    // 204 is no success by the first version, not even at its last retry.
    expect([oldDelivery.status, oldDelivery.attempt_count]).toEqual(['failed', 2]);
    const [fresh] = await signpost.settledDeliveries(await signpost.publish({ eventType: 'a', data: 2 }));
    expect([fresh.status, fresh.attempt_count]).toEqual(['succeeded', 1]);
  });

  test('a delivery from before versions goes by what its webhook names now', async () => {
    await create(versioned('older', 'v1', { retry: { schedule_seconds: [3] } }));
    const webhook = await signpost.createWebhook({ url: receiver.url, contract: 'older' });
    receiver.answerWith((_request, index) => ({ status: index === 0 ? 500 : 204 }));
    const event = await signpost.publish({ eventType: 'a', data: 1 });
    await receiver.waitForRequests(1);
    const forgotten = await waitFor(
      async () => {
        const rows = await signpost.query(
          `update deliveries set contract = null, contract_version = null
           where webhook_id in (select id from webhooks where contract = 'older') and attempt_count = 1 returning id`,
        );
        return rows.length > 0 ? rows : null;
      },
      { timeoutMs: 5000, description: 'the first attempt is recorded' },
    );
    expect(forgotten).toHaveLength(1);
    const [delivery] = await signpost.settledDeliveries(event);
    expect(delivery.status).toBe('succeeded');
    expectVersion(receiver.requests[1], 'v1', webhook.signing_secret, '1');
  });
});

describe("a contract of the workspace's own", () => {
  test('shapes test sends, too', async () => {
    await create(versioned('tested', 'v1'));
    const webhook = await signpost.createWebhook({ url: receiver.url, contract: 'tested' });
    const sent = await signpost.call('POST', `/v1/webhooks/${webhook.id}/test`, { event_type: 'a' });
    expect(sent.body).toMatchObject({ status: 'success', response_code: 204 });
    const { version, data } = JSON.parse(receiver.requests[0]?.body.toString() ?? '');
    expect(version).toBe('v1');
    expectVersion(receiver.requests[0], 'v1', webhook.signing_secret, JSON.stringify(data));
    const [attempt] = await attemptsOf(sent.body.delivery_id);
    expect(attempt.request.body).toBe(receiver.requests[0]?.body.toString());
  });

  test('that is not there for a delivery fails its attempts, says so in the log, and sends nothing by another', async () => {
    await create(versioned('lost', 'v1', { retry: { schedule_seconds: [3] } }));
    await signpost.createWebhook({ url: receiver.url, contract: 'lost', retry_schedule: [2] });
    receiver.answerWith(() => ({ status: 500 }));
    const event = await signpost.publish({ eventType: 'a', data: 1 });
    await receiver.waitForRequests(1);
    await waitFor(
      async () => {
        const rows = await signpost.query(
          `update deliveries set contract_version = 99 where contract = 'lost' and attempt_count = 1 returning id`,
        );
        return rows.length > 0 ? rows : null;
      },
      { timeoutMs: 5000, description: 'the first attempt is recorded' },
    );
    const [delivery] = await signpost.settledDeliveries(event);
    expect(delivery).toMatchObject({ status: 'failed', attempt_count: 2 });
    expect((await attemptsOf(delivery.id))[1]).toMatchObject({ error: { code: 'internal' }, request: { body: null } });
    expect(receiver.requests).toHaveLength(1);
  });
});

describe('a preview', () => {
  const data = '{"id":9007199254740993,"ratio":1.0,"e":1e400,"note":"caf\\u00e9 ☕","b":1,"b":2,  "a":[ ]}';

  test.each(['standard', 'replicer', 'repixa', 'repull', 'nixflex', 'repairy', 'stripe', 'github', 'slack'])(
    'of %s equals what arrives, but for what the transport adds',
    async contract => {
      const webhook = await signpost.createWebhook({ url: receiver.url, contract });
      const fields = `"event_type":"a.b","data":${data},"metadata":{"m":1.0},"subject":"agent_1"`;
      const published = await signpost.call('POST', '/v1/events', `{${fields}}`);
      const [delivery] = await signpost.settledDeliveries(published.body.id);
      const [attempt] = await attemptsOf(delivery.id);
      const [arrived] = receiver.requests;

      const ids = {
        contract,
        secret: webhook.signing_secret,
        event_id: published.body.id,
        delivery_id: delivery.id,
        attempt_id: attempt.id,
        attempt_timestamp: attempt.started_at,
      };
      const event = `{${fields},"timestamp":"${published.body.timestamp}"}`;
      const previewed = await signpost.call(
        'POST',
        '/v1/contracts/preview',
        `{"event":${event},${JSON.stringify(ids).slice(1)}`,
      );
      expect(previewed.status).toBe(200);
      const { method, headers, body, signed_content: signedContent } = previewed.body;
      expect([method, body]).toEqual([arrived?.method, arrived?.body.toString()]);
      expect(body).toContain(contract === 'nixflex' ? data.slice(1, -1) : data);
      const ofTransport = new Set(['host', 'connection', 'content-length', 'accept-encoding', 'user-agent']);
      const names = arrived?.rawHeaders.filter((_each, index) => index % 2 === 0) ?? [];
      const sent = Object.fromEntries(names.map((name, index) => [name, arrived?.rawHeaders[2 * index + 1]]));
      for (const name of names) if (ofTransport.has(name.toLowerCase())) delete sent[name];
      expect(headers).toEqual(sent);
      expect(signedContent.length).toBeGreaterThan(0);
    },
  );

  test('works with the instance key for any workspace, and with a document that is not stored', async () => {
    const workspace = (await signpost.call('POST', '/v1/workspaces', { name: 'previews' }, admin)).body;
    const document = versioned('unsaved', 'v9');
    const secret = 'a secret without spaces'.replaceAll(' ', '-');
    const previewed = await signpost.call(
      'POST',
      '/v1/contracts/preview',
      { document, secret, event: { event_type: 'a', data: 1 }, attempt_timestamp: '2026-04-05T14:04:00.999Z' },
      { ...admin, 'x-workspace-id': workspace.id },
    );
    expect(previewed.body).toMatchObject({
      body: '{"version":"v9","data":1}',
      signed_content: 'v9.1775397840.{"version":"v9","data":1}',
    });
    const signed = createHmac('sha256', secret).update(previewed.body.signed_content).digest('hex');
    expect(previewed.body.headers['X-Signature']).toBe(`v9=${signed}`);
  });
});
