import { expect, test } from '@jest/globals';
import { compileSchema, type DataValidator } from './data-validator.ts';

function compile(schema: unknown, nowMs?: () => number): DataValidator {
  const compiled = compileSchema(JSON.stringify(schema), nowMs);
  if (compiled.kind === 'invalid') throw new Error(JSON.stringify(compiled.errors));
  return compiled.validator;
}

function validate(schema: unknown, data: unknown) {
  return compile(schema).validate(data, JSON.stringify(data).length);
}

/** Far more than the limit of 250 ms, far less than a hang. */
const soonMs = 3000;

test('every broken rule is named with the path of the data', () => {
  const schema = {
    type: 'object',
    required: ['id'],
    properties: { id: { type: 'string' }, items: { type: 'array', items: { type: 'number' } } },
    additionalProperties: false,
  };
  expect(validate(schema, { id: 'a', items: [1, 2] })).toEqual([]);
  expect(validate(schema, { items: [1, 'two'], extra: 1 })).toEqual(
    expect.arrayContaining([
      { path: 'data.id', message: 'is required' },
      { path: 'data.extra', message: 'is not allowed' },
      { path: 'data.items[1]', message: 'must be number' },
    ]),
  );
});

test('formats of JSON Schema are checked', () => {
  expect(validate({ type: 'string', format: 'email' }, 'a@example.com')).toEqual([]);
  expect(validate({ type: 'string', format: 'email' }, 'nobody')).toHaveLength(1);
});

test('a schema that is no JSON Schema is refused with the path in it', () => {
  const cases: [schema: unknown, path: string][] = [
    [{ type: 'objekt' }, 'schema.type'],
    [{ properties: { a: { minLength: -1 } } }, 'schema.properties.a.minLength'],
    [{ $ref: 'https://example.com/other.json' }, 'schema'],
    [{ $ref: '#/$defs/missing' }, 'schema'],
    [{ pattern: '(' }, 'schema'],
    [{ $schema: 'http://json-schema.org/draft-07/schema#' }, 'schema.$schema'],
  ];
  for (const [schema, path] of cases) {
    const compiled = compileSchema(JSON.stringify(schema));
    expect(compiled.kind === 'invalid' && compiled.errors[0]?.path).toBe(path);
  }
});

test('two schemas may have the same $id', () => {
  const schema = { $id: 'https://example.com/a', type: 'string' };
  expect([validate(schema, 'a'), validate(schema, 'b')]).toEqual([[], []]);
});

test('a pattern that backtracks without end is stopped', () => {
  const startedMs = performance.now();
  expect(validate({ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(50_000)}!`)).toHaveLength(1);
  expect(performance.now() - startedMs).toBeLessThan(soonMs);
});

test('references that double with every step are stopped; the schema rests after it and is tried again later', () => {
  const $defs: Record<string, unknown> = { s100: { type: 'string' } };
  for (let step = 0; step < 100; step += 1)
    $defs[`s${step}`] = { allOf: [{ $ref: `#/$defs/s${step + 1}` }, { $ref: `#/$defs/s${step + 1}` }] };
  let offsetMs = 0;
  const validator = compile({ $ref: '#/$defs/s0', $defs }, () => performance.now() + offsetMs);
  let rounds = 0;
  for (; validator.restMs() === 0; rounds += 1) expect(validator.validate('a', 3)).toHaveLength(1);
  // 250 ms each, 1000 in all.
  expect(rounds).toBeLessThanOrEqual(5);
  offsetMs += validator.restMs() + 1;
  expect(validator.restMs()).toBe(0);
});

test('a schema that refers to itself without end refuses data instead of failing', () => {
  expect(validate({ $ref: '#' }, 1)).toHaveLength(1);
});

test('unique items are found in one pass, whatever the order of their names', () => {
  const schema = { type: 'array', uniqueItems: true };
  const many = Array.from({ length: 5000 }, (_, index) => ({ index }));
  const startedMs = performance.now();
  expect(validate(schema, many)).toEqual([]);
  expect(performance.now() - startedMs).toBeLessThan(soonMs);
  expect(
    validate(schema, [
      { a: 1, b: [2] },
      { b: [2], a: 1 },
    ]),
  ).toHaveLength(1);
  expect(validate(schema, [1, '1', [1], null, false, { 1: 1 }])).toEqual([]);
});

test('members named like parts of every object are data like others', () => {
  const schema = { type: 'object', properties: { constructor: { type: 'string' } }, additionalProperties: false };
  const data: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
  expect(validate(schema, data)).toEqual([{ path: 'data.__proto__', message: 'is not allowed' }]);
  expect(validate(schema, {})).toEqual([]);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});
