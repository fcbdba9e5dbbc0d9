import type { IdKind } from '@signpost/runtime';
import { formatId, parseId } from '@signpost/runtime';
import { invalidField, type Problem } from './errors/problem.ts';

/**
 * Lists go by key, newest first: rows that arrive while someone pages appear before the first page and move nothing. A
 * cursor is the last row's id, base64url, so that nobody builds on what is in it.
 */
export interface PageStart {
  readonly kind: 'page';
  /** UUID of the last row of the page before; null for the first page. */
  readonly beforeId: string | null;
}

/** @param cursor of the request's query. @returns where to go on, or what is wrong with the cursor */
export function readCursor(kind: IdKind, cursor: string | undefined): PageStart | Problem {
  if (cursor === undefined) return { kind: 'page', beforeId: null };
  const beforeId = parseId(kind, decodeCursor(cursor));
  return beforeId === null ? invalidCursor() : { kind: 'page', beforeId };
}

export function invalidCursor(): Problem {
  return invalidField('query.cursor', 'is not a cursor of this list');
}

export function encodeCursor(key: string): string {
  return Buffer.from(key).toString('base64url');
}

export function decodeCursor(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString();
}

/** The body of a list's answer. */
export interface Page<Body> {
  readonly data: readonly Body[];
  readonly next_cursor: string | null;
}

/**
 * Makes a page of the rows of a query that asked for one more than `limit`: whether it came says whether there is a next.
 *
 * @param cursorOf the cursor behind a row
 */
export function toPage<Row, Body>(
  rows: readonly Row[],
  limit: number,
  toBody: (row: Row) => Body,
  cursorOf: (row: Row) => string,
): Page<Body> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    data: shown.map(toBody),
    next_cursor: rows.length > limit && last !== undefined ? cursorOf(last) : null,
  };
}

/** The cursor behind a row of a list by id. */
export function idCursor(kind: IdKind): (row: { readonly id: string }) => string {
  return row => encodeCursor(formatId(kind, row.id));
}
