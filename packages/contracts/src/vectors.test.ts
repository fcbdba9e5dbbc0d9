import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { builtInContracts, compileContract, parseContractDocument, standardContract } from './index.ts';
import { exampleSeconds, sealInput } from './seal-input.fixture.ts';
import { verify, verifyContract } from './verify.ts';

interface ContractVector {
  contract: 'standard' | 'replicer' | 'repixa' | 'nixflex' | 'repairy';
  secret: string | string[];
  id?: string;
  attempt_unix: number;
  event: string;
  body: string;
  headers: Record<string, string>;
}
interface SignVector {
  name: string;
  secret: string;
  id: string;
  timestamp: number;
  body: string;
  signed_content: string;
  signature: string;
}
interface StandardVectors {
  sign: SignVector[];
  rotation: (Omit<SignVector, 'secret'> & { current_secret: string; previous_secret: string; header: string })[];
  asymmetric: (Omit<SignVector, 'secret'> & { secret_key: string; public_key: string })[];
  verify: {
    name: string;
    secret: string;
    now: number;
    tolerance_seconds: number;
    body: string;
    headers: Record<string, string>;
    expect: 'accept' | 'reject';
  }[];
  secret_rules: { secret: string; rule: string }[];
  binary_body: { body_hex: string; secret: string; id: string; timestamp: number; signature_over_raw_bytes: string };
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../test-vectors/${name}`, import.meta.url), 'utf8'));
const { vectors } = read('contracts.json') as { vectors: ContractVector[] };
const standard = read('standard-webhooks.json') as StandardVectors;

const lowerCase = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** The published text inside an example's body: what follows the envelope's last name, byte for byte. */
function publishedData({ contract, body }: ContractVector): { data: string; metadata: string | null } {
  if (contract === 'nixflex') {
    const at = body.indexOf(',"metadata":');
    return { data: `{${body.slice('{"event":"call.ended",'.length, at)}}`, metadata: body.slice(at + 12, -1) };
  }
  const name = contract === 'repairy' ? '"payload":' : '"data":';
  return { data: body.slice(body.indexOf(name) + name.length, -1), metadata: null };
}

describe('the contracts, by their worked examples', () => {
  test.each(vectors.map((vector, index) => [`${vector.contract} ${vector.event} ${index}`, vector] as const))(
    '%s leaves with exactly these headers and this body, and is accepted',
    (_name, vector) => {
      const secrets = [vector.secret].flat();
      const timestamp = /"timestamp":"([^"]+)"/.exec(vector.body)?.[1];
      const sealed = builtInContracts.get(vector.contract)?.seal(
        sealInput({
          ...publishedData(vector),
          eventType: vector.event,
          eventTimestampMs: timestamp === undefined ? exampleSeconds * 1000 : Date.parse(timestamp),
          attemptUnixSeconds: vector.attempt_unix,
          secrets,
          // The sheets' ids are those of a delivery or, for Standard Webhooks, of the message: our event.
          ...(vector.id === undefined ? {} : { [vector.id.startsWith('del_') ? 'deliveryId' : 'eventId']: vector.id }),
        }),
      );
      expect(sealed?.body.toString('utf8')).toBe(vector.body);
      expect(lowerCase(sealed?.headers ?? {})).toMatchObject(vector.headers);
      for (const secret of secrets) {
        const nowMs = vector.attempt_unix * 1000;
        const request = { headers: vector.headers, body: vector.body, nowMs };
        expect(verify(vector.contract, { ...request, secret })).toMatchObject({ kind: 'accepted' });
      }
    },
  );
});

/** The standard contract with the published text as the whole body, since these vectors have bodies of every kind. */
const bareStandard = compileContract({ ...standardContract.document, envelope: { shape: 'data' } });
const bareInput = (vector: Omit<SignVector, 'secret'>, secrets: string[]) =>
  sealInput({ eventId: vector.id, attemptUnixSeconds: vector.timestamp, data: vector.body, secrets });

describe('Standard Webhooks: signing', () => {
  test.each(standard.sign.map(vector => [vector.name, vector] as const))('%s', (_name, vector) => {
    const input = bareInput(vector, [vector.secret]);
    const sealed = bareStandard.seal(input);
    expect(bareStandard.signedContent(input)).toBe(vector.signed_content);
    expect(sealed.body.toString('utf8')).toBe(vector.body);
    expect(sealed.headers['webhook-signature']).toBe(vector.signature);
  });

  test.each(standard.rotation.map(vector => [vector.name, vector] as const))('%s', (_name, vector) => {
    const secrets = [vector.current_secret, vector.previous_secret];
    expect(bareStandard.seal(bareInput(vector, secrets)).headers['webhook-signature']).toBe(vector.header);
  });
});

describe('Standard Webhooks: Ed25519, as a contract of one’s own', () => {
  const parsed = parseContractDocument({
    name: 'standard-asymmetric',
    title: 'Standard Webhooks, asymmetric',
    envelope: { shape: 'data' },
    headers: standardContract.document.headers,
    signature: { ...standardContract.document.signature, algorithm: 'ed25519', format: 'v1a,{signature}' },
    secret: {
      prefix: 'whsk_',
      encoding: 'base64',
      key: 'decoded',
      generated_bytes: 32,
      min_length: 32,
      max_length: 64,
    },
  });
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.errors));
  const contract = compileContract(parsed.document);

  test.each(standard.asymmetric.map(vector => [vector.name, vector] as const))('%s', (_name, vector) => {
    const sealed = contract.seal(bareInput(vector, [vector.secret_key]));
    expect(sealed.headers['webhook-signature']).toBe(vector.signature);
    expect(contract.publicKey(vector.secret_key)).toBe(vector.public_key);
    const request = { ...sealed, secret: vector.public_key, nowMs: vector.timestamp * 1000 };
    expect(verifyContract(parsed.document, request)).toMatchObject({ kind: 'accepted' });
    expect(verifyContract(parsed.document, { ...request, body: `${vector.body} ` })).toMatchObject({
      reason: 'signature_mismatch',
    });
  });

  test('a generated secret is valid and its public key verifies', () => {
    const secret = contract.generateSecret();
    expect(contract.checkSecret(secret)).toEqual({ kind: 'valid' });
    const sealed = contract.seal(sealInput({ secrets: [secret] }));
    const request = { ...sealed, secret: contract.publicKey(secret) ?? '', nowMs: exampleSeconds * 1000 };
    expect(verifyContract(parsed.document, request)).toMatchObject({ kind: 'accepted' });
  });
});

describe('Standard Webhooks: verifying', () => {
  test.each(standard.verify.map(vector => [vector.name, vector.expect, vector] as const))(
    '%s: %s',
    (_name, outcome, vector) => {
      const { secret, headers, body } = vector;
      const toleranceMs = vector.tolerance_seconds * 1000;
      const result = verify('standard', { secret, headers, body, toleranceMs, nowMs: vector.now * 1000 });
      expect(result.kind).toBe(outcome === 'accept' ? 'accepted' : 'refused');
    },
  );

  test('a body that is not UTF-8 is verified as the bytes it is', () => {
    const { body_hex, secret, id, timestamp, signature_over_raw_bytes } = standard.binary_body;
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature_over_raw_bytes,
    };
    const request = { headers, secret, body: Buffer.from(body_hex, 'hex'), nowMs: timestamp * 1000 };
    expect(verify('standard', request)).toMatchObject({ kind: 'accepted' });
  });
});

describe('Standard Webhooks: secrets', () => {
  test.each(standard.secret_rules.map(({ secret, rule }, index) => [`${rule} (${index})`, secret, rule] as const))(
    '%s',
    (_name, secret, rule) => {
      expect(standardContract.checkSecret(secret).kind).toBe(rule === 'accept' ? 'valid' : 'invalid');
      if (!rule.startsWith('accept on verify')) return;
      const sealed = standardContract.seal(sealInput({ secrets: [`whsec_${secret}`] }));
      const request = { ...sealed, secret, nowMs: exampleSeconds * 1000 };
      expect(verify('standard', request)).toMatchObject({ kind: 'accepted' });
    },
  );
});
