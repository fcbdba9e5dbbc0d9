import type { z } from 'zod';

/** Names of types as people say them. */
const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  tuple: 'an array',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

/** What sizes are counted in. */
const units: Readonly<Record<string, string>> = { string: 'character', array: 'item' };

/**
 * What would be right where a value is wrong, for `error` of zod's parse functions: `must be a string, not a number`. A message
 * that stands in the schema itself goes before. Never repeats the value: it may be a secret.
 *
 * @returns the rest of a sentence that begins with the field; undefined leaves it to zod
 */
export function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is required';
      return `must be ${typeNames[issue.expected] ?? issue.expected}, not ${nameOf(issue.input, issue.expected)}`;
    case 'invalid_value':
      if (issue.input === undefined) return 'is required';
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `must ${sizeOf(issue.origin, 'at least', issue.minimum)}`;
    case 'too_big':
      return `must ${sizeOf(issue.origin, 'at most', issue.maximum)}`;
    case 'invalid_format':
      if (issue.format === 'datetime') return 'must be a time such as 2026-11-21T09:30:00Z, with Z or an offset';
      return undefined;
    case 'invalid_union':
      return !Array.isArray(issue.options) ? undefined : `must be one of ${issue.options.map(String).join(', ')}`;
    default:
      return undefined;
  }
}

function sizeOf(origin: string, bound: string, size: number | bigint): string {
  const unit = units[origin];
  return unit === undefined ? `be ${bound} ${size}` : `have ${bound} ${size} ${unit}${Number(size) === 1 ? '' : 's'}`;
}

function nameOf(value: unknown, expected: string): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number' && (expected === 'int' || expected === 'number'))
    // JSON has no NaN, and a double no more than 1.8e308.
    return Number.isFinite(value) ? 'a fraction' : 'one beyond the range of a double';
  return typeNames[typeof value] ?? typeof value;
}
