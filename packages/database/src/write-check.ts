import type { QueryConfig } from 'pg';
import type { Database } from './database.ts';

/** A write that succeeded stands for this long, in ms: probes come every few seconds, from many. */
const keepMs = 2000;
/** A connection that does not answer for so long, in ms, is given up: the server may have moved. */
const answerTimeoutMs = 1500;

/**
 * A row that wants a page of its own, taken back in the same statement. What remains of it is gone with the next vacuum, and
 * the commit waits for the disk as that of an event does. A server whose disk is full or that takes reads alone refuses it.
 */
const writeSql = `
  do $$ begin
    perform set_config('lock_timeout', '1000', true);
    insert into write_probes (filling) values (repeat('x', 500));
    raise exception using errcode = 'SP001', message = 'taken back';
  exception when sqlstate 'SP001' then null;
  end $$`;

/** For readiness. @returns asks Postgres each time whether it answers, and once in a while whether it can write; rejects if not */
export function createWriteCheck(database: Database): () => Promise<void> {
  const ask = async (text: string): Promise<void> => {
    const config: QueryConfig & { query_timeout: number } = { text, query_timeout: answerTimeoutMs };
    await database.pool.query(config);
  };
  let written: Promise<void> | null = null;
  const forget = (): void => {
    written = null;
  };
  const write = (): Promise<void> => {
    written = ask(writeSql);
    written.then(() => setTimeout(forget, keepMs).unref(), forget);
    return written;
  };
  return async () => {
    await Promise.all([ask('select 1'), written ?? write()]);
  };
}
