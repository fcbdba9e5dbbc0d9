import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { builtInContracts, type CompiledContract, type SealedRequest, standardContract } from './index.ts';
import { exampleSeconds, inputFor, sealInput } from './seal-input.fixture.ts';
import { verify, type BuiltInContractName } from './verify.ts';

/** A receiver written from a contract's sheet alone: it shares no code with the package. */
type Receiver = (request: { headers: Record<string, string>; body: Buffer }, secret: string) => boolean;

const equal = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
const hex = (secret: string | Buffer, ...parts: (string | Buffer)[]): string => {
  const hmac = createHmac('sha256', secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
};
const fresh = (seconds: string): boolean => /^\d+$/.test(seconds) && Math.abs(Number(seconds) - exampleSeconds) <= 300;
const header = (request: { headers: Record<string, string> }, name: string): string => request.headers[name] ?? '';

const standardReceiver: Receiver = (request, secret) => {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const time = header(request, 'webhook-timestamp');
  const expected = createHmac('sha256', key)
    .update(`${header(request, 'webhook-id')}.${time}.`)
    .update(request.body)
    .digest('base64');
  return (
    fresh(time) &&
    header(request, 'webhook-signature')
      .split(' ')
      .some(entry => equal(entry, `v1,${expected}`))
  );
};

const receivers: Record<BuiltInContractName, Receiver> = {
  standard: standardReceiver,
  repull: standardReceiver,
  replicer: (request, secret) => {
    const time = header(request, 'x-replicer-timestamp');
    return fresh(time) && equal(header(request, 'x-replicer-signature'), hex(secret, `${time}.`, request.body));
  },
  repixa: (request, secret) => equal(header(request, 'x-repixa-signature'), `sha256=${hex(secret, request.body)}`),
  nixflex: (request, secret) => {
    const { t = '', v1 = '' } = Object.fromEntries(
      header(request, 'x-nixflex-signature')
        .split(',')
        .map(part => part.split('=')),
    ) as Record<string, string>;
    return fresh(t) && equal(v1, hex(secret, `${t}.`, request.body));
  },
  repairy: (request, secret) => {
    const body = JSON.parse(request.body.toString('utf8')) as {
      id: string;
      action: string;
      timestamp: number;
      payload: { bookingId: string; workshopId: string };
    };
    const { bookingId, workshopId } = body.payload;
    const signed = [secret, body.action, body.id, bookingId, workshopId, body.timestamp].join('|');
    const expected = createHash('md5').update(signed).digest('hex');
    const time = header(request, 'x-webhook-timestamp');
    return fresh(time) && time === String(body.timestamp) && equal(header(request, 'x-repairy-signature'), expected);
  },
  stripe: (request, secret) => {
    const parts = header(request, 'stripe-signature').split(',');
    const time = parts.find(part => part.startsWith('t='))?.slice(2) ?? '';
    const expected = hex(secret, `${time}.`, request.body);
    return fresh(time) && parts.some(part => part.startsWith('v1=') && equal(part.slice(3), expected));
  },
  github: (request, secret) => equal(header(request, 'x-hub-signature-256'), `sha256=${hex(secret, request.body)}`),
  slack: (request, secret) => {
    const time = header(request, 'x-slack-request-timestamp');
    return fresh(time) && equal(header(request, 'x-slack-signature'), `v0=${hex(secret, `v0:${time}:`, request.body)}`);
  },
};

/** The header that carries the attempt's time, where the contract has one. */
const timeHeaders: Partial<Record<BuiltInContractName, string>> = {
  standard: 'webhook-timestamp',
  repull: 'webhook-timestamp',
  replicer: 'x-replicer-timestamp',
  nixflex: 'x-nixflex-signature',
  repairy: 'x-webhook-timestamp',
  stripe: 'stripe-signature',
  slack: 'x-slack-request-timestamp',
};

const asReceived = (sealed: SealedRequest) => ({
  headers: Object.fromEntries(Object.entries(sealed.headers).map(([name, value]) => [name.toLowerCase(), value])),
  body: sealed.body,
});
const names = Object.keys(receivers) as BuiltInContractName[];
const contractNamed = (name: string): CompiledContract => builtInContracts.get(name) ?? standardContract;

test('every built-in contract has a receiver here', () => {
  expect([...names].sort()).toEqual([...builtInContracts.keys()].sort());
});

describe.each(names)('%s: a receiver written from its sheet, and verify', name => {
  const contract = contractNamed(name);
  const input = inputFor(contract, { eventType: contract.document.event_types[0]?.name ?? 'invoice.paid' });
  const secret = input.secrets[0] ?? '';
  const request = asReceived(contract.seal(input));
  const both = (changed: typeof request, key = secret): boolean[] => [
    receivers[name](changed, key),
    verify(name, { ...changed, secret: key, nowMs: exampleSeconds * 1000 }).kind === 'accepted',
  ];

  test('accept the sealed request', () => {
    expect(both(request)).toEqual([true, true]);
  });

  test('refuse a tampered body', () => {
    const body = Buffer.from(
      request.body.toString('utf8').replace('bk_77"', 'bk_78"').replace('"bookingId":"bk_77', '"bookingId":"bk_79'),
    );
    expect(body.equals(request.body)).toBe(false);
    expect(both({ ...request, body })).toEqual([false, false]);
  });

  test('refuse a tampered timestamp', () => {
    const timeHeader = timeHeaders[name];
    const text = timeHeader === undefined ? request.body.toString('utf8') : header(request, timeHeader);
    const changed = text.replace(/"timestamp":"2026|1775397840|"id"/, found =>
      found === '1775397840' ? '1775397841' : `${found} `,
    );
    expect(changed).not.toBe(text);
    if (timeHeader === undefined) expect(both({ ...request, body: Buffer.from(changed) })).toEqual([false, false]);
    else expect(both({ ...request, headers: { ...request.headers, [timeHeader]: changed } })).toEqual([false, false]);
  });

  test('refuse an altered signature', () => {
    const headers = { ...request.headers };
    for (const { name: signatureHeader } of contract.document.signature.headers) {
      const text = headers[signatureHeader.toLowerCase()] ?? '';
      const last = text.search(/.=?$/);
      headers[signatureHeader.toLowerCase()] =
        text.slice(0, last) + (text[last] === '0' ? '4' : '0') + text.slice(last + 1);
    }
    expect(headers).not.toEqual(request.headers);
    expect(both({ ...request, headers })).toEqual([false, false]);
  });

  test('refuse another secret', () => {
    expect(both(request, contract.generateSecret())).toEqual([false, false]);
  });
});

describe('the standardwebhooks package', () => {
  // It reads the machine's clock and takes no other.
  beforeAll(() => void jest.useFakeTimers({ now: exampleSeconds * 1000 }));
  afterAll(() => void jest.useRealTimers());

  test('verifies a delivery, with either secret during a rotation, and refuses any other', () => {
    const secrets = [standardContract.generateSecret(), standardContract.generateSecret()];
    const { headers, body } = standardContract.seal(sealInput({ secrets, data: '{"a":"Zoë 🎉"}' }));
    for (const secret of secrets) {
      expect(new Webhook(secret).verify(body, headers)).toMatchObject({ type: 'call.ended', data: { a: 'Zoë 🎉' } });
    }
    expect(() => new Webhook(standardContract.generateSecret()).verify(body, headers)).toThrow('No matching signature');
  });

  test('signs what verify accepts', () => {
    const secret = standardContract.generateSecret();
    const signature = new Webhook(secret).sign('msg_1', new Date(exampleSeconds * 1000), '{"a":1}');
    const headers = new Headers({
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(exampleSeconds),
      'webhook-signature': signature,
    });
    expect(verify('standard', { headers, body: '{"a":1}', secret })).toEqual({
      kind: 'accepted',
      timestampMs: exampleSeconds * 1000,
    });
  });
});
