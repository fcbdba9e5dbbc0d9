import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { operations } from '@signpost/api-schema';
import { insertDeliveries, markFannedOut, recordAttempts } from '@signpost/database';
import { deriveUuid, formatId, makeUuid, parseId, systemClock } from '@signpost/runtime';
import { createTestDatabase, type TestDatabase } from '@signpost/testing';
import { startTestApi, type TestApi, type TestWorkspace } from '../../test-api.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let mine: TestWorkspace;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ databaseUrl: testDatabase.url });
  mine = await api.makeWorkspace();
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

const canary = 'canary-5d21c0';
const event = { event_type: 'call.ended', data: { note: canary }, metadata: { note: canary }, subject: 'agent-1' };
const get = async (path: string) => (await api.call(`GET ${path}`, { key: mine.key })).body;
const expunge = (id: string, key = mine.key, headers = {}) =>
  api.call(`DELETE /v1/events/${id}/payload`, { key, headers });
const publish = (body: object = event) => api.call('POST /v1/events', { key: mine.key, body });
const publishedId = async (): Promise<string> => (await publish()).body.id;

/** Does what a fan-out to a new webhook does, and an attempt whose receiver repeats the payload. @returns the delivery */
async function deliver(eventId: string): Promise<string> {
  const { database } = api.dependencies;
  const body = { url: 'https://example.com/hooks', events: ['*'] };
  const webhook = await api.call('POST /v1/webhooks', { key: mine.key, body });
  const [uuid, webhookId] = [parseId('event', eventId) as string, parseId('webhook', webhook.body.id) as string];
  const id = deriveUuid(uuid, webhookId);
  const contract = { contract: 'standard', contractVersion: 0 };
  await insertDeliveries(database, [
    { id, workspaceId: mine.id, eventId: uuid, webhookId, eventType: 'call.ended', ...contract },
  ]);
  await markFannedOut(database, [uuid]);
  await recordAttempts(database, [
    {
      id: makeUuid(systemClock.nowMs()),
      lostId: () => makeUuid(systemClock.nowMs()),
      deliveryId: id,
      trigger: 'scheduled',
      fence: { scheduledAttemptCount: 0, manualRetryAt: null },
      step: { kind: 'retry', retryInMs: 60_000 },
      startedAtMs: systemClock.nowMs(),
      durationMs: 12,
      status: 'failed',
      responseCode: 500,
      errorCode: 'http_status',
      errorMessage: 'The receiver answered 500.',
      requestMethod: 'POST',
      requestUrl: body.url,
      requestHeaders: JSON.stringify({
        'webhook-id': eventId,
        'webhook-timestamp': '1',
        'webhook-signature': 'v1,x',
        'content-type': 'application/json',
      }),
      responseHeaders: JSON.stringify({ 'x-echo': canary }),
      responseBody: canary,
      responseBodyTruncated: false,
      phase: 'response',
      timings: { dnsMs: 1, connectMs: 2, tlsMs: 3, firstByteMs: 4 },
    },
  ]);
  return formatId('delivery', id);
}

test('204: the event is shown without its payload, and says since when', async () => {
  const id = await publishedId();
  const before = await get(`/v1/events/${id}`);
  expect(before).toMatchObject({ data: event.data, metadata: event.metadata, payload_expunged_at: null });
  const answered = await expunge(id);
  expect([answered.status, answered.text]).toEqual([204, '']);
  const after = await get(`/v1/events/${id}`);
  expect(after).toEqual({
    ...before,
    data: null,
    metadata: null,
    payload_expunged_at: expect.stringMatching(/Z$/),
    fanned_out: true,
    matched_webhooks: 0,
  });
  expect(operations.getEvent.responses[200].schema.safeParse(after).error).toBeUndefined();
  expect((await get('/v1/events?limit=1')).data).toEqual([after]);
});

test('204: a repeat changes nothing', async () => {
  const id = await publishedId();
  await expunge(id);
  const first = await get(`/v1/events/${id}`);
  expect((await expunge(id)).status).toBe(204);
  expect(await get(`/v1/events/${id}`)).toEqual(first);
});

test('204: attempts keep when they were, how long they took and what came of them, and nothing that was said', async () => {
  const id = await publishedId();
  const path = `/v1/deliveries/${await deliver(id)}`;
  const before = await get(path);
  expect(before.attempts[0].request.body).toContain(canary);
  await expunge(id);
  const answer = await api.call(`GET ${path}`, { key: mine.key });
  expect(answer.text).not.toContain(canary);
  const [attempt] = before.attempts;
  expect(answer.body).toEqual({
    ...before,
    status: 'cancelled',
    next_attempt_at: null,
    completed_at: expect.stringMatching(/Z$/),
    attempts: [
      {
        ...attempt,
        error: { code: 'http_status', message: expect.stringMatching(/^The receiver answered /) },
        request: { ...attempt.request, headers: {}, body: null },
        response: { headers: {}, body: null, body_truncated: false },
      },
    ],
  });
  expect(answer.body.attempts[0]).toMatchObject({ received: 'yes', response_code: 500, duration_ms: 12 });
  expect(operations.getDelivery.responses[200].schema.safeParse(answer.body).error).toBeUndefined();
});

test('409: a delivery of the event is not made again', async () => {
  const id = await publishedId();
  const delivery = await deliver(id);
  await expunge(id);
  const refused = await api.call(`POST /v1/deliveries/${delivery}/retry`, { key: mine.key });
  expect([refused.status, refused.body.code]).toEqual([409, 'payload_expunged']);
  expect(refused.body.detail).toContain('expunged');
});

test('publishing it again gives the event without its payload: 200, and in a batch', async () => {
  const body = { ...event, idempotency_key: 'published-by-mistake' };
  const { id } = (await publish(body)).body;
  await expunge(id);
  const again = await publish(body);
  expect([again.status, again.body.id, again.body.duplicate]).toEqual([200, id, true]);
  const batch = await api.call('POST /v1/events/batch', { key: mine.key, body: { events: [body] } });
  expect(batch.body.data).toEqual([{ id, duplicate: true }]);
  expect((await publish({ ...body, data: { note: 'another' } })).body.code).toBe('idempotency_key_reused');
  expect((await get(`/v1/events/${id}`)).data).toBeNull();
});

test('the audit log tells who did it and what it ended, and nothing of the payload', async () => {
  const id = await publishedId();
  await deliver(id);
  await expunge(id);
  const answer = await api.call(`GET /v1/audit-log?resource_id=${id}`, { key: mine.key });
  expect(answer.body.data).toEqual([
    expect.objectContaining({
      action: 'event.payload_expunged',
      actor: { type: 'api_key', id: expect.stringMatching(/^key_/), name: 'test' },
      resource: { type: 'event', id },
      changes: { event_type: 'call.ended', fanned_out: true, cancelled_deliveries: 1 },
    }),
  ]);
  expect(answer.text).not.toContain(canary);
});

test.each(['publish', 'read'] as const)('403: a key that may only %s', async scope => {
  const id = await publishedId();
  const refused = await expunge(id, await api.makeKey(mine.id, [scope]));
  expect([refused.status, refused.body.code]).toEqual([403, 'forbidden_scope']);
  expect((await get(`/v1/events/${id}`)).data).toEqual(event.data);
});

test("404: another workspace's event answers as an unknown one, and keeps its payload", async () => {
  const id = await publishedId();
  const { key } = await api.makeWorkspace();
  const answers = [];
  for (const each of [id, formatId('event', makeUuid(systemClock.nowMs())), 'evt_x'])
    answers.push(await expunge(each, key, { 'x-request-id': 'same' }));
  expect(answers.map(each => each.status)).toEqual([404, 404, 404]);
  expect(new Set(answers.map(each => each.text)).size).toBe(1);
  expect((await get(`/v1/events/${id}`)).data).toEqual(event.data);
});
