import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { builtInContracts, type CompiledContract, standardContract } from './index.ts';
import { exampleSeconds, inputFor, sealInput } from './seal-input.fixture.ts';
import { type BuiltInContractName, type HeaderSource, verify } from './verify.ts';

const nowMs = exampleSeconds * 1000;
const names = [...builtInContracts.keys()] as BuiltInContractName[];
const contractNamed = (name: string): CompiledContract => builtInContracts.get(name) ?? standardContract;
const secret = standardContract.generateSecret();
const sealed = standardContract.seal(sealInput({ secrets: [secret] }));
const check = (parts: { headers?: HeaderSource; body?: unknown; secret?: unknown; [option: string]: unknown }) =>
  verify('standard', { ...sealed, secret, nowMs, ...parts } as Parameters<typeof verify>[1]);
const withHeader = (name: string, value: string | string[] | undefined) =>
  check({ headers: { ...sealed.headers, [name]: value } });

describe('verify accepts', () => {
  test.each<[string, HeaderSource]>([
    ['Fetch headers', new Headers(sealed.headers)],
    ['names in any case', Object.fromEntries(Object.entries(sealed.headers).map(([k, v]) => [k.toUpperCase(), v]))],
    ['lists of one', Object.fromEntries(Object.entries(sealed.headers).map(([k, v]) => [k, [v]]))],
  ])('%s', (_name, headers) => {
    expect(check({ headers })).toEqual({ kind: 'accepted', timestampMs: nowMs });
  });

  test('the body as text or as bytes of any view', () => {
    expect(check({ body: sealed.body.toString('utf8') }).kind).toBe('accepted');
    expect(check({ body: new Uint8Array(sealed.body) }).kind).toBe('accepted');
  });

  test('one of several secrets', () => {
    expect(check({ secrets: [standardContract.generateSecret(), secret] }).kind).toBe('accepted');
  });

  test('a repairy request of which only one of the two signature headers arrived', () => {
    const repairy = contractNamed('repairy');
    const input = inputFor(repairy);
    const { headers, body } = repairy.seal(input);
    const [key = ''] = input.secrets;
    for (const dropped of ['x-webhook-signature', 'x-repairy-signature']) {
      const rest = { ...headers, [dropped]: undefined };
      expect(verify('repairy', { headers: rest, body, secret: key, nowMs }).kind).toBe('accepted');
      const tampered = { ...headers, [dropped]: '0'.repeat(32) };
      expect(verify('repairy', { headers: tampered, body, secret: key, nowMs })).toMatchObject({
        reason: 'signature_mismatch',
      });
    }
  });

  test('a nixflex request whose header with an underscore a proxy has dropped', () => {
    const nixflex = contractNamed('nixflex');
    const input = inputFor(nixflex);
    const { headers, body } = nixflex.seal(input);
    const request = { headers: { ...headers, webhook_delivery_id: undefined }, body, secret: input.secrets[0], nowMs };
    expect(verify('nixflex', request).kind).toBe('accepted');
  });
});

describe('verify refuses, and says why', () => {
  const late = (ms: number) => check({ nowMs: nowMs + ms });
  test.each<[string, () => unknown]>([
    ['body_not_raw', () => check({ body: JSON.parse(sealed.body.toString('utf8')) as unknown })],
    ['header_missing', () => withHeader('webhook-signature', undefined)],
    ['header_missing', () => withHeader('webhook-id', '')],
    ['header_missing', () => withHeader('webhook-timestamp', undefined)],
    ['header_malformed', () => withHeader('webhook-id', ['del_1', 'del_2'])],
    ['header_malformed', () => withHeader('Webhook-Id', 'del_2')],
    ['signature_malformed', () => withHeader('webhook-signature', 'v1,AAAA')],
    ['signature_malformed', () => withHeader('webhook-signature', 'v2,abc')],
    ['timestamp_malformed', () => withHeader('webhook-timestamp', `${exampleSeconds}.0`)],
    ['timestamp_malformed', () => withHeader('webhook-timestamp', ` ${exampleSeconds}`)],
    ['timestamp_malformed', () => withHeader('webhook-timestamp', `0${exampleSeconds}`)],
    ['timestamp_malformed', () => withHeader('webhook-timestamp', '1e9')],
    ['timestamp_too_old', () => late(300_001)],
    ['timestamp_too_new', () => late(-300_001)],
    ['timestamp_too_old', () => check({ toleranceMs: Number.NaN })],
    ['value_ambiguous', () => withHeader('webhook-id', 'del_1.5')],
    ['signature_mismatch', () => withHeader('webhook-id', 'del_other')],
    ['signature_mismatch', () => check({ secret: standardContract.generateSecret() })],
    ['secret_malformed', () => check({ secret: 'whsec_' })],
    ['secret_malformed', () => check({ secret: undefined })],
    ['secret_malformed', () => check({ secrets: [secret, 'whsec_?'] })],
    ['contract_unknown', () => verify('acme' as BuiltInContractName, { ...sealed, secret, nowMs })],
  ])('%s', (reason, result) => {
    expect(result()).toEqual({ kind: 'refused', reason, message: expect.stringMatching(/^[A-Z].*\.$/) });
  });

  test('within the tolerance nothing is late', () => {
    expect(late(300_000).kind).toBe('accepted');
    expect(late(-300_000).kind).toBe('accepted');
  });

  test('headers that say other than the signed body', () => {
    const replicer = contractNamed('replicer');
    const input = inputFor(replicer);
    const { headers, body } = replicer.seal(input);
    const request = { body, secret: input.secrets[0], nowMs };
    for (const name of ['X-Replicer-Event', 'X-Replicer-Delivery-Id']) {
      expect(verify('replicer', { ...request, headers: { ...headers, [name]: 'other' } })).toMatchObject({
        reason: 'values_disagree',
      });
    }
  });

  test.each(['', '{', '{"id":', 'null', '[]', '{"payload":null}'])('a repairy body that is %s', body => {
    const repairy = contractNamed('repairy');
    const input = inputFor(repairy);
    const request = { headers: repairy.seal(input).headers, body, secret: input.secrets[0], nowMs };
    expect(verify('repairy', request).kind).toBe('refused');
  });

  test('a repairy value that could hide another behind a bar', () => {
    const repairy = contractNamed('repairy');
    const input = inputFor(repairy, { data: '{"id":"a|b","bookingId":"a|b","workshopId":"w"}' });
    expect(verify('repairy', { ...repairy.seal(input), secret: input.secrets[0], nowMs })).toMatchObject({
      reason: 'value_ambiguous',
    });
  });
});

const unixSeconds = fc.integer({ min: 0, max: 4_102_444_800 });
const jsonObject = fc.dictionary(fc.string(), fc.jsonValue()).map(value => JSON.stringify(value));

describe.each(names)('%s, for any data, secret and time', name => {
  const contract = contractNamed(name);
  const anyInput = fc
    .record({ data: jsonObject, attemptUnixSeconds: unixSeconds, eventTimestampMs: unixSeconds.map(s => s * 1000) })
    .map(parts => inputFor(contract, { ...parts, eventType: 'a.b' }));

  test('what was sealed is accepted, by its own secret only', () => {
    fc.assert(
      fc.property(anyInput, input => {
        const request = { ...contract.seal(input), nowMs: input.attemptUnixSeconds * 1000 };
        expect(verify(name, { ...request, secret: input.secrets[0] }).kind).toBe('accepted');
        expect(verify(name, { ...request, secret: contract.generateSecret() }).kind).toBe('refused');
      }),
      { numRuns: 60 },
    );
  });

  test('one flipped bit in the body or in a signature is refused', () => {
    fc.assert(
      fc.property(anyInput, fc.nat(), fc.nat(7), (input, position, bit) => {
        const request = { ...contract.seal(input), secret: input.secrets[0], nowMs: input.attemptUnixSeconds * 1000 };
        const flip = (bytes: Buffer): Buffer => {
          const changed = Buffer.from(bytes);
          const at = position % changed.length;
          changed[at] = (changed[at] ?? 0) ^ (1 << bit);
          return changed;
        };
        // Repairy signs a few values and not the body; its own tests tamper with those.
        if (name !== 'repairy') expect(verify(name, { ...request, body: flip(request.body) }).kind).toBe('refused');
        for (const { name: header } of contract.document.signature.headers) {
          const text = flip(Buffer.from(request.headers[header] ?? '')).toString('latin1');
          // Hexadecimal digits are the same in either case.
          if (text.toLowerCase() === request.headers[header]) continue;
          expect(verify(name, { ...request, headers: { ...request.headers, [header]: text } }).kind).toBe('refused');
        }
      }),
      { numRuns: 60 },
    );
  });
});

test('no headers and no body make verify throw', () => {
  const anyHeaders = fc.dictionary(
    fc.constantFrom(
      ...[...builtInContracts.values()].flatMap(contract => Object.keys(contract.seal(inputFor(contract)).headers)),
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.constantFrom(...names), anyHeaders, fc.oneof(fc.uint8Array(), fc.json()), (name, headers, body) => {
      expect(verify(name, { headers, body, secret: contractNamed(name).generateSecret(), nowMs }).kind).toBe('refused');
    }),
  );
});
