import { expect, test } from '@jest/globals';
import { compileSchema, type DataValidator } from './data-validator.ts';
import { createSchemaTimes, type SchemaTime } from './schema-time.ts';

/** One that nothing is ever taken from. */
const endlessTime: SchemaTime = { restMs: () => 0, charge: (_freeMs, work) => work() };

function compile(schema: unknown, time = endlessTime): DataValidator {
  const compiled = compileSchema(JSON.stringify(schema), time);
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
    const compiled = compileSchema(JSON.stringify(schema), endlessTime);
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

test.each(['a{30000}b', '[a]{30000}b'])('a pattern with the fixed count %s is stopped, too', pattern => {
  // Short enough, both, to be validated without a time limit if the pattern were harmless.
  const [error] = validate({ pattern }, 'a'.repeat(150_000));
  expect(error?.message).toContain('could not be validated');
});

/** Validating by it goes on until it is stopped. */
function doublingSchema(): unknown {
  const $defs: Record<string, unknown> = { s100: { type: 'string' } };
  for (let step = 0; step < 100; step += 1)
    $defs[`s${step}`] = { allOf: [{ $ref: `#/$defs/s${step + 1}` }, { $ref: `#/$defs/s${step + 1}` }] };
  return { $ref: '#/$defs/s0', $defs };
}

test('references that double with every step are stopped; all schemas of the workspace rest after it, for a while', () => {
  let offsetMs = 0;
  const timeOf = createSchemaTimes(() => performance.now() + offsetMs);
  const time = timeOf('mine');
  const validators = Array.from({ length: 10 }, () => compile(doublingSchema(), time));
  let rounds = 0;
  for (; time.restMs() === 0; rounds += 1) expect(validators[rounds]?.validate('a', 3)).toHaveLength(1);
  // 250 ms each, 1000 in all.
  expect(rounds).toBeLessThanOrEqual(5);
  expect(timeOf('mine').restMs()).toBeGreaterThan(0);
  expect(timeOf('theirs').restMs()).toBe(0);
  offsetMs += time.restMs() + 1;
  expect(time.restMs()).toBe(0);
});

test('what compiling takes is charged as well', () => {
  const time = createSchemaTimes()('mine');
  const slow = JSON.stringify({ dependentRequired: { a: Array.from({ length: 9000 }, (_, n) => `p${n}`) } });
  let rounds = 0;
  for (; time.restMs() === 0 && rounds < 100; rounds += 1) compileSchema(slow, time);
  expect(time.restMs()).toBeGreaterThan(0);
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
