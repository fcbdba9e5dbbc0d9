import type { FieldError, Operation } from '@signpost/api-schema';
import { describeIssue } from '@signpost/contracts';
import type { z } from 'zod';
import { notFound, type Problem, problem } from '../errors/problem.ts';

/** What of a request the schemas of its operation look at. */
export interface RawInput {
  readonly params: Readonly<Record<string, unknown>>;
  /** With the `?`, or empty. */
  readonly search: string;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Name, value, name, value … as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: unknown;
}

/** The same, validated; what an operation declares no schema for is undefined. */
export interface ValidInput {
  readonly kind: 'valid';
  readonly params: unknown;
  readonly query: unknown;
  readonly headers: unknown;
  readonly body: unknown;
}

/** Errors of one answer; a body of 10 MiB can be wrong in a million places. */
const maxErrors = 20;

/** With them, each error says what would be right. */
export const parseOptions = { error: describeIssue };
const queryOptions = {
  error: (issue: z.core.$ZodRawIssue) => (Array.isArray(issue.input) ? 'must be given once' : describeIssue(issue)),
};

/** Validates a request by the schemas of its operation. An id in the path that is none names nothing: not found. */
export function validateInput({ request }: Operation, raw: RawInput): ValidInput | Problem {
  const params = request.params?.safeParse(raw.params);
  if (params?.success === false) return notFound();
  const errors: FieldError[] = [];
  let total = 0;
  const read = (place: string, schema: z.ZodType | undefined, value: () => unknown): unknown => {
    if (schema === undefined) return undefined;
    const result = schema.safeParse(value(), place === 'query' ? queryOptions : parseOptions);
    if (result.success) return result.data;
    const found = toFieldErrors(place, result.error);
    errors.push(...found.first);
    total += found.total;
    return undefined;
  };
  const query = read('query', request.query, () => readQuery(raw.search));
  const headers = read('header', request.headers, () => raw.headers);
  const repeated = findRepeatedHeaders(Object.keys(request.headers?.shape ?? {}), raw);
  errors.push(...repeated);
  total += repeated.length;
  const body = read('body', request.body, () => raw.body);
  if (total === 0) return { kind: 'valid', params: params?.data, query, headers, body };
  return validationFailed(errors, total);
}

/** Node joins headers of one name with a comma: two keys would be taken for one that nobody sent. */
function findRepeatedHeaders(names: readonly string[], { headers, rawHeaders }: RawInput): FieldError[] {
  return names
    .filter(name => headers[name] !== undefined && countHeader(rawHeaders, name) > 1)
    .map(name => ({ path: `header.${name}`, message: 'must be sent once' }));
}

function countHeader(rawHeaders: readonly string[], name: string): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) if (rawHeaders[index]?.toLowerCase() === name) count += 1;
  return count;
}

/**
 * @param errors at least one
 * @param total how many there are, where not all are given
 */
export function validationFailed(errors: readonly FieldError[], total = errors.length): Problem {
  const [first] = errors;
  const more = total > 1 ? ` (and ${total - 1} more)` : '';
  return problem('validation_failed', `${first?.path}: ${first?.message}${more}`, {
    errors: errors.slice(0, maxErrors),
  });
}

/** What is wrong with a value. */
export interface FieldErrors {
  /** As many as an answer shows: an item of a batch can have a hundred thousand unknown fields. */
  readonly first: readonly FieldError[];
  readonly total: number;
}

/** @param place what the paths begin with: `body` gives `body.events[0]` */
export function toFieldErrors(place: string, { issues }: z.ZodError): FieldErrors {
  const first = issues
    .slice(0, maxErrors)
    .flatMap(issue =>
      issue.code === 'unrecognized_keys'
        ? issue.keys
            .slice(0, maxErrors)
            .map(key => ({ path: formatPath(place, [...issue.path, key]), message: 'is not a known field' }))
        : [{ path: formatPath(place, issue.path), message: issue.message }],
    );
  const total = issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);
  return { first: first.slice(0, maxErrors), total };
}

function formatPath(place: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => text + (typeof part === 'number' ? `[${part}]` : `.${String(part)}`),
    place,
  );
}

/** Each parameter's text; those that come several times are a list, which no schema takes. */
function readQuery(search: string): Record<string, unknown> {
  const query: Record<string, unknown> = Object.create(null);
  const parameters = new URLSearchParams(search);
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name);
    query[name] = values.length === 1 ? values[0] : values;
  }
  return query;
}
