import { afterEach, expect, test } from '@jest/globals';
import { createClientIn, type SignpostClient } from './client.ts';
import type { NewEvent } from './event.ts';
import { SignpostBatchError } from './publish-batch.ts';
import { problem, startTestServer, type Step, type TestServer, testSurroundings } from './test-server.ts';

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map(each => each.close()));
});

async function serve(...steps: readonly [Step, ...Step[]]): Promise<{ server: TestServer; client: SignpostClient }> {
  const server = await startTestServer(...steps);
  const client = createClientIn(testSurroundings(), { baseUrl: server.url, apiKey: 'sk_live_1' });
  open.push(client, server);
  return { server, client };
}

interface SentEvent {
  readonly event_type: string;
  readonly data: unknown;
  readonly idempotency_key: string;
}
const eventsIn = (text: string): SentEvent[] => (JSON.parse(text) as { events: SentEvent[] }).events;
const sentEvents = (server: TestServer): SentEvent[] => server.requests.flatMap(({ text }) => eventsIn(text));

/** Accepts events as the API does; an id names the key, and the type `bad` is refused. */
const acceptAll: Step = ({ text }, response) => {
  const refusal = (path: string): object => ({
    code: 'event_type_unknown',
    detail: `${path} is unknown.`,
    errors: [{ path, message: 'is unknown' }],
  });
  const data = eventsIn(text).map(({ event_type: type, idempotency_key: key }, index) =>
    type === 'bad' ? { error: refusal(`body.events[${index}].event_type`) } : { id: `evt_${key}`, duplicate: false },
  );
  response.writeHead(202).end(JSON.stringify({ data }));
};
const eventsOf = (count: number): NewEvent[] =>
  Array.from({ length: count }, (_, index) => ({ eventType: 'a', data: index }));

test('results stand in the order of the events; refused ones say why, as if published alone', async () => {
  const { server, client } = await serve(acceptAll);
  const results = await client.publishBatch([
    { eventType: 'a', data: 1, idempotencyKey: 'order-1' },
    { eventType: 'a', data: undefined },
    { eventType: 'bad', data: 3 },
    { eventType: 'a', dataText: '{"n":9007199254740993}' },
  ]);
  expect(results).toEqual([
    { kind: 'accepted', id: 'evt_order-1', duplicate: false, idempotencyKey: 'order-1' },
    expect.objectContaining({ kind: 'refused', code: 'invalid_event', idempotencyKey: 'key-1' }),
    {
      kind: 'refused',
      code: 'event_type_unknown',
      detail: 'body.event_type is unknown.',
      errors: [{ path: 'body.event_type', message: 'is unknown' }],
      idempotencyKey: 'key-2',
    },
    { kind: 'accepted', id: 'evt_key-3', duplicate: false, idempotencyKey: 'key-3' },
  ]);
  expect(server.requests[0]?.path).toBe('/v1/events/batch');
  expect(server.requests[0]?.text).toContain('"data":{"n":9007199254740993}}');
});

test('no events need no request', async () => {
  const { server, client } = await serve(acceptAll);
  await expect(client.publishBatch([])).resolves.toEqual([]);
  expect(server.requests).toEqual([]);
});

test('a retry carries the same key for every event', async () => {
  const { server, client } = await serve('cut', 'reset', acceptAll);
  const results = await client.publishBatch(eventsOf(3));
  expect(results.map(({ kind }) => kind)).toEqual(['accepted', 'accepted', 'accepted']);
  const keys = server.requests.map(({ text }) => eventsIn(text).map(event => event.idempotency_key));
  expect(keys).toEqual(Array.from({ length: 3 }, () => ['key-1', 'key-2', 'key-3']));
});

test('2500 events go out in three requests, each with a key of its own', async () => {
  const { server, client } = await serve(acceptAll);
  const results = await client.publishBatch(eventsOf(2500));
  expect(server.requests.map(({ text }) => eventsIn(text).length)).toEqual([1000, 1000, 500]);
  const sent = sentEvents(server);
  expect(sent.map(({ data }) => data)).toEqual(eventsOf(2500).map(({ data }) => data));
  expect(new Set(sent.map(event => event.idempotency_key)).size).toBe(2500);
  expect(results.map(result => result.kind === 'accepted' && result.id)).toEqual(
    sent.map(event => `evt_${event.idempotency_key}`),
  );
});

test('no request is larger than 10 MiB, whatever is in it', async () => {
  const { server, client } = await serve(acceptAll);
  // Two bytes a character: 255,000 of them and the fields around are close to the 256 KiB of an event.
  const results = await client.publishBatch(
    Array.from({ length: 100 }, () => ({ eventType: 'a', data: 'é'.repeat(127_500) })),
  );
  const sizes = server.requests.map(({ text }) => Buffer.byteLength(text));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(10 * 1024 * 1024);
  expect(server.requests.map(({ text }) => eventsIn(text).length)).toEqual([41, 41, 18]);
  expect(results).toHaveLength(100);
});

test('an event that fits into no request is refused alone', async () => {
  const { client } = await serve(acceptAll);
  const results = await client.publishBatch([
    { eventType: 'a', data: 'x'.repeat(10 * 1024 * 1024) },
    { eventType: 'a', data: 1 },
  ]);
  expect(results).toMatchObject([{ kind: 'refused', code: 'payload_too_large' }, { kind: 'accepted' }]);
});

test('when a request fails, the error says what is known of each event, and later requests are not made', async () => {
  const { server, client } = await serve(acceptAll, problem(401, 'unauthorized'), acceptAll);
  const error = await client.publishBatch([{ eventType: 'bad', data: 0 }, ...eventsOf(2499)]).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(SignpostBatchError);
  const { code, status, results } = error as SignpostBatchError;
  expect({ code, status, requests: server.requests.length }).toEqual({
    code: 'unauthorized',
    status: 401,
    requests: 2,
  });
  expect(results.map(({ kind }) => kind)).toEqual([
    'refused',
    ...Array.from({ length: 999 }, () => 'accepted'),
    ...Array.from({ length: 1500 }, () => 'unsettled'),
  ]);
  expect(results[2499]).toEqual({ kind: 'unsettled', idempotencyKey: 'key-2500' });
});

test('an answer for another number of events is no answer', async () => {
  const { client } = await serve({ status: 202, body: { data: [{ id: 'evt_1', duplicate: false }] } });
  await expect(client.publishBatch(eventsOf(2))).rejects.toMatchObject({
    code: 'invalid_answer',
    results: [
      { kind: 'unsettled', idempotencyKey: 'key-1' },
      { kind: 'unsettled', idempotencyKey: 'key-2' },
    ],
  });
});
