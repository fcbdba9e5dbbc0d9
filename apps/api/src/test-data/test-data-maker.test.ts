import { describe, expect, test } from '@jest/globals';
import { faker } from '@faker-js/faker/locale/en';
import { builtInContracts } from '@signpost/contracts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { createSchemaTimes } from '../event-catalogue/schema-time.ts';
import { createTestDataMaker, type EventTypeShape } from './test-data-maker.ts';

const referenceMs = Date.UTC(2026, 10, 21, 9, 30);
// It stands still: nothing rests.
const time = createSchemaTimes(() => 0)('a');
// Checked apart from the code under test, by an Ajv that is set up here.
const ajv = new Ajv2020({ allErrors: true, strict: false });
addFormats.default(ajv);

// oxlint-disable-next-line typescript/no-explicit-any -- data of every shape
type AnyJson = any;

function makeMany(shape: Partial<EventTypeShape>, count = 200): AnyJson[] {
  const make = createTestDataMaker({ name: 'thing.happened', schema: null, example: null, ...shape }, faker, time);
  return Array.from({ length: count }, (_, seed) => {
    const made = make({ seed, referenceMs });
    if (made.kind !== 'made') throw new Error(`Seed ${seed} gave nothing`);
    return JSON.parse(made.text);
  });
}

const builtIn = [...builtInContracts.values()].flatMap(({ name, document }) =>
  document.event_types.map(eventType => ({ title: `${name} ${eventType.name}`, eventType })),
);

describe.each(builtIn)('$title', ({ eventType }) => {
  const isValid = ajv.compile(eventType.schema);

  test('200 seeds: valid by the schema, equal for equal seeds, else different, none the example itself', () => {
    const texts = new Set<string>();
    for (const [seed, data] of makeMany(eventType).entries()) {
      expect([seed, isValid(data), isValid.errors]).toEqual([seed, true, null]);
      texts.add(JSON.stringify(data));
    }
    expect(texts.size).toBe(200);
    expect(texts).not.toContain(JSON.stringify(eventType.example));
    expect(makeMany(eventType, 20)).toEqual(makeMany(eventType, 20));
  });

  test('has the members of the example, in their order', () => {
    const names = Object.keys(eventType.example as object);
    for (const data of makeMany(eventType, 20)) expect(Object.keys(data)).toEqual(names);
  });
});

const eventTypeOf = (contract: string, name: string): EventTypeShape =>
  builtInContracts.get(contract)?.document.event_types.find(each => each.name === name) as EventTypeShape;

describe('what belongs together', () => {
  test('a call ends its duration after it started, a moment ago, and its transcript fits into it', () => {
    for (const data of makeMany(eventTypeOf('nixflex', 'call.ended'))) {
      const { started_at: start, ended_at: end, duration_seconds: seconds, transcript } = data;
      expect((Date.parse(end) - Date.parse(start)) / 1000).toBe(seconds);
      expect(Date.parse(end)).toBeLessThanOrEqual(referenceMs);
      expect(Date.parse(end)).toBeGreaterThan(referenceMs - 120_000);
      const offsets = transcript.map((line: AnyJson) => line.timestamp_ms);
      expect(offsets).toEqual(offsets.toSorted((a: number, b: number) => a - b));
      expect(offsets.at(-1)).toBeLessThanOrEqual(seconds * 1000);
      expect(data.from_number).toMatch(/^\+447700900\d{3}$/);
      expect(data.from_number).not.toBe(data.to_number);
      expect(data.call_id).toMatch(/^CA[0-9a-f]{16}$/);
      expect(data.agent_id).toMatch(/^agent_[0-9a-f]{16}$/);
      if (data.recording_url !== null) expect(data.recording_url).toContain(data.call_id);
    }
  });

  test("repairy's bookingId is its id, and a booking ends after it starts", () => {
    for (const name of ['bookingCreate', 'bookingUpdated', 'bookingCancelled', 'bookingCompleted'])
      for (const data of makeMany(eventTypeOf('repairy', name), 50)) {
        expect(data.bookingId).toBe(data.id);
        expect(data.id).toMatch(/^bk_\d\d$/);
        expect(Date.parse(data.endsAt)).toBeGreaterThan(Date.parse(data.startsAt));
        expect(Date.parse(data.endsAt) < referenceMs).toBe(name === 'bookingCompleted');
      }
  });

  test('an invoice that was paid was paid in full; a guest leaves after arriving; an address goes with its name', () => {
    for (const data of makeMany(eventTypeOf('stripe', 'invoice.paid'), 50)) {
      expect(data.amount_paid).toBe(data.amount_due);
      expect(data.id).toMatch(/^in_[A-Za-z0-9]{16}$/);
    }
    for (const { check_in: arrival, check_out: departure, guest } of makeMany(
      eventTypeOf('repull', 'reservation.created'),
      50,
    )) {
      expect(departure > arrival).toBe(true);
      const first = guest.name
        .split(' ')[0]
        .toLowerCase()
        .replaceAll(/[^a-z]+/g, '-');
      expect(guest.email).toMatch(new RegExp(`^${first}\\..*@.+\\.example$`));
    }
    for (const { contact, session_id: id } of makeMany(eventTypeOf('repixa', 'demo.completed'), 50)) {
      expect(id).toMatch(/^ses_[a-z0-9]{10}$/);
      expect(contact.company).not.toBe('');
    }
  });
});

const schemas: Readonly<Record<string, object>> = {
  'constants, enumerations, bounds and multiples': {
    type: 'object',
    required: ['version', 'plan', 'seats', 'price', 'ratio'],
    properties: {
      version: { const: 3 },
      plan: { enum: ['free', 'team', null] },
      seats: { type: 'integer', minimum: 5, exclusiveMaximum: 8 },
      price: { type: 'number', minimum: 0, multipleOf: 0.25 },
      ratio: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
    },
  },
  'references, a list that refers to itself, and allOf': {
    $defs: {
      node: {
        type: 'object',
        required: ['id'],
        properties: { id: { $ref: '#/$defs/id' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
      },
      id: { $anchor: 'id', type: 'string', pattern: '^node_[a-f0-9]{8}$' },
    },
    allOf: [{ $ref: '#/$defs/node' }, { required: ['owner'], properties: { owner: { $ref: '#id' } } }],
  },
  'oneOf with a discriminator, and anyOf': {
    type: 'object',
    required: ['method', 'contact'],
    properties: {
      method: {
        oneOf: [
          {
            type: 'object',
            required: ['type', 'iban'],
            properties: { type: { const: 'bank' }, iban: { type: 'string' } },
          },
          {
            type: 'object',
            required: ['type', 'last4'],
            properties: { type: { const: 'card' }, last4: { type: 'string', pattern: '^[0-9]{4}$' } },
          },
        ],
      },
      contact: { anyOf: [{ type: 'string', format: 'email' }, { type: 'null' }] },
    },
  },
  'formats and lengths': {
    type: 'object',
    required: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'],
    properties: {
      a: { type: 'string', format: 'uuid' },
      b: { type: 'string', format: 'ipv4' },
      c: { type: 'string', format: 'hostname' },
      d: { type: 'string', format: 'date-time' },
      e: { type: 'string', minLength: 60, maxLength: 64 },
      f: { type: 'string', maxLength: 2 },
      g: { type: 'string', format: 'uri' },
      h: { type: 'string', format: 'time' },
    },
  },
  'arrays: tuples, few different items, no members beside the named': {
    type: 'object',
    required: ['point', 'tags', 'lines'],
    additionalProperties: false,
    properties: {
      point: { prefixItems: [{ type: 'number' }, { type: 'number' }], items: false, minItems: 2, type: 'array' },
      tags: { type: 'array', uniqueItems: true, minItems: 2, maxItems: 3, items: { enum: ['a', 'b', 'c'] } },
      lines: { type: 'array', minItems: 4, items: { type: 'object', required: ['sku'], properties: { sku: {} } } },
    },
  },
  'no object at all': { type: ['integer', 'null'], minimum: 10, maximum: 12 },
};

describe.each(Object.entries(schemas))('a schema without an example: %s', (_title, schema) => {
  test('200 seeds are valid', () => {
    const isValid = ajv.compile(schema);
    for (const data of makeMany({ schema })) expect([data, isValid(data), isValid.errors]).toEqual([data, true, null]);
  });
});

test('what only a person can make is the example; where there is none either, it says so', () => {
  const schema = {
    type: 'object',
    required: ['sum'],
    properties: { sum: { type: 'string', not: { pattern: '[a-z0-9 ]' } } },
  };
  expect(makeMany({ schema, example: { sum: 'ÄÖÜ' } }, 3)).toEqual(Array(3).fill({ sum: 'ÄÖÜ' }));
  const make = createTestDataMaker({ name: 'a', schema: { type: 'object', not: {} }, example: null }, faker, time);
  expect(make({ seed: 1, referenceMs })).toEqual({ kind: 'impossible' });
});

test('a pattern that backtracks without end, and a schema that asks for endless data, end soon', () => {
  const startedMs = performance.now();
  const shapes: EventTypeShape[] = [
    { name: 'a', schema: { type: 'string', pattern: '^(a+)+$', minLength: 30 }, example: `${'a'.repeat(40)}!` },
    {
      name: 'b',
      schema: {
        $defs: {
          n: {
            type: 'object',
            required: ['n', 'm'],
            properties: { n: { $ref: '#/$defs/n' }, m: { $ref: '#/$defs/n' } },
          },
        },
        $ref: '#/$defs/n',
      },
      example: null,
    },
    { name: 'c', schema: { type: 'array', minItems: 1e9 }, example: null },
    { name: 'd', schema: { type: 'string', minLength: 1e9 }, example: null },
  ];
  for (const shape of shapes) createTestDataMaker(shape, faker, time)({ seed: 1, referenceMs });
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});

test('while the schemas of the workspace rest, nothing is made by one', () => {
  const spent = createSchemaTimes(() => nowMs)('a');
  let nowMs = 0;
  spent.charge(0, () => {
    nowMs += 2000;
  });
  const make = (schema: unknown) =>
    createTestDataMaker({ name: 'a', schema, example: 1 }, faker, spent)({ seed: 1, referenceMs });
  expect(make({ type: 'number' })).toEqual({ kind: 'resting', restMs: 10_000 });
  expect(make(null).kind).toBe('made');
});

test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'nonesuch'])(
  'a format named %s is one that nobody knows',
  format => {
    expect(makeMany({ schema: { type: 'string', format } }, 1)).toEqual([expect.any(String)]);
  },
);

test('a member named __proto__ is data', () => {
  const schema = JSON.parse('{"type":"object","required":["__proto__"],"properties":{"__proto__":{"const":1}}}');
  const made = createTestDataMaker({ name: 'a', schema, example: null }, faker, time)({ seed: 1, referenceMs });
  expect(made).toEqual({ kind: 'made', text: '{"__proto__":1}' });
});
