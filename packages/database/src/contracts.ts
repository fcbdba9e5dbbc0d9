import type { PoolClient } from 'pg';
import { type AuditOf, insertAuditEntry } from './audit-entry.ts';
import { type Database, runHot } from './database.ts';
import { byName, type PageRequest, type PageRows, readPage } from './page.ts';
import { inTransaction } from './transaction.ts';
import { raiseRevisionSql } from './webhooks.ts';
import { type CatalogueEntry, insertMissingEventTypes } from './workspace-catalogue.ts';

/** A version of a contract of a workspace's own. */
export interface StoredContract {
  readonly name: string;
  /** From 1. */
  readonly version: number;
  /** As it was accepted. */
  readonly document: unknown;
  readonly createdAt: Date;
}

/** A contract's document to store. */
export interface NewContractVersion {
  readonly workspaceId: string;
  readonly name: string;
  /** JSON text. */
  readonly document: string;
}

const columns = 'name, version, document, created_at as "createdAt"';

/**
 * The version that a webhook's next delivery begins with, of the contract that the webhook or else its workspace names; 0
 * where the workspace has no contract of that name. The webhook goes by `w`, its workspace by `ws`. A webhook that chose a
 * contract at the moment of its deletion keeps the last version.
 */
export const contractVersionSql = `coalesce((select max(c.version) from contracts c
  where c.workspace_id = w.workspace_id and c.name = coalesce(w.contract, ws.contract)), 0)`;

// Versions go on counting where a deleted contract is made anew: name and version stand for one document for ever.
const insertVersionSql = `insert into contracts (workspace_id, name, version, document)
  select $1, $2, coalesce(max(version), 0) + 1, $3::json from contracts where workspace_id = $1 and name = $2`;

/** @returns the first version, or null where the workspace has a contract of that name */
export async function insertContract(
  database: Database,
  { workspaceId, name, document }: NewContractVersion,
  audit: AuditOf<[StoredContract]>,
): Promise<StoredContract | null> {
  return inTransaction(database, async client => {
    const { rows } = await client.query<StoredContract>(
      `${insertVersionSql} having count(*) filter (where deleted_at is null) = 0
       on conflict do nothing returning ${columns}`,
      [workspaceId, name, document],
    );
    const made = rows[0] ?? null;
    if (made !== null) await insertAuditEntry(client, audit(made));
    return made;
  });
}

/** What a new version of a contract changed. */
export interface ContractChange {
  readonly before: StoredContract;
  readonly after: StoredContract;
  /** Names of the event types that it added to the workspace. */
  readonly addedEventTypes: readonly string[];
}

/**
 * Adds a version, which deliveries of later events begin with. Fan-outs keep the version under the workspace's revision,
 * which is raised in the same transaction.
 *
 * @param eventTypes added to the workspace's where this is its default contract
 * @returns null where the workspace has no contract of that name
 */
export async function insertContractVersion(
  database: Database,
  { workspaceId, name, document }: NewContractVersion,
  eventTypes: readonly CatalogueEntry[],
  audit: AuditOf<[ContractChange]>,
): Promise<StoredContract | null> {
  return inTransaction(database, async client => {
    const workspace = await client.query<{ contract: string }>('select contract from workspaces where id = $1', [
      workspaceId,
    ]);
    const addedEventTypes =
      workspace.rows[0]?.contract === name ? await insertMissingEventTypes(client, workspaceId, eventTypes) : [];
    // From here on versions are counted one after another, and the contract is not being deleted.
    await client.query(`${raiseRevisionSql} where id = $1`, [workspaceId]);
    const before = await readCurrentVersion(client, workspaceId, name);
    if (before === null) return null;
    const { rows } = await client.query<StoredContract>(`${insertVersionSql} returning ${columns}`, [
      workspaceId,
      name,
      document,
    ]);
    const after = rows[0] as StoredContract;
    await insertAuditEntry(client, audit({ before, after, addedEventTypes }));
    return after;
  });
}

const currentVersionSql = `select ${columns} from contracts
  where workspace_id = $1 and name = $2 and deleted_at is null order by version desc limit 1`;

async function readCurrentVersion(client: PoolClient, workspaceId: string, name: string) {
  const { rows } = await client.query<StoredContract>(currentVersionSql, [workspaceId, name]);
  return rows[0] ?? null;
}

export type ContractDeletion =
  | { readonly kind: 'deleted' }
  | { readonly kind: 'missing' }
  /** `webhooks`: how many name it; `isDefault`: the workspace does. */
  | { readonly kind: 'used'; readonly webhooks: number; readonly isDefault: boolean };

/** Deletes a contract that nothing uses. Its versions stay readable for the deliveries that began with them. */
export async function deleteContract(
  database: Database,
  workspaceId: string,
  name: string,
  audit: AuditOf<[StoredContract]>,
): Promise<ContractDeletion> {
  return inTransaction<ContractDeletion>(database, async client => {
    const workspace = await client.query<{ isDefault: boolean }>(
      'select contract = $2 as "isDefault" from workspaces where id = $1 for update',
      [workspaceId, name],
    );
    const known = await readCurrentVersion(client, workspaceId, name);
    if (known === null) return { kind: 'missing' };
    const webhooks = await client.query<{ count: number }>(
      'select count(*)::int as count from webhooks where workspace_id = $1 and contract = $2',
      [workspaceId, name],
    );
    const isDefault = workspace.rows[0]?.isDefault === true;
    const count = webhooks.rows[0]?.count ?? 0;
    if (isDefault || count > 0) return { kind: 'used', webhooks: count, isDefault };
    await client.query(
      'update contracts set deleted_at = now() where workspace_id = $1 and name = $2 and deleted_at is null',
      [workspaceId, name],
    );
    await insertAuditEntry(client, audit(known));
    return { kind: 'deleted' };
  });
}

/** The current version. @returns null where the workspace has no contract of that name */
export async function findContract(
  database: Database,
  workspaceId: string,
  name: string,
): Promise<StoredContract | null> {
  const { rows } = await database.pool.query<StoredContract>(currentVersionSql, [workspaceId, name]);
  return rows[0] ?? null;
}

/** One version, of a deleted contract, too. */
export async function findContractVersion(
  database: Database,
  workspaceId: string,
  name: string,
  version: number,
): Promise<StoredContract | null> {
  const rows = await runHot<StoredContract>(
    database,
    'find-contract-version',
    `select ${columns} from contracts where workspace_id = $1 and name = $2 and version = $3`,
    [workspaceId, name, version],
  );
  return rows[0] ?? null;
}

/** The current versions, by name in the order of its bytes. */
export async function listContracts(
  database: Database,
  workspaceId: string,
  page: PageRequest,
): Promise<PageRows<StoredContract>> {
  return readPage(
    database,
    {
      columns: `distinct on (${byName.key}) ${columns}`,
      table: 'contracts',
      filters: [['deleted_at is null and workspace_id =', workspaceId]],
      order: { ...byName, thenBy: 'version desc' },
    },
    page,
  );
}

/** Name and version of a contract that a delivery begins with; version 0: none of the workspace's own. */
export interface ContractReference {
  readonly contract: string;
  readonly contractVersion: number;
}

/** What a delivery of this webhook would begin with now. @returns null where the webhook has been deleted */
export async function findContractOfWebhook(database: Database, webhookId: string): Promise<ContractReference | null> {
  const rows = await runHot<ContractReference>(
    database,
    'find-contract-of-webhook',
    `select coalesce(w.contract, ws.contract) as contract, ${contractVersionSql} as "contractVersion"
     from webhooks w join workspaces ws on ws.id = w.workspace_id where w.id = $1`,
    [webhookId],
  );
  return rows[0] ?? null;
}

/** What of a webhook has to fit its contract. */
export interface ContractUser {
  readonly id: string;
  readonly url: string;
  readonly method: string | null;
  /** Those that sign now. */
  readonly secrets: readonly { readonly sealed: Buffer; readonly keyId: string }[];
}

/**
 * The webhooks whose deliveries go by a contract.
 *
 * @param name their own, or the workspace's where `ofDefault` says so
 * @param ofDefault true: those that leave the choice to the workspace
 */
export async function listContractUsers(
  database: Database,
  workspaceId: string,
  { name, ofDefault }: { readonly name: string | null; readonly ofDefault: boolean },
): Promise<ContractUser[]> {
  const { rows } = await database.pool.query<Omit<ContractUser, 'secrets'> & { sealed: Buffer[]; keyIds: string[] }>(
    `select w.id, w.url, w.method, coalesce(array_agg(s.sealed) filter (where s.id is not null), '{}') as sealed,
       coalesce(array_agg(s.key_id) filter (where s.id is not null), '{}') as "keyIds"
     from webhooks w left join webhook_secrets s
       on s.webhook_id = w.id and (s.expires_at is null or s.expires_at > clock_timestamp())
     where w.workspace_id = $1 and (w.contract = $2 or ($3 and w.contract is null))
     group by w.id order by w.id`,
    [workspaceId, name, ofDefault],
  );
  return rows.map(({ sealed, keyIds, ...webhook }) => ({
    ...webhook,
    secrets: sealed.map((bytes, index) => ({ sealed: bytes, keyId: keyIds[index] as string })),
  }));
}
