import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Receiver, startReceiver } from '@signpost/testing';
import { type Answer, type AnyJson, type Installation, startInstallation } from '../support/installation.ts';

let signpost: Installation;
let receiver: Receiver;
beforeAll(async () => {
  signpost = await startInstallation({ environment: { LOG_LEVEL: 'info' } });
  receiver = await startReceiver();
}, 60_000);
afterAll(async () => {
  await signpost.close();
  await receiver.close();
});

const pathsOf = ({ body }: Answer): string[] => (body.errors ?? []).map((error: AnyJson) => error.path);
const limitMs = 3000;

/** What the call answered; fails if it held up the API. */
async function inTime(call: Promise<Answer>): Promise<Answer> {
  const startedMs = performance.now();
  const answer = await call;
  expect(performance.now() - startedMs).toBeLessThan(limitMs);
  return answer;
}

describe('an event type', () => {
  test.each([
    ['two dots', 'a..b'],
    ['a space', 'A b'],
    ['257 characters', 'a'.repeat(257)],
    ['an emoji', 'call.\u{1f389}'],
    ['everything', '*'],
    ['a way up', '../'],
    ['a slash', 'a/b'],
    ['a dot at the end', 'a.'],
    ['a dot at the start', '.a'],
    ['nothing', ''],
    ['a line end', 'a\n'],
    ['a NUL', 'a\u0000'],
    ['a full-width letter', '\uff41'],
    ['a list', ['a']],
    ['250,000 characters and one that is wrong', `${'a.'.repeat(125_000)}!`],
  ])('with %s is refused wherever one is named', async (_what, name) => {
    const refusals = [
      await inTime(signpost.call('POST', '/v1/events', { event_type: name, data: 1 })),
      await inTime(signpost.call('POST', '/v1/event-types', { name })),
      await inTime(signpost.call('POST', `/v1/webhooks`, { url: receiver.url, events: [name] })),
    ];
    if (String(name).length < 1000)
      refusals.push(await signpost.call('GET', `/v1/deliveries?event_type=${encodeURIComponent(String(name))}`));
    // The subscription to everything is the one that is none elsewhere; a list of one reads like its item in a query.
    const statuses = refusals.map(({ status }, place) =>
      (name === '*' && place === 2) || (Array.isArray(name) && place === 3) ? 422 : status,
    );
    expect(new Set(statuses)).toEqual(new Set([422]));
    expect(refusals.slice(0, 2).flatMap(pathsOf)).toEqual(['body.event_type', 'body.name']);
  });

  test('of 256 characters, with every kind of character, is taken and delivered', async () => {
    const name = `Az_09-.${'x'.repeat(249)}`;
    const webhook = await signpost.createWebhook({ url: `${receiver.url}/long`, events: [name] });
    await signpost.settledDeliveries(await signpost.publish({ eventType: name, data: 1 }));
    expect(receiver.requests.filter(({ path }) => path === '/long')).toHaveLength(1);
    await signpost.call('DELETE', `/v1/webhooks/${webhook.id}`);
  });

  test.each(['a.*.b', '*.a', '**', 'a*', 'a.**', '.*', 'a.*.', '(a+)+$', '*,a'])(
    'pattern %s, which no subscription has, is refused',
    async pattern => {
      const refused = await signpost.call('POST', '/v1/webhooks', { url: receiver.url, events: ['a', pattern] });
      expect([refused.status, pathsOf(refused)]).toEqual([422, ['body.events[1]']]);
    },
  );

  test('a hundred long patterns are matched without delay; a hundred and one are refused', async () => {
    const events = Array.from({ length: 100 }, (_, n) => `p${n}.${'a.'.repeat(120)}*`);
    const webhook = await signpost.createWebhook({ url: `${receiver.url}/patterns`, events });
    const eventType = `p99.${'a.'.repeat(120)}end`;
    await signpost.settledDeliveries(await signpost.publish({ eventType, data: 1 }), limitMs);
    expect(receiver.requests.filter(({ path }) => path === '/patterns')).toHaveLength(1);
    await signpost.call('DELETE', `/v1/webhooks/${webhook.id}`);
    const refused = await signpost.call('POST', '/v1/webhooks', { url: receiver.url, events: [...events, 'one.more'] });
    expect(refused.body.errors).toEqual([{ path: 'body.events', message: 'must have at most 100 items' }]);
  });
});

/** Read as something else by a database, a log, a terminal, a spreadsheet or a page. */
const injections = [
  `'; drop table events; --`,
  `' or '1'='1`,
  '$1',
  '\\x27',
  '=cmd|calc!A1',
  '@SUM(1)',
  '{"level":"fatal","msg":"forged"}',
  '<script>alert(1)</script>',
  '%s%n%d',
  '../../etc/passwd',
  'a\u2028b',
];

describe('a text that means something elsewhere is kept as it is', () => {
  test.each(injections)('%s', async text => {
    const published = await signpost.call('POST', '/v1/events', {
      event_type: 'text.kept',
      data: { [text]: text },
      subject: text,
      channels: [text],
      metadata: { [text]: text },
    });
    expect(published.status).toBe(202);
    const { body: event } = await signpost.call('GET', `/v1/events/${published.body.id}`);
    expect(event).toMatchObject({
      data: { [text]: text },
      subject: text,
      channels: [text],
      metadata: { [text]: text },
    });
    const filtered = await signpost.call('GET', `/v1/events?subject=${encodeURIComponent(text)}`);
    expect(filtered.body.data.map(({ id }: AnyJson) => id)).toEqual([published.body.id]);

    const fields = {
      events: ['never.sent'],
      description: text,
      subject: text,
      channels: [text],
      metadata: { [text]: text },
      headers: /^[\x20-\x7e]*$/.test(text) ? { 'x-text': text } : {},
    };
    const webhook = await signpost.createWebhook({ url: receiver.url, ...fields });
    expect((await signpost.call('GET', `/v1/webhooks/${webhook.id}`)).body).toMatchObject(fields);
    const [row] = await signpost.query('select description from webhooks where description = $1', [text]);
    expect(row).toEqual({ description: text });
    const key = await signpost.call('POST', '/v1/api-keys', { name: text, scopes: ['read'] });
    expect(key.body.name).toBe(text);
    const type = await signpost.call('POST', '/v1/event-types', {
      name: 'text.kept',
      description: text,
      example: text,
    });
    expect(type.body).toMatchObject({ description: text, example: text });
    await signpost.call('DELETE', '/v1/event-types/text.kept');
    await signpost.call('DELETE', `/v1/webhooks/${webhook.id}`);
  });

  test('control characters are refused in every text for people', async () => {
    for (const text of ['\u001b[2J', 'a\u0000b', 'a\u0007', 'a\u007f']) {
      const webhook = { url: receiver.url, events: ['a'] };
      const refusals = [
        await signpost.call('POST', '/v1/events', { event_type: 'a', data: 1, subject: text, channels: [text] }),
        await signpost.call('POST', '/v1/webhooks', { ...webhook, description: text, subject: text, channels: [text] }),
        await signpost.call('POST', '/v1/webhooks', { ...webhook, headers: { 'x-text': text } }),
        await signpost.call('POST', '/v1/api-keys', { name: text, scopes: ['read'] }),
        await signpost.call('POST', '/v1/event-types', { name: 'a', description: text }),
        await signpost.call('GET', `/v1/events?subject=${encodeURIComponent(text)}`),
      ];
      expect(refusals.map(pathsOf)).toEqual([
        ['body.subject', 'body.channels[0]'],
        ['body.description', 'body.subject', 'body.channels[0]'],
        ['body.headers.x-text'],
        ['body.name'],
        ['body.description'],
        ['query.subject'],
      ]);
    }
  });

  test('NUL and halves of surrogate pairs in JSON that is kept are stored or refused, never a fault', async () => {
    for (const text of ['"a\\u0000b"', '"\\ud800"', '{"\\u0000":"\\udc00"}', '{"__proto__":"\\u0000"}']) {
      const answers = [
        await signpost.call('POST', '/v1/events', `{"event_type":"a","data":${text},"metadata":{"m":${text}}}`),
        await signpost.call(
          'POST',
          '/v1/webhooks',
          `{"url":"${receiver.url}","events":["a"],"metadata":{"m":${text}}}`,
        ),
        await signpost.call('POST', '/v1/event-types', `{"name":"nul.kept","example":${text}}`),
        await signpost.call('PATCH', '/v1/event-types/nul.kept', `{"schema":{"description":${text}}}`),
      ];
      for (const { status } of answers) expect([200, 201, 202, 404, 422]).toContain(status);
      await signpost.call('DELETE', '/v1/event-types/nul.kept');
    }
  });

  test('the log stays one JSON object a line, whatever paths and headers hold', async () => {
    for (const path of ['/v1/%1b%5b2J%0a%7b%22level%22:%22fatal%22%7d', '/v1/events/%0d%0aforged', '/v1/%E2%80%A8'])
      await signpost.call('GET', path, undefined, { 'user-agent': '"}\u0009{"forged":true}' });
    await signpost.call('POST', '/v1/events', '{"event_type":"\\u001b[2J\\n","data":1}');
    const lines = signpost.api.logs().trim().split('\n');
    expect(lines.length).toBeGreaterThan(20);
    for (const line of lines) {
      expect(() => JSON.parse(line) as unknown).not.toThrow();
      expect(line).not.toContain('\u001b');
    }
    expect(lines.filter(line => JSON.parse(line).level === 'fatal')).toEqual([]);
  });
});
