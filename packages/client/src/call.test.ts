import { getEventListeners, once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import type { Surroundings } from './call.ts';
import { createClientIn, type SignpostClient } from './client.ts';
import type { SignpostClientOptions } from './connection.ts';
import { problem, startTestServer, type Step, type TestServer, testSurroundings } from './test-server.ts';

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map(each => each.close()));
});

async function serve(...steps: readonly [Step, ...Step[]]): Promise<TestServer> {
  const server = await startTestServer(...steps);
  open.push(server);
  return server;
}

function clientOf(
  baseUrl: string,
  more: Partial<SignpostClientOptions> = {},
  surroundings?: Surroundings,
): SignpostClient {
  const client = createClientIn(surroundings ?? testSurroundings(), { baseUrl, apiKey: 'sk_live_1', ...more });
  open.unshift(client);
  return client;
}

const event = { eventType: 'call.ended', data: 1 };
const accepted: Step = {
  status: 202,
  body: { id: 'evt_1', event_type: 'call.ended', timestamp: 't', duplicate: false },
};
const webhook = {
  id: 'wh_1',
  url: 'https://example.com',
  events: ['*'],
  description: null,
  contract: null,
  method: null,
  headers: {},
  timeout_ms: null,
  retry_schedule: null,
  subject: null,
  channels: [],
  metadata: {},
  active: true,
  deactivated_reason: null,
  retry_after: null,
  created_at: 't',
  updated_at: 't',
};
const created: Step = { status: 201, body: { ...webhook, signing_secret: 'whsec_1' } };
const newWebhook = { url: 'https://example.com', events: ['*'] };

/** A port where nothing listens. */
async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

test('an API that cannot be reached is tried again, then told as a network failure with its cause', async () => {
  const failure = clientOf(await closedPort(), { retryLimit: 2 }).webhooks.create(newWebhook);
  await expect(failure).rejects.toMatchObject({
    code: 'network',
    status: null,
    tries: 3,
    cause: { code: 'ECONNREFUSED' },
  });
});

test.each<[string, Step, object]>([
  ['a reset connection', 'reset', { code: 'network', cause: { code: 'ECONNRESET' } }],
  ['a cut answer', 'cut', { code: 'network' }],
  ['500', problem(500, 'internal'), { code: 'internal', requestId: 'req-1' }],
  ['502', { status: 502, body: '<html>' }, { code: 'invalid_answer', status: 502 }],
])('creating a webhook is not repeated after %s: it may have been created', async (_name, step, error) => {
  const server = await serve(step, created);
  await expect(clientOf(server.url).webhooks.create(newWebhook)).rejects.toMatchObject({ ...error, tries: 1 });
  expect(server.requests).toHaveLength(1);
});

test.each([429, 503])('creating a webhook is repeated after %d: nothing was done', async status => {
  const server = await serve(problem(status, 'some_code'), created);
  await expect(clientOf(server.url).webhooks.create(newWebhook)).resolves.toMatchObject({ signingSecret: 'whsec_1' });
});

test('a repeated deletion that finds nothing has succeeded', async () => {
  const server = await serve('reset', problem(404, 'not_found'));
  await expect(clientOf(server.url).webhooks.remove('wh_1')).resolves.toBeUndefined();
});

test('expunging is repeated after a lost answer; that there is no such event is a failure all the same', async () => {
  const server = await serve('reset', { status: 204 }, 'reset', problem(404, 'not_found'));
  await expect(clientOf(server.url).events.expungePayload('evt_1')).resolves.toBeUndefined();
  expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(
    Array.from({ length: 2 }, () => 'DELETE /v1/events/evt_1/payload'),
  );
  await expect(clientOf(server.url).events.expungePayload('evt_1')).rejects.toMatchObject({ code: 'not_found' });
});

test.each<[string, [Step, ...Step[]]]>([
  ['at once', [problem(404, 'not_found')]],
  ['after a refusal', [problem(429, 'rate_limited'), problem(404, 'not_found')]],
])('a deletion that finds nothing %s has failed', async (_name, steps) => {
  const server = await serve(...steps);
  await expect(clientOf(server.url).webhooks.remove('wh_1')).rejects.toMatchObject({ code: 'not_found' });
});

test('a signal aborted before the call sends nothing', async () => {
  const server = await serve(accepted);
  const reason = new Error('enough');
  const failure = clientOf(server.url).publish(event, { signal: AbortSignal.abort(reason) });
  await expect(failure).rejects.toMatchObject({ code: 'aborted', cause: reason });
  expect(server.requests).toEqual([]);
});

test('a signal aborted during a try ends the call', async () => {
  const server = await serve('hang');
  const controller = new AbortController();
  const reason = new Error('enough');
  const seen = server.nextRequest();
  const failure = clientOf(server.url).publish(event, { signal: controller.signal });
  await Promise.all([
    expect(failure).rejects.toMatchObject({ code: 'aborted', cause: reason, idempotencyKey: 'key-1' }),
    seen.then(() => controller.abort(reason)),
  ]);
  expect(server.requests).toHaveLength(1);
});

test('a signal aborted during the wait for a retry ends the call', async () => {
  const server = await serve(problem(503, 'store_unavailable'));
  const controller = new AbortController();
  const wait = (_ms: number, signal?: AbortSignal): Promise<void> => {
    controller.abort(new Error('enough'));
    return new Promise((_resolve, reject) => (signal?.aborted ? reject(signal.reason as Error) : undefined));
  };
  const client = clientOf(server.url, {}, testSurroundings({ wait }));
  await expect(client.publish(event, { signal: controller.signal })).rejects.toMatchObject({
    code: 'aborted',
    tries: 1,
  });
  expect(server.requests).toHaveLength(1);
});

test('calls leave no listener on a signal that outlives them', async () => {
  const server = await serve(problem(503, 'store_unavailable'), accepted);
  const { signal } = new AbortController();
  await clientOf(server.url).publish(event, { signal });
  expect(server.requests).toHaveLength(2);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a redirect is not followed, so the key goes nowhere else', async () => {
  const elsewhere = await serve(accepted);
  const server = await serve({ status: 307, headers: { location: `${elsewhere.url}/v1/events` }, body: '' });
  await expect(clientOf(server.url).publish(event)).rejects.toMatchObject({ code: 'invalid_answer', status: 307 });
  expect(elsewhere.requests).toEqual([]);
});

test.each<[string, unknown, RegExp]>([
  ['is not JSON', '<html>', /the body is not JSON/],
  ['is empty', '', /the body is not an object/],
  ['is a list', [], /the body is not an object/],
  ['lacks a field', { id: 'evt_1', event_type: 'a', timestamp: 't' }, /duplicate is not true or false/],
  ['has a field of another type', { id: 7 }, /id is not a text/],
])('an accepted answer whose body %s is an invalid answer that names what is wrong', async (_name, body, message) => {
  const server = await serve({ status: 202, body, headers: { 'x-request-id': 'req-9' } });
  const failure = clientOf(server.url).publish(event);
  await expect(failure).rejects.toMatchObject({ code: 'invalid_answer', status: 202, requestId: 'req-9' });
  await expect(failure).rejects.toThrow(message);
});

test('a problem keeps its code, status, request id and fields', async () => {
  const errors = [{ path: 'body.data', message: 'is required' }];
  const server = await serve(problem(422, 'validation_failed', { detail: 'body.data is required.', errors }));
  const failure = clientOf(server.url).publish(event);
  await expect(failure).rejects.toMatchObject({
    name: 'SignpostError',
    code: 'validation_failed',
    status: 422,
    requestId: 'req-1',
    errors,
  });
  await expect(failure).rejects.toThrow('POST /v1/events: 422 validation_failed: body.data is required.');
});

test('an answer without end is given up', async () => {
  const chunk = Buffer.alloc(1024 * 1024, ' ');
  const server = await serve((_request, response) => {
    const pour = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.writeHead(200).on('drain', pour);
    pour();
  });
  await expect(clientOf(server.url).webhooks.get('wh_1')).rejects.toThrow(/too large/);
});

test('close waits for the calls that run, takes no new ones, and closes the connections', async () => {
  let answer: () => void = () => undefined;
  const server = await serve((_request, response) => {
    answer = () => response.end(JSON.stringify({ id: 'evt_1', event_type: 'a', timestamp: 't', duplicate: false }));
  });
  const client = clientOf(server.url);
  const seen = server.nextRequest();
  const published = client.publish(event);
  await seen;
  const [socket] = server.sockets;
  const socketClosed = once(socket as NonNullable<typeof socket>, 'close');
  const closed = client.close();
  await expect(client.publish(event)).rejects.toMatchObject({ code: 'closed', tries: 0 });
  answer();
  await expect(published).resolves.toMatchObject({ id: 'evt_1' });
  await closed;
  await socketClosed;
  expect(server.requests).toHaveLength(1);
  await client.close();
});

test.each<[string, object]>([
  ['baseUrl', { baseUrl: 'ftp://example.com' }],
  ['baseUrl', { baseUrl: 'http://user:sk_live_secret@example.com' }],
  ['baseUrl', { baseUrl: 'http://example.com/?a=sk_live_secret' }],
  ['apiKey', { apiKey: 'sk_live_secret\r\nx: y' }],
  ['apiKey', { apiKey: '' }],
  ['workspaceId', { workspaceId: 'ws 1' }],
  ['timeoutMs', { timeoutMs: 0 }],
  ['deadlineMs', { deadlineMs: 2 ** 31 }],
  ['retryLimit', { retryLimit: 1.5 }],
])('a wrong %s is refused by name, without its value (%j)', (name, wrong) => {
  const create = (): SignpostClient => clientOf('http://127.0.0.1:1', wrong);
  expect(create).toThrow(new RegExp(`^${name} must`));
  expect(create).not.toThrow(/secret/);
});

test.each(['', '../events', 'wh_1/test', 'wh_1?a=b'])('%j is no id, and no other path is asked', async id => {
  const server = await serve(created);
  await expect(clientOf(server.url).webhooks.get(id)).rejects.toThrow(TypeError);
  expect(server.requests).toEqual([]);
});
