import fc, { type Arbitrary } from 'fast-check';
import type { DocumentedOperation, Draft } from './drafts.ts';
import { applyMutation, mutation, textDamage } from './mutations.ts';
import { keyKinds } from './world.ts';

/** Something that is done to a request, so that it is not any more what the document wants. */
export type Damage = (draft: Draft) => Draft;

const strangeSegments = [
  '..',
  '%2e%2e',
  '..%2f..%2fetc',
  '%00',
  'a%2Fb',
  '%zz',
  '%',
  '%ff',
  '*',
  '%7B%7D',
  'null',
  '__proto__',
  '0',
  '-1',
  'wh_',
  'wh_zzzzzzzzzzzzzzzzzzzzzzzzzz',
  'evt_01jd3kq8e5f1x9a7m2c4v6b8n0',
  'wh_01JD3KQ8E5F1X9A7M2C4V6B8N0',
  'x'.repeat(300),
  "';--",
  '%0d%0aset-cookie:%20a=b',
  '%F0%9F%98%80',
  '%ED%A0%80',
  '',
];
const strangeParameters = [
  'limit=0',
  'limit=101',
  'limit=-1',
  'limit=1.5',
  'limit=1e1',
  'limit=0x10',
  'limit=',
  'limit=%2020',
  'limit=5&limit=6',
  'limit=NaN',
  'cursor=',
  'cursor=bm9uc2Vuc2U',
  'cursor=%00',
  'cursor=a&cursor=b',
  'cursor=' + 'a'.repeat(500),
  'cursor=' + Buffer.from('evt_01jd3kq8e5f1x9a7m2c4v6b8n0').toString('base64url'),
  'cursor=' + Buffer.from('wh_01jd3kq8e5f1x9a7m2c4v6b8n0').toString('base64url'),
  'cursor=' + Buffer.from('<').toString('base64url'),
  'cursor=' + Buffer.from('<evt_01jd3kq8e5f1x9a7m2c4v6b8n0').toString('base64url'),
  'cursor=' + Buffer.from('<=wh_01jd3kq8e5f1x9a7m2c4v6b8n0').toString('base64url'),
  'cursor=' + Buffer.from('>=a').toString('base64url'),
  'cursor=' + Buffer.from('a\u0000b').toString('base64url'),
  'cursor=' + Buffer.from([0xff, 0xfe]).toString('base64url'),
  'since=yesterday',
  'since=2026-02-30T00:00:00Z',
  'since=0000-01-01T00:00:00Z',
  'since=9999-12-31T23:59:59Z',
  'until=0001-01-01T00:00:00%2B23:59',
  'since=2026-01-01T00:00:00Z&until=2025-01-01T00:00:00Z',
  'event_type=a..b',
  'event_type=%00',
  'event_type[]=a',
  'subject=%00',
  'subject=',
  'status=done',
  'status=',
  'active=maybe',
  'webhook_id=1',
  'event_id=wh_01jd3kq8e5f1x9a7m2c4v6b8n0',
  'response_code=99',
  'response_code=1000',
  'response_code=200.5',
  '__proto__=1',
  'constructor=1',
  'surprise=1',
  '=',
  '&&',
  '%zz=1',
  '%00=1',
  'a'.repeat(4000) + '=1',
];
const strangeHeaders: readonly (readonly [string, string | readonly string[]])[] = [
  ['content-type', 'text/plain'],
  ['content-type', 'application/json; charset=utf-16'],
  ['content-type', ''],
  ['content-type', 'application/json, text/plain'],
  ['content-type', 'application/JSON;charset=UTF-8'],
  ['content-encoding', 'gzip'],
  ['content-encoding', 'identity'],
  ['content-encoding', 'identity, gzip'],
  ['transfer-encoding', 'chunked'],
  ['idempotency-key', ['a', 'b']],
  ['idempotency-key', ''],
  ['idempotency-key', '""'],
  ['idempotency-key', '"a'],
  ['idempotency-key', '\u00e9'],
  ['idempotency-key', 'x'.repeat(256)],
  ['x-workspace-id', 'ws_01jd3kq8e5f1x9a7m2c4v6b8n0'],
  ['x-workspace-id', ''],
  ['x-workspace-id', ['a', 'b']],
  ['x-request-id', 'with space'],
  ['x-request-id', ['a', 'b']],
  ['x-request-id', 'x'.repeat(500)],
  ['accept', 'text/html'],
  ['expect', '100-continue'],
  ['range', 'bytes=0-1'],
  ['if-none-match', '*'],
  ['x-http-method-override', 'DELETE'],
  ['x-forwarded-for', "'"],
  ['origin', 'https://evil.example'],
  ['cookie', 'a=b'],
  ['upgrade-insecure-requests', '1'],
  ['x-long', 'x'.repeat(12_000)],
];

/** What may be wrong about a request to an operation. */
export function damageTo({ described }: DocumentedOperation): Arbitrary<Damage> {
  const kinds: Arbitrary<Damage>[] = [
    fc.constantFrom(...keyKinds).map(key => show(`key: ${key}`, draft => ({ ...draft, key }))),
    fc
      .constantFrom(...strangeParameters)
      .map(text => show(`query: ${text}`, draft => ({ ...draft, query: [...draft.query, [text, ''] as const] }))),
    fc
      .constantFrom(...strangeHeaders)
      .map(([name, value]) =>
        show(`header: ${name}`, draft => ({ ...draft, headers: { ...draft.headers, [name]: value } })),
      ),
    fc.constantFrom(...strangeSegments).map(segment =>
      show(`segment: ${segment}`, draft => ({
        ...draft,
        segments: Object.fromEntries(Object.keys(draft.segments).map(name => [name, segment])),
      })),
    ),
  ];
  const body = [
    mutation.map(change =>
      show(`body: ${JSON.stringify(change)}`, draft => {
        const value = applyMutation(draft.value, change);
        return { ...draft, value, text: JSON.stringify(value) ?? '' };
      }),
    ),
    textDamage.map(harm =>
      show(`text: ${String(harm)}`, draft => ({
        ...draft,
        value: undefined,
        text: harm(JSON.stringify(draft.value) ?? ''),
      })),
    ),
  ];
  if (described.requestBody === undefined) return fc.oneof(...kinds);
  const [mutated, damaged] = body as [Arbitrary<Damage>, Arbitrary<Damage>];
  return fc.oneof(
    { weight: 4, arbitrary: mutated },
    { weight: 2, arbitrary: damaged },
    ...kinds.map(arbitrary => ({ weight: 1, arbitrary })),
  );
}

/** So that a counterexample says what was done. */
function show(what: string, harm: Damage): Damage {
  return Object.assign(harm, { toString: () => what, [fc.toStringMethod]: () => what });
}
