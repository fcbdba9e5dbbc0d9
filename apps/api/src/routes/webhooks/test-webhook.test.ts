import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AppProcess, type Receiver, type TestRedis, waitFor } from '@signpost/testing';
import { Webhook } from 'standardwebhooks';
import { type ApiWithDispatcher, startApiWithDispatcher } from '../../api-with-dispatcher.fixture.ts';
import type { TestApi, TestWorkspace } from '../../test-api.ts';

let system: ApiWithDispatcher;
let redis: TestRedis;
let api: TestApi;
let dispatcher: AppProcess;
let receiver: Receiver;
let mine: TestWorkspace;

beforeAll(async () => {
  system = await startApiWithDispatcher();
  ({ api, dispatcher, receiver, redis } = system);
  mine = await api.makeWorkspace();
});
afterAll(() => system.close());

async function makeWebhook(fields: object = {}, key = mine.key): Promise<{ id: string; secret: string }> {
  const { body } = await api.call('POST /v1/webhooks', { key, body: { url: receiver.url, events: ['*'], ...fields } });
  return { id: body.id, secret: body.signing_secret };
}

const send = (id: string, eventType = 'call.ended', key = mine.key) =>
  api.call(`POST /v1/webhooks/${id}/test`, { key, body: { event_type: eventType } });

/** What arrived last. */
function lastRequest() {
  const request = receiver.requests.at(-1);
  if (request === undefined) throw new Error('Nothing arrived');
  return request;
}

describe('with a dispatcher', () => {
  test('200 success: one signed event, to this webhook alone, although it is inactive', async () => {
    receiver.answerWith(() => ({ status: 202, body: 'thanks' }));
    await makeWebhook();
    const { id, secret } = await makeWebhook({ active: false });
    const before = receiver.requests.length;
    const result = await send(id);
    expect(result.status).toBe(200);
    expect(result.body).toEqual({
      delivery_id: expect.stringMatching(/^del_/),
      status: 'success',
      response_code: 202,
      response_time_ms: expect.any(Number),
    });
    expect(receiver.requests).toHaveLength(before + 1);
    const { body, headers } = lastRequest();
    const verified = new Webhook(secret).verify(body, headers as Record<string, string>);
    expect(verified).toMatchObject({ type: 'call.ended', data: { id: expect.any(String) } });

    const delivery = await api.call(`GET /v1/deliveries/${result.body.delivery_id}`, { key: mine.key });
    expect(delivery.body).toMatchObject({ webhook_id: id, status: 'succeeded', attempt_count: 1 });
    expect(delivery.body.attempts).toMatchObject([{ trigger: 'test', request: { body: body.toString() } }]);
    const event = await api.call(`GET /v1/events/${delivery.body.event_id}`, { key: mine.key });
    expect(event.body).toMatchObject({ fanned_out: true, deliveries: [{ id: result.body.delivery_id }] });
  });

  test('200 failed: what the receiver answered, and nothing is tried again', async () => {
    receiver.answerWith(() => ({ status: 500, body: 'broken' }));
    const { id } = await makeWebhook();
    const result = await send(id);
    expect(result.body).toMatchObject({
      status: 'failed',
      response_code: 500,
      error: { code: 'http_status', message: expect.stringContaining('500') },
    });
    const delivery = await api.call(`GET /v1/deliveries/${result.body.delivery_id}`, { key: mine.key });
    expect(delivery.body).toMatchObject({ status: 'failed', attempt_count: 1, next_attempt_at: null });
  });

  test('200 failed: a receiver that does not answer is waited for until the deadline of the webhook', async () => {
    receiver.answerWith(() => ({ delay: new Promise(() => {}) }));
    const { id } = await makeWebhook({ timeout_ms: 1000 });
    const result = await send(id);
    expect(result.body).toMatchObject({
      status: 'failed',
      response_code: null,
      error: { code: expect.stringMatching(/^timeout/) },
    });
    expect(result.body.response_time_ms).toBeGreaterThanOrEqual(990);
  });

  const dataOf = () => JSON.parse(lastRequest().body.toString()).data;

  test("the data follow the workspace's event type, else the contract's, and are other ones each time", async () => {
    receiver.answerWith(() => ({}));
    const workspace = await api.makeWorkspace();
    const own = await makeWebhook({}, workspace.key);
    const github = await makeWebhook({ contract: 'github' }, workspace.key);
    expect((await send(github.id, 'push', workspace.key)).body.status).toBe('success');
    expect(JSON.parse(lastRequest().body.toString())).toMatchObject({ ref: expect.stringMatching(/^refs\/heads\/./) });
    const schema = {
      type: 'object',
      required: ['order', 'total'],
      properties: { total: { minimum: 10, maximum: 15 } },
    };
    const body = { name: 'order.paid', schema, example: { order: 'A-10337', total: 12.5 } };
    await api.call('POST /v1/event-types', { key: workspace.key, body });
    const seen = new Set<string>();
    for (let n = 0; n < 3; n += 1) {
      expect((await send(own.id, 'order.paid', workspace.key)).body.status).toBe('success');
      const { order, total } = dataOf();
      expect(order).toMatch(/^A-\d{5}$/);
      expect(total).toBeGreaterThanOrEqual(10);
      expect(total).toBeLessThanOrEqual(15);
      seen.add(order);
    }
    expect(seen.size).toBe(3);
  });

  test('equal seeds send equal data', async () => {
    receiver.answerWith(() => ({}));
    const { id } = await makeWebhook({ contract: 'replicer' });
    const sent = [];
    for (const seed of [7, 7, 8]) {
      await api.call(`POST /v1/webhooks/${id}/test`, { key: mine.key, body: { event_type: 'call.ended', seed } });
      sent.push(dataOf());
    }
    expect(sent[1]).toEqual(sent[0]);
    expect(sent[2]).not.toEqual(sent[0]);
    const refused = await api.call(`POST /v1/webhooks/${id}/test`, {
      key: mine.key,
      body: { event_type: 'call.ended', seed: -1 },
    });
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'body.seed']);
  });

  test('422: a schema that no data follow, and no example; nothing is sent', async () => {
    const workspace = await api.makeWorkspace();
    const { id } = await makeWebhook({}, workspace.key);
    const body = { name: 'order.paid', schema: { type: 'object', not: {} } };
    await api.call('POST /v1/event-types', { key: workspace.key, body });
    const before = receiver.requests.length;
    const refused = await send(id, 'order.paid', workspace.key);
    expect([refused.status, refused.body.code]).toEqual([422, 'event_data_invalid']);
    expect(refused.body.detail).toContain('give the event type an example');
    expect(receiver.requests).toHaveLength(before);
  });

  test('a change of the webhook or of its secrets counts from the next attempt on', async () => {
    receiver.answerWith(() => ({}));
    const { id, secret: first } = await makeWebhook();
    const verifies = (secret: string): boolean => {
      const { body, headers } = lastRequest();
      try {
        new Webhook(secret).verify(body, headers as Record<string, string>);
        return true;
      } catch {
        return false;
      }
    };
    const rotate = async (overlapSeconds: number): Promise<string> => {
      const body = { overlap_seconds: overlapSeconds };
      return (await api.call(`POST /v1/webhooks/${id}/rotate-secret`, { key: mine.key, body })).body.signing_secret;
    };
    await send(id);
    expect(verifies(first)).toBe(true);
    const second = await rotate(60);
    await send(id);
    expect([verifies(first), verifies(second)]).toEqual([true, true]);
    expect(String(lastRequest().headers['webhook-signature']).split(' ')).toHaveLength(2);
    const third = await rotate(0);
    await send(id);
    expect([verifies(first), verifies(second), verifies(third)]).toEqual([false, false, true]);

    const body = { url: `${receiver.url}/elsewhere`, headers: { 'X-Tenant': 'seven' } };
    await api.call(`PATCH /v1/webhooks/${id}`, { key: mine.key, body });
    await send(id);
    expect(lastRequest()).toMatchObject({ path: '/elsewhere', headers: { 'x-tenant': 'seven' } });
  });

  test('422: an event type that the workspace does not have', async () => {
    const workspace = await api.makeWorkspace();
    const { id } = await makeWebhook({}, workspace.key);
    await api.call('POST /v1/event-types', { key: workspace.key, body: { name: 'order.paid' } });
    const refused = await send(id, 'order.payed', workspace.key);
    expect([refused.status, refused.body.code]).toEqual([422, 'event_type_unknown']);
    expect(refused.body.errors[0]).toEqual({
      path: 'body.event_type',
      message: expect.stringContaining('did you mean order.paid?'),
    });
  });
});

describe('without one', () => {
  const testDeliveries = async (id: string) =>
    (await api.call(`GET /v1/deliveries?webhook_id=${id}`, { key: mine.key })).body.data;

  const untilQueueIsEmpty = () =>
    waitFor(
      async () => {
        const { waiting, active, delayed } = await api.dependencies.producer.depth('deliver');
        return waiting + active + delayed === 0;
      },
      { description: 'the dispatcher has emptied its queue' },
    );

  test('503: Redis is away, and nothing is sent when it is back', async () => {
    receiver.answerWith(() => ({}));
    const [{ id }, proof] = [await makeWebhook(), await makeWebhook()];
    const before = receiver.requests.length;
    redis.pause();
    const refused = await send(id);
    redis.resume();
    expect([refused.status, refused.body.code]).toEqual([503, 'test_not_sent']);
    expect(refused.body.detail).toContain('was not sent');
    expect(refused.headers['retry-after']).toBe('2');
    // What the first one still had on its way to Redis arrives there before this one.
    expect((await send(proof.id)).body.status).toBe('success');
    await untilQueueIsEmpty();
    expect(receiver.requests).toHaveLength(before + 1);
    expect(await testDeliveries(id)).toMatchObject([{ status: 'cancelled', attempt_count: 0 }]);
  });

  test('503: no dispatcher takes it, and none does when it is back', async () => {
    dispatcher.pause();
    const { id } = await makeWebhook({ timeout_ms: 1000 });
    const before = receiver.requests.length;
    const refused = await send(id);
    expect([refused.status, refused.body.code]).toEqual([503, 'test_not_sent']);
    expect(refused.body.detail).toContain('dispatcher');
    dispatcher.resume();
    await untilQueueIsEmpty();
    expect(receiver.requests).toHaveLength(before);
    expect(await testDeliveries(id)).toMatchObject([{ status: 'cancelled', attempt_count: 0 }]);
  }, 15_000);
});
