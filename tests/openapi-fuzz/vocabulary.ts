import fc, { type Arbitrary } from 'fast-check';
import type { Vocabulary } from './schema-arbitrary.ts';
import type { World } from './world.ts';

const neverMade = '01jd3kq8e5f1x9a7m2c4v6b8n0';

/** Schemas of event types: honest ones, and some that mean harm. */
const eventTypeSchemas: readonly object[] = [
  {},
  { type: 'object', properties: { id: { type: 'string', format: 'uuid' } }, required: ['id'] },
  { $defs: { tree: { type: 'array', items: { $ref: '#/$defs/tree' } } }, $ref: '#/$defs/tree' },
  { type: 'string', pattern: '^(a+)+$' },
  { $ref: '#' },
  { $ref: 'https://example.com/schema' },
  { $id: 'a', $schema: 'https://json-schema.org/draft/2020-12/schema' },
  { type: 'nothing' },
  { properties: { constructor: { type: 'string' } }, patternProperties: { '^(x+x+)+y$': {} } },
  { anyOf: Array.from({ length: 500 }, (_, index) => ({ const: index })) },
];

function urlsOf({ receiver }: World): Arbitrary<string> {
  const loopback = fc.nat(20).map(n => `${receiver.url}/${n}`);
  // No other machine is ever reached: these are refused, or lead to a closed port of this one.
  const strange = fc.constantFrom(
    'http://127.0.0.1:1/',
    `http://user:pass@127.0.0.1:${receiver.port}/`,
    'http://169.254.169.254/latest',
    'http://[::1]:1/',
    'http://[::1',
    'http://10.0.0.1/',
    'javascript:alert(1)',
    'ftp://127.0.0.1/',
    '//127.0.0.1/',
    'http://127.0.0.1:99999/',
    'http://0x7f.1/',
    'http://127.0.0.1/\u0000',
    'http://127.0.0.1/%',
    'http://127.0.0.1/é\ud800',
  );
  return fc.oneof({ weight: 9, arbitrary: loopback }, { weight: 1, arbitrary: strange });
}

/**
 * What a random text would hardly ever hit: names of things that exist, URLs that lead to this machine.
 *
 * @param operationId whose input is made: what it creates needs new names
 */
export function vocabularyOf(world: World, operationId: string): Vocabulary {
  const { names } = world;
  const urls = urlsOf(world);
  const named = (kind: string): Arbitrary<string> => fc.constantFrom(...(names[kind] ?? []));
  const byName: Record<string, () => Arbitrary<unknown>> = {
    url: () => urls,
    webhook_url: () => fc.oneof({ weight: 4, arbitrary: urls }, { weight: 1, arbitrary: fc.constant(null) }),
    headers: () =>
      fc.dictionary(
        fc.stringMatching(/^x-[a-z]{1,8}$/),
        fc.string({ unit: 'grapheme-ascii', maxLength: 20 }).map(text => text.trim()),
        { maxKeys: 3, noNullPrototype: true },
      ),
    // In the form of most contracts.
    secret: () => fc.constant('whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='),
    schema: () => fc.constantFrom(null, ...eventTypeSchemas),
  };
  return (name, schema) => {
    if (schema.$ref?.endsWith('/ContractDocument')) return contractDocument(world, operationId);
    const prefix = /^\^([a-z]+)_\[0-7\]/.exec(schema.pattern ?? '')?.[1];
    if (prefix !== undefined)
      return fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(...(names[prefix] ?? []), `${prefix}_${neverMade}`) },
        { weight: 1, arbitrary: fc.constant(`${prefix}_${neverMade}`) },
      );
    if (name === 'id' && schema.pattern !== undefined) return named('agents');
    if (schema.example === 'standard')
      // A workspace other than the one with contracts of its own knows those that are built in.
      return operationId.endsWith('Workspace') ? fc.constantFrom('standard', 'github') : named('contracts');
    if (schema.example === 'call.*')
      return fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom('order.*', 'call.started') },
        { weight: 1, arbitrary: fc.constant('*') },
      );
    if (schema.example === 'call.ended' && operationId !== 'createEventType')
      return fc.oneof(
        { weight: 9, arbitrary: named('event-types') },
        { weight: 1, arbitrary: fc.constant('never.made') },
      );
    // A pattern may have no more than that to it, and a random name of 256 characters is hardly a name.
    if (schema.enum === undefined && schema.$ref === undefined) return byName[name]?.();
    return undefined;
  };
}

/** The contract that is changed; the others keep still. */
export const changedContract = 'own-0';

function contractDocument(world: World, operationId: string): Arbitrary<unknown> {
  // What is changed keeps its name.
  const name =
    operationId === 'updateContract' ? fc.constant(changedContract) : fc.stringMatching(/^own-[a-z0-9]{4,10}$/);
  return fc
    .tuple(name, fc.constantFrom(...world.contractDocuments))
    .map(([given, document]) => ({ ...document, name: given }));
}
