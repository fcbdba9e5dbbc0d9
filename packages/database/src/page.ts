import type { QueryResultRow } from 'pg';
import type { Database } from './database.ts';

/** A place in a list, and which way to read from there. */
export interface PageStart {
  /** What the list goes by, of a row that may have vanished since. */
  readonly key: string;
  /** forward: what follows in the list; backward: what stands before. */
  readonly direction: 'forward' | 'backward';
  /** Whether the row of `key` itself counts, too. */
  readonly inclusive: boolean;
}

export interface PageRequest {
  readonly limit: number;
  /** Null: from the list's beginning. */
  readonly start: PageStart | null;
}

/** The rows that stand nearest to a page's start. */
export interface PageRows<Row> {
  /** In the list's order, whichever way they were read. */
  readonly rows: readonly Row[];
  /** Whether there are more beyond them, further away from the start. */
  readonly hasMore: boolean;
  /** Key of the nearest row on the other side of the start; null: there is none, or the page begins with the list. */
  readonly beside: string | null;
}

/** What a list goes by: a column that tells its rows apart. */
export interface ListOrder {
  readonly column: string;
  /** The column, as it is compared. */
  readonly key: string;
  readonly ascending: boolean;
  /** Which of several rows of one key comes first. */
  readonly thenBy?: string;
}

/** Ids carry the time. */
export const newestFirst: ListOrder = { column: 'id', key: 'id', ascending: false };
/** In the order of bytes. */
export const byName: ListOrder = { column: 'name', key: 'name collate "C"', ascending: true };

/** A list that is read page by page, both ways. */
export interface List {
  /** What a row shows. */
  readonly columns: string;
  readonly table: string;
  /**
   * Conditions, each with the value that ends it. Those without a value are left out of the statement: each selection makes
   * its own plan, and ranges of the id leave days out.
   */
  readonly filters: readonly (readonly [condition: string, value: unknown])[];
  readonly order: ListOrder;
}

export interface PageStatement {
  readonly text: string;
  readonly values: unknown[];
  /** What its rows are ordered by. */
  readonly orderBy: string;
}

/**
 * Makes the statement for the rows of a list that are nearest to a page's start, the nearest first. Backward it reads the
 * same index from the other end.
 */
export function pageStatement(list: List, { limit, start }: PageRequest): PageStatement {
  const { key, ascending, thenBy } = list.order;
  const upwards = ascending === (start?.direction !== 'backward');
  const values: unknown[] = [];
  const conditions: string[] = [];
  const restrict = (condition: string, value: unknown): void => {
    if (value !== null) conditions.push(`${condition} $${values.push(value)}`);
  };
  for (const [condition, value] of list.filters) restrict(condition, value);
  if (start !== null) restrict(`${key} ${upwards ? '>' : '<'}${start.inclusive ? '=' : ''}`, start.key);
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  const orderBy = [`${key} ${upwards ? 'asc' : 'desc'}`, thenBy].filter(part => part !== undefined).join(', ');
  return {
    text: `select ${list.columns} from ${list.table} ${where} order by ${orderBy} limit $${values.push(limit)}`,
    values,
    orderBy,
  };
}

export async function readPage<Row extends QueryResultRow>(
  database: Database,
  list: List,
  page: PageRequest,
): Promise<PageRows<Row>> {
  const { text, values } = pageStatement(list, { ...page, limit: page.limit + 1 });
  const { rows } = await database.pool.query<Row>(text, values);
  return finishPage(database, list, page, rows, rows.length);
}

/**
 * Makes a page of rows that were read by a {@link pageStatement}.
 *
 * @param nearestFirst as they were read; one more than the page shows may be among them
 * @param found how many there were before any were left out
 */
export async function finishPage<Row>(
  database: Database,
  list: List,
  page: PageRequest,
  nearestFirst: readonly Row[],
  found: number,
): Promise<PageRows<Row>> {
  const shown = nearestFirst.slice(0, page.limit);
  return {
    rows: page.start?.direction === 'backward' ? shown.toReversed() : shown,
    hasMore: found > shown.length,
    beside: page.start === null ? null : await findBeside(database, list, page.start),
  };
}

/** @returns the key of the nearest row on the other side of a place, or null */
async function findBeside(
  database: Database,
  list: List,
  { key, direction, inclusive }: PageStart,
): Promise<string | null> {
  const { text, values } = pageStatement(
    { ...list, columns: `${list.order.column} as key` },
    { limit: 1, start: { key, direction: direction === 'forward' ? 'backward' : 'forward', inclusive: !inclusive } },
  );
  const { rows } = await database.pool.query<{ key: string }>(text, values);
  return rows[0]?.key ?? null;
}
