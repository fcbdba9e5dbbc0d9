import { PrismaPg } from '@prisma/adapter-pg';
import { Pool, type PoolConfig, type QueryResultRow } from 'pg';
import { PrismaClient } from './generated/prisma/client.ts';

/** The connections to Postgres that the functions of this package work on. */
export interface Database {
  /** Management calls. */
  readonly prisma: PrismaClient;
  /** Hand-written SQL of every kind. */
  readonly pool: Pool;
  /** The hot path alone: see {@link openDatabase}. */
  readonly hotPool: Pool;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  /** Connections for management calls and lists. */
  readonly maxConnections: number;
  /** Connections for the hot path. */
  readonly maxHotConnections: number;
  /** Called when an idle connection breaks; the pool replaces it. */
  readonly onConnectionError: (error: Error) => void;
}

/**
 * The hot path's statements are prepared once per connection, while their tables may still be empty, and then run for
 * days. A plan made for an empty table reads it whole, and keeps doing so until statistics are gathered; every one of
 * these statements wants index look-ups, so the other ways are closed. Never used for anything else.
 */
const hotPathPlannerOptions = '-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off';

/** A request for a connection waits for at most this, in ms, then fails: callers answer 503 rather than hang. */
const connectionTimeoutMs = 5000;
/** No statement of ours takes longer, in ms; one that does holds locks that others wait for. */
const statementTimeoutMs = 30_000;
/** The hot path's are short, and a producer waits for some of them. */
const hotStatementTimeoutMs = 8000;
/** A server that is frozen does not even end a statement: this much later, in ms, we stop waiting for it. */
const unansweredGraceMs = 2000;

/** Opens the pools. No connection is made before the first query. */
export function openDatabase(options: DatabaseOptions): Database {
  const config: PoolConfig = {
    connectionString: options.url,
    connectionTimeoutMillis: connectionTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + unansweredGraceMs,
    keepAlive: true,
  };
  const pool = new Pool({ ...config, max: options.maxConnections, application_name: 'signpost' });
  const hotPool = new Pool({
    ...config,
    max: options.maxHotConnections,
    statement_timeout: hotStatementTimeoutMs,
    query_timeout: hotStatementTimeoutMs + unansweredGraceMs,
    application_name: 'signpost hot path',
    options: hotPathPlannerOptions,
  });
  for (const each of [pool, hotPool]) {
    each.on('error', options.onConnectionError);
    // A connection that is lent out, and one that breaks in the very bytes that open it, has no listener of the pool: the
    // error would end the process. Whoever has borrowed it gets the error with the next query.
    each.on('connect', client => client.on('error', () => {}));
  }
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  return {
    prisma,
    pool,
    hotPool,
    async close() {
      await prisma.$disconnect();
      await Promise.all([pool.end(), hotPool.end()]);
    },
  };
}

/**
 * Runs a prepared statement of the hot path.
 *
 * @param name identifies the statement on its connection; one name for one text
 */
export async function runHot<Row extends QueryResultRow>(
  database: Database,
  name: string,
  text: string,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  const result = await database.hotPool.query<Row>({ name, text, values: values as unknown[] });
  return result.rows;
}

/**
 * Reads the database's clock.
 *
 * @returns Unix milliseconds as of the moment of return, and how far that may be off, in ms: half of the round trip
 */
export async function readDatabaseClock(database: Database): Promise<{ nowMs: number; uncertaintyMs: number }> {
  const startedAt = performance.now();
  const { rows } = await database.pool.query<{ nowMs: number }>(
    'select (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs"',
  );
  const uncertaintyMs = (performance.now() - startedAt) / 2;
  return { nowMs: (rows[0]?.nowMs ?? Number.NaN) + uncertaintyMs, uncertaintyMs };
}
