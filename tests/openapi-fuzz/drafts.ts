import fc, { type Arbitrary } from 'fast-check';
import type { AnyJson } from '../support/installation.ts';
import { arbitraryOf, type SchemaContext } from './schema-arbitrary.ts';
import { changedContract, vocabularyOf } from './vocabulary.ts';
import type { KeyKind, World } from './world.ts';

/** An operation of the document. */
export interface DocumentedOperation {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly described: AnyJson;
}

/** A request that is being made up. */
export interface Draft {
  segments: Record<string, string>;
  query: (readonly [string, string])[];
  headers: Record<string, string | readonly string[]>;
  value: unknown;
  /** Of the body. */
  text: string | Buffer | undefined;
  key: KeyKind;
}

/** Requests as the document wants them. */
export function draftOf({ operationId, path, described }: DocumentedOperation, world: World): Arbitrary<Draft> {
  const context: SchemaContext = { document: world.document, vocabulary: vocabularyOf(world, operationId) };
  const parameters = (place: string): Arbitrary<Record<string, unknown>> => {
    const members: Record<string, Arbitrary<unknown>> = {};
    const required: string[] = [];
    for (const parameter of described.parameters ?? []) {
      if (parameter.in !== place || parameter.schema.not !== undefined) continue;
      const { name } = parameter;
      if (name === 'cursor') {
        const known = world.cursors[path] ?? [];
        if (known.length > 0) members[name] = fc.constantFrom(...known);
        continue;
      }
      members[name] =
        place === 'path' && name === 'name'
          ? namesInPath(world, operationId, path)
          : arbitraryOf(parameter.schema, name, context);
      if (parameter.required === true) required.push(name);
    }
    return fc.record(members, { requiredKeys: required, noNullPrototype: true });
  };
  const schema = described.requestBody?.content['application/json'].schema;
  // With the key of a workspace, the other workspaces do not exist.
  const byInstance = path.startsWith('/v1/workspaces') || described.description?.includes('Needs the instance key.');
  const key: KeyKind = byInstance === true ? 'instance' : 'all';
  return fc
    .record({
      segments: parameters('path'),
      query: parameters('query'),
      headers: parameters('header'),
      value: schema === undefined ? fc.constant(undefined) : arbitraryOf(schema, 'body', context),
    })
    .map(({ segments, query, headers, value }) => ({
      segments: mapValues(segments, encodeURIComponent),
      query: Object.entries(query).map(
        ([name, part]) => [name, encodeURIComponent(String(part).toWellFormed())] as const,
      ),
      headers: {
        ...mapValues(headers, text => text.trim() || 'k'),
        ...(value === undefined ? {} : { 'content-type': 'application/json' }),
      },
      value,
      text: undefined,
      key,
    }))
    .map(makeConsistent)
    .map(draft => ({ ...draft, text: JSON.stringify(draft.value) }));
}

function mapValues(values: Record<string, unknown>, change: (text: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(String(value))]));
}

/** What the document says in words: two places for one key that must agree, one of two members. */
function makeConsistent(draft: Draft): Draft {
  const { headers } = draft;
  const value = draft.value as AnyJson;
  if (value?.idempotency_key !== undefined) delete headers['idempotency-key'];
  if (value?.contract !== undefined && value.document !== undefined) delete value.contract;
  return draft;
}

/** Names in paths, which alone do not say what they are names of. */
function namesInPath(world: World, operationId: string, path: string): Arbitrary<string> {
  if (operationId === 'updateContract') return fc.constant(changedContract);
  const collection = path.split('/')[2] ?? '';
  const names = world.names[collection] ?? [];
  return fc.constantFrom(...(collection === 'contracts' ? names.filter(name => name.startsWith('own-')) : names));
}
