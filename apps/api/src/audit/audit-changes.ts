import type { HeaderDocument } from '@signpost/contracts';
import { maskedValue, maskSensitiveHeaders } from '@signpost/runtime';
import { maskCredentials } from '../contracts/credential-headers.ts';

/** Named values of a thing, in the API's spelling. */
export type Facts = Readonly<Record<string, unknown>>;

/** An entry is read in a list of up to a hundred: a longer value, as JSON text, is told by its length alone. */
const maxValueLength = 4096;

/** The `changes` of an entry about something that was made or is gone: its fields. */
export function fieldsOf(facts: Facts): Facts {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, shown(name, value)]));
}

/**
 * The `changes` of an entry about an update: what differs. A hidden value that was replaced by another is told, too: both
 * sides look alike then.
 *
 * @param before the same names as `after`; one that is missing counts as null
 */
export function differencesOf(before: Facts, after: Facts): Facts {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const differences: Record<string, unknown> = {};
  for (const name of names) {
    const [old = null, now = null] = [before[name], after[name]];
    if (JSON.stringify(old) === JSON.stringify(now)) continue;
    differences[name] = { before: shown(name, old), after: shown(name, now) };
  }
  return differences;
}

/** A value as an entry keeps it: entries outlive the credentials that were valid when they were written. */
function shown(name: string, value: unknown): unknown {
  const safe = hideCredentials(name, value);
  const { length } = JSON.stringify(safe ?? null);
  return length > maxValueLength ? `[${length} characters of JSON, not kept]` : safe;
}

function hideCredentials(name: string, value: unknown): unknown {
  if (name === 'headers' && typeof value === 'object' && value !== null)
    // A webhook's are an object, a contract's a list.
    return Array.isArray(value)
      ? maskCredentials(value as readonly HeaderDocument[])
      : maskSensitiveHeaders(value as Readonly<Record<string, string>>);
  return /(^|_)url$/.test(name) && typeof value === 'string' ? hideQueryValues(value) : value;
}

/** Tokens stand in queries, under any name. Users and passwords are in no URL: those are refused when it is saved. */
function hideQueryValues(text: string): string {
  const url = URL.parse(text);
  if (url === null) return maskedValue;
  const query = [...url.searchParams.keys()].map(name => `${encodeURIComponent(name)}=${maskedValue}`).join('&');
  return `${url.origin}${url.pathname}${query === '' ? '' : `?${query}`}`;
}
