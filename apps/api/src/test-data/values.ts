import { type Generation, isObject, type Place, type SchemaNode, snakeName } from './generation.ts';
import { makeNumber } from './numbers.ts';
import { chooseType, resolveNode } from './schema-node.ts';
import { makeText } from './texts.ts';

/** Deeper, only what the example shows is made. */
const maxDepth = 12;
/** Without an example, optional members are made down to here. */
const maxOptionalDepth = 4;
const maxItems = 20;

/** Names whose enumerated values belong to the event type: the example's is kept. */
const tiedName = /^(status|state|type|object|action|event|kind|role)$/;

/** A value that follows a schema, as far as one can tell without validating, and resembles the example. */
export function makeValue(generation: Generation, schema: unknown, given: unknown, place: Place): unknown {
  const { budget, faker } = generation;
  budget.nodes -= 1;
  if (budget.nodes < 0 || place.depth > maxDepth) return given;
  const node = resolveNode(generation, schema, given);
  const example = given === undefined ? ownExample(node) : given;
  if ('const' in node) return node['const'];
  const allowed = node['enum'];
  if (Array.isArray(allowed) && allowed.length > 0)
    return allowed.includes(example) && tiedName.test(snakeName(place.name))
      ? example
      : faker.helpers.arrayElement(allowed);
  const type = chooseType(generation, node, example);
  switch (type) {
    case 'null':
      return null;
    case 'object':
      return makeObject(generation, node, isObject(example) ? example : undefined, place);
    case 'array':
      return makeArray(generation, node, Array.isArray(example) ? example : undefined, place);
    case 'boolean':
      return makeBoolean(generation, example, place);
    case 'integer':
    case 'number':
      return makeNumber(
        generation,
        node,
        typeof example === 'number' ? example : undefined,
        place,
        isWhole(type, example, node),
      );
    default:
      return makeText(generation, node, typeof example === 'string' ? example : undefined, place);
  }
}

function ownExample({ examples, default: otherwise }: SchemaNode): unknown {
  return Array.isArray(examples) && examples.length > 0 ? examples[0] : otherwise;
}

/** A `number` whose example has no decimals gets none either. */
function isWhole(type: string, example: unknown, node: SchemaNode): boolean {
  return type === 'integer' || (Number.isInteger(example) && node['multipleOf'] === undefined);
}

function makeBoolean({ faker }: Generation, example: unknown, { name }: Place): boolean {
  if (/^(live_?mode|test|test_?mode|sandbox|deleted|archived)$/.test(snakeName(name)))
    return typeof example === 'boolean' ? example : /live/.test(snakeName(name));
  return faker.datatype.boolean(0.5);
}

function makeObject(
  generation: Generation,
  node: SchemaNode,
  example: Readonly<Record<string, unknown>> | undefined,
  { name: parent, depth }: Place,
): Record<string, unknown> {
  const properties = isObject(node['properties']) ? node['properties'] : {};
  const required = Array.isArray(node['required']) ? node['required'].map(String) : [];
  // The example shows which optional members are usual; without one, most are.
  const optional =
    example === undefined
      ? Object.keys(properties).filter(() => depth < maxOptionalDepth && generation.faker.datatype.boolean(0.85))
      : Object.keys(example).filter(name => allowsMember(node, properties, name));
  const declared = Object.keys(properties);
  const names = new Set([...(example === undefined ? [] : optional), ...required, ...optional]);
  const ordered = example === undefined ? [...declared.filter(name => names.has(name)), ...names] : [...names];
  const members = [...new Set(ordered)].map(name => {
    const place = { name, parent, depth: depth + 1 };
    return [name, makeValue(generation, schemaOfMember(node, properties, name), example?.[name], place)] as const;
  });
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

function allowsMember(node: SchemaNode, properties: Readonly<Record<string, unknown>>, name: string): boolean {
  if (Object.hasOwn(properties, name)) return properties[name] !== false;
  if (patternOf(node, name) !== undefined) return true;
  return node['additionalProperties'] !== false && node['unevaluatedProperties'] !== false;
}

function schemaOfMember(node: SchemaNode, properties: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(properties, name)) return properties[name];
  return patternOf(node, name) ?? node['additionalProperties'];
}

function patternOf({ patternProperties }: SchemaNode, name: string): unknown {
  if (!isObject(patternProperties)) return undefined;
  return Object.entries(patternProperties).find(([pattern]) => new RegExp(pattern, 'u').test(name))?.[1];
}

function makeArray(
  generation: Generation,
  node: SchemaNode,
  example: readonly unknown[] | undefined,
  place: Place,
): unknown[] {
  const prefix = Array.isArray(node['prefixItems']) ? node['prefixItems'] : [];
  const usual = example?.length ?? generation.faker.number.int({ min: 1, max: 3 });
  const wanted = usual === 0 ? 0 : generation.faker.number.int({ min: Math.max(usual - 1, 1), max: usual + 1 });
  const [least, most] = [numberOr(node['minItems'], 0), numberOr(node['maxItems'], maxItems)];
  const onlyPrefix = node['items'] === false ? prefix.length : Infinity;
  const count = Math.min(
    Math.max(wanted, least, Math.min(prefix.length, most)),
    most,
    onlyPrefix,
    Math.max(maxItems, least),
  );
  const items: unknown[] = [];
  const seen = new Set<string>();
  for (let index = 0; items.length < count && index < count + 20 && generation.budget.nodes > 0; index += 1) {
    const schema = prefix[items.length] ?? (index === 0 ? node['contains'] : undefined) ?? node['items'];
    // Items beyond the example's are like it, and have nothing of it twice.
    const isMore = index >= (example?.length ?? 0);
    const part = isMore ? { ...generation, replaced: new Map() } : generation;
    const item = makeValue(part, schema, hintFor(example, index), { ...place, depth: place.depth + 1 });
    const text = JSON.stringify(item);
    if (item === undefined || (node['uniqueItems'] === true && seen.has(text))) continue;
    seen.add(text);
    items.push(item);
  }
  return items;
}

function hintFor(example: readonly unknown[] | undefined, index: number): unknown {
  if (example === undefined || example.length === 0) return undefined;
  if (index < example.length) return example[index];
  // The last two in turn: speakers alternate.
  return example.at(example.length === 1 ? 0 : -2 + ((index - example.length) % 2));
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
