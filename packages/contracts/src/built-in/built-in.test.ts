import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { builtInContracts, parseContractDocument, standardContract } from '../index.ts';

const contracts = [...builtInContracts.values()];

describe.each(contracts.map(contract => [contract.name, contract] as const))('%s', (_name, contract) => {
  test('is a valid document with nothing left open', () => {
    expect(parseContractDocument(contract.document)).toEqual({ kind: 'valid', document: contract.document });
  });

  test('is plain data: it survives being written as JSON and read again', () => {
    expect(parseContractDocument(JSON.parse(JSON.stringify(contract.document)))).toEqual({
      kind: 'valid',
      document: contract.document,
    });
  });

  test('has only event types whose example is valid against their schema', () => {
    const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
    addFormats.default(ajv);
    for (const { name, schema, example } of contract.document.event_types) {
      const validate = ajv.compile(schema);
      expect([name, validate(example), validate.errors]).toEqual([name, true, null]);
      expect([name, validate('no object')]).toEqual([name, false]);
    }
  });

  test('generates secrets that it accepts, never the same twice', () => {
    const secrets = Array.from({ length: 50 }, () => contract.generateSecret());
    expect(new Set(secrets).size).toBe(50);
    for (const secret of secrets) expect(contract.checkSecret(secret)).toEqual({ kind: 'valid' });
  });
});

test('the facts of every contract are those of its sheet', () => {
  const facts = Object.fromEntries(
    contracts.map(({ name, timeoutMs, retryScheduleSeconds, document }) => [
      name,
      [
        timeoutMs,
        retryScheduleSeconds,
        document.event_types.map(type => type.name),
        document.methods,
        document.url.https,
      ],
    ]),
  );
  const fiveSteps = [5, 30, 120, 600, 1800];
  expect(facts).toMatchObject({
    standard: [10_000, fiveSteps, [], ['POST'], 'instance'],
    replicer: [10_000, fiveSteps, ['call.ended'], ['POST'], 'production'],
    repixa: [
      5000,
      [5, 30, 120],
      ['demo.completed', 'demo.abandoned', 'lead.hot', 'meeting.booked', 'contact.created'],
      ['POST'],
      'instance',
    ],
    repull: [
      5000,
      fiveSteps,
      ['reservation.created', 'reservation.updated', 'reservation.cancelled', 'message.received'],
      ['POST'],
      'instance',
    ],
    nixflex: [
      10_000,
      [60, 300, 1800, 7200, 43_200],
      ['call.ended', 'call.failed', 'sms.delivered', 'sms.received'],
      ['POST'],
      'instance',
    ],
    repairy: [
      10_000,
      fiveSteps,
      ['bookingCreate', 'bookingUpdated', 'bookingCancelled', 'bookingCompleted'],
      ['POST', 'PUT', 'PATCH'],
      'instance',
    ],
  });
});

test('repairy warns of its MD5', () => {
  expect(builtInContracts.get('repairy')?.document.warnings.join(' ')).toContain('MD5');
});

test.each([
  ['standard', 'whsec_too-short', /padded standard base64/],
  ['standard', `whsec_${Buffer.alloc(23).toString('base64')}`, /24 to 64 bytes; it holds 23/],
  ['standard', `whsec_${Buffer.alloc(65).toString('base64')}`, /it holds 65/],
  ['standard', `whsec_${'A'.repeat(41)}B==`, /base64/],
  ['replicer', 'replicer_example_secret', /must begin with "whsec_"/],
  ['repixa', 'short', /16 to 256 characters; it holds 5/],
  ['github', 'a secret with spaces in it', /without spaces/],
  ['github', 'ein-schlüssel-mit-umlaut', /ASCII/],
])('%s refuses the secret %s, and does not repeat it', (name, secret, message) => {
  const check = builtInContracts.get(name)?.checkSecret(secret);
  expect(check).toEqual({ kind: 'invalid', message: expect.stringMatching(message) });
  expect(JSON.stringify(check)).not.toContain(secret);
});

test('standardContract is the standard of the built-in ones', () => {
  expect(builtInContracts.get('standard')).toBe(standardContract);
});

test('the verifying half needs nothing but node:crypto', () => {
  const seen = new Set<string>();
  const outside = new Set<string>();
  const walk = (file: URL): void => {
    if (seen.has(file.href)) return;
    seen.add(file.href);
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(
      /^(?:import|export) (?!type ).*?from '([^']+)';/gms,
    )) {
      if (specifier.startsWith('.')) walk(new URL(specifier, file));
      else outside.add(specifier);
    }
  };
  walk(new URL('../verify.ts', import.meta.url));
  expect(seen.size).toBeGreaterThan(15);
  expect([...outside]).toEqual(['node:crypto']);
});
