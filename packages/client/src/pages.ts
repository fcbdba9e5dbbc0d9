import { type Fields, fieldsOf, InvalidAnswer } from './answer.ts';
import type { Call, CallOptions } from './call.ts';

export interface PageFilter {
  /** Rows fetched at once, 1 to 100. The API's default is 20. */
  readonly pageSize?: number;
}

/**
 * Goes through a list page by page. Each page is fetched when the loop gets there, as one call with its own retries and
 * deadline.
 *
 * @param query the filter, without a cursor
 * @throws {SignpostError} where a page cannot be had
 */
export async function* iteratePages<T>(
  call: Call,
  path: string,
  query: Readonly<Record<string, string>>,
  readItem: (item: Fields) => T,
  options?: CallOptions,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | null = null;
  do {
    const current: string | null = cursor;
    const page: Page<T> = await call(
      { method: 'GET', path, query: current === null ? query : { ...query, cursor: current }, repeatable: true },
      body => readPage(body, current, readItem),
      options,
    );
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor !== null);
}

interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

function readPage<T>(body: unknown, cursor: string | null, readItem: (item: Fields) => T): Page<T> {
  const fields = fieldsOf(body);
  const nextCursor = fields.textOrNull('next_cursor');
  // A page that leads to itself would never end.
  if (nextCursor !== null && nextCursor === cursor) throw new InvalidAnswer('next_cursor is the cursor of this page');
  return { items: fields.list('data', readItem), nextCursor };
}

/** The parameters that are given, as text. */
export function queryOf(
  parameters: Readonly<Record<string, string | number | boolean | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

/** @throws {RangeError} where the date is invalid */
export function momentText(moment: Date | string | undefined): string | undefined {
  return moment instanceof Date ? moment.toISOString() : moment;
}
