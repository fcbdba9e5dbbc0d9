import type { PageRequest, PageRows, PageStart } from '@signpost/database';
import { formatId, type IdKind, parseId } from '@signpost/runtime';
import { invalidField, type Problem } from './errors/problem.ts';

/**
 * Lists go by key, by id newest first or by name. A cursor is a place among the keys and a direction, so that rows that
 * arrive or vanish while someone pages move nothing: the sign of the direction and the key of the row at the page's edge,
 * base64url, so that nobody builds on what is in it. Whether that row exists (still, and in this workspace) is never asked.
 */
export interface CursorKeys<Row> {
  readonly keyOf: (row: Row) => string;
  /** As cursors have it. */
  readonly format: (key: string) => string;
  /** @returns null where the text is no key of this list */
  readonly parse: (text: string) => string | null;
}

/** Of a list by id. */
export function idCursors(kind: IdKind): CursorKeys<{ readonly id: string }> {
  return { keyOf: row => row.id, format: id => formatId(kind, id), parse: text => parseId(kind, text) };
}

/** Of a list by name. */
export function nameCursors(isName: (text: string) => boolean): CursorKeys<{ readonly name: string }> {
  return { keyOf: row => row.name, format: name => name, parse: text => (isName(text) ? text : null) };
}

/** @param query of the request. @returns where to go on and how far, or what is wrong with the cursor */
export function readPageQuery(
  keys: CursorKeys<never>,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string },
): (PageRequest & { readonly kind: 'page' }) | Problem {
  if (cursor === undefined) return { kind: 'page', limit, start: null };
  // Neither ids nor names begin with a sign. None: behind the row; `>=`: from it on; `<`: before it; `<=`: up to it.
  const [, sign = '', text = ''] = /^(<=?|>=)?(.*)$/s.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  const key = keys.parse(text);
  if (key === null) return invalidField('query.cursor', 'is not a cursor of this list');
  const direction = sign.startsWith('<') ? 'backward' : 'forward';
  return { kind: 'page', limit, start: { key, direction, inclusive: sign.endsWith('=') } };
}

function formatCursor(keys: CursorKeys<never>, { key, direction, inclusive }: PageStart): string {
  const sign = inclusive ? { forward: '>=', backward: '<=' } : { forward: '', backward: '<' };
  return Buffer.from(sign[direction] + keys.format(key)).toString('base64url');
}

/** The ways on from a page. */
export interface Cursors {
  readonly next_cursor: string | null;
  readonly previous_cursor: string | null;
}

export function toCursors<Row>(
  keys: CursorKeys<Row>,
  { start }: PageRequest,
  { rows, hasMore, beside }: PageRows<Row>,
): Cursors {
  const forward = start?.direction !== 'backward';
  const [nearest, furthest] = forward ? [rows[0], rows.at(-1)] : [rows.at(-1), rows[0]];
  const [onwards, back] = forward ? (['forward', 'backward'] as const) : (['backward', 'forward'] as const);
  const beyond = (row: Row, direction: PageStart['direction']): string =>
    formatCursor(keys, { key: keys.keyOf(row), direction, inclusive: false });
  const onwardsCursor = hasMore && furthest !== undefined ? beyond(furthest, onwards) : null;
  let backCursor: string | null = null;
  if (beside !== null)
    backCursor =
      nearest === undefined
        ? // All that the page was to show has vanished: the way back begins with the row beside it.
          formatCursor(keys, { key: beside, direction: back, inclusive: true })
        : beyond(nearest, back);
  return forward
    ? { next_cursor: onwardsCursor, previous_cursor: backCursor }
    : { next_cursor: backCursor, previous_cursor: onwardsCursor };
}

/** The body of a list's answer. */
export interface Page<Body> extends Cursors {
  readonly data: readonly Body[];
}

export function toPage<Row, Body>(
  keys: CursorKeys<Row>,
  page: PageRequest,
  found: PageRows<Row>,
  toBody: (row: Row) => Body,
): Page<Body> {
  return { data: found.rows.map(toBody), ...toCursors(keys, page, found) };
}
