import { describe, expect, test } from '@jest/globals';
import { compileContract, parseContractDocument, standardContract } from './index.ts';
import { inputFor } from './seal-input.fixture.ts';

const minimal = {
  name: 'acme',
  title: 'Acme',
  envelope: { shape: 'data' },
  signature: {
    algorithm: 'hmac-sha512',
    content: '{timestamp.unix_milliseconds}:{body}',
    encoding: 'hex',
    format: 'sha512={signature}',
    separator: null,
    headers: [{ name: 'Acme-Signature', value: 'ts={timestamp.unix_milliseconds};{signatures}' }],
  },
};
type Json = Record<string, unknown>;
const { signature } = minimal;
const object = (...fields: unknown[]): Json => ({ envelope: { shape: 'object', fields } });
const signed = (parts: Json): Json => ({ signature: { ...signature, ...parts } });
const textSecret = {
  prefix: '',
  encoding: 'text',
  key: 'printed',
  generated_bytes: 24,
  min_length: 16,
  max_length: 99,
};
const eventType = (parts: Json): Json => ({ name: 'a.b', description: 'An event.', schema: {}, example: {}, ...parts });
const nested = (depth: number): Json =>
  depth === 0 ? { name: 'x', constant: 1 } : { name: 'x', fields: [nested(depth - 1)] };

describe('a document is refused, with the path and the reason', () => {
  test.each<[string, Json, string, string]>([
    ['an unknown member', { colour: 'red' }, 'colour', 'is not a member of this object'],
    ['a missing title', { title: undefined }, 'title', 'is required'],
    ['a name in capitals', { name: 'Acme' }, 'name', 'must be a-z'],
    ['an unknown shape', { envelope: { shape: 'xml' } }, 'envelope.shape', 'must be one of data, object'],
    ['a brace never closed', object({ name: 'a', value: '{event.id' }), 'envelope.fields.0.value', 'never closed'],
    ['a brace never opened', object({ name: 'a', value: 'event.id}' }), 'envelope.fields.0.value', 'without a "{"'],
    [
      'a word out of no vocabulary',
      object({ name: 'a', value: '{env.HOME}' }),
      'envelope.fields.0.value',
      'not a placeholder',
    ],
    [
      'an unknown word',
      object({ name: 'a', value: '{event.name}' }),
      'envelope.fields.0.value',
      'not in the vocabulary',
    ],
    ['code in a template', object({ name: 'a', value: '{data[0]()}' }), 'envelope.fields.0.value', 'not a placeholder'],
    ['a broken data path', object({ name: 'a', value: '{data.a..b}' }), 'envelope.fields.0.value', 'member names'],
    [
      'a data path too deep',
      object({ name: 'a', value: '{data.a.b.c.d.e.f.g.h.i}' }),
      'envelope.fields.0.value',
      'deep',
    ],
    [
      'the secret in the body',
      object({ name: 'a', value: '{secret}' }),
      'envelope.fields.0.value',
      'cannot stand here',
    ],
    [
      'one name twice',
      object({ name: 'a', constant: 1 }, { name: 'a', constant: 2 }),
      'envelope.fields.1.name',
      'twice',
    ],
    ['two spreads', object({ spread: '{data}' }, { spread: '{data}' }), 'envelope.fields.1.spread', 'twice'],
    ['a spread of something else', object({ spread: '{metadata}' }), 'envelope.fields.0.spread', 'must be {data}'],
    [
      'an object as constant',
      object({ name: 'a', constant: {} }),
      'envelope.fields.0.constant',
      'must be a string of at most 500 characters',
    ],
    [
      'a field with too much',
      object({ name: 'a', constant: 1, value: 'b' }),
      'envelope.fields.0.value',
      'not a member',
    ],
    [
      'an error inside a nested field',
      object({ name: 'a', fields: [{ name: 'b', value: '{x}' }] }),
      'envelope.fields.0.fields.0.value',
      'not in the vocabulary',
    ],
    ['objects nested without end', object(nested(9)), `envelope.fields.0${'.fields.0'.repeat(5)}.fields`, 'deep'],
    ['a header that is no token', { headers: [{ name: 'X Acme', value: '1' }] }, 'headers.0.name', 'header name'],
    ['a header of the transport', { headers: [{ name: 'Content-Length', value: '1' }] }, 'headers.0.name', 'transport'],
    ['a line break in a header', { headers: [{ name: 'X-A', value: 'a\r\nb' }] }, 'headers.0.value', 'printable ASCII'],
    ['the body in a header', { headers: [{ name: 'X-A', value: '{body}' }] }, 'headers.0.value', 'cannot stand here'],
    ['all data in a header', { headers: [{ name: 'X-A', value: '{data}' }] }, 'headers.0.value', 'cannot stand here'],
    [
      'the secret in a header',
      { headers: [{ name: 'X-A', value: '{secret}' }] },
      'headers.0.value',
      'cannot stand here',
    ],
    [
      'one header twice, but for case',
      { headers: [{ name: 'acme-signature', value: '1' }] },
      'signature.headers.0.name',
      'a header above',
    ],
    [
      'an unknown algorithm',
      signed({ algorithm: 'crc32' }),
      'signature.algorithm',
      'must be one of hmac-sha256, hmac-sha512',
    ],
    ['a hash without the secret', signed({ algorithm: 'md5' }), 'signature.content', 'must name {secret}'],
    [
      'an HMAC with the secret in it',
      signed({ content: '{secret}{body}' }),
      'signature.content',
      'must not name {secret}',
    ],
    ['a format without the signature', signed({ format: 'v1' }), 'signature.format', 'must name {signature} once'],
    ['a format with two', signed({ format: '{signature}{signature}' }), 'signature.format', 'once'],
    [
      'a header without the signatures',
      signed({ headers: [{ name: 'A', value: 'b' }] }),
      'signature.headers.0.value',
      'once',
    ],
    ['no signature header', signed({ headers: [] }), 'signature.headers', 'must have at least 1 item'],
    [
      'a separator that the format holds',
      signed({ format: 'v1,{signature}', separator: ',' }),
      'signature.separator',
      'must not occur',
    ],
    ['a method without a body', { methods: ['GET'] }, 'methods.0', 'must be one of POST, PUT, PATCH'],
    ['a method twice', { methods: ['PUT', 'PUT'] }, 'methods.1', 'named twice'],
    ['a success range upside down', { success: { from: 300, to: 200 } }, 'success.to', 'less than from'],
    [
      'success that disables',
      { success: { from: 200, to: 299, disable_on: [204] } },
      'success.disable_on.0',
      'means success',
    ],
    ['a timeout without an end', { timeout_ms: 600_000 }, 'timeout_ms', 'must be at most 60000'],
    ['a retry at once', { retry: { schedule_seconds: [0] } }, 'retry.schedule_seconds.0', 'must be at least 1'],
    [
      'a jitter of more than a tenth of the wait',
      { retry: { schedule_seconds: [5], jitter_ratio: 0.11 } },
      'retry.jitter_ratio',
      'must be at most 0.1',
    ],
    [
      'lengths upside down',
      { secret: { ...standardContract.document.secret, min_length: 65 } },
      'secret.max_length',
      'less than',
    ],
    [
      'secrets it would refuse itself',
      { secret: { ...standardContract.document.secret, generated_bytes: 16 } },
      'secret.generated_bytes',
      'between',
    ],
    ['an Ed25519 key of text', { ...signed({ algorithm: 'ed25519' }), secret: textSecret }, 'secret.key', 'decoded'],
    [
      'an Ed25519 key of another length',
      { ...signed({ algorithm: 'ed25519' }), secret: textSecret },
      'secret.generated_bytes',
      '32',
    ],
    ['an unknown https rule', { url: { https: 'never' } }, 'url.https', 'must be one of instance, production, always'],
    ['an event type twice', { event_types: [eventType({}), eventType({})] }, 'event_types.1.name', 'above'],
    [
      'an event name with a space',
      { event_types: [eventType({ name: 'a b' })] },
      'event_types.0.name',
      'letters and digits',
    ],
    [
      'an older schema dialect',
      { event_types: [eventType({ schema: { $schema: 'http://json-schema.org/draft-07/schema#' } })] },
      'event_types.0.schema',
      '2020-12',
    ],
    [
      'an event without an example',
      { event_types: [eventType({ example: undefined })] },
      'event_types.0.example',
      'must be given',
    ],
  ])('%s', (_name, parts, path, message) => {
    const parsed = parseContractDocument({ ...minimal, ...parts });
    expect(parsed.kind).toBe('invalid');
    const errors = parsed.kind === 'invalid' ? parsed.errors : [];
    expect(errors).toContainEqual({ path, message: expect.stringContaining(message) });
  });

  test.each([
    [null, 'must be an object, not null'],
    ['text', 'must be an object, not a string'],
    [7, 'must be an object, not a number'],
    [[], 'must be an object, not an array'],
    [undefined, 'is required'],
  ])('%j is no document', (value, message) => {
    expect(parseContractDocument(value)).toEqual({
      kind: 'invalid',
      errors: [{ path: '', message }],
    });
  });
});

describe('the placeholders of a document', () => {
  const withFields = (count: number): Json => ({
    ...minimal,
    headers: [{ name: 'X-Event', value: '{event.id}' }],
    envelope: {
      shape: 'object',
      fields: [
        { name: 'in', fields: Array.from({ length: 50 }, (_, n) => ({ name: `f${n}`, value: text(n, count) })) },
      ],
    },
  });
  const text = (field: number, count: number): string =>
    Array.from({ length: 20 }, (_, n) => (field * 20 + n < count ? `{data.x${field}}` : '-')).join('');
  // The signature names four, and the header one.
  const besides = 5;

  test('are a thousand at most', () => {
    expect(parseContractDocument(withFields(1000 - besides)).kind).toBe('valid');
    expect(parseContractDocument(withFields(1001 - besides))).toEqual({
      kind: 'invalid',
      errors: [{ path: 'envelope', message: expect.stringContaining('at most 1000 placeholders; it has 1001') }],
    });
  });
});

describe('a document that leaves something open', () => {
  test('gets it from the standard contract', () => {
    const parsed = parseContractDocument(minimal);
    expect(parsed).toMatchObject({
      kind: 'valid',
      document: {
        headers: [],
        secret: standardContract.document.secret,
        methods: ['POST'],
        success: standardContract.document.success,
        timeout_ms: 10_000,
        retry: standardContract.document.retry,
        url: { https: 'instance' },
      },
    });
  });

  test('compiles into a contract of its own without any code', () => {
    const parsed = parseContractDocument(minimal);
    if (parsed.kind === 'invalid') throw new Error('the document is valid');
    const contract = compileContract(parsed.document);
    const { headers, body } = contract.seal(inputFor(contract));
    expect(headers['Acme-Signature']).toMatch(/^ts=1775397840000;sha512=[0-9a-f]{128}$/);
    expect(headers['Content-Type']).toBe('application/json');
    expect(body.toString('utf8')).toBe(inputFor(contract).data);
  });

  test('is complete after one reading: a second one changes nothing', () => {
    const once = parseContractDocument(minimal);
    expect(parseContractDocument(once.kind === 'valid' ? once.document : null)).toEqual(once);
  });
});
