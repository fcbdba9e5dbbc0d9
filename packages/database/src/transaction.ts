import type { Pool, PoolClient } from 'pg';
import type { Database } from './database.ts';

/**
 * Runs `work` in one transaction on a connection of its own, and commits when it resolves.
 *
 * @param pool whose connection
 * @throws what `work` throws, or the driver; nothing has changed then
 */
export async function inTransaction<T>(
  database: Database,
  work: (client: PoolClient) => Promise<T>,
  pool: Pool = database.pool,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // While a connection is lent out, the pool does not listen: a connection that breaks between two statements would
  // otherwise end the process.
  const noteBroken = (error: Error): void => {
    broken = error;
  };
  client.on('error', noteBroken);
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    if (broken === undefined) await client.query('rollback').catch(noteBroken);
    throw error;
  } finally {
    client.off('error', noteBroken);
    client.release(broken);
  }
}
