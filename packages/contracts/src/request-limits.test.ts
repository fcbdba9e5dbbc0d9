import { describe, expect, test } from '@jest/globals';
import type { ContractDocument, EnvelopeFieldDocument } from './document.ts';
import { builtInContracts, type CompiledContract, compileContract, type SealInput, standardContract } from './index.ts';
import { MAX_BODY_BYTES, MAX_HEADER_BYTES, MAX_HEADERS_BYTES, MAX_SIGNED_BYTES } from './request-limits.ts';
import { inputFor } from './seal-input.fixture.ts';

const tooLarge = expect.objectContaining({ code: 'request_too_large' });
const compile = (parts: Partial<ContractDocument>): CompiledContract =>
  compileContract({ ...standardContract.document, ...parts });
const withFields = (fields: readonly EnvelopeFieldDocument[]): CompiledContract =>
  compile({ envelope: { shape: 'object', fields } });
const copies = (count: number, value = '{data}'): EnvelopeFieldDocument[] =>
  Array.from({ length: count }, (_, index) => ({ name: `f${index}`, value }));

/** JSON text of a string of so many characters. */
const textOf = (length: number): string => JSON.stringify('x'.repeat(length));

/** How often the event's data were asked for: once for each copy that is made. */
function readsOf(contract: CompiledContract, data: string): number {
  let reads = 0;
  const input: SealInput = Object.defineProperty({ ...inputFor(contract) }, 'data', {
    get() {
      reads += 1;
      return data;
    },
  });
  expect(() => contract.seal(input)).toThrow(tooLarge);
  return reads;
}

describe('a body', () => {
  test('of the limit is sealed, one byte more is not', () => {
    const contract = compile({ envelope: { shape: 'data' } });
    const atLimit = textOf(MAX_BODY_BYTES - 2);
    expect(contract.seal(inputFor(contract, { data: atLimit })).body.length).toBe(MAX_BODY_BYTES);
    expect(() => contract.seal(inputFor(contract, { data: textOf(MAX_BODY_BYTES - 1) }))).toThrow(tooLarge);
  });

  test('is measured in bytes', () => {
    const contract = compile({ envelope: { shape: 'data' } });
    const data = JSON.stringify('ë'.repeat(MAX_BODY_BYTES / 2));
    expect(() => contract.seal(inputFor(contract, { data }))).toThrow(tooLarge);
  });

  test.each<[string, EnvelopeFieldDocument[]]>([
    ['in its fields', copies(50)],
    ['in objects inside each other', [{ name: 'a', fields: [{ name: 'b', fields: copies(50) }] }]],
    ['in one text', copies(1, '{data}'.repeat(50))],
    ['by one, written as text', copies(50, 'x{data}')],
  ])('that names the data many times %s is given up before it is put together', (_where, fields) => {
    // 256 KiB each: the fifth is too much.
    expect(readsOf(withFields(fields), textOf(256 * 1024))).toBeLessThanOrEqual(6);
  });

  test('is refused by body and signedContent as by seal', () => {
    const contract = withFields(copies(50));
    const input = inputFor(contract, { data: textOf(256 * 1024) });
    expect(() => contract.body(input)).toThrow(tooLarge);
    expect(() => contract.signedContent(input)).toThrow(tooLarge);
  });
});

describe('headers', () => {
  const sealWith = (headers: ContractDocument['headers'], length: number) => () => {
    const contract = compile({ headers });
    return contract.seal(inputFor(contract, { data: JSON.stringify({ x: 'x'.repeat(length) }) }));
  };
  const named = (count: number, value: string) => Array.from({ length: count }, (_, n) => ({ name: `X-${n}`, value }));

  test('have at most so many bytes each', () => {
    expect(sealWith(named(1, '{data.x}'), MAX_HEADER_BYTES)().headers['X-0']).toHaveLength(MAX_HEADER_BYTES);
    expect(sealWith(named(1, '{data.x}'), MAX_HEADER_BYTES + 1)).toThrow(tooLarge);
    expect(sealWith(named(1, 'a{data.x}'), MAX_HEADER_BYTES)).toThrow(tooLarge);
    expect(sealWith(named(1, '{data.x}'.repeat(50)), MAX_HEADER_BYTES / 40)).toThrow(tooLarge);
  });

  test('are measured as they are sent, percent-encoded', () => {
    const contract = compile({ headers: named(1, '{data.x}') });
    const seal = (length: number) => () =>
      contract.seal(inputFor(contract, { data: JSON.stringify({ x: 'ë'.repeat(length) }) }));
    expect(seal(MAX_HEADER_BYTES / 8)).not.toThrow();
    expect(seal(MAX_HEADER_BYTES / 4)).toThrow(tooLarge);
  });

  test('have at most so many bytes together', () => {
    const part = MAX_HEADERS_BYTES / 8;
    expect(sealWith(named(7, '{data.x}'), part)).not.toThrow();
    expect(sealWith(named(8, '{data.x}'), part)).toThrow(tooLarge);
  });
});

test('signed content that names the body many times is given up', () => {
  const { signature } = standardContract.document;
  const withBodies = (count: number) => compile({ signature: { ...signature, content: '{body}'.repeat(count) } });
  const data = textOf(MAX_SIGNED_BYTES / 8);
  for (const [count, refused] of [
    [7, false],
    [9, true],
  ] as const) {
    const contract = withBodies(count);
    const input = inputFor(contract, { data });
    for (const work of [() => contract.seal(input), () => contract.signedContent(input)]) {
      if (refused) expect(work).toThrow(tooLarge);
      else expect(work).not.toThrow();
    }
  }
});

test.each([...builtInContracts.keys()])('%s seals every event that may be published', name => {
  const contract = builtInContracts.get(name) as CompiledContract;
  const metadata = JSON.stringify({ m: '\\'.repeat(8000) });
  // As much as fits beside the metadata and the rest of the event; quotes are what grows most where text is written in text.
  const member = '\\"'.repeat(40_000);
  const data = `{"id":"${member}","bookingId":"${member}","workshopId":"${member}"}`;
  const parts = { eventType: 'a'.repeat(250), subject: '"'.repeat(500), data, metadata };
  expect(() => contract.seal(inputFor(contract, parts))).not.toThrow();
});
