import fc, { type Arbitrary } from 'fast-check';
import type { AnyJson } from '../support/installation.ts';

/** Values for what a schema describes too loosely for random ones to be taken: by the name of the property. */
export type Vocabulary = (name: string, schema: AnyJson) => Arbitrary<unknown> | undefined;

export interface SchemaContext {
  /** The OpenAPI document, for `$ref`. */
  readonly document: AnyJson;
  readonly vocabulary: Vocabulary;
}

/** Long arrays cost time and find nothing that short ones do not; their limits are tried by mutation. */
const maxItems = 4;
const maxRandomText = 30;

/**
 * Values that a JSON Schema allows. Knows the keywords that the document uses.
 *
 * @param name of the property whose schema it is
 * @throws for a schema with none of them: a keyword has to be added here then
 */
export function arbitraryOf(schema: AnyJson, name: string, context: SchemaContext): Arbitrary<unknown> {
  const known = context.vocabulary(name, schema);
  if (known !== undefined) return known;
  if (schema.$ref !== undefined) return arbitraryOf(resolve(context.document, schema.$ref), name, context);
  if (schema.anyOf !== undefined) {
    return fc.oneof(...schema.anyOf.map((option: AnyJson) => arbitraryOf(option, name, context)));
  }
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (Array.isArray(schema.type)) {
    const options: AnyJson[] = schema.type.map((type: string) => ({ ...schema, type }));
    return fc.oneof(...options.map(option => arbitraryOf(option, name, context)));
  }
  switch (schema.type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -1000, max: schema.maximum ?? 1000 });
    case 'string':
      return stringOf(schema);
    case 'array':
      return arrayOf(schema, name, context);
    case 'object':
      return objectOf(schema, context);
    case undefined:
      if (Object.keys(schema).every(key => ['description', 'example'].includes(key))) return anyJson;
  }
  throw new Error(`The generator does not know the schema ${JSON.stringify(schema)}`);
}

const anyJson = fc.oneof(
  fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' }),
  fc.constantFrom(null, '', {}, [], 'e\u0301 \u{1f469}\u200d\u{1f680} \u2028\u202e', { ['__proto__']: 1 }),
);

function stringOf(schema: AnyJson): Arbitrary<string> {
  const { minLength = 0, maxLength = 1000, pattern, format } = schema;
  if (format === 'date-time') return timeText;
  if (pattern !== undefined)
    return fc.stringMatching(new RegExp(pattern), { maxLength: Math.min(maxLength, maxRandomText) });
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, maxRandomText) })
        .filter(text => Array.from(text).length <= maxLength),
    },
    { weight: 1, arbitrary: fc.constantFrom('x'.repeat(Math.max(minLength, 1)), 'x'.repeat(maxLength)) },
    // Lengths are counted in characters, whatever they take in UTF-16.
    { weight: 1, arbitrary: fc.constant('\u{1f600}'.repeat(maxLength)) },
  );
}

const timeText = fc
  .tuple(
    fc.date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('2199-12-31T00:00:00Z'), noInvalidDate: true }),
    fc.constantFrom('Z', '+02:00', '-11:30'),
  )
  .map(([date, offset]) => date.toISOString().replace('Z', offset));

function arrayOf(schema: AnyJson, name: string, context: SchemaContext): Arbitrary<unknown[]> {
  const item = arbitraryOf(schema.items, name, context);
  const lengths = {
    minLength: schema.minItems ?? 0,
    maxLength: Math.max(schema.minItems ?? 0, Math.min(schema.maxItems ?? maxItems, maxItems)),
  };
  if (schema.uniqueItems === true)
    return fc.uniqueArray(item, { ...lengths, selector: value => JSON.stringify(value) });
  return fc.array(item, lengths);
}

function objectOf(schema: AnyJson, context: SchemaContext): Arbitrary<unknown> {
  if (schema.properties === undefined) {
    const value = arbitraryOf(schema.additionalProperties ?? {}, '', context);
    return fc.dictionary(fc.string({ maxLength: 10 }), value, { maxKeys: 4, noNullPrototype: true });
  }
  const members: Record<string, Arbitrary<unknown>> = {};
  for (const [name, member] of Object.entries(schema.properties)) members[name] = arbitraryOf(member, name, context);
  return fc.record(members, { requiredKeys: schema.required ?? [], noNullPrototype: true });
}

function resolve(document: AnyJson, reference: string): AnyJson {
  return reference
    .slice(2)
    .split('/')
    .reduce((value, part) => value[part], document);
}
