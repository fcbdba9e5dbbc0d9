/**
 * Where a text stops being JSON (RFC 8259). `JSON.parse` tells it only in the words of its message, which change and quote
 * the text; this walks again, only over texts that have failed.
 */
const literals = ['true', 'false', 'null'];
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const space = /[ \t\n\r]*/y;

/** What may come next. */
type Expected = 'value' | 'value_or_end' | 'name' | 'name_or_end' | 'colon' | 'comma_or_end';

/** @returns the offset of the first character that cannot stand there, in UTF-16 units; the length where the text ends early */
export function locateJsonFault(text: string): number {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let offset = skip(space, text, 0);
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
    offset = skip(space, text, end);
    if (open.length === 0 && expected === 'comma_or_end') return offset;
  }
}

/** @returns where a literal, number or string ends; where it breaks off, negated, if it does */
function scalarEnd(text: string, offset: number): number {
  if (text[offset] === '"') return stringEnd(text, offset);
  const literal = literals.find(word => text.startsWith(word, offset));
  if (literal !== undefined) return offset + literal.length;
  const end = skip(number, text, offset);
  return end === offset ? -offset : end;
}

/** As `scalarEnd`. A loop, because a pattern that repeats alternatives needs stack for every character of a long string. */
function stringEnd(text: string, start: number): number {
  if (text[start] !== '"') return -start;
  let offset = start + 1;
  while (offset < text.length && text[offset] !== '"') {
    if (text.charCodeAt(offset) < 0x20) return -offset;
    const next = text[offset] === '\\' ? skip(escape, text, offset) : offset + 1;
    if (next === offset) return -offset;
    offset = next;
  }
  return offset < text.length ? offset + 1 : -text.length;
}

/** @returns where a match of the pattern at `offset` ends; `offset` where there is none */
function skip(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset;
  return pattern.test(text) ? pattern.lastIndex : offset;
}
