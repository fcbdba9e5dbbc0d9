import { afterEach, expect, test } from '@jest/globals';
import type { Surroundings } from './call.ts';
import { createClientIn, createSignpostClient, type SignpostClient } from './client.ts';
import type { SignpostClientOptions } from './connection.ts';
import { SignpostError } from './errors.ts';
import type { NewEvent } from './event.ts';
import { problem, startTestServer, type Step, type TestServer, testSurroundings } from './test-server.ts';

const apiKey = 'sk_live_3f9a61c27be84d05';
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
  server: TestServer,
  more: Partial<SignpostClientOptions> = {},
  surroundings?: Surroundings,
): SignpostClient {
  const client = createClientIn(surroundings ?? testSurroundings(), { baseUrl: server.url, apiKey, ...more });
  open.unshift(client);
  return client;
}

const accepted: Step = {
  status: 202,
  body: { id: 'evt_1', event_type: 'call.ended', timestamp: '2026-11-21T09:30:00.000Z', duplicate: false },
};
const event: NewEvent = { eventType: 'call.ended', data: { seconds: 3 } };
const keyOf = (text: string): unknown => (JSON.parse(text) as { idempotency_key: unknown }).idempotency_key;
const keysOf = (server: TestServer): unknown[] => server.requests.map(({ text }) => keyOf(text));

test('an event goes out in snake_case with the key of the client, and its answer comes back in camelCase', async () => {
  const server = await serve(accepted);
  const published = await clientOf(server, { workspaceId: 'ws_1' }).publish({
    eventType: 'call.ended',
    data: { seconds: 3 },
    timestamp: new Date(0),
    subject: 'agent-1',
    channels: ['eu'],
    metadata: { trace_id: 't' },
  });
  expect(published).toEqual({
    id: 'evt_1',
    eventType: 'call.ended',
    timestamp: '2026-11-21T09:30:00.000Z',
    duplicate: false,
    idempotencyKey: 'key-1',
  });
  const [request] = server.requests;
  expect(request).toMatchObject({ method: 'POST', path: '/v1/events' });
  expect(request?.headers).toMatchObject({
    authorization: `Bearer ${apiKey}`,
    'x-workspace-id': 'ws_1',
    'content-type': 'application/json',
  });
  expect(JSON.parse(request?.text ?? '')).toEqual({
    event_type: 'call.ended',
    data: { seconds: 3 },
    timestamp: '1970-01-01T00:00:00.000Z',
    subject: 'agent-1',
    channels: ['eu'],
    metadata: { trace_id: 't' },
    idempotency_key: 'key-1',
  });
});

test('the base URL may have a path of its own', async () => {
  const server = await serve(accepted);
  await clientOf(server, { baseUrl: `${server.url}/hooks` }).publish(event);
  expect(server.requests[0]?.path).toBe('/hooks/v1/events');
});

test('two publishes have two idempotency keys, and a given key is used as it is', async () => {
  const server = await serve(accepted);
  const client = createSignpostClient({ baseUrl: server.url, apiKey });
  open.unshift(client);
  await client.publish(event);
  await client.publish(event);
  await client.publish({ ...event, idempotencyKey: 'order-1' });
  const keys = keysOf(server);
  expect(new Set(keys).size).toBe(3);
  expect(keys[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  expect(keys[2]).toBe('order-1');
});

test.each<[string, Step]>([
  ['a reset connection', 'reset'],
  ['an answer cut in the middle', 'cut'],
  ['408', problem(408, 'request_timeout')],
  ['429', problem(429, 'rate_limited')],
  ['500', problem(500, 'internal')],
  ['502', { status: 502, body: '<html>bad gateway</html>' }],
  ['503', problem(503, 'store_unavailable')],
  ['504', { status: 504, body: '' }],
])('after %s the same bytes go out again, with the same idempotency key', async (_name, step) => {
  const server = await serve(step, step, accepted);
  const surroundings = testSurroundings();
  const published = await clientOf(server, {}, surroundings).publish(event);
  expect(published.idempotencyKey).toBe('key-1');
  expect(server.requests).toHaveLength(3);
  expect(new Set(server.requests.map(({ text }) => text)).size).toBe(1);
  expect(keysOf(server)).toEqual(['key-1', 'key-1', 'key-1']);
  expect(surroundings.waits).toEqual([100, 200]);
});

test('a try without an answer in time is repeated with the same key', async () => {
  const server = await serve('hang', accepted);
  await clientOf(server, { timeoutMs: 50 }).publish(event);
  expect(keysOf(server)).toEqual(['key-1', 'key-1']);
});

test('an answer whose body stalls counts as no answer in time', async () => {
  const stall: Step = (_request, response) => {
    response.writeHead(202, { 'content-type': 'application/json' });
    response.write('{"id":');
  };
  const server = await serve(stall, accepted);
  await clientOf(server, { timeoutMs: 50 }).publish(event);
  expect(server.requests).toHaveLength(2);
});

test.each<[string, Record<string, string>, number]>([
  ['seconds', { 'retry-after': '7' }, 7000],
  [
    'a date, counted from the Date of the answer',
    { 'retry-after': 'Sat, 21 Nov 2026 09:30:09 GMT', date: 'Sat, 21 Nov 2026 09:30:00 GMT' },
    9000,
  ],
])('Retry-After in %s is waited for', async (_name, headers, askedMs) => {
  const server = await serve(problem(429, 'rate_limited', { headers }), accepted);
  const surroundings = testSurroundings();
  await clientOf(server, {}, surroundings).publish(event);
  expect(surroundings.waits).toEqual([askedMs + 100]);
});

test('a Retry-After beyond the deadline ends the call at once and is told', async () => {
  const server = await serve(problem(503, 'store_unavailable', { headers: { 'retry-after': '3600' } }));
  const surroundings = testSurroundings();
  await expect(clientOf(server, {}, surroundings).publish(event)).rejects.toMatchObject({
    code: 'store_unavailable',
    status: 503,
    retryAfterMs: 3_600_000,
    tries: 1,
    idempotencyKey: 'key-1',
  });
  expect(server.requests).toHaveLength(1);
  expect(surroundings.waits).toEqual([]);
});

test('waits double, and end with the retry limit in the last failure', async () => {
  const server = await serve(problem(503, 'store_unavailable'));
  const surroundings = testSurroundings();
  await expect(clientOf(server, { retryLimit: 4 }, surroundings).publish(event)).rejects.toMatchObject({ tries: 5 });
  expect(surroundings.waits).toEqual([100, 200, 400, 800]);
  expect(server.requests).toHaveLength(5);
});

test('the deadline ends the retries before their limit', async () => {
  const server = await serve(problem(503, 'store_unavailable'));
  const surroundings = testSurroundings();
  const client = clientOf(server, { retryLimit: 100, deadlineMs: 1000 }, surroundings);
  await expect(client.publish(event)).rejects.toMatchObject({ code: 'store_unavailable', tries: 4 });
  expect(surroundings.waits).toEqual([100, 200, 400]);
});

test('the deadline cuts a try that would take longer', async () => {
  const server = await serve('hang');
  const client = clientOf(server, { timeoutMs: 600_000, deadlineMs: 50 });
  await expect(client.publish(event)).rejects.toMatchObject({ code: 'timeout', status: null, tries: 1 });
});

test.each([400, 401, 403, 404, 409, 413, 415, 422])('%d is not repeated', async status => {
  const server = await serve(problem(status, 'some_code'));
  await expect(clientOf(server).publish(event)).rejects.toMatchObject({ code: 'some_code', status, tries: 1 });
  expect(server.requests).toHaveLength(1);
});

test('dataText is sent byte for byte', async () => {
  const server = await serve(accepted);
  const dataText = '{"n": 9007199254740993, "n":1.0,\n "s":"\\u0000é"}';
  await clientOf(server).publish({ eventType: 'call.ended', dataText });
  expect(server.requests[0]?.text).toBe(`{"event_type":"call.ended","idempotency_key":"key-1","data":${dataText}}`);
});

test.each<[string, unknown]>([
  ['data that is no JSON value', { eventType: 'a', data: undefined }],
  ['data with a BigInt', { eventType: 'a', data: { n: 1n } }],
  ['an invalid date', { eventType: 'a', data: 1, timestamp: new Date(Number.NaN) }],
  ['dataText that is not JSON', { eventType: 'a', dataText: '{' }],
  ['dataText that would add a member', { eventType: 'a', dataText: '1,"event_type":"b"' }],
  ['dataText with half a surrogate pair', { eventType: 'a', dataText: '"\ud800"' }],
  ['data and dataText', { eventType: 'a', data: 1, dataText: '1' }],
])('%s is refused before anything is sent', async (_name, bad) => {
  const server = await serve(accepted);
  const failure = clientOf(server).publish(bad as NewEvent);
  await expect(failure).rejects.toMatchObject({ code: 'invalid_event', tries: 0 });
  await expect(failure).rejects.toBeInstanceOf(SignpostError);
  expect(server.requests).toEqual([]);
});

test('twenty publishes, one after the other, share one connection', async () => {
  const server = await serve(accepted);
  const client = clientOf(server);
  for (let index = 0; index < 20; index += 1) await client.publish(event);
  expect(server.sockets.size).toBe(1);
});
