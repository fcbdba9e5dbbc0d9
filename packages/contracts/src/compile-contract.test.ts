import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ContractDocument, EnvelopeDocument } from './document.ts';
import { builtInContracts, type CompiledContract, compileContract, standardContract } from './index.ts';
import { exampleSeconds, inputFor, sealInput } from './seal-input.fixture.ts';

const contractNamed = (name: string): CompiledContract => {
  const contract = builtInContracts.get(name);
  if (contract === undefined) throw new Error(`no contract ${name}`);
  return contract;
};
const withParts = (parts: Partial<ContractDocument>): CompiledContract =>
  compileContract({ ...standardContract.document, ...parts });
const bodyOf = (envelope: EnvelopeDocument, parts: Parameters<typeof sealInput>[0] = {}): string =>
  withParts({ envelope }).body(sealInput(parts));
const fieldsOf = (fields: (EnvelopeDocument & { shape: 'object' })['fields'], parts = {}): string =>
  bodyOf({ shape: 'object', fields }, parts);

describe('the body', () => {
  test.each([
    '{"n":9007199254740993}',
    '{"a":1.0,"b":1e400,"c":-0}',
    '{"z":1,"a":2,"z":3}',
    '{"e":"\\ud83d\\ude00\\u0000</script>"}',
    ' { "spaced" : [ 1 , 2 ] } ',
    '"text"',
    'null',
    '[]',
  ])('holds the published text %s byte for byte in every contract', data => {
    for (const contract of builtInContracts.values()) {
      const body = contract.seal(inputFor(contract, { data })).body.toString('utf8');
      expect(body).toContain(contract.name === 'nixflex' ? data.trim().replace(/^\{\s*|\s*\}$/g, '') : data);
    }
  });

  test('is the same from body and from seal, for any data', () => {
    fc.assert(
      fc.property(fc.json(), fc.option(fc.json()), fc.string(), (data, metadata, eventType) => {
        for (const contract of builtInContracts.values()) {
          const input = inputFor(contract, { data, metadata, eventType });
          const body = contract.body(input);
          expect(contract.seal(input).body.toString('utf8')).toBe(body);
          expect(JSON.parse(body)).toBeDefined();
        }
      }),
      { numRuns: 50 },
    );
  });

  test('needs the attempt only where it says so, and refuses to be made without it', () => {
    const { attemptId: _id, attemptUnixSeconds: _time, secrets: _secrets, ...input } = sealInput({});
    for (const contract of builtInContracts.values()) {
      expect(contract.bodyNeedsAttempt).toBe(contract.name === 'repairy');
      if (contract.bodyNeedsAttempt) {
        expect(() => contract.body(input)).toThrow(expect.objectContaining({ code: 'attempt_values_missing' }));
      } else {
        expect(contract.body(input)).toBe(contract.body(sealInput({})));
      }
    }
  });

  test.each([
    ['{}', null, '{"event":"sms.received"}'],
    [' { } ', null, '{"event":"sms.received"}'],
    ['{ "a": 1 }', '{"k":1}', '{"event":"sms.received","a": 1,"metadata":{"k":1}}'],
    ['{}', '{"k":1}', '{"event":"sms.received","metadata":{"k":1}}'],
    ['[1,2]', null, '{"event":"sms.received","data":[1,2]}'],
    ['"x"', null, '{"event":"sms.received","data":"x"}'],
  ])('of nixflex spreads %s with metadata %s', (data, metadata, body) => {
    expect(contractNamed('nixflex').body(sealInput({ eventType: 'sms.received', data, metadata }))).toBe(body);
  });

  test('nests, holds constants, and keeps the JSON type of a lone placeholder', () => {
    const fields = [
      { name: 'v', constant: 2 },
      {
        name: 'meta',
        fields: [
          { name: 'at', value: '{event.timestamp}' },
          { name: 'ms', value: '{event.timestamp.unix_milliseconds}', as: 'string' as const },
        ],
      },
      { name: 'title', value: 'event {event.type} "x"' },
      { name: 'who', value: '{data.user.id}' },
    ];
    expect(fieldsOf(fields, { data: '{"user":{"id":1.50}}', eventTimestampMs: 1700000000123 })).toBe(
      '{"v":2,"meta":{"at":1700000000,"ms":"1700000000123"},"title":"event call.ended \\"x\\"","who":1.50}',
    );
  });

  test.each([
    [undefined, '{"s":null}'],
    ['null' as const, '{"s":null}'],
    ['omit' as const, '{}'],
    ['empty_object' as const, '{"s":{}}'],
  ])('writes an absent value by when_absent %s', (when_absent, body) => {
    expect(fieldsOf([{ name: 's', value: '{subject}', ...(when_absent && { when_absent }) }])).toBe(body);
  });

  test.each([
    ['{event.timestamp.iso_seconds}', '"2023-11-14T22:13:20Z"'],
    ['{event.timestamp.iso_milliseconds}', '"2023-11-14T22:13:20.123Z"'],
    ['{event.timestamp}', '1700000000'],
    ['{timestamp.iso_seconds}', '"2026-04-05T14:04:00Z"'],
    ['{timestamp.unix_milliseconds}', '1775397840000'],
  ])('writes %s as %s', (value, text) => {
    expect(fieldsOf([{ name: 't', value }], { eventTimestampMs: 1700000000123 })).toBe(`{"t":${text}}`);
  });
});

describe('headers', () => {
  test('keep the spelling of the contract, and their values follow the event, the delivery and the attempt', () => {
    const { headers } = contractNamed('repairy').seal(inputFor(contractNamed('repairy')));
    expect(headers).toMatchObject({
      'Content-Type': 'application/json',
      'x-request-id': 'del_01hx0000000000000000000001',
      'x-webhook-id': 'att_01hx0000000000000000000002',
      'x-webhook-timestamp': String(exampleSeconds),
      'x-webhook-version': '3',
    });
    expect(headers['x-webhook-signature']).toBe(headers['x-repairy-signature']);
    expect(Object.keys(contractNamed('nixflex').seal(inputFor(contractNamed('nixflex'))).headers)).toContain(
      'webhook_delivery_id',
    );
  });

  test('cannot be broken by values of the event: everything but printable ASCII is percent-encoded', () => {
    const contract = withParts({
      headers: [
        { name: 'X-Subject', value: '{subject}' },
        { name: 'X-Name', value: 'n={data.name}' },
      ],
    });
    const input = inputFor(contract, { subject: 'a\r\nX-Evil: 1', data: '{"name":"Zo\\u00eb 🎉"}' });
    expect(contract.seal(input).headers).toMatchObject({
      'X-Subject': 'a%0D%0AX-Evil: 1',
      'X-Name': 'n=Zo%C3%AB %F0%9F%8E%89',
    });
  });
});

describe('the method', () => {
  const repairy = contractNamed('repairy');
  test.each(['POST', 'PUT', 'PATCH'])('%s may be chosen in repairy', method => {
    expect(repairy.seal(inputFor(repairy, { method })).method).toBe(method);
  });

  test('is the first of the contract when the webhook has none', () => {
    expect(repairy.seal(inputFor(repairy)).method).toBe('POST');
  });

  test('is refused when the contract has it not', () => {
    expect(() => standardContract.seal(inputFor(standardContract, { method: 'PUT' }))).toThrow(
      expect.objectContaining({ code: 'method_not_in_contract' }),
    );
  });
});

describe('signing', () => {
  test('carries every valid secret where the contract can, and the newest alone where it cannot', () => {
    const carrying = [...builtInContracts.values()].filter(contract => contract.canCarryTwoSignatures);
    expect(carrying.map(contract => contract.name)).toEqual(['standard', 'repull', 'stripe']);
    for (const contract of builtInContracts.values()) {
      const secrets = [contract.generateSecret(), contract.generateSecret()];
      const name = contract.document.signature.headers[0]?.name ?? '';
      const headerWith = (valid: string[]): string => contract.seal(sealInput({ secrets: valid })).headers[name] ?? '';
      const newest = headerWith(secrets.slice(0, 1));
      expect(headerWith(secrets)).not.toBe(headerWith(secrets.slice(1)));
      expect(headerWith(secrets) === newest).toBe(!contract.canCarryTwoSignatures);
      expect(headerWith(secrets).startsWith(newest)).toBe(true);
    }
  });

  test('fails by code, without the secret in the message', () => {
    const seal = (secrets: string[]) => () => standardContract.seal(sealInput({ secrets }));
    expect(seal([])).toThrow(expect.objectContaining({ code: 'secret_missing' }));
    expect(seal(['whsec_not base64'])).toThrow(expect.objectContaining({ code: 'secret_malformed' }));
    expect(seal(['whsec_not base64'])).not.toThrow('not base64');
  });

  test('still signs by the right secret after more secrets than it keeps decoded', () => {
    const first = standardContract.generateSecret();
    const before = standardContract.seal(sealInput({ secrets: [first] }));
    for (let count = 0; count < 2100; count++) standardContract.seal(inputFor(standardContract));
    expect(standardContract.seal(sealInput({ secrets: [first] }))).toEqual(before);
  });

  test('shows in a preview the very string that was signed', () => {
    const repairy = contractNamed('repairy');
    const data = '{"id":9007199254740993,"bookingId":9007199254740993,"workshopId":"w\\u0073"}';
    const input = sealInput({ secrets: ['a-shared-key-of-repairy'], eventType: 'bookingCreate', data });
    expect(repairy.signedContent(input)).toBe(
      `a-shared-key-of-repairy|bookingCreate|evt_01hx0000000000000000000003|9007199254740993|ws|${exampleSeconds}`,
    );
    const slack = contractNamed('slack');
    const slackInput = inputFor(slack);
    expect(slack.signedContent(slackInput)).toBe(`v0:${exampleSeconds}:${slack.body(slackInput)}`);
  });
});

describe('outcomes', () => {
  test.each([
    ['standard', 200, true, false],
    ['standard', 299, true, false],
    ['standard', 301, false, false],
    ['standard', 410, false, true],
    ['nixflex', 410, false, false],
    ['slack', 199, false, false],
  ])('%s takes %i as success %s, disabling %s', (name, statusCode, success, disables) => {
    expect(contractNamed(name).isSuccess(statusCode)).toBe(success);
    expect(contractNamed(name).disablesWebhook(statusCode)).toBe(disables);
  });
});

test('a document that skipped validation cannot be compiled', () => {
  const compile = () => withParts({ headers: [{ name: 'X-Key', value: '{secret}' }] });
  expect(compile).toThrow(expect.objectContaining({ code: 'contract_invalid' }));
});

test.each<[string, Partial<ContractDocument>]>([
  ['an envelope', { envelope: { shape: 'object', fields: [{ name: 'a', value: '{' }] } }],
  ['signed content', { signature: { ...standardContract.document.signature, content: '{body.x}' } }],
])('a bad template in %s is a fault, never empty text on the wire', (_name, parts) => {
  expect(() => withParts(parts)).toThrow(expect.objectContaining({ code: 'contract_invalid' }));
});
