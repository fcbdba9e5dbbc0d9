/**
 * Where a text stops being JSON (RFC 8259). `JSON.parse` tells it only in the words of its message, which change and quote
 * the text; this walks again, only over texts that have failed.
 */
const literals: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const quote = 0x22;
const backslash = 0x5c;
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** What may come next. */
type Expected = 'value' | 'value_or_end' | 'name' | 'name_or_end' | 'colon' | 'comma_or_end';

/** @returns the offset of the first character that cannot stand there, in UTF-16 units; the length where the text ends early */
export function locateJsonFault(text: string): number {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let offset = skipSpace(text, 0);
  for (;;) {
    const character = text[offset];
    if (character === undefined) return text.length;
    let next: Expected = 'comma_or_end';
    let end = offset + 1;
    if (expected === 'colon' || (expected === 'comma_or_end' && character === ',')) {
      if (expected === 'colon' && character !== ':') return offset;
      next = expected === 'comma_or_end' && open.at(-1) === '{' ? 'name' : 'value';
    } else if (expected !== 'value' && expected !== 'name' && character === (open.at(-1) === '{' ? '}' : ']')) {
      open.pop();
    } else if (expected === 'comma_or_end') return offset;
    else if (expected === 'name' || expected === 'name_or_end') {
      end = stringEnd(text, offset);
      if (end <= offset) return -end;
      next = 'colon';
    } else if (character === '{' || character === '[') {
      open.push(character);
      next = character === '{' ? 'name_or_end' : 'value_or_end';
    } else {
      end = scalarEnd(text, offset);
      if (end <= offset) return -end;
    }
    expected = next;
    offset = skipSpace(text, end);
    if (open.length === 0 && expected === 'comma_or_end') return offset;
  }
}

/** @returns where a literal, number or string ends; where it breaks off, negated, if it does */
function scalarEnd(text: string, offset: number): number {
  const first = text[offset] as string;
  if (first === '"') return stringEnd(text, offset);
  const literal = literals[first];
  if (literal !== undefined) return text.startsWith(literal, offset) ? offset + literal.length : -offset;
  const end = skipInteger(text, offset) ?? skip(number, text, offset);
  return end === offset ? -offset : end;
}

/** Most numbers are no more than digits. @returns null where there is anything else about it */
function skipInteger(text: string, start: number): number | null {
  let end = start;
  let code = text.charCodeAt(end);
  if (code === 0x30) return null;
  while (code >= 0x30 && code <= 0x39) code = text.charCodeAt(++end);
  return end === start || code === 0x2e || (code | 0x20) === 0x65 ? null : end;
}

/** As `scalarEnd`. A loop, because a pattern that repeats alternatives needs stack for every character of a long string. */
function stringEnd(text: string, start: number): number {
  if (text[start] !== '"') return -start;
  let offset = start + 1;
  for (let code = text.charCodeAt(offset); offset < text.length && code !== quote; code = text.charCodeAt(offset)) {
    if (code < 0x20) return -offset;
    const next = code === backslash ? skip(escape, text, offset) : offset + 1;
    if (next === offset) return -offset;
    offset = next;
  }
  return offset < text.length ? offset + 1 : -text.length;
}

/** By hand: a pattern for each token of a body of megabytes would take seconds. */
function skipSpace(text: string, start: number): number {
  for (let offset = start; ; offset += 1) {
    const code = text.charCodeAt(offset);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return offset;
  }
}

/** @returns where a match of the pattern at `offset` ends; `offset` where there is none */
function skip(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset;
  return pattern.test(text) ? pattern.lastIndex : offset;
}
