import { ContractError } from './contract-error.ts';
import { type PathTreeBuilder, rawValueToText } from './json-path.ts';
import { MAX_BODY_BYTES, MAX_HEADER_BYTES, tooLarge } from './request-limits.ts';
import type { SealInput } from './seal-input.ts';
import { parseTemplate, type TemplateToken } from './template.ts';

/** Where in a document a template stands; each place admits its own part of the vocabulary. */
export type TemplatePlace = 'envelope' | 'header' | 'signed_content' | 'signature_format' | 'signature_header';

/** JSON type that a lone placeholder has in the envelope; `json` is text that already is JSON. */
export type PlaceholderType = 'string' | 'number' | 'json';

interface Placeholder {
  readonly type: PlaceholderType;
  readonly places: readonly TemplatePlace[];
  /** The value changes from one attempt of a delivery to the next. */
  readonly perAttempt: boolean;
  /** The value may hold any character, so a header carries it percent-encoded. */
  readonly freeText: boolean;
  /** Null when the event has no such value. Absent for what only exists while signing. */
  readonly read?: (input: SealInput) => string | null;
}

const VALUE_PLACES: readonly TemplatePlace[] = ['envelope', 'header', 'signed_content', 'signature_header'];

const word = (
  type: PlaceholderType,
  read: (input: SealInput) => string | null,
  options: Partial<Pick<Placeholder, 'places' | 'perAttempt' | 'freeText'>> = {},
): Placeholder => ({ type, read, places: VALUE_PLACES, perAttempt: false, freeText: false, ...options });

const iso = (ms: number): string => new Date(ms).toISOString();
/** Drops `.000Z`, whatever the width of the year before it. */
const isoSeconds = (ms: number): string => `${iso(ms).slice(0, -5)}Z`;
const attempt = { perAttempt: true };

/**
 * The closed vocabulary. `{timestamp}` is the attempt's time, `{event.timestamp}` the event's; both are Unix seconds, with
 * a suffix for the other spellings. `{data}` and `{data.some.path}` share one entry.
 */
export const vocabulary: ReadonlyMap<string, Placeholder> = new Map<string, Placeholder>([
  ['event.id', word('string', input => input.eventId)],
  ['event.type', word('string', input => input.eventType, { freeText: true })],
  ['event.timestamp', word('number', input => String(Math.floor(input.eventTimestampMs / 1000)))],
  ['event.timestamp.unix_milliseconds', word('number', input => String(input.eventTimestampMs))],
  ['event.timestamp.iso_seconds', word('string', input => isoSeconds(input.eventTimestampMs))],
  ['event.timestamp.iso_milliseconds', word('string', input => iso(input.eventTimestampMs))],
  ['delivery.id', word('string', input => input.deliveryId)],
  ['attempt.id', word('string', input => input.attemptId, attempt)],
  ['timestamp', word('number', input => String(input.attemptUnixSeconds), attempt)],
  ['timestamp.unix_milliseconds', word('number', input => String(input.attemptUnixSeconds * 1000), attempt)],
  ['timestamp.iso_seconds', word('string', input => isoSeconds(input.attemptUnixSeconds * 1000), attempt)],
  ['timestamp.iso_milliseconds', word('string', input => iso(input.attemptUnixSeconds * 1000), attempt)],
  ['subject', word('string', input => input.subject, { freeText: true })],
  ['metadata', word('json', input => input.metadata, { places: ['envelope', 'signed_content'] })],
  ['data', word('json', input => input.data, { freeText: true })],
  ['body', { type: 'string', places: ['signed_content'], perAttempt: false, freeText: true }],
  ['secret', { type: 'string', places: ['signed_content'], perAttempt: false, freeText: true }],
  ['signature', { type: 'string', places: ['signature_format'], perAttempt: false, freeText: false }],
  ['signatures', { type: 'string', places: ['signature_header'], perAttempt: false, freeText: false }],
]);

/** Says why a placeholder may not stand in a place, or null when it may. */
function placeholderProblem(token: TemplateToken & { kind: 'placeholder' }, place: TemplatePlace): string | null {
  const entry = vocabulary.get(token.name);
  const spelled = `{${[token.name, ...token.path].join('.')}}`;
  if (entry === undefined) return `names ${spelled}, which is not in the vocabulary`;
  const wholeData = token.name === 'data' && token.path.length === 0;
  const permitted =
    entry.places.includes(place) && !(wholeData && (place === 'header' || place === 'signature_header'));
  return permitted ? null : `names ${spelled}, which cannot stand here`;
}

/** Why a template is refused in its place; null when it is good. */
export function templateProblem(source: string, place: TemplatePlace): string | null {
  const parsed = parseTemplate(source);
  if (parsed.kind === 'invalid') return parsed.message;
  for (const token of parsed.tokens) {
    if (token.kind !== 'placeholder') continue;
    const problem = placeholderProblem(token, place);
    if (problem !== null) return problem;
  }
  return null;
}

/**
 * The tokens of a template in a document that was validated.
 *
 * @throws ContractError `contract_invalid` when it was not: a bad template must not become empty text on the wire
 */
export function validTokens(source: string, place: TemplatePlace): readonly TemplateToken[] {
  const problem = templateProblem(source, place);
  const parsed = parseTemplate(source);
  if (problem !== null || parsed.kind === 'invalid') {
    throw new ContractError('contract_invalid', `The contract has a template that ${problem}: "${source}".`);
  }
  return parsed.tokens;
}

/** Reads one value; null when the event has none. `data` are the slots of `readPaths`. */
export type ValueReader = (input: SealInput, data: readonly (string | null)[]) => string | null;
/** Reads the text of a whole template. */
export type TextReader = (input: SealInput, data: readonly (string | null)[], secret: string) => string;

/** Turns one placeholder into the function that reads its raw value (for `json` types, JSON text). */
export function compilePlaceholder(
  token: TemplateToken & { kind: 'placeholder' },
  paths: PathTreeBuilder,
): ValueReader {
  if (token.path.length > 0) {
    const slot = paths.add(token.path);
    return (_input, data) => data[slot] ?? null;
  }
  return vocabulary.get(token.name)?.read ?? (() => null);
}

/**
 * Turns tokens into one function that concatenates their text. Missing values become empty text. With `forHeader`, free
 * text is percent-encoded outside printable ASCII, so that no value can end a header line.
 *
 * The function throws `request_too_large` as soon as its text outgrows any request; short ones are left to their caller.
 */
export function compileText(tokens: readonly TemplateToken[], paths: PathTreeBuilder, forHeader: boolean): TextReader {
  const readers = tokens.map((token): TextReader => {
    if (token.kind === 'literal') return () => token.text;
    // What only exists while signing is handed in: the secret in signed content, the signatures in their header.
    if (token.name === 'secret' || token.name === 'signatures') return (_input, _data, signing) => signing;
    const read = compilePlaceholder(token, paths);
    const isPath = token.path.length > 0;
    if (!isPath && !(forHeader && vocabulary.get(token.name)?.freeText))
      return (input, data) => read(input, data) ?? '';
    return (input, data) => {
      const raw = read(input, data);
      const text = isPath ? rawValueToText(raw) : (raw ?? '');
      if (!forHeader) return text;
      // Before it is encoded, which makes it no shorter.
      if (text.length > MAX_HEADER_BYTES) throw tooLarge('The value of a header', MAX_HEADER_BYTES);
      return toHeaderText(text);
    };
  });
  const most = forHeader ? MAX_HEADER_BYTES : MAX_BODY_BYTES;
  const [first, second, third] = readers;
  if (first === undefined) return () => '';
  if (second === undefined) return first;
  if (third === undefined) return (input, data, secret) => first(input, data, secret) + second(input, data, secret);
  return (input, data, secret) => {
    let text = '';
    for (const read of readers) {
      text += read(input, data, secret);
      if (text.length > most) throw tooLarge('The text of a template', most);
    }
    return text;
  };
}

const NOT_HEADER_TEXT = /[^\x20-\x7e]+/gu;
const encoder = new TextEncoder();

/** Percent-encodes what is not printable ASCII, as UTF-8; everything else stays as it is. */
export function toHeaderText(text: string): string {
  return text.replace(NOT_HEADER_TEXT, run =>
    Array.from(encoder.encode(run), byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
