import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AppProcess, type Receiver, startApp, startReceiver } from '@signpost/testing';
import { type Installation, startInstallation } from '../support/installation.ts';
import { createRawCaller, type RawAnswer, type RawCaller } from '../support/raw-call.ts';
import { openRawSocket } from '../support/raw-socket.ts';

let signpost: Installation;
let receiver: Receiver;
let secondApi: AppProcess;
let callers: readonly [RawCaller, RawCaller];
beforeAll(async () => {
  signpost = await startInstallation();
  receiver = await startReceiver();
  secondApi = await startApp('api', signpost.environment);
  callers = [createRawCaller(signpost.api.url), createRawCaller(secondApi.url)];
}, 60_000);
afterAll(async () => {
  for (const caller of callers) caller.close();
  await secondApi.stop();
  await signpost.close();
  await receiver.close();
});

const publish = (
  data: unknown,
  key: string | readonly string[],
  { caller = callers[0], path = '/v1/events' } = {},
): Promise<RawAnswer> =>
  caller.call({
    method: 'POST',
    path,
    headers: {
      authorization: `Bearer ${signpost.key}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: JSON.stringify(path.endsWith('batch') ? { events: [data] } : { event_type: 'call.ended', data }),
  });

/** To two API processes, all at once. */
const publishAtOnce = (count: number, key: string, dataOf: (n: number) => unknown): Promise<RawAnswer[]> =>
  Promise.all(
    Array.from({ length: count }, (_, n) => publish(dataOf(n), key, { caller: callers[n % 2] as RawCaller })),
  );

describe('one idempotency key, at once, at two API processes', () => {
  test('100 equal publishes make one event and one delivery; all others get its id', async () => {
    await signpost.createWebhook({ url: receiver.url });
    const answers = await publishAtOnce(100, 'at-once', () => ({ n: 1 }));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status, body }) => status === 200 && body.duplicate === true)).toHaveLength(99);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    await signpost.settledDeliveries(answers[0]?.body.id);
    expect(await signpost.query('select count(*)::int as events from events')).toEqual([{ events: 1 }]);
    expect(receiver.requests).toHaveLength(1);
  });

  test('of 100 publishes with different data one is taken; the others hear that the key is used', async () => {
    const answers = await publishAtOnce(100, 'at-once-different', n => ({ n }));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'idempotency_key_reused')).toHaveLength(99);
  });

  test('twice in a batch: one event', async () => {
    const event = { event_type: 'call.ended', data: 1, idempotency_key: 'twice-in-a-batch' };
    const { body } = await signpost.call('POST', '/v1/events/batch', { events: [event, event, { ...event, data: 2 }] });
    expect(body.data.map((item: { duplicate?: boolean }) => item.duplicate)).toEqual([false, true, undefined]);
    expect(body.data[1].id).toBe(body.data[0].id);
    expect(body.data[2].error.code).toBe('idempotency_key_reused');
  });
});

describe('the header Idempotency-Key', () => {
  test.each(['/v1/events', '/v1/events/batch'])('sent twice to %s is 422 and names the header', async path => {
    for (const keys of [
      ['a', 'b'],
      ['a', 'a'],
    ]) {
      const refused = await publish({ event_type: 'a', data: 1 }, keys, { path });
      expect([refused.status, refused.body.code]).toEqual([422, 'validation_failed']);
      expect(refused.body.errors).toContainEqual({ path: 'header.idempotency-key', message: 'must be sent once' });
    }
  });

  test('a comma is a part of the key', async () => {
    const [first, again] = [await publish(1, 'a, b'), await publish(1, 'a, b')];
    expect([first.status, again.status, again.body.id]).toEqual([202, 200, first.body.id]);
  });

  test('white space around it is not', async () => {
    const [first, again] = [await publish(1, 'spaces'), await publish(1, '  spaces\t')];
    expect(again.body.id).toBe(first.body.id);
  });

  test.each([
    ['a control character', 'a\u0001b'],
    ['a NUL', 'a\u0000b'],
    ['a line that goes on in the next', 'a\r\n b'],
    ['a carriage return', 'a\rb'],
  ])('with %s: 400, because that is no HTTP', async (_what, key) => {
    const body = '{"event_type":"a","data":1}';
    const { socket, closed } = openRawSocket(signpost.api.port);
    socket.write(
      `POST /v1/events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${signpost.key}\r\ncontent-type: application/json\r\nidempotency-key: ${key}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    expect(await closed).toMatch(/^HTTP\/1\.1 400 [^]*"code":"malformed_request"/);
  });

  test('with bytes beyond ASCII: 422', async () => {
    const refused = await publish(1, 'caf\u00e9');
    expect([refused.status, refused.body.errors?.[0]?.path]).toEqual([422, 'header.idempotency-key']);
  });
});
