/** Where a value stands in a JSON text: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const quote = 0x22;
const backslash = 0x5c;

/**
 * Finds the values of an object's members in the text it was parsed from, so that they can be kept byte for byte: parsed and
 * written again, 9007199254740993 becomes …992, 1.0 becomes 1, and duplicate keys vanish.
 *
 * @param text nothing is checked here: where it is not JSON, neither are some of the values found
 * @param start of the object
 * @returns by member name; of members with the same name the last, like `JSON.parse`
 * @throws SyntaxError for a name that is no JSON
 */
export function findMembers(text: string, start = 0): Map<string, Span> {
  const members = new Map<string, Span>();
  let at = skipSpace(text, skipSpace(text, start) + 1);
  while (text.charCodeAt(at) === quote) {
    const keyEnd = skipString(text, at);
    const key = text.slice(at + 1, keyEnd - 1);
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const valueEnd = skipValue(text, valueStart);
    members.set(key.includes('\\') ? (JSON.parse(`"${key}"`) as string) : key, { start: valueStart, end: valueEnd });
    at = skipSeparator(text, valueEnd);
  }
  return members;
}

/** The text of a member that validation has seen. */
export function textOf(text: string, span: Span | undefined): string {
  if (span === undefined) throw new Error('A validated member is not in the text it was parsed from');
  return text.slice(span.start, span.end);
}

/**
 * Finds the items of an array in the text it was parsed from.
 *
 * @param text as for {@link findMembers}
 * @param start of the array
 * @param max how many to find
 */
export function findItems(text: string, start: number, max = Number.POSITIVE_INFINITY): Span[] {
  const items: Span[] = [];
  let at = skipSpace(text, start + 1);
  while (at < text.length && text[at] !== ']' && items.length < max) {
    const end = skipValue(text, at);
    items.push({ start: at, end });
    at = skipSeparator(text, end);
  }
  return items;
}

/** Behind the comma that follows a value, or at the bracket that does. */
function skipSeparator(text: string, at: number): number {
  const behind = skipSpace(text, at);
  return text[behind] === ',' ? skipSpace(text, behind + 1) : behind;
}

function skipSpace(text: string, at: number): number {
  for (let index = at; ; index += 1) {
    const code = text.charCodeAt(index);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return index;
  }
}

/** @param at of the opening quote */
function skipString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); ; end = text.indexOf('"', end + 1)) {
    if (end === -1) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === backslash) backslashes += 1;
    if (backslashes % 2 === 0) return end + 1;
  }
}

/** Iterative: a text may be nested as deeply as it is long. */
function skipValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; ; ) {
    const character = text[at];
    if (character === undefined) return text.length;
    if (character === '"') at = skipString(text, at);
    else if (character === '{' || character === '[') {
      depth += 1;
      at += 1;
      continue;
    } else if (character === '}' || character === ']') {
      depth -= 1;
      at += 1;
    } else if (depth !== 0) {
      at += 1;
      continue;
    } else at = skipLiteral(text, at);
    if (depth === 0) return at;
  }
}

function skipLiteral(text: string, start: number): number {
  let at = start;
  while (at < text.length && !',}] \n\r\t'.includes(text[at] as string)) at += 1;
  return at;
}
