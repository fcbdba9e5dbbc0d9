import { rawValueToText, readPaths } from './json-path.ts';
import { placeholderKey, type ReadableHeader, type ReceiverPlan } from './receiver-plan.ts';
import type { Refusal, RefusalReason } from './refusal.ts';

/** Headers as frameworks hand them over. */
export type HeaderSource =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | { get(name: string): string | null | undefined };

/** What a request says, read but not yet believed. */
export interface ReceivedRequest {
  readonly kind: 'request';
  /** Text of `{signatures}` in each signature header that came. */
  readonly signatures: readonly string[];
  readonly headerValues: ReadonlyMap<string, string>;
  readonly bodyValues: ReadonlyMap<string, string>;
  /** Both together; the body's value counts, since a body is what a signature covers. */
  readonly values: ReadonlyMap<string, string>;
  /** The signed content for a secret, in the pieces to be hashed. */
  content(secret: string): readonly (string | Uint8Array)[];
}

/** Reads headers and body by a plan; refuses what has not the contract's form. */
export function readRequest(plan: ReceiverPlan, headers: HeaderSource, body: unknown): ReceivedRequest | Refusal {
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    return refuse('body_not_raw', 'The body must be the raw bytes of the request, before any parser took them.');
  }
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
  const find = headerFinder(headers);
  const signatures: string[] = [];
  const headerValues = new Map<string, string>();
  for (const header of [...plan.signatureHeaders, ...plan.headers]) {
    const problem = readHeader(header, find, signatures, headerValues);
    if (problem !== null) return problem;
  }
  if (signatures.length === 0) {
    return refuse('header_missing', `The header ${plan.signatureHeaders[0]?.name ?? ''} is missing.`);
  }
  const bodyValues = readBodyValues(plan, bytes);
  if (bodyValues === null) return refuse('body_malformed', 'The body is not the JSON that the contract describes.');
  const values = new Map([...headerValues, ...bodyValues]);
  const problem = checkContent(plan, values);
  if (problem !== null) return problem;
  const content = (secret: string): (string | Uint8Array)[] =>
    plan.content.map(token => {
      if (token.kind === 'literal') return token.text;
      if (token.name === 'body') return bytes;
      return token.name === 'secret' ? secret : (values.get(placeholderKey(token)) ?? '');
    });
  return { kind: 'request', signatures, headerValues, bodyValues, values, content };
}

/** Looks a header up without case; null when it came more than once, which no sender of these contracts does. */
function headerFinder(headers: HeaderSource): (name: string) => string | undefined | null {
  if (typeof headers.get === 'function') {
    const source = headers as { get(name: string): string | null | undefined };
    return name => source.get(name) ?? undefined;
  }
  const found = new Map<string, string | null>();
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const key = name.toLowerCase();
    const [only, ...more] = typeof value === 'string' ? [value] : (value as readonly string[]);
    found.set(key, found.has(key) || more.length > 0 || only === undefined ? null : only);
  }
  return name => found.get(name);
}

/** Adds what a header holds; one that did not come is passed over here and missed when its value is needed. */
function readHeader(
  header: ReadableHeader,
  find: (name: string) => string | undefined | null,
  signatures: string[],
  values: Map<string, string>,
): Refusal | null {
  const text = find(header.name);
  if (text === undefined || text === '') return null;
  const match = text === null ? null : header.pattern.exec(text);
  if (match === null) return refuse('header_malformed', `The header ${header.name} has not the form of the contract.`);
  for (const [index, key] of header.keys.entries()) {
    const value = match[index + 1] ?? '';
    if (key === 'signatures') signatures.push(value);
    else if ((values.get(key) ?? value) !== value) {
      return refuse('values_disagree', `The headers disagree about ${key}.`);
    } else values.set(key, value);
  }
  return null;
}

/** Null when the body is not JSON in UTF-8. Nothing is parsed where the contract needs nothing from the body. */
function readBodyValues(plan: ReceiverPlan, bytes: Uint8Array): Map<string, string> | null {
  const values = new Map<string, string>();
  if (plan.bodyTree.size === 0) return values;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    JSON.parse(text);
  } catch {
    return null;
  }
  const slots = readPaths(text, plan.bodyTree);
  for (const [key, slot] of plan.bodySlots) {
    const raw = slots[slot];
    if (raw !== undefined && raw !== null) values.set(key, rawValueToText(raw));
  }
  return values;
}

/** Every signed value must be there, and must not hold the text that ends it: `a.b` + `.` + `c` is also `a` + `.` + `b.c`. */
function checkContent(plan: ReceiverPlan, values: ReadonlyMap<string, string>): Refusal | null {
  for (const [index, token] of plan.content.entries()) {
    if (token.kind === 'literal' || token.name === 'body' || token.name === 'secret') continue;
    const key = placeholderKey(token);
    const value = values.get(key);
    if (value === undefined && !plan.bodySlots.has(key)) {
      const header = plan.headers.find(candidate => candidate.keys.includes(key));
      return refuse('header_missing', `The header ${header?.name ?? `that holds ${key}`} is missing.`);
    }
    // Times have a form of their own, checked apart.
    if (key === plan.timestampKey) continue;
    const next = plan.content[index + 1];
    if (next?.kind === 'literal' && value?.includes(next.text)) {
      return refuse(
        'value_ambiguous',
        `The value of ${key} holds "${next.text}", which ends it in the signed content.`,
      );
    }
  }
  return null;
}

function refuse(reason: RefusalReason, message: string): Refusal {
  return { kind: 'refused', reason, message };
}
