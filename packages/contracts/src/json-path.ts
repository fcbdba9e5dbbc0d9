/**
 * Reads single members out of JSON text without parsing the rest, so that a number keeps the digits it was published
 * with (9007199254740993 would become …992 through `JSON.parse`). The text must be valid JSON.
 */

/** One member on the way to a wanted value; `slot` is where the value's raw text goes, -1 when only passed through. */
export interface PathNode {
  slot: number;
  readonly children: Map<string, PathNode>;
}

/** The wanted paths as a tree, and how many slots reading fills. */
export interface PathTree {
  readonly root: PathNode;
  readonly size: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;

/** Builds the tree that `readPaths` walks; equal paths share one slot. */
export class PathTreeBuilder {
  readonly #root: PathNode = { slot: -1, children: new Map() };
  #size = 0;

  /** @returns The slot in which `readPaths` leaves the raw text of the value at `path`. */
  add(path: readonly string[]): number {
    let node = this.#root;
    for (const segment of path) {
      let child = node.children.get(segment);
      if (child === undefined) {
        child = { slot: -1, children: new Map() };
        node.children.set(segment, child);
      }
      node = child;
    }
    if (node.slot === -1) node.slot = this.#size++;
    return node.slot;
  }

  build(): PathTree {
    return { root: this.#root, size: this.#size };
  }
}

/**
 * @param text Valid JSON text of any value.
 * @returns Raw JSON text per slot, null where the path leads nowhere. Of duplicate members the last counts, as in
 *   `JSON.parse`.
 */
export function readPaths(text: string, tree: PathTree): (string | null)[] {
  const slots = new Array<string | null>(tree.size).fill(null);
  const start = skipWhitespace(text, 0);
  if (text.charCodeAt(start) === OPEN_BRACE) readObject(text, start, tree.root, slots);
  return slots;
}

/** The text a value has in a header or in signed content: a string's characters, a number's own digits. */
export function rawValueToText(raw: string | null): string {
  if (raw === null || raw === 'null') return '';
  return raw.charCodeAt(0) === QUOTE ? (JSON.parse(raw) as string) : raw;
}

/**
 * What lies between the braces of a JSON object's text, without the whitespace at its ends.
 *
 * @returns The members' text, empty for `{}`; null when the text is not an object.
 */
export function objectMembersText(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed.charCodeAt(0) !== OPEN_BRACE) return null;
  return trimmed.slice(1, -1).trim();
}

/**
 * Only where the last member of a name stands is kept while members are passed over: however often a name comes again, its
 * value is read once.
 */
function readObject(text: string, open: number, node: PathNode, slots: (string | null)[]): void {
  const last = new Map<PathNode, { start: number; end: number }>();
  let at = skipWhitespace(text, open + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const keyEnd = skipString(text, at);
    const key = text.slice(at + 1, keyEnd - 1);
    const child = node.children.get(key.includes('\\') ? (JSON.parse(`"${key}"`) as string) : key);
    const start = skipWhitespace(text, skipWhitespace(text, keyEnd) + 1);
    const end = skipValue(text, start);
    if (child !== undefined) last.set(child, { start, end });
    at = skipWhitespace(text, end);
    if (text.charCodeAt(at) !== COMMA) break;
    at = skipWhitespace(text, at + 1);
  }
  for (const [child, { start, end }] of last) {
    if (child.slot !== -1) slots[child.slot] = text.slice(start, end);
    if (child.children.size > 0 && text.charCodeAt(start) === OPEN_BRACE) readObject(text, start, child, slots);
  }
}

function skipWhitespace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
    at++;
  }
}

/** @returns The index after the closing quote of the string that opens at `from`. */
function skipString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    at += code === BACKSLASH ? 2 : 1;
  }
  return text.length;
}

/** @returns The index after the value that starts at `from`. */
function skipValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === QUOTE) return skipString(text, from);
  const nested = first === OPEN_BRACE || first === OPEN_BRACKET;
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = skipString(text, at);
      continue;
    }
    if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      if (depth === 0) return at;
      depth--;
      if (depth === 0 && nested) return at + 1;
    } else if (depth === 0 && (code === COMMA || code <= 0x20)) return at;
    at++;
  }
  return at;
}
