import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { builtInContracts } from '@signpost/contracts';
import { verify } from '@signpost/contracts/verify';
import { type ReceivedRequest, type Receiver, startReceiver } from '@signpost/testing';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { Webhook as SvixWebhook } from 'svix';
import { type Installation, startInstallation } from '../support/installation.ts';
import { type Arrival, type ContractName, receivers, repairyBy, signatureHeaders, timeHeaders } from './receivers.ts';

let signpost: Installation;
let receiver: Receiver;

beforeAll(async () => {
  [signpost, receiver] = await Promise.all([startInstallation(), startReceiver()]);
}, 60_000);
afterAll(async () => {
  await signpost.close();
  await receiver.close();
});

interface Delivered {
  readonly request: ReceivedRequest;
  readonly secret: string;
  readonly deliveryId: string;
  readonly eventId: string;
}

/** What arrived at the path of one webhook. */
const arrivedAt = (subject: string): ReceivedRequest[] =>
  receiver.requests.filter(({ path }) => path === `/${subject}`);

let made = 0;

/** Publishes to a webhook of its own with that contract, over HTTP, and waits until it was delivered. */
async function deliver(
  contract: string,
  dataText: string,
  event: Record<string, unknown> = {},
  webhookFields: Record<string, unknown> = {},
): Promise<Delivered> {
  const subject = `${contract}-${(made += 1)}`;
  const webhook = await signpost.createWebhook({
    url: `${receiver.url}/${subject}`,
    contract,
    subject,
    ...webhookFields,
  });
  const type = builtInContracts.get(contract)?.document.event_types[0]?.name ?? 'invoice.paid';
  const { data: _data, ...rest } = { event_type: type, subject, ...event } as Record<string, unknown>;
  const published = await signpost.call(
    'POST',
    '/v1/events',
    `${JSON.stringify(rest).slice(0, -1)},"data":${dataText}}`,
  );
  expect([published.status, published.text]).toEqual([202, expect.any(String)]);
  const [delivery] = await signpost.settledDeliveries(published.body.id);
  expect(delivery).toMatchObject({ webhook_id: webhook.id, status: 'succeeded' });
  const request = arrivedAt(subject).at(-1);
  if (request === undefined) throw new Error('Nothing arrived');
  return { request, secret: webhook.signing_secret, deliveryId: delivery.id, eventId: published.body.id };
}

const exampleOf = (contract: string): string =>
  JSON.stringify(builtInContracts.get(contract)?.document.event_types[0]?.example ?? { id: 'in_1', amount: 4900 });

const names = Object.keys(receivers) as ContractName[];

test('every built-in contract has a receiver here', () => {
  expect([...names].toSorted()).toEqual([...builtInContracts.keys()].toSorted());
});

/** Another value at the same place. */
const otherDigit = (text: string): string => text.replace(/\d(?=\D*$)/, digit => String((Number(digit) + 1) % 10));

describe.each(names)('%s: a receiver written from its sheet', name => {
  let delivered: Delivered;
  const takes = (arrival: Arrival, secret = delivered.secret): [boolean, boolean] => [
    receivers[name](arrival, secret),
    verify(name, { ...arrival, secret }).kind === 'accepted',
  ];
  const withHeaders = (change: (value: string) => string, changed: readonly string[]): Arrival => {
    const { headers, body } = delivered.request;
    const tampered = Object.fromEntries(changed.map(each => [each, change(String(headers[each]))]));
    expect(tampered).not.toEqual(Object.fromEntries(changed.map(each => [each, headers[each]])));
    return { headers: { ...headers, ...tampered }, body };
  };

  beforeAll(async () => {
    delivered = await deliver(name, exampleOf(name));
  });

  test('accepts what arrives, and so does verify', () => {
    expect(takes(delivered.request)).toEqual([true, true]);
    expect(delivered.request.headers['content-type']).toMatch(/^application\/json/);
  });

  test('refuses another body', () => {
    const text = delivered.request.body.toString('utf8');
    // Repairy signs a few values and not the body: one of those has to be another.
    const changed = name === 'repairy' ? text.replace('"bookingId":"bk_', '"bookingId":"bk_1') : otherDigit(text);
    expect(changed).not.toBe(text);
    expect(takes({ ...delivered.request, body: Buffer.from(changed) })).toEqual([false, false]);
  });

  test('refuses another time', () => {
    const timeHeader = timeHeaders[name];
    const { headers, body } = delivered.request;
    // Where no time of the attempt is signed, the body holds what there is of it.
    if (timeHeader === null)
      return expect(takes({ headers, body: Buffer.from(otherDigit(body.toString('utf8'))) })).toEqual([false, false]);
    const seconds = String(Math.floor(Date.now() / 1000) - 7);
    expect(takes(withHeaders(text => text.replace(/\d{10}/, seconds), [timeHeader]))).toEqual([false, false]);
    const old = withHeaders(text => text.replace(/\d{10}/, '1700000000'), [timeHeader]);
    expect(takes(old)).toEqual([false, false]);
  });

  test('refuses another signature', () => {
    const flipped = (text: string): string => text.replace(/.(?=.{4}$)/, last => (last === 'a' ? 'b' : 'a'));
    expect(takes(withHeaders(flipped, signatureHeaders[name]))).toEqual([false, false]);
  });

  test('refuses another secret', () => {
    expect(takes(delivered.request, builtInContracts.get(name)?.generateSecret() ?? '')).toEqual([false, false]);
  });
});

/** What JSON.parse and JSON.stringify would not give back. */
const oddData =
  '{ "big":9007199254740993,"z":1.0,"a":1e400,"escaped":"\\u00e9\\/\\ud83d\\ude00","same":1,"same":2,"neg":-0,"bookingId":"bk_1","workshopId":"ws_1" }';

describe('data reach the receiver byte for byte', () => {
  const enveloped = names.filter(name => name !== 'nixflex');

  test.each(enveloped)('%s', async name => {
    const { request } = await deliver(name, oddData);
    expect(request.body.toString('utf8')).toContain(oddData);
    if (name === 'github') expect(request.body.toString('utf8')).toBe(oddData);
  });

  test('nixflex: everything between the braces, beside `event`', async () => {
    const { request } = await deliver('nixflex', oddData);
    expect(request.body.toString('utf8')).toContain(oddData.slice(1, -1).trim());
  });
});

describe("providers' own packages verify what arrives", () => {
  test.each(['standard', 'repull'])('standardwebhooks and svix: %s', async name => {
    const { request, secret } = await deliver(name, exampleOf(name));
    const headers = request.headers as Record<string, string>;
    const text = request.body.toString('utf8');
    const expected = { type: expect.any(String), timestamp: expect.any(String), data: JSON.parse(exampleOf(name)) };
    expect(new StandardWebhook(secret).verify(text, headers)).toEqual(expected);
    // It answers nothing: what it does not throw at, it verified.
    expect(() => new SvixWebhook(secret).verify(text, headers)).not.toThrow();
    expect(() => new SvixWebhook(secret).verify(`${text} `, headers)).toThrow('No matching signature');
    const other = builtInContracts.get(name)?.generateSecret() ?? '';
    expect(() => new SvixWebhook(other).verify(text, headers)).toThrow('No matching signature');
    expect(() => new StandardWebhook(secret).verify(`${text} `, headers)).toThrow('No matching signature');
  });

  test('stripe', async () => {
    const { request, secret } = await deliver('stripe', exampleOf('stripe'));
    const stripe = new Stripe('sk_test_none');
    const signature = String(request.headers['stripe-signature']);
    const event = stripe.webhooks.constructEvent(request.body, signature, secret);
    expect(event).toMatchObject({
      object: 'event',
      type: 'invoice.paid',
      data: { object: JSON.parse(exampleOf('stripe')) },
    });
    expect(() => stripe.webhooks.constructEvent(`${request.body.toString()} `, signature, secret)).toThrow(/signature/);
  });
});

/** Fails the first attempt and takes the second, which follows after a second. */
async function deliverTwice(contract: string, fields: Record<string, unknown> = {}): Promise<ReceivedRequest[]> {
  const seen = new Set<string>();
  receiver.answerWith(({ path }) => {
    if (seen.has(path)) return {};
    seen.add(path);
    return { status: 500 };
  });
  const event = { metadata: { order: 'A-1', nested: { n: [1, 2] } } };
  await deliver(contract, exampleOf(contract), event, { retry_schedule: [1], ...fields });
  receiver.answerWith(() => ({}));
  const attempts = arrivedAt(`${contract}-${made}`);
  expect(attempts).toHaveLength(2);
  return attempts;
}

const valuesOf = (attempts: readonly ReceivedRequest[], name: string): unknown[] =>
  attempts.map(({ headers }) => headers[name]);

describe('retries', () => {
  test.each(['POST', 'PUT', 'PATCH'])(
    'repairy by %s: x-request-id stays, x-webhook-id is new; either signature header verifies',
    async method => {
      const attempts = await deliverTwice('repairy', { method, secret: 'a-shared-key-of-both' });
      expect(attempts.map(attempt => attempt.method)).toEqual([method, method]);
      expect(new Set(valuesOf(attempts, 'x-request-id')).size).toBe(1);
      expect(new Set(valuesOf(attempts, 'x-webhook-id')).size).toBe(2);
      expect(valuesOf(attempts, 'x-webhook-version')).toEqual(['3', '3']);
      for (const attempt of attempts)
        for (const name of signatureHeaders.repairy) {
          expect(repairyBy(name)(attempt, 'a-shared-key-of-both')).toBe(true);
          expect(repairyBy(name)(attempt, 'another-key-of-both!')).toBe(false);
        }
      const { payload } = JSON.parse(attempts[0]?.body.toString('utf8') ?? '');
      expect(payload).toMatchObject({ id: payload.bookingId, workshopId: expect.any(String) });
    },
  );

  test('nixflex: webhook_delivery_id stays, metadata are echoed, the signature is new', async () => {
    const attempts = await deliverTwice('nixflex');
    const [first, second] = valuesOf(attempts, 'webhook_delivery_id');
    expect([first, second]).toEqual([expect.stringMatching(/^del_/), first]);
    expect(new Set(valuesOf(attempts, 'x-nixflex-signature')).size).toBe(2);
    for (const { body } of attempts)
      expect(JSON.parse(body.toString('utf8'))).toMatchObject({
        event: 'call.ended',
        call_id: expect.any(String),
        metadata: { order: 'A-1', nested: { n: [1, 2] } },
      });
  });

  test.each(['standard', 'replicer'] as const)('%s: the same id, and a signature of its time', async name => {
    const attempts = await deliverTwice(name);
    const idHeader = name === 'standard' ? 'webhook-id' : 'x-replicer-delivery-id';
    expect(new Set(valuesOf(attempts, idHeader)).size).toBe(1);
    expect(new Set(valuesOf(attempts, timeHeaders[name] ?? '')).size).toBe(2);
    expect(new Set(attempts.map(({ body }) => body.toString('utf8'))).size).toBe(1);
  });
});

describe('a test send is a delivery like any other', () => {
  test.each(names)('%s: its receiver takes it; the log alone says that it was a test', async name => {
    const subject = `test-${name}`;
    const webhook = await signpost.createWebhook({ url: `${receiver.url}/${subject}`, contract: name, subject });
    const eventTypes = builtInContracts.get(name)?.document.event_types.map(each => each.name) ?? [];
    for (const eventType of [eventTypes.at(-1) ?? 'invoice.paid', 'something.unheard_of']) {
      const body = { event_type: eventType };
      const result = await signpost.call('POST', `/v1/webhooks/${webhook.id}/test`, body);
      expect([result.status, result.body]).toEqual([
        200,
        {
          delivery_id: expect.stringMatching(/^del_/),
          status: 'success',
          response_code: 204,
          response_time_ms: expect.any(Number),
        },
      ]);
      const request = arrivedAt(subject).at(-1) as ReceivedRequest;
      expect(receivers[name](request, webhook.signing_secret)).toBe(true);
      expect(`${JSON.stringify(request.headers)}${request.body.toString('utf8').replaceAll(subject, '')}`).not.toMatch(
        /synthetic|trigger|"test"/i,
      );
      const { attempts } = (await signpost.call('GET', `/v1/deliveries/${result.body.delivery_id}`)).body;
      expect(attempts).toMatchObject([{ trigger: 'test', number: 1 }]);
    }
    expect(arrivedAt(subject)).toHaveLength(2);
  });
});
