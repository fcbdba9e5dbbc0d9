import { invalidField, type Problem } from '../../errors/problem.ts';

export type ChosenKey = { readonly kind: 'key'; readonly key: string | null };

/**
 * The idempotency key of a publish: from the header, the body, or both if they agree. In the header, the structured string
 * `"abc"` and the bare `abc` are one key (draft-ietf-httpapi-idempotency-key-header, section 2.1).
 */
export function chooseIdempotencyKey(header: string | undefined, field: string | undefined): ChosenKey | Problem {
  const fromHeader = header === undefined ? undefined : unquote(header);
  if (fromHeader === '') return invalidField('header.idempotency-key', 'must not be empty');
  if (fromHeader !== undefined && field !== undefined && fromHeader !== field)
    return invalidField('body.idempotency_key', 'must be the same as the Idempotency-Key header');
  return { kind: 'key', key: fromHeader ?? field ?? null };
}

function unquote(header: string): string {
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header.trim());
  return quoted === null ? header.trim() : (quoted[1] as string).replaceAll(/\\(["\\])/g, '$1');
}
