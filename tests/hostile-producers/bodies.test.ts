import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Receiver, startReceiver, waitFor } from '@signpost/testing';
import { type Installation, startInstallation } from '../support/installation.ts';
import { createRawCaller, type RawAnswer, type RawCaller } from '../support/raw-call.ts';

let signpost: Installation;
let receiver: Receiver;
let caller: RawCaller;
beforeAll(async () => {
  signpost = await startInstallation();
  receiver = await startReceiver();
  caller = createRawCaller(signpost.api.url);
  await signpost.createWebhook({ url: receiver.url });
}, 60_000);
afterAll(async () => {
  caller.close();
  await signpost.close();
  await receiver.close();
});

const post = (path: string, body: string | Buffer): Promise<RawAnswer> =>
  caller.call({
    method: 'POST',
    path,
    headers: { authorization: `Bearer ${signpost.key}`, 'content-type': 'application/json' },
    body,
  });

/** Arrays inside each other, the innermost empty. */
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('data arrive at the receiver byte for byte', () => {
  test.each([
    ['astral characters', '"\u{1f389} \u{10ffff}"'],
    ['a sequence of emoji joined into one', '"\u{1f469}\u200d\u{1f469}\u200d\u{1f467}"'],
    ['right to left, with an override', '"\u202eabc \u05d0\u0639"'],
    ['the same letter composed and decomposed', '["\u00e9","e\u0301"]'],
    ['line separators of JavaScript', '"\u2028\u2029"'],
    ['a byte order mark within a text', '"\ufeff"'],
    ['an escaped NUL', '"a\\u0000b"'],
    ['escaped halves of surrogate pairs', '["\\ud800","\\udfff\\ud800"]'],
    ['escapes that need not be', '"\\u0061\\/\\u00e9"'],
    ['an integer beyond 2^53', '9007199254740993'],
    ['a number beyond every double', '[1e400,-1e400,1e-400]'],
    ['the spellings of zero and one', '[-0,0.0,0e5,1.0,1E0,1e+0]'],
    ['a number of a thousand digits', '9'.repeat(1000)],
    ['a name twice', '{"a":1,"b":2,"a":3}'],
    ['names in an order of their own', '{"b":1,"a":2,"10":3,"9":4}'],
    ['an empty name', '{"":{"":[]}}'],
    ['white space within', '{ "a" :\t[ 1 ,\r\n 2 ] }'],
    ['names of the prototype', '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'],
    ['63 levels', nested(63)],
    ['null', 'null'],
  ])('%s', async (_what, data) => {
    const published = await post('/v1/events', `{"event_type":"call.ended","data":${data}}`);
    expect(published.status).toBe(202);
    const { id, timestamp } = published.body;
    const arrived = await waitFor(() => receiver.requests.find(({ headers }) => headers['webhook-id'] === id), {
      description: `${id} has arrived`,
    });
    expect(arrived.body.equals(Buffer.from(`{"type":"call.ended","timestamp":"${timestamp}","data":${data}}`))).toBe(
      true,
    );
    const read = await signpost.call('GET', `/v1/events/${id}`);
    expect(read.text).toContain(`"data":${data},`);
  });

  test('of an envelope that names data twice the last is validated, delivered and shown', async () => {
    await signpost.call('POST', '/v1/event-types', { name: 'call.counted', schema: { type: 'integer' } });
    const send = (first: string, last: string): Promise<RawAnswer> =>
      post('/v1/events', `{"data":${first},"event_type":"call.counted","data":${last}}`);
    expect((await send('1', '"two"')).body.code).toBe('event_data_invalid');
    const published = await send('"one"', '2.0');
    expect(published.status).toBe(202);
    expect((await signpost.call('GET', `/v1/events/${published.body.id}`)).text).toContain('"data":2.0,');
    await signpost.call('DELETE', '/v1/event-types/call.counted');
  });

  test('members named like parts of every object are kept in metadata, too, and change nothing for others', async () => {
    const metadata = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    const event = await post('/v1/events', `{"event_type":"call.ended","data":1,"metadata":${metadata}}`);
    expect((await signpost.call('GET', `/v1/events/${event.body.id}`)).text).toContain(`"metadata":${metadata}`);
    const body = `{"url":"${receiver.url}","events":["never.sent"],"metadata":${metadata},"headers":{"constructor":"x","toString":"y"}}`;
    const webhook = await post('/v1/webhooks', body);
    expect(webhook.status).toBe(201);
    expect(JSON.stringify(webhook.body.metadata)).toBe(metadata);
    expect(webhook.body.headers).toEqual({ constructor: 'x', toString: 'y' });
    const plain = await signpost.createWebhook({ url: receiver.url, events: ['never.sent'] });
    expect([plain.metadata, plain.headers, plain.polluted, plain.active]).toEqual([{}, {}, undefined, true]);
  });
});

describe('what is not JSON is 400 and says where', () => {
  test.each([
    ['Infinity', '{"event_type":"a","data":Infinity}', 25],
    ['a minus alone', '{"event_type":"a","data":-}', 25],
    ['a leading zero', '{"event_type":"a","data":007}', 26],
    ['a plus', '{"event_type":"a","data":+1}', 25],
    ['a hexadecimal number', '{"event_type":"a","data":0x1F}', 26],
    ['a number that ends with its point', '{"event_type":"a","data":1.}', 26],
    ['single quotes', "{'event_type':'a'}", 1],
    ['a comma too many', '{"event_type":"a","data":[1,]}', 28],
    ['a comment', '{"event_type":"a",/* */"data":1}', 18],
    ['half an escape', '{"event_type":"a","data":"\\ud8"}', 26],
    ['an unknown escape', '{"event_type":"a","data":"\\x41"}', 26],
    ['a line end within a text', '{"event_type":"a","data":"a\nb"}', 27],
    ['a space of typographers', '{"event_type":"a",\u00a0"data":1}', 18],
    ['two values', '{"event_type":"a","data":1}{}', 27],
    ['a text that ends early', '{"event_type":"a","data":"', 26],
  ])('%s', async (_what, text, position) => {
    const refused = await post('/v1/events', text);
    expect([refused.status, refused.body.code]).toEqual([400, 'invalid_json']);
    expect(refused.body.detail).toMatch(new RegExp(`position ${position}\\b`));
  });

  test.each([
    ['a byte that is never UTF-8', [0xff]],
    ['an overlong NUL', [0xc0, 0x80]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a character that ends early', [0xf0, 0x9f, 0x8e]],
    ['a character beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
  ])('bytes that are not UTF-8: %s', async (_what, bytes) => {
    const [head, tail] = ['{"event_type":"a","data":"', '"}'].map(text => Buffer.from(text)) as [Buffer, Buffer];
    const refused = await post('/v1/events', Buffer.concat([head, Buffer.from(bytes), tail]));
    expect([refused.status, refused.body.code]).toEqual([400, 'invalid_encoding']);
  });

  test('UTF-16 without saying so', async () => {
    const refused = await post('/v1/events', Buffer.from('{"event_type":"a","data":1}', 'utf16le'));
    expect([refused.status, refused.body.code]).toEqual([400, 'invalid_json']);
  });
});

describe('depth', () => {
  /** The best of several: what the API needs, not what the machine was busy with. */
  async function quickest(path: string, body: string): Promise<RawAnswer> {
    const answers: RawAnswer[] = [];
    for (let n = 0; n < 5; n += 1) answers.push(await post(path, body));
    return answers.toSorted((a, b) => a.durationMs - b.durationMs)[0] as RawAnswer;
  }

  test.each([
    ['65 levels', '/v1/events', `{"event_type":"a","data":${nested(64)}}`, 400, 'body_too_deep'],
    ['5,000 levels', '/v1/events', nested(5000), 400, 'body_too_deep'],
    ['5,000 objects', '/v1/events', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, 400, 'body_too_deep'],
    ['1,000,000 levels', '/v1/events/batch', nested(1_000_000), 400, 'body_too_deep'],
    ['1,000,000 brackets that never close', '/v1/events/batch', '['.repeat(1_000_000), 400, 'body_too_deep'],
    ['1,000,000 levels, and too large', '/v1/events', nested(1_000_000), 413, 'payload_too_large'],
  ])('%s are refused within 50 ms', async (_what, path, body, status, code) => {
    const refused = await quickest(path, body);
    expect([refused.status, refused.body.code]).toEqual([status, code]);
    expect(refused.durationMs).toBeLessThan(50);
    expect((await signpost.call('GET', '/health/live')).status).toBe(200);
  });

  test('what is as deep as an event may be is taken in a batch, too', async () => {
    const event = (depth: number): string => `{"event_type":"call.deep","data":${nested(depth)}}`;
    expect((await post('/v1/events', event(63))).status).toBe(202);
    const batch = await post('/v1/events/batch', `{"events":[${event(63)}]}`);
    expect(batch.body.data).toEqual([{ id: expect.stringMatching(/^evt_/), duplicate: false }]);
    expect((await post('/v1/events/batch', `{"events":[${event(64)}]}`)).body.code).toBe('body_too_deep');
  });
});

test('of a batch of 1,000 with three bad events 997 are stored, and each bad one says why in its place', async () => {
  const events = Array.from({ length: 1000 }, (_, n): unknown => ({ event_type: 'batch.item', data: { n } }));
  events[0] = { event_type: 'batch..item', data: 1 };
  events[500] = null;
  events[999] = { event_type: 'batch.item', data: 1, subject: '' };
  const { status, body } = await post('/v1/events/batch', JSON.stringify({ events }));
  expect(status).toBe(202);
  const refused = (body.data as { error?: { errors: unknown[] } }[]).flatMap(({ error }) => error?.errors ?? []);
  expect(refused).toEqual([
    { path: 'body.events[0].event_type', message: expect.stringMatching(/^must be letters, digits/) },
    { path: 'body.events[500]', message: 'must be an object, not null' },
    { path: 'body.events[999].subject', message: 'must have at least 1 character' },
  ]);
  const [row] = await signpost.query(`select count(*)::int as stored from events where event_type = 'batch.item'`);
  expect(row).toEqual({ stored: 997 });
});
