import { type AuditOf, insertAuditEntry } from './audit-entry.ts';
import type { Database } from './database.ts';
import { inTransaction } from './transaction.ts';

/** A secret of a webhook as it lies in the table, whether it still signs or not. */
export interface StoredSecret {
  readonly id: string;
  readonly webhookId: string;
  readonly sealed: Buffer;
  readonly keyId: string;
}

/** A secret that was sealed anew, and what it was sealed as before. */
export interface ResealedSecret {
  readonly before: StoredSecret;
  readonly sealed: Buffer;
  readonly keyId: string;
}

/**
 * A page of all secrets in the order of their ids. Expired ones are among them: a dispatcher opens every secret of a
 * webhook before it asks which of them sign.
 *
 * @param afterId the last id of the page before; null for the first page
 */
export async function listStoredSecrets(
  database: Database,
  afterId: string | null,
  limit: number,
): Promise<readonly StoredSecret[]> {
  const { rows } = await database.pool.query<StoredSecret>(
    `select id, webhook_id as "webhookId", sealed, key_id as "keyId" from webhook_secrets
     where $1::uuid is null or id > $1 order by id limit $2`,
    [afterId, limit],
  );
  return rows;
}

/**
 * Writes secrets that were sealed anew, each only where it still is what it was read as. Rows that another transaction is
 * about to change are left alone rather than waited for, so that this never stands in a deadlock with a rotation of a
 * webhook's secret or with another run of itself: ask again which are left.
 *
 * The text of the secrets is the same as before, so versions of webhooks stay: what a dispatcher remembers is still right.
 *
 * @param audit makes the entry, from how many were written
 * @returns how many were written
 */
export async function replaceSealedSecrets(
  database: Database,
  changes: readonly ResealedSecret[],
  audit: AuditOf<[written: number]>,
): Promise<number> {
  return inTransaction(database, async client => {
    const { rowCount } = await client.query(replaceSql, [
      changes.map(({ before }) => before.id),
      changes.map(({ before }) => before.keyId),
      changes.map(({ before }) => before.sealed),
      changes.map(({ keyId }) => keyId),
      changes.map(({ sealed }) => sealed),
    ]);
    const written = rowCount ?? 0;
    if (written > 0) await insertAuditEntry(client, audit(written));
    return written;
  });
}

const replaceSql = `
  with change as (
    select * from unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[], $5::bytea[])
      as t (id, old_key_id, old_sealed, new_key_id, new_sealed)
  ), locked as (
    select s.id from webhook_secrets s join change c on c.id = s.id
    where s.key_id = c.old_key_id and s.sealed = c.old_sealed
    for update of s skip locked
  )
  update webhook_secrets s set sealed = c.new_sealed, key_id = c.new_key_id
  from locked join change c on c.id = locked.id where s.id = locked.id`;

/** How many secrets each encryption key has sealed, by the key's id. */
export async function countSecretsByKey(database: Database): Promise<ReadonlyMap<string, number>> {
  const { rows } = await database.pool.query<{ keyId: string; count: number }>(
    'select key_id as "keyId", count(*)::int as count from webhook_secrets group by key_id order by key_id',
  );
  return new Map(rows.map(({ keyId, count }) => [keyId, count]));
}
