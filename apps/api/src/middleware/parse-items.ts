import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BodyItems } from '@signpost/api-schema';
import { findItems, findMembers, type Span } from '../publishing/json-spans.ts';
import { locateJsonFault } from './json-fault.ts';

/** `fault`: where the text stops being JSON. */
export type ParsedItems =
  | { readonly kind: 'parsed'; readonly value: unknown; readonly items: readonly Span[] }
  | { readonly kind: 'too_much_beside' }
  | { readonly kind: 'fault'; readonly offset: number };

/** What the body may have around its items, in UTF-16 units: it is parsed in one go. */
export const maxBesideItems = 256 * 1024;
/** Ms of parsing without a break. */
const turnMs = 5;

/**
 * `JSON.parse` for a body of megabytes, most of which is one array: 10 MiB of empty arrays take it more than a second, in
 * which nobody else is served. The items are cut out and parsed one by one, with turns for others in between; what is left
 * is parsed with null in their places. Since each is a whole JSON value, both together say what the whole would.
 *
 * @returns of more items than there may be no value, but that there are too many of them
 */
export async function parseItems(text: string, { member, max, maxItemBytes }: BodyItems): Promise<ParsedItems> {
  const items = cutItems(text, member, max + 1);
  if (items === null) return { kind: 'fault', offset: locateJsonFault(text) };
  if (items.length > max) return { kind: 'parsed', value: { [member]: items.map(() => null) }, items };
  if (text.length - items.reduce((sum, { start, end }) => sum + end - start, 0) > maxBesideItems)
    return { kind: 'too_much_beside' };
  const frame = parse(frameOf(text, items));
  if (frame === undefined) return { kind: 'fault', offset: locateJsonFault(text) };
  const values = (frame as Readonly<Record<string, unknown>> | null)?.[member];
  // Without the array there is nothing to parse: another value in its place is refused as what it is.
  if (!Array.isArray(values)) return { kind: 'parsed', value: frame, items };
  let turnStart = performance.now();
  for (const [index, { start, end }] of items.entries()) {
    // UTF-8 has at least as many bytes.
    if (end - start > maxItemBytes) continue;
    const item = text.slice(start, end);
    values[index] = parse(item);
    if (values[index] === undefined) return { kind: 'fault', offset: start + locateJsonFault(item) };
    if (performance.now() - turnStart > turnMs) {
      await nextTurn();
      turnStart = performance.now();
    }
  }
  return { kind: 'parsed', value: frame, items };
}

/** @returns at most `max`; null where the text is not JSON */
function cutItems(text: string, member: string, max: number): Span[] | null {
  if (!/^[ \t\n\r]*\{/.test(text)) return [];
  try {
    const start = findMembers(text).get(member)?.start;
    return start === undefined || text[start] !== '[' ? [] : findItems(text, start, max);
  } catch {
    return null;
  }
}

function frameOf(text: string, items: readonly Span[]): string {
  let frame = '';
  let at = 0;
  for (const { start, end } of items) {
    frame += text.slice(at, start);
    // Nothing stays nothing: `[,]` is not JSON.
    if (end > start) frame += 'null';
    at = end;
  }
  return frame + text.slice(at);
}

/** @returns undefined where the text is not JSON */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
