import { type Generation, isObject, type SchemaNode } from './generation.ts';

const maxHops = 24;

/**
 * The schema that a value has to follow, in one object: references looked up, `allOf` joined, one branch of `oneOf` and
 * `anyOf` chosen, one that the example follows if there is such. What is too intertwined for that shows when the whole
 * value is validated.
 */
export function resolveNode(generation: Generation, schema: unknown, example: unknown, hops = 0): SchemaNode {
  if (!isObject(schema) || hops > maxHops) return {};
  const { $ref: reference, allOf, oneOf, anyOf, ...own } = schema;
  let node: SchemaNode = own;
  const join = (part: unknown): void => {
    node = joinNodes(resolveNode(generation, part, example, hops + 1), node);
  };
  if (typeof reference === 'string') join(lookUp(generation.root, reference));
  if (Array.isArray(allOf)) allOf.forEach(join);
  for (const branches of [oneOf, anyOf])
    if (Array.isArray(branches) && branches.length > 0) join(chooseBranch(generation, branches, example, hops));
  return node;
}

function chooseBranch(generation: Generation, branches: readonly unknown[], example: unknown, hops: number): unknown {
  const followed = branches.filter(branch => mayFollow(resolveNode(generation, branch, example, hops + 1), example));
  return generation.faker.helpers.arrayElement(followed.length > 0 ? followed : branches);
}

/** Whether an example may have been written for a branch: its type, its constants and its required members are there. */
function mayFollow(node: SchemaNode, example: unknown): boolean {
  if (example === undefined) return node['type'] !== 'null';
  if ('const' in node) return node['const'] === example;
  if (Array.isArray(node['enum'])) return node['enum'].includes(example);
  const types = [node['type'] ?? typeOf(example)].flat();
  if (!types.some(type => type === typeOf(example) || (type === 'number' && typeOf(example) === 'integer')))
    return false;
  if (!isObject(example)) return true;
  const { properties, required } = node;
  if (Array.isArray(required) && !required.every(name => Object.hasOwn(example, String(name)))) return false;
  return Object.entries(isObject(properties) ? properties : {}).every(
    ([name, member]) => !isObject(member) || !('const' in member) || member['const'] === example[name],
  );
}

function joinNodes(first: SchemaNode, second: SchemaNode): SchemaNode {
  const properties = { ...asObject(first['properties']) };
  for (const [name, member] of Object.entries(asObject(second['properties']))) {
    const known = properties[name];
    properties[name] = isObject(known) && isObject(member) ? { ...known, ...member } : member;
  }
  const required = [first['required'], second['required']].flatMap(names => (Array.isArray(names) ? names : []));
  return {
    ...first,
    ...second,
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required: [...new Set(required)] } : {}),
  };
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}

/** What `#/$defs/money` or `#money` points to within the schema; undefined where it points nowhere. */
function lookUp(root: unknown, reference: string): unknown {
  if (!reference.startsWith('#')) return undefined;
  const pointer = decodeURIComponent(reference.slice(1));
  if (pointer !== '' && !pointer.startsWith('/')) return findAnchor(root, pointer);
  let value = root;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function findAnchor(root: unknown, anchor: string): unknown {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    if ((value as SchemaNode)['$anchor'] === anchor) return value;
    open.push(...Object.values(value));
  }
  return undefined;
}

/** The type of a value in JSON Schema's words. */
function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value === 'undefined' ? 'string' : typeof value;
}

const hints: readonly (readonly [string, readonly string[]])[] = [
  ['object', ['properties', 'required', 'additionalProperties', 'patternProperties', 'minProperties']],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems', 'contains']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
  ['string', ['pattern', 'format', 'minLength', 'maxLength']],
];

/** The type that a value will have: the example's where the schema allows it, rarely null where it may be null. */
export function chooseType({ faker }: Generation, node: SchemaNode, example: unknown): string {
  const hinted = hints.find(([, keywords]) => keywords.some(keyword => keyword in node))?.[0];
  const types = [node['type'] ?? hinted ?? typeOf(example)].flat().map(String);
  const others = types.filter(type => type !== 'null');
  if (others.length === 0) return 'null';
  if (others.length < types.length && faker.datatype.boolean(example === null ? 0.75 : 0.1)) return 'null';
  const ofExample = typeOf(example);
  if (example !== undefined && others.includes(ofExample)) return ofExample;
  if (ofExample === 'integer' && others.includes('number')) return 'number';
  return faker.helpers.arrayElement(others);
}
