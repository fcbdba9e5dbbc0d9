import fc, { type Arbitrary } from 'fast-check';
import type { RawRequest } from '../support/raw-call.ts';
import { damageTo } from './damages.ts';
import { type DocumentedOperation, type Draft, draftOf } from './drafts.ts';
import type { World } from './world.ts';

export interface FuzzRequest extends RawRequest {
  /** Nothing about it was damaged: the document allows it, and its key may do it. */
  readonly intact: boolean;
  /** The body's value where it is one; undefined where its text was damaged. */
  readonly value: unknown;
}

/** Requests to an operation, about two in five of them as the document wants them. */
export function requestsTo(operation: DocumentedOperation, world: World): Arbitrary<FuzzRequest> {
  const draft = draftOf(operation, world);
  const build = (drafted: Draft, intact: boolean): FuzzRequest => finish(operation, world, drafted, intact);
  return fc.oneof(
    { weight: 2, arbitrary: draft.map(drafted => build(drafted, true)) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(draft, fc.array(damageTo(operation), { minLength: 1, maxLength: 2 }))
        .map(([drafted, damages]) =>
          build(
            damages.reduce((value, harm) => harm(value), drafted),
            false,
          ),
        ),
    },
  );
}

function finish({ method, path }: DocumentedOperation, world: World, draft: Draft, intact: boolean): FuzzRequest {
  const segments = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => draft.segments[name] ?? '');
  const query = draft.query.map(([name, value]) => (value === '' ? name : `${name}=${value}`)).join('&');
  return {
    method: method.toUpperCase(),
    path: query === '' ? segments : `${segments}?${query}`,
    headers: { ...world.keyHeaders(draft.key), ...draft.headers },
    body: draft.text,
    intact,
    value: draft.value,
  };
}
