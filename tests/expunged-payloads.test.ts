// A payload that should not have been published, with a real dispatcher that has it in memory, in flight and in its queue.
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type ReceivedRequest, type Receiver, startReceiver, waitFor } from '@signpost/testing';
import { runAudit } from '../scripts/audit/run-audit.ts';
import { type AnyJson, type Installation, startInstallation } from './support/installation.ts';
import { everyColumnWith, everythingInRedis, spellingsOf } from './support/search-stores.ts';
import { ownContract } from './support/two-workspaces.ts';

let signpost: Installation;
let receiver: Receiver;
let canary = '';
beforeAll(async () => {
  signpost = await startInstallation({ environment: { LOG_LEVEL: 'info' } });
  // A contract whose headers carry a value of the data.
  const contract = { ...ownContract, name: 'with-header', headers: [{ name: 'X-Note', value: '{data.note}' }] };
  expect((await signpost.call('POST', '/v1/contracts', contract)).status).toBe(201);
}, 60_000);
afterAll(() => signpost.close());
beforeEach(async () => {
  canary = `canary${randomBytes(15).toString('hex')}`;
  receiver = await startReceiver();
});
afterEach(async () => {
  await receiver.close();
  const { body } = await signpost.call('GET', '/v1/webhooks?limit=100');
  for (const webhook of body.data) await signpost.call('DELETE', `/v1/webhooks/${webhook.id}`);
  expect(await auditFindings()).toEqual([]);
});

const to = (path: string, eventId?: string): ReceivedRequest[] =>
  receiver.requests.filter(
    request => request.path === path && (eventId === undefined || request.headers['webhook-id'] === eventId),
  );
const createWebhook = (path: string, fields: object = {}): Promise<AnyJson> =>
  signpost.createWebhook({ url: receiver.url + path, retry_schedule: [3600], ...fields });
const publish = (note = canary): Promise<string> => signpost.publish({ eventType: 'call.ended', data: { note } });
const read = async (path: string): Promise<AnyJson> => (await signpost.call('GET', path)).body;
const deliveriesOf = async (eventId: string): Promise<AnyJson[]> =>
  (await read(`/v1/deliveries?event_id=${eventId}`)).data;
const columnsWithCanary = (): Promise<string[]> => everyColumnWith(signpost, spellingsOf(canary));

async function expunge(eventId: string): Promise<void> {
  const { status } = await signpost.call('DELETE', `/v1/events/${eventId}/payload`);
  expect(status).toBe(204);
}

const untilAttempted = (eventId: string, deliveries: number): Promise<AnyJson[]> =>
  waitFor(
    async () => {
      const made = await deliveriesOf(eventId);
      return made.length === deliveries && made.every(each => each.attempt_count === 1) ? made : null;
    },
    { description: `${deliveries} deliveries have an attempt` },
  );

async function auditFindings(): Promise<AnyJson[]> {
  const { findings } = await runAudit(
    { databaseUrl: signpost.databaseUrl, redisUrl: signpost.redis.url },
    { sinceMs: null, untilMs: null, workspaceId: null, lateEventsMs: 5000, lateDeliveriesMs: 5000, changeMarginMs: 0 },
  );
  return [...findings];
}

/** Repeats the payload, in every place that is kept; what comes to `/redirect` is sent on. */
function echo(request: ReceivedRequest, status: number) {
  const body = request.body.toString();
  if (!body.includes(canary)) return { status };
  const headers = { 'x-echo': canary, location: `/seen/${canary}` };
  return { status: request.path === '/redirect' ? 302 : status, headers, body };
}

test('is in no column of any table afterwards, in no answer and in no log, and does not come back when it is published again', async () => {
  receiver.answerWith(request => echo(request, request.path === '/ok' ? 200 : 500));
  await createWebhook('/ok', { contract: 'with-header' });
  await createWebhook('/failing');
  await createWebhook('/redirect', { retry_schedule: [] });
  const event = {
    eventType: 'call.ended',
    data: { note: canary },
    metadata: { note: canary },
    idempotencyKey: randomBytes(12).toString('hex'),
  };
  const id = await signpost.publish(event);
  const deliveries = await untilAttempted(id, 3);
  const homes = ['error_message', 'request_headers', 'response_body', 'response_headers'];
  expect(await columnsWithCanary()).toEqual([
    ...homes.map(column => `attempts.${column}`),
    'events.metadata',
    'events.payload',
  ]);

  await expunge(id);
  expect(await columnsWithCanary()).toEqual([]);
  expect(await signpost.client.publish(event)).toMatchObject({ id, duplicate: true });
  expect(await columnsWithCanary()).toEqual([]);
  const paths = [`/v1/events/${id}`, '/v1/events', '/v1/deliveries', '/v1/audit-log'];
  for (const path of [...paths, ...deliveries.map(each => `/v1/deliveries/${each.id}`)]) {
    const answer = await signpost.call('GET', path);
    expect([path, answer.status, answer.text.includes(canary)]).toEqual([path, 200, false]);
  }
  expect(await everythingInRedis(signpost.redis.url)).not.toContain(canary);
  expect([signpost.api, ...signpost.dispatchers].map(app => app.logs()).join('\n')).not.toContain(canary);
  const statuses = new Set((await deliveriesOf(id)).map(each => each.status));
  expect(statuses).toEqual(new Set(['cancelled', 'failed', 'succeeded']));
});

test('is not sent again by a dispatcher that has it in memory: not when a retry is due, not when a person asks', async () => {
  receiver.answerWith(() => ({ status: 500 }));
  await createWebhook('/retried', { retry_schedule: [1] });
  const id = await publish();
  const [delivery] = await untilAttempted(id, 1);
  await expunge(id);
  // Its retry is due later than that of the expunged event would be.
  const later = await publish('harmless');
  await waitFor(() => to('/retried', later).length === 2, { description: 'the later event is retried' });
  expect(to('/retried', id)).toHaveLength(1);
  const refused = await signpost.call('POST', `/v1/deliveries/${delivery.id}/retry`);
  expect([refused.status, refused.body.code]).toEqual([409, 'payload_expunged']);
  await signpost.settledDeliveries(later);
});

test('may arrive where its attempt is under way; what the receiver says to it is not kept', async () => {
  const held = Promise.withResolvers<void>();
  receiver.answerWith(request => ({ ...echo(request, 200), delay: held.promise }));
  await createWebhook('/slow');
  const id = await publish();
  await receiver.waitForRequests(1);
  await expunge(id);
  held.resolve();
  const [dispatcher] = signpost.dispatchers;
  await waitFor(
    () =>
      dispatcher
        ?.logs()
        .split('\n')
        .some(line => line.includes(id) && line.includes('"outcome":"superseded"')),
    { description: 'the attempt has ended' },
  );
  const [delivery] = await deliveriesOf(id);
  expect(delivery).toMatchObject({ status: 'cancelled', attempt_count: 1, next_attempt_at: null });
  // That it was sent stands in the log, and nothing of what was said.
  expect((await read(`/v1/deliveries/${delivery.id}`)).attempts).toMatchObject([
    {
      response_code: 200,
      received: 'yes',
      error: { code: 'superseded' },
      request: { headers: {}, body: null },
      response: { headers: {}, body: null, body_truncated: false },
    },
  ]);
  expect(await columnsWithCanary()).toEqual([]);
});

test('is not fanned out where it waits for that', async () => {
  await createWebhook('/waiting');
  const [dispatcher] = signpost.dispatchers;
  dispatcher?.pause();
  const id = await publish();
  await expunge(id);
  const later = await publish('harmless');
  dispatcher?.resume();
  await signpost.settledDeliveries(later);
  expect(to('/waiting', id)).toEqual([]);
  expect(await read(`/v1/events/${id}`)).toMatchObject({ data: null, matched_webhooks: 0, deliveries: [] });
});

test('is nowhere, however fan-outs, attempts and retries meet it', async () => {
  receiver.answerWith(request => echo(request, request.path === '/ok' ? 200 : 500));
  await Promise.all(['/ok', '/failing', '/redirect'].map(path => createWebhook(path, { retry_schedule: [1, 1] })));
  const one = async (): Promise<string> => {
    const id = await publish();
    // Some while they wait, some under way, some behind it: as it comes.
    const [delivery] = await deliveriesOf(id);
    const retrying = delivery === undefined ? null : signpost.call('POST', `/v1/deliveries/${delivery.id}/retry`);
    await expunge(id);
    await retrying;
    return id;
  };
  const ids: string[] = [];
  for (let round = 0; round < 12; round += 1) ids.push(...(await Promise.all(Array.from({ length: 10 }, one))));
  const later = await publish('harmless');
  await signpost.settledDeliveries(later);
  expect(await columnsWithCanary()).toEqual([]);
  for (const id of ids) expect((await deliveriesOf(id)).filter(each => each.status === 'pending')).toEqual([]);
}, 60_000);
