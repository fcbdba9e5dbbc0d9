import type { PageRequest, PageRows, PageStart } from '@signpost/database';
import { type Encryption, formatId, type IdKind, parseId } from '@signpost/runtime';
import { invalidField, type Problem } from './errors/problem.ts';

/** As {@link Encryption.sign} makes them. */
const cursorSignatureBytes = 12;

/**
 * Lists go by key, by id newest first or by name. A cursor is a place among the keys and a direction, so that rows that
 * arrive or vanish while someone pages move nothing: the sign of the direction and the key of the row at the page's edge,
 * base64url, signed for its list and workspace. Whether that row exists (still) is never asked.
 */
export interface CursorKeys<Row> {
  readonly sign: (text: string) => Buffer;
  readonly isSigned: (text: string, signature: Buffer) => boolean;
  readonly keyOf: (row: Row) => string;
  /** As cursors have it. */
  readonly format: (key: string) => string;
  /** @returns null where the text is no key of this list */
  readonly parse: (text: string) => string | null;
}

/**
 * Of a list by id.
 *
 * @param workspaceId whose list it is; null: the instance's
 */
export function idCursors(
  encryption: Encryption,
  kind: IdKind,
  workspaceId: string | null,
): CursorKeys<{ readonly id: string }> {
  return {
    ...signatures(encryption, kind, workspaceId),
    keyOf: row => row.id,
    format: id => formatId(kind, id),
    parse: text => parseId(kind, text),
  };
}

/** Of a list by name. */
export function nameCursors(
  encryption: Encryption,
  list: string,
  workspaceId: string,
  isName: (text: string) => boolean,
): CursorKeys<{ readonly name: string }> {
  return {
    ...signatures(encryption, list, workspaceId),
    keyOf: row => row.name,
    format: name => name,
    parse: text => (isName(text) ? text : null),
  };
}

/** A cursor is no secret and opens nothing: the signature keeps people from building on what is in it. */
function signatures(encryption: Encryption, list: string, workspaceId: string | null) {
  const context = `cursor ${list} ${workspaceId ?? 'instance'}`;
  return {
    sign: (text: string) => encryption.sign(text, context),
    isSigned: (text: string, signature: Buffer) => encryption.isSigned(text, context, signature),
  };
}

/** @param query of the request. @returns where to go on and how far, or what is wrong with the cursor */
export function readPageQuery(
  keys: CursorKeys<never>,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string },
): (PageRequest & { readonly kind: 'page' }) | Problem {
  if (cursor === undefined) return { kind: 'page', limit, start: null };
  const place = openCursor(keys, cursor);
  // Neither ids nor names begin with a sign. None: behind the row; `>=`: from it on; `<`: before it; `<=`: up to it.
  const [, sign = '', text = ''] = /^(<=?|>=)?(.*)$/s.exec(place ?? '') ?? [];
  const key = keys.parse(text);
  if (key === null) return invalidField('query.cursor', 'is not a cursor of this list');
  const direction = sign.startsWith('<') ? 'backward' : 'forward';
  return { kind: 'page', limit, start: { key, direction, inclusive: sign.endsWith('=') } };
}

function formatCursor(keys: CursorKeys<never>, { key, direction, inclusive }: PageStart): string {
  const sign = inclusive ? { forward: '>=', backward: '<=' } : { forward: '', backward: '<' };
  const place = sign[direction] + keys.format(key);
  return Buffer.concat([keys.sign(place), Buffer.from(place)]).toString('base64url');
}

/** @returns the place that a cursor names, or null where it is none of ours */
function openCursor(keys: CursorKeys<never>, cursor: string): string | null {
  const bytes = Buffer.from(cursor, 'base64url');
  const place = bytes.subarray(cursorSignatureBytes).toString();
  return keys.isSigned(place, bytes.subarray(0, cursorSignatureBytes)) ? place : null;
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
