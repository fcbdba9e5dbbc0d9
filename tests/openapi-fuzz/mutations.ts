import fc, { type Arbitrary } from 'fast-check';

/** Something that is done to one value of a JSON body, wherever it stands. */
export interface Mutation {
  /** Which of the body's values, counted through; modulo their number. */
  readonly at: number;
  readonly change: Change;
}

type Change =
  | { readonly kind: 'replace'; readonly value: unknown }
  | { readonly kind: 'remove' }
  | { readonly kind: 'add'; readonly name: string; readonly value: unknown }
  | { readonly kind: 'repeat'; readonly times: number };

const strangeNames = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '',
  'surprise',
  '$ref',
  'é\u0000',
];
const strangeTexts = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\u001b[31m',
  'line\r\nset-cookie: a=b',
  '\ud800',
  '\udc00\ud800',
  '\ufeff',
  '\u202e\u2028',
  "'; drop table events; --",
  '%00',
  '../../etc/passwd',
  '#{jndi:x}',
  '{{7*7}}',
  '=1+1',
  '*',
  '*.*',
  'a..b',
  '9'.repeat(400),
  '2026-02-30T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '-000001-01-01T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '0000-01-01T00:00:00+23:59',
  '9999-12-31T23:59:59-23:59',
  '9999-12-31T23:59:59.999999999Z',
  'whsec_',
  'null',
];
const strangeNumbers = [
  0,
  -0,
  -1,
  1.5,
  1e308,
  -1e308,
  5e-324,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 63,
  2 ** 64,
];

const replacement: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false, [], {}, [[]], [null], { a: 1 }),
  fc.constantFrom(...strangeNumbers),
  fc.constantFrom(...strangeTexts),
  fc.constantFrom(101, 257, 501, 1001, 2049, 20_000).map(length => 'x'.repeat(length)),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(...strangeNames).map(name => ownMember(name, { polluted: true })),
);

export const mutation: Arbitrary<Mutation> = fc.record({
  at: fc.nat(1000),
  change: fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('replace' as const), value: replacement }) },
    { weight: 2, arbitrary: fc.constant({ kind: 'remove' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('add' as const),
        name: fc.constantFrom(...strangeNames),
        value: replacement,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('repeat' as const), times: fc.constantFrom(2, 21, 101, 1001) }),
    },
  ),
});

/** @returns a changed copy */
export function applyMutation(body: unknown, { at, change }: Mutation): unknown {
  // A holder, so that the body itself is a member like others.
  const holder = { body: parsed(body) };
  const places = placesIn(holder);
  const { parent, name } = places[at % places.length] as Place;
  const value = parent[name];
  if (change.kind === 'replace') define(parent, name, change.value);
  else if (change.kind === 'remove') Reflect.deleteProperty(parent, name);
  else if (change.kind === 'add') define(isMap(value) ? value : holder.body, change.name, change.value);
  else if (typeof value === 'string')
    define(parent, name, value.repeat(Math.min(change.times, 1 + 20_000 / (value.length + 1))));
  else if (Array.isArray(value) && JSON.stringify(value).length < 1000)
    define(parent, name, Array.from({ length: change.times }, () => value).flat());
  return parsed(holder.body);
}

/** A copy, as the API will read it; null where nothing is left. */
function parsed(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value) ?? 'null') as unknown;
}

type Mutable = Record<string, unknown>;
interface Place {
  readonly parent: Mutable;
  readonly name: string;
}

const isMap = (value: unknown): value is Mutable => typeof value === 'object' && value !== null;

function placesIn(value: Mutable): Place[] {
  return Object.keys(value).flatMap(name => {
    const member = value[name];
    return [{ parent: value, name }, ...(isMap(member) ? placesIn(member) : [])];
  });
}

function define(target: unknown, name: string, value: unknown): void {
  // `target.__proto__ = …` would change what it inherits instead.
  if (isMap(target))
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

function ownMember(name: string, value: unknown): object {
  const object = {};
  define(object, name, value);
  return object;
}

/** Something that is done to the text of a body. */
export const textDamage: Arbitrary<(text: string) => string | Buffer> = fc.oneof(
  fc.nat(200).map(length => named(`cut at ${length}`, text => text.slice(0, length))),
  fc.constantFrom(
    named('comma', text => `${text},`),
    named('second value', text => `${text} {}`),
    named('byte order mark', text => `\ufeff${text}`),
    named('NUL', text => `${text}\u0000`),
    named('number too large for a double', text => text.replace(/\d+|"[^"]*"(?=[,}])/, '1e400')),
    named('integer too large for a double', text => text.replace(/\d+|"[^"]*"(?=[,}])/, '9007199254740993')),
    named('NaN', text => text.replace(/\d+|"[^"]*"(?=[,}])/, 'NaN')),
    named('members twice', text => text.replace(/^\{(.+)\}$/s, '{$1,$1}')),
    named('65 deep', text => text.replace(/:/, `:${'['.repeat(65)}${']'.repeat(65)},"x":`)),
    named('100,000 deep', () => '['.repeat(100_000)),
    named('not UTF-8', text => Buffer.concat([Buffer.from(text.slice(0, 5)), Buffer.from([0xff, 0xfe, 0xc0, 0x80])])),
    named('half a surrogate pair in UTF-8', text =>
      Buffer.concat([Buffer.from(text.replace(/\}$/, ',"')), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('":1}')]),
    ),
    named('empty', () => ''),
    named('larger than allowed', text => `${text}${' '.repeat(600 * 1024)}`),
  ),
);

/** So that a counterexample says what was done. */
function named(what: string, damage: (text: string) => string | Buffer): (text: string) => string | Buffer {
  return Object.assign(damage, { toString: () => what, [fc.toStringMethod]: () => what });
}
