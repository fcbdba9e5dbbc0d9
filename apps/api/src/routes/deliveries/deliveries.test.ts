import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { formatId, makeUuid, parseId, systemClock } from '@signpost/runtime';
import { type AppProcess, type Receiver, startReceiver, type TestRedis, waitFor } from '@signpost/testing';
import { type ApiWithDispatcher, startApiWithDispatcher } from '../../api-with-dispatcher.fixture.ts';
import type { TestAnswer, TestApi, TestWorkspace } from '../../test-api.ts';

let system: ApiWithDispatcher;
let redis: TestRedis;
let api: TestApi;
let dispatcher: AppProcess;
let receiver: Receiver;
let mine: TestWorkspace;

beforeAll(async () => {
  system = await startApiWithDispatcher({ dispatcherEnvironment: { REPAIR_INTERVAL_MS: '100' } });
  ({ api, dispatcher, receiver, redis } = system);
  mine = await api.makeWorkspace();
});
afterAll(() => system.close());

const get = (path: string, key = mine.key) => api.call(`GET ${path}`, { key });

async function makeWebhook(fields: object = {}, key = mine.key): Promise<{ id: string; secret: string }> {
  const { body } = await api.call('POST /v1/webhooks', { key, body: { url: receiver.url, events: ['*'], ...fields } });
  return { id: body.id, secret: body.signing_secret };
}

/** Publishes an event of a type that only this webhook gets. @returns its delivery, once there is one as wanted */
async function deliver(fields: object, event: object, isAsWanted: (delivery: TestAnswer['body']) => boolean) {
  const type = `t${randomBytes(6).toString('hex')}`;
  const webhook = await makeWebhook({ events: [type], ...fields });
  const text = JSON.stringify({ event_type: type, data: { id: 'x' }, ...event });
  const published = await api.call('POST /v1/events', {
    key: mine.key,
    rawBody: text.replace('"@big"', '9007199254740993'),
    headers: { 'content-type': 'application/json' },
  });
  const delivery = await waitFor(
    async () => (await get(`/v1/deliveries?event_id=${published.body.id}`)).body.data.find(isAsWanted),
    { description: 'the delivery is as wanted' },
  );
  return { webhook, eventType: type, eventId: published.body.id as string, delivery, id: delivery.id as string };
}

const isOver = (delivery: TestAnswer['body']): boolean => delivery.status !== 'pending';

describe('read', () => {
  test('200: every attempt with the very bytes that were sent, and no secret', async () => {
    const start = receiver.requests.length;
    receiver.answerWith((_request, index) => ({
      status: index === start ? 500 : 200,
      headers: { 'x-answer': 'yes', 'set-cookie': 'session=1' },
      body: 'said',
    }));
    const { id, webhook, eventId, eventType } = await deliver(
      { retry_schedule: [1], headers: { Authorization: 'Bearer of-the-receiver', 'X-Tenant': 'seven' } },
      { data: { n: '@big', text: 'ä€' }, metadata: { a: 1 } },
      isOver,
    );
    const answer = await get(`/v1/deliveries/${id}`);
    expect(answer.body).toMatchObject({
      id,
      event_id: eventId,
      event_type: eventType,
      webhook_id: webhook.id,
      status: 'succeeded',
      attempt_count: 2,
      next_attempt_at: null,
    });
    const sent = receiver.requests.slice(start);
    expect(sent).toHaveLength(2);
    expect(answer.body.attempts).toHaveLength(2);
    const [first, second] = answer.body.attempts;
    expect(first).toEqual({
      id: expect.stringMatching(/^att_/),
      delivery_id: id,
      number: 1,
      trigger: 'scheduled',
      started_at: expect.stringMatching(/Z$/),
      duration_ms: expect.any(Number),
      status: 'failed',
      received: 'yes',
      phase: 'response',
      timings: {
        dns_ms: null,
        connect_ms: expect.any(Number),
        tls_ms: null,
        first_byte_ms: expect.any(Number),
        total_ms: first.duration_ms,
      },
      response_code: 500,
      error: { code: 'http_status', message: expect.any(String) },
      request: {
        method: 'POST',
        url: `${receiver.url}/`,
        headers: expect.objectContaining({ 'X-Tenant': 'seven', Authorization: '[hidden]' }),
        body: sent[0]?.body.toString(),
      },
      response: {
        headers: expect.objectContaining({ 'x-answer': 'yes', 'set-cookie': '[hidden]' }),
        body: 'said',
        body_truncated: false,
      },
    });
    expect(second).toMatchObject({ number: 2, status: 'succeeded', error: null, response_code: 200 });
    expect(second.request.body).toBe(sent[1]?.body.toString());
    expect(second.request.body).toContain('9007199254740993');
    for (const canary of [webhook.secret, webhook.secret.slice(6), 'of-the-receiver'])
      expect(answer.text).not.toContain(canary);
  });

  test('200: a body that changes with each attempt, and the contract of a webhook that is gone', async () => {
    receiver.answerWith(() => ({ status: 200 }));
    const start = receiver.requests.length;
    const { id, webhook } = await deliver({ contract: 'repairy' }, { data: { id: '7', bookingId: '7' } }, isOver);
    const sent = receiver.requests[start]?.body.toString();
    const bodyOf = async () => (await get(`/v1/deliveries/${id}`)).body.attempts[0].request.body;
    expect(await bodyOf()).toBe(sent);
    await api.call(`DELETE /v1/webhooks/${webhook.id}`, { key: mine.key });
    expect(await bodyOf()).toBe(sent);
  });

  test('200: of many or large attempts the newest, and how many came before', async () => {
    receiver.answerWith(() => ({ status: 200, body: 'said' }));
    const { id } = await deliver({}, { data: 'x'.repeat(100_000) }, isOver);
    const { pool } = api.dependencies.database;
    const copyUpTo = (count: number) =>
      pool.query(
        `insert into attempts select (jsonb_populate_record(a, jsonb_build_object('number', n))).*
         from attempts a, generate_series(2, $2::int) n where a.delivery_id = $1 and a.number = 1 on conflict do nothing`,
        [parseId('delivery', id), count],
      );
    const read = async () => {
      const { attempts, earlier_attempts: earlier } = (await get(`/v1/deliveries/${id}`)).body;
      return { numbers: attempts.map((attempt: { number: number }) => attempt.number), earlier };
    };
    const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
    expect(await read()).toEqual({ numbers: [1], earlier: 0 });
    // Requests of 100 kB: as many as begin within 4 MiB.
    await copyUpTo(150);
    expect(await read()).toEqual({ numbers: upTo(109, 150), earlier: 108 });
    // Answers of 64 KiB count, too.
    await pool.query(`update attempts set response_body = repeat('y', 65536) where delivery_id = $1`, [
      parseId('delivery', id),
    ]);
    expect((await read()).numbers).toEqual(upTo(125, 150));
    // Without the event there are no bodies of requests.
    await pool.query('delete from events where id = (select event_id from deliveries where id = $1)', [
      parseId('delivery', id),
    ]);
    expect((await read()).numbers).toEqual(upTo(87, 150));
    await pool.query('update attempts set response_body = null where delivery_id = $1', [parseId('delivery', id)]);
    expect(await read()).toEqual({ numbers: upTo(51, 150), earlier: 50 });
  });

  test('200: no response, and no body where the event is gone', async () => {
    const closed = await startReceiver();
    await closed.close();
    const { id, eventId } = await deliver({ url: closed.url, retry_schedule: [] }, {}, isOver);
    const { body } = await get(`/v1/deliveries/${id}`);
    expect(body).toMatchObject({ status: 'failed', attempt_count: 1 });
    expect(body.attempts[0]).toMatchObject({
      response: null,
      response_code: null,
      error: { code: 'connect_refused' },
      request: { body: expect.any(String) },
    });
    await api.dependencies.database.pool.query('delete from events where id = $1', [parseId('event', eventId)]);
    expect((await get(`/v1/deliveries/${id}`)).body.attempts[0].request.body).toBeNull();
  });

  test('200: lists by every filter, page by page', async () => {
    receiver.answerWith(() => ({ status: 404 }));
    const failed = await deliver({ retry_schedule: [] }, {}, isOver);
    receiver.answerWith(() => ({ status: 200 }));
    const made = await deliver({}, {}, isOver);
    const idsOf = async (query: string) =>
      (await get(`/v1/deliveries?${query}`)).body.data.map((each: { id: string }) => each.id);
    expect(await idsOf(`webhook_id=${failed.webhook.id}`)).toEqual([failed.id]);
    expect(await idsOf(`event_type=${made.eventType}`)).toEqual([made.id]);
    expect(await idsOf(`response_code=404`)).toEqual([failed.id]);
    expect(await idsOf(`status=failed&event_id=${made.eventId}`)).toEqual([]);
    expect(await idsOf(`webhook_id=${made.webhook.id}&until=2020-01-01T00:00:00Z`)).toEqual([]);
    expect(await idsOf(`webhook_id=${made.webhook.id}&since=2020-01-01T00:00:00%2B02:00`)).toEqual([made.id]);
    const first = (await get('/v1/deliveries?limit=1')).body;
    expect(first.data).toHaveLength(1);
    const second = (await get(`/v1/deliveries?limit=1&cursor=${first.next_cursor}`)).body;
    expect(second.data[0].id < first.data[0].id).toBe(true);
    const wrong = await get('/v1/deliveries?webhook_id=nonsense&since=yesterday&cursor=x');
    expect([wrong.status, wrong.body.errors.map((each: { path: string }) => each.path)]).toEqual([
      422,
      ['query.webhook_id', 'query.since'],
    ]);
  });

  test("404: another workspace's delivery answers as an unknown one, and its lists are empty", async () => {
    receiver.answerWith(() => ({ status: 200 }));
    const { id, webhook, eventId } = await deliver({}, {}, isOver);
    const { key } = await api.makeWorkspace();
    const headers = { 'x-request-id': 'same' };
    const unknown = formatId('delivery', makeUuid(systemClock.nowMs()));
    for (const [method, suffix] of [
      ['GET', ''],
      ['POST', '/retry'],
    ]) {
      const answers = [];
      for (const each of [id, unknown, 'del_x'])
        answers.push(await api.call(`${method} /v1/deliveries/${each}${suffix}`, { key, headers }));
      expect(answers.map(each => each.status)).toEqual([404, 404, 404]);
      expect(new Set(answers.map(each => each.text)).size).toBe(1);
    }
    for (const query of ['', `?event_id=${eventId}`, `?webhook_id=${webhook.id}`])
      expect((await get(`/v1/deliveries${query}`, key)).body).toEqual({
        data: [],
        next_cursor: null,
        previous_cursor: null,
      });
  });
});

describe('retry', () => {
  const attemptsOf = async (id: string) => (await get(`/v1/deliveries/${id}`)).body.attempts as { trigger: string }[];
  const retry = (id: string) => api.call(`POST /v1/deliveries/${id}/retry`, { key: mine.key });
  const untilAttempts = (id: string, count: number) =>
    waitFor(async () => (await attemptsOf(id)).length === count, { description: `${count} attempts are recorded` });

  test('202: one more attempt of a failed delivery, which succeeds by it', async () => {
    receiver.answerWith(() => ({ status: 500 }));
    const { id } = await deliver({ retry_schedule: [] }, {}, isOver);
    receiver.answerWith(() => ({ status: 200 }));
    const accepted = await retry(id);
    expect(accepted.status).toBe(202);
    expect(accepted.body).toMatchObject({ id, attempt_count: 1 });
    await untilAttempts(id, 2);
    expect((await attemptsOf(id)).map(attempt => attempt.trigger)).toEqual(['scheduled', 'manual']);
    expect((await get(`/v1/deliveries/${id}`)).body.status).toBe('succeeded');
  });

  test('202: a pending delivery keeps its due time, an inactive webhook gets it all the same', async () => {
    receiver.answerWith(() => ({ status: 500 }));
    const { id, delivery, webhook } = await deliver({ retry_schedule: [3600] }, {}, each => each.attempt_count === 1);
    await retry(id);
    await untilAttempts(id, 2);
    expect((await get(`/v1/deliveries/${id}`)).body).toMatchObject({
      status: 'pending',
      next_attempt_at: delivery.next_attempt_at,
    });
    await api.call(`PATCH /v1/webhooks/${webhook.id}`, { key: mine.key, body: { active: false } });
    receiver.answerWith(() => ({ status: 200 }));
    expect((await retry(id)).body.status).toBe('cancelled');
    await untilAttempts(id, 3);
    expect((await get(`/v1/deliveries/${id}`)).body.status).toBe('succeeded');
  });

  test('202: while Redis is away, too; the attempt is made when it is back', async () => {
    receiver.answerWith(() => ({ status: 200 }));
    const { id } = await deliver({}, {}, isOver);
    redis.pause();
    const accepted = await retry(id);
    redis.resume();
    expect(accepted.status).toBe(202);
    await untilAttempts(id, 2);
  });

  test('202: a wiped Redis does not lose it', async () => {
    receiver.answerWith(() => ({ status: 200 }));
    const { id } = await deliver({}, {}, isOver);
    dispatcher.pause();
    expect((await retry(id)).status).toBe(202);
    await redis.restart();
    dispatcher.resume();
    await untilAttempts(id, 2);
  });

  test('409: the webhook has been deleted', async () => {
    receiver.answerWith(() => ({ status: 200 }));
    const { id, webhook } = await deliver({}, {}, isOver);
    await api.call(`DELETE /v1/webhooks/${webhook.id}`, { key: mine.key });
    const refused = await retry(id);
    expect([refused.status, refused.body.code]).toEqual([409, 'webhook_deleted']);
    expect(refused.body.detail).toContain('deleted');
  });
});
