import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Receiver, type ReceivedRequest, startReceiver, waitFor } from '@signpost/testing';
import { Webhook } from 'standardwebhooks';
import { type AnyJson, type Installation, startInstallation } from './support/installation.ts';

let signpost: Installation;
let receiver: Receiver;
beforeAll(async () => {
  signpost = await startInstallation();
}, 60_000);
afterAll(() => signpost.close());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  // First, so that a test that failed leaves no open server behind.
  await receiver.close();
  const { body } = await signpost.call('GET', '/v1/webhooks?limit=100');
  for (const webhook of body.data) await signpost.call('DELETE', `/v1/webhooks/${webhook.id}`);
});

const to = (path: string): ReceivedRequest[] => receiver.requests.filter(request => request.path === path);
const verify = (request: ReceivedRequest, secret: string): unknown =>
  new Webhook(secret).verify(request.body, request.headers as Record<string, string>);
const attemptsOf = async (deliveryId: string): Promise<AnyJson[]> =>
  (await signpost.call('GET', `/v1/deliveries/${deliveryId}`)).body.attempts;

describe('an event that three webhooks are subscribed to', () => {
  test('reaches each, signed with its secret; one that fails twice gets it the third time, with the same id and bytes', async () => {
    receiver.answerWith(request => ({ status: request.path === '/shaky' && to('/shaky').length < 3 ? 500 : 204 }));
    const [first, second, shaky] = await Promise.all(
      ['/first', '/second', '/shaky'].map(path =>
        signpost.createWebhook({ url: receiver.url + path, events: ['call.*'], retry_schedule: [1, 1, 1, 1, 1] }),
      ),
    );
    await signpost.createWebhook({ url: `${receiver.url}/other`, events: ['sms.sent'] });
    const data = '{"id":9007199254740993,"ratio":1.0,"note":"café ☕ 🎉","b":1e400,"b":null}';
    const published = await signpost.call('POST', '/v1/events', `{"event_type":"call.ended","data":${data}}`);
    expect(published.status).toBe(202);

    const deliveries = await signpost.settledDeliveries(published.body.id);
    expect(deliveries.map(delivery => delivery.status)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(to('/other')).toEqual([]);
    for (const [path, webhook, count] of [
      ['/first', first, 1],
      ['/second', second, 1],
      ['/shaky', shaky, 3],
    ] as const) {
      const requests = to(path);
      expect(requests).toHaveLength(count);
      for (const request of requests) {
        expect(request.headers['webhook-id']).toBe(published.body.id);
        expect(request.body).toEqual(requests[0]?.body);
        expect(request.body.toString()).toBe(
          `{"type":"call.ended","timestamp":"${published.body.timestamp}","data":${data}}`,
        );
        expect(() => verify(request, webhook.signing_secret)).not.toThrow();
      }
    }
    const shakyDelivery = deliveries.find(delivery => delivery.webhook_id === shaky.id);
    const attempts = await attemptsOf(shakyDelivery.id);
    expect(attempts.map(attempt => [attempt.number, attempt.trigger, attempt.status, attempt.response_code])).toEqual([
      [1, 'scheduled', 'failed', 500],
      [2, 'scheduled', 'failed', 500],
      [3, 'scheduled', 'succeeded', 204],
    ]);
    expect(attempts[0].request.body).toBe(to('/shaky')[0]?.body.toString());
    expect(JSON.stringify(attempts)).not.toContain(shaky.signing_secret);
  }, 30_000);

  test('that matches nothing is kept and says so', async () => {
    await signpost.createWebhook({ url: receiver.url, events: ['sms.sent'] });
    const id = await signpost.publish({ eventType: 'call.ended', data: {} });
    expect(await signpost.settledDeliveries(id)).toEqual([]);
    const { body } = await signpost.call('GET', `/v1/events/${id}`);
    expect(body).toMatchObject({ id, event_type: 'call.ended', data: {}, fanned_out: true, deliveries: [] });
  });

  test('reaches those of its subject and channels alone', async () => {
    const make = (path: string, fields: object) => signpost.createWebhook({ url: receiver.url + path, ...fields });
    await make('/subject', { subject: 'agent_1' });
    await make('/other-subject', { subject: 'agent_2' });
    await make('/channel', { channels: ['eu', 'us'] });
    await make('/other-channel', { channels: ['asia'] });
    const id = await signpost.publish({ eventType: 'call.ended', data: {}, subject: 'agent_1', channels: ['eu'] });
    await signpost.settledDeliveries(id);
    expect(receiver.requests.map(request => request.path).sort()).toEqual(['/channel', '/subject']);
  });
});

describe('retries', () => {
  test('end after 1 + 5 attempts, each with a fresh timestamp and signature; a manual retry after that may still succeed', async () => {
    receiver.answerWith(() => ({ status: 500, body: 'out of order' }));
    const webhook = await signpost.createWebhook({ url: receiver.url, retry_schedule: [1, 1, 1, 1, 1] });
    const id = await signpost.publish({ eventType: 'call.ended', data: { n: 1 } });
    const [delivery] = await signpost.settledDeliveries(id, 30_000);
    expect(delivery).toMatchObject({ status: 'failed', attempt_count: 6, next_attempt_at: null });
    expect(new Set(receiver.requests.map(request => request.headers['webhook-signature'])).size).toBe(6);
    const gaps = receiver.requests
      .slice(1)
      .map((request, index) => request.receivedAtMs - (receiver.requests[index]?.receivedAtMs ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(990);
    const attempts = await attemptsOf(delivery.id);
    expect(attempts[5]).toMatchObject({ response: { body: 'out of order' }, error: { code: 'http_status' } });

    receiver.answerWith(() => ({ status: 200 }));
    expect((await signpost.call('POST', `/v1/deliveries/${delivery.id}/retry`)).status).toBe(202);
    await waitFor(
      async () => (await signpost.call('GET', `/v1/deliveries/${delivery.id}`)).body.status === 'succeeded',
      {
        description: 'the manual retry has succeeded',
      },
    );
    expect((await attemptsOf(delivery.id))[6]).toMatchObject({ number: 7, trigger: 'manual', status: 'succeeded' });
    expect(() => verify(receiver.requests[6] as ReceivedRequest, webhook.signing_secret)).not.toThrow();
  }, 45_000);

  test('wait at least as long as Retry-After asks', async () => {
    receiver.answerWith((_request, index) => (index === 0 ? { status: 429, headers: { 'retry-after': '3' } } : {}));
    await signpost.createWebhook({ url: receiver.url, retry_schedule: [1] });
    const id = await signpost.publish({ eventType: 'call.ended', data: {} });
    await signpost.settledDeliveries(id);
    const [first, second] = receiver.requests as [ReceivedRequest, ReceivedRequest];
    expect(second.receivedAtMs - first.receivedAtMs).toBeGreaterThanOrEqual(2990);
  }, 20_000);

  test('a manual retry of a pending delivery is made beside the schedule, which goes on', async () => {
    receiver.answerWith(() => ({ status: 500 }));
    await signpost.createWebhook({ url: receiver.url, retry_schedule: [3600] });
    const id = await signpost.publish({ eventType: 'call.ended', data: {} });
    await receiver.waitForRequests(1);
    const read = async () => (await signpost.call('GET', `/v1/events/${id}`)).body.deliveries[0];
    const before = await waitFor(
      async () => {
        const delivery = await read();
        return delivery?.attempt_count === 1 && delivery;
      },
      { description: 'the first attempt is recorded' },
    );
    await signpost.call('POST', `/v1/deliveries/${before.id}/retry`);
    const after = await waitFor(
      async () => {
        const delivery = await read();
        return delivery.attempt_count === 2 && delivery;
      },
      { description: 'the manual attempt is recorded' },
    );
    expect(after).toMatchObject({ status: 'pending', next_attempt_at: before.next_attempt_at });
  });

  test('410 fails the delivery at once, deactivates the webhook and cancels what waits for it', async () => {
    receiver.answerWith(() => ({ status: 500 }));
    const webhook = await signpost.createWebhook({ url: receiver.url, retry_schedule: [3600] });
    const waiting = await signpost.publish({ eventType: 'call.ended', data: {} });
    await receiver.waitForRequests(1);
    receiver.answerWith(() => ({ status: 410 }));
    const gone = await signpost.publish({ eventType: 'call.ended', data: {} });
    expect(await signpost.settledDeliveries(gone)).toMatchObject([{ status: 'failed', attempt_count: 1 }]);
    expect(await signpost.settledDeliveries(waiting)).toMatchObject([{ status: 'cancelled' }]);
    expect((await signpost.call('GET', `/v1/webhooks/${webhook.id}`)).body.active).toBe(false);
    const after = await signpost.publish({ eventType: 'call.ended', data: {} });
    expect(await signpost.settledDeliveries(after)).toEqual([]);
  });

  test.each(['DELETE', 'PATCH'])(
    '%s of a webhook cancels its pending deliveries',
    async method => {
      receiver.answerWith(() => ({ status: 500 }));
      const webhook = await signpost.createWebhook({ url: receiver.url, retry_schedule: [1, 1, 1] });
      const id = await signpost.publish({ eventType: 'call.ended', data: {} });
      await receiver.waitForRequests(1);
      const answer = await signpost.call(
        method,
        `/v1/webhooks/${webhook.id}`,
        method === 'PATCH' ? { active: false } : undefined,
      );
      expect([200, 204]).toContain(answer.status);
      expect(await signpost.settledDeliveries(id)).toMatchObject([{ status: 'cancelled', next_attempt_at: null }]);
      // Proof that nothing comes any more: an event of later is delivered elsewhere, after the cancelled retry was due.
      await signpost.createWebhook({ url: `${receiver.url}/proof`, retry_schedule: [2] });
      const before = receiver.requests.length;
      receiver.answerWith(() => ({ status: to('/proof').length < 2 ? 500 : 204 }));
      await signpost.settledDeliveries(await signpost.publish({ eventType: 'call.ended', data: {} }));
      expect(receiver.requests.slice(before).map(request => request.path)).toEqual(['/proof', '/proof']);
    },
    20_000,
  );

  test('a redirect is a failure and is not followed', async () => {
    receiver.answerWith(request =>
      request.path === '/elsewhere' ? {} : { status: 308, headers: { location: '/elsewhere' } },
    );
    await signpost.createWebhook({ url: receiver.url, retry_schedule: [] });
    const [delivery] = await signpost.settledDeliveries(await signpost.publish({ eventType: 'call.ended', data: {} }));
    expect((await attemptsOf(delivery.id))[0].error.code).toBe('redirect_not_followed');
    expect(to('/elsewhere')).toEqual([]);
  });

  test('a receiver that never answers ends by the deadline of its webhook', async () => {
    receiver.answerWith(() => ({ delay: new Promise(() => {}) }));
    await signpost.createWebhook({ url: receiver.url, retry_schedule: [], timeout_ms: 1000 });
    const [delivery] = await signpost.settledDeliveries(await signpost.publish({ eventType: 'call.ended', data: {} }));
    const [attempt] = await attemptsOf(delivery.id);
    expect(attempt.error.code).toMatch(/^timeout/);
    expect(attempt.duration_ms).toBeGreaterThanOrEqual(990);
  });

  test('of a large answer 64 KiB are kept', async () => {
    receiver.answerWith(() => ({ status: 200, body: 'x'.repeat(200_000) }));
    await signpost.createWebhook({ url: receiver.url });
    const [delivery] = await signpost.settledDeliveries(await signpost.publish({ eventType: 'call.ended', data: {} }));
    const [attempt] = await attemptsOf(delivery.id);
    expect(attempt).toMatchObject({ status: 'succeeded', response: { body_truncated: true } });
    expect(attempt.response.body).toHaveLength(65_536);
  });
});

describe('publishing', () => {
  test('the same idempotency key fifty times at once is one event', async () => {
    await signpost.createWebhook({ url: receiver.url });
    const body = { event_type: 'call.ended', data: { n: 1 } };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => signpost.call('POST', '/v1/events', body, { 'idempotency-key': 'fifty' })),
    );
    expect(new Set(answers.map(answer => answer.body.id)).size).toBe(1);
    expect(answers.filter(answer => answer.status === 202)).toHaveLength(1);
    expect(answers.filter(answer => answer.status === 200)).toHaveLength(49);
    expect(answers.filter(answer => answer.body.duplicate)).toHaveLength(49);
    await signpost.settledDeliveries(answers[0]?.body.id);
    expect(receiver.requests).toHaveLength(1);
    const reused = await signpost.call(
      'POST',
      '/v1/events',
      { ...body, data: { n: 2 } },
      { 'idempotency-key': 'fifty' },
    );
    expect(reused).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  });

  test('of a batch the good items are accepted, and the bad ones say why', async () => {
    await signpost.createWebhook({ url: receiver.url });
    const { status, body } = await signpost.call('POST', '/v1/events/batch', {
      events: [
        { event_type: 'call.ended', data: { n: 1 } },
        { event_type: 'not a type', data: {} },
        { event_type: 'call.ended' },
        'nonsense',
        { event_type: 'call.ended', data: { n: 5 }, idempotency_key: 'in-batch' },
        { event_type: 'call.ended', data: { n: 5 }, idempotency_key: 'in-batch' },
      ],
    });
    expect(status).toBe(202);
    expect(body.data).toHaveLength(6);
    expect(body.data.map((item: AnyJson) => item.error?.code ?? 'accepted')).toEqual([
      'accepted',
      'validation_failed',
      'validation_failed',
      'validation_failed',
      'accepted',
      'accepted',
    ]);
    expect(body.data[1].error.errors[0].path).toContain('event_type');
    expect(body.data[5]).toEqual({ id: body.data[4].id, duplicate: true });
    await signpost.settledDeliveries(body.data[0].id);
    await signpost.settledDeliveries(body.data[4].id);
    expect(receiver.requests).toHaveLength(2);
  });
});

describe('a test send', () => {
  test('is delivered at once, logged as a test and answered with what happened', async () => {
    const webhook = await signpost.createWebhook({ url: receiver.url, active: false });
    const { status, body } = await signpost.call('POST', `/v1/webhooks/${webhook.id}/test`, {
      event_type: 'call.ended',
    });
    expect({ status, body }).toMatchObject({ status: 200, body: { status: 'success', response_code: 204 } });
    expect(() => verify(receiver.requests[0] as ReceivedRequest, webhook.signing_secret)).not.toThrow();
    expect(await attemptsOf(body.delivery_id)).toMatchObject([{ number: 1, trigger: 'test', status: 'succeeded' }]);
  });

  test('of a failing receiver says why, and is not retried', async () => {
    receiver.answerWith(() => ({ status: 500 }));
    const webhook = await signpost.createWebhook({ url: receiver.url, retry_schedule: [1] });
    const { body } = await signpost.call('POST', `/v1/webhooks/${webhook.id}/test`, { event_type: 'call.ended' });
    expect(body).toMatchObject({
      status: 'failed',
      response_code: 500,
      error: { code: 'http_status', message: expect.stringContaining('500') },
    });
    expect((await signpost.call('GET', `/v1/deliveries/${body.delivery_id}`)).body).toMatchObject({
      status: 'failed',
      attempt_count: 1,
    });
  });
});
