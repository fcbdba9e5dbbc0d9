import type { ApiKeyScope } from '@signpost/delivery';
import { type AuditOf, insertAuditEntry } from './audit-entry.ts';
import { type Database, runHot } from './database.ts';
import { newestFirst, type PageRequest, type PageRows, readPage } from './page.ts';
import { inTransaction } from './transaction.ts';

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly ApiKeyScope[];
  /** The secret's last four characters. */
  readonly secretHint: string;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

export interface NewApiKey {
  /** UUIDv7. */
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  readonly scopes: readonly ApiKeyScope[];
  /** SHA-256 of the secret. */
  readonly secretHash: Buffer;
  readonly secretHint: string;
}

/** What of a workspace every request to it wants to know. */
export interface WorkspaceAccess {
  readonly workspaceId: string;
  readonly workspaceName: string;
  readonly contract: string;
  /** Changes with every change of the workspace's event types. */
  readonly catalogueRevision: string;
}

/** A key that has not been revoked, with its workspace. */
export interface ApiKeyAccess extends WorkspaceAccess {
  readonly keyId: string;
  readonly keyName: string;
  readonly scopes: readonly ApiKeyScope[];
  readonly secretHash: Buffer;
}

const columns =
  'k.id, k.name, k.scopes, k.secret_hint as "secretHint", k.created_at as "createdAt", k.revoked_at as "revokedAt"';

/**
 * Stores a key. A secret that is there already stays as it is, revoked or not: at start, several processes may bring the
 * same one.
 *
 * @returns null where the secret is there already
 */
export async function insertApiKey(
  database: Database,
  key: NewApiKey,
  audit: AuditOf<[ApiKey]>,
): Promise<ApiKey | null> {
  return inTransaction(database, async client => {
    const { rows } = await client.query<ApiKey>(
      `insert into api_keys as k (id, workspace_id, name, scopes, secret_hash, secret_hint)
       values ($1, $2, $3, $4, $5, $6)
       on conflict (secret_hash) do nothing returning ${columns}`,
      [key.id, key.workspaceId, key.name, key.scopes, key.secretHash, key.secretHint],
    );
    const made = rows[0] ?? null;
    if (made !== null) await insertAuditEntry(client, audit(made));
    return made;
  });
}

/** Newest first, revoked ones included. */
export async function listApiKeys(
  database: Database,
  workspaceId: string,
  page: PageRequest,
): Promise<PageRows<ApiKey>> {
  const filters = [['workspace_id =', workspaceId]] as const;
  return readPage(database, { columns, table: 'api_keys k', filters, order: newestFirst }, page);
}

/** Revokes a key; one that is revoked already keeps its time. @returns whether the workspace has such a key */
export async function revokeApiKey(
  database: Database,
  workspaceId: string,
  id: string,
  audit: AuditOf<[ApiKey]>,
): Promise<boolean> {
  return inTransaction(database, async client => {
    const { rows } = await client.query<ApiKey>(
      `update api_keys k set revoked_at = now() where id = $1 and workspace_id = $2 and revoked_at is null
       returning ${columns}`,
      [id, workspaceId],
    );
    if (rows[0] !== undefined) {
      await insertAuditEntry(client, audit(rows[0]));
      return true;
    }
    const { rowCount } = await client.query('select from api_keys where id = $1 and workspace_id = $2', [
      id,
      workspaceId,
    ]);
    return rowCount === 1;
  });
}

const accessColumns = `w.id as "workspaceId", w.name as "workspaceName", w.contract, w.catalogue_revision::text as "catalogueRevision"`;

/** @param secretHash SHA-256 of the secret */
export async function findApiKeyAccess(database: Database, secretHash: Buffer): Promise<ApiKeyAccess | null> {
  const rows = await runHot<ApiKeyAccess>(
    database,
    'find-api-key-access',
    `select k.id as "keyId", k.name as "keyName", k.scopes, k.secret_hash as "secretHash", ${accessColumns}
     from api_keys k join workspaces w on w.id = k.workspace_id
     where k.secret_hash = $1 and k.revoked_at is null`,
    [secretHash],
  );
  return rows[0] ?? null;
}

/** For calls with the instance's own key. */
export async function findWorkspaceAccess(database: Database, workspaceId: string): Promise<WorkspaceAccess | null> {
  const rows = await runHot<WorkspaceAccess>(
    database,
    'find-workspace-access',
    `select ${accessColumns} from workspaces w where w.id = $1`,
    [workspaceId],
  );
  return rows[0] ?? null;
}
