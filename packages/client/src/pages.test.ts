import { afterEach, expect, test } from '@jest/globals';
import { createClientIn, type SignpostClient } from './client.ts';
import type { Delivery } from './delivery.ts';
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

const page = (ids: readonly string[], nextCursor: string | null): Step => ({
  status: 200,
  body: {
    data: ids.map(id => ({
      id,
      event_id: 'evt_1',
      event_type: 'a',
      webhook_id: 'wh_1',
      status: 'pending',
      attempt_count: 0,
      next_attempt_at: null,
      created_at: 't',
      completed_at: null,
    })),
    next_cursor: nextCursor,
    // The API's pages lead back, too; a loop goes forward alone.
    previous_cursor: 'back',
  },
});

async function idsOf(deliveries: AsyncIterable<Delivery>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of deliveries) ids.push(id);
  return ids;
}

const queriesOf = (server: TestServer): object[] =>
  server.requests.map(({ path }) => Object.fromEntries(new URL(path, 'http://localhost').searchParams));

test('a list goes on from cursor to cursor, with the filter on every page, until there is no next', async () => {
  const { server, client } = await serve(page(['del_1', 'del_2'], 'c+/1'), page([], 'c2'), page(['del_3'], null));
  const ids = await idsOf(
    client.deliveries({
      webhookId: 'wh_1',
      eventId: 'evt_1',
      eventType: 'call.ended',
      status: 'failed',
      since: new Date(0),
      until: '2026-11-21T09:30:00+02:00',
      responseCode: 503,
      pageSize: 2,
    }),
  );
  expect(ids).toEqual(['del_1', 'del_2', 'del_3']);
  const filter = {
    webhook_id: 'wh_1',
    event_id: 'evt_1',
    event_type: 'call.ended',
    status: 'failed',
    since: '1970-01-01T00:00:00.000Z',
    until: '2026-11-21T09:30:00+02:00',
    response_code: '503',
    limit: '2',
  };
  expect(queriesOf(server)).toEqual([filter, { ...filter, cursor: 'c+/1' }, { ...filter, cursor: 'c2' }]);
});

test('filters of events and webhooks go out in snake_case', async () => {
  const { server, client } = await serve({ status: 200, body: { data: [], next_cursor: null } });
  await client.events({ eventType: 'a', subject: 's', since: 'x', until: 'y', pageSize: 1 }).next();
  await client.webhooks.list({ active: false, eventType: 'a', subject: 's', pageSize: 1 }).next();
  expect(queriesOf(server)).toEqual([
    { event_type: 'a', subject: 's', since: 'x', until: 'y', limit: '1' },
    { active: 'false', event_type: 'a', subject: 's', limit: '1' },
  ]);
});

test('nothing is fetched before the loop asks for it, nor after it has left', async () => {
  const { server, client } = await serve(page(['del_1', 'del_2'], 'c1'), page(['del_3'], null));
  const deliveries = client.deliveries();
  expect(server.requests).toHaveLength(0);
  for await (const { id } of deliveries) if (id === 'del_2') break;
  expect(server.requests).toHaveLength(1);
});

test('a page that fails is fetched again, and no row comes twice', async () => {
  const { server, client } = await serve(page(['del_1'], 'c1'), 'cut', problem(500, 'internal'), page(['del_2'], null));
  await expect(idsOf(client.deliveries())).resolves.toEqual(['del_1', 'del_2']);
  expect(queriesOf(server)).toEqual([{}, { cursor: 'c1' }, { cursor: 'c1' }, { cursor: 'c1' }]);
});

test('a page that names itself as the next ends the loop with an error', async () => {
  const { server, client } = await serve(page(['del_1'], 'c1'));
  await expect(idsOf(client.deliveries())).rejects.toMatchObject({ code: 'invalid_answer' });
  expect(server.requests).toHaveLength(2);
});

test('a signal ends a loop between its pages', async () => {
  const { server, client } = await serve(page(['del_1'], 'c1'), page(['del_2'], null));
  const controller = new AbortController();
  const deliveries = client.deliveries({}, { signal: controller.signal });
  await deliveries.next();
  controller.abort();
  await expect(deliveries.next()).rejects.toMatchObject({ code: 'aborted' });
  expect(server.requests).toHaveLength(1);
});

test.each([
  ['status', 'strange', /data\[0\]\.status is not one of pending, succeeded, failed, cancelled/],
  ['attempt_count', '1', /data\[0\]\.attempt_count is not a whole number/],
  ['next_attempt_at', undefined, /data\[0\]\.next_attempt_at is not a text/],
])('a row with a wrong %s is an invalid answer that says where', async (name, value, message) => {
  const { body } = page(['del_1'], null) as { body: { data: Record<string, unknown>[] } };
  (body.data[0] as Record<string, unknown>)[name] = value;
  const { client } = await serve({ status: 200, body });
  await expect(idsOf(client.deliveries())).rejects.toThrow(message);
});
