import type { z } from 'zod';

/** One reason why a document is refused; `path` is dotted, with array positions as numbers: `headers.0.value`. */
export interface DocumentError {
  readonly path: string;
  readonly message: string;
}

interface PathError {
  readonly path: PropertyKey[];
  readonly message: string;
}

/** A member that should not be there is named by its own path, one error each. */
export function toPathErrors(issue: z.core.$ZodIssue): PathError[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, message: issue.message }];
  return issue.keys.map(key => ({ path: [...issue.path, key], message: 'is not a member of this object' }));
}

export function toDocumentErrors(issue: z.core.$ZodIssue): DocumentError[] {
  return toPathErrors(issue).map(error => ({ path: error.path.map(String).join('.'), message: error.message }));
}
