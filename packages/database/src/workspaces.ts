import { type AuditOf, insertAuditEntry } from './audit-entry.ts';
import type { Database } from './database.ts';
import { newestFirst, type PageRequest, type PageRows, readPage } from './page.ts';
import { inTransaction } from './transaction.ts';
import { type CatalogueEntry, insertMissingEventTypes } from './workspace-catalogue.ts';

export interface Workspace {
  readonly id: string;
  readonly name: string;
  readonly contract: string;
  readonly createdAt: Date;
}

export interface NewWorkspace {
  /** UUIDv7. */
  readonly id: string;
  readonly name: string;
  readonly contract: string;
}

const columns = { id: true, name: true, contract: true, createdAt: true } as const;

const columnsSql = 'id, name, contract, created_at as "createdAt"';

/**
 * @param eventTypes that its contract brings along
 * @returns the workspace, or null where its name is taken
 */
export async function insertWorkspace(
  database: Database,
  { id, name, contract }: NewWorkspace,
  eventTypes: readonly CatalogueEntry[],
  audit: AuditOf<[MadeWorkspace]>,
): Promise<Workspace | null> {
  return inTransaction(database, async client => {
    const { rows } = await client.query<Workspace>(
      `insert into workspaces (id, name, contract) values ($1, $2, $3) on conflict do nothing returning ${columnsSql}`,
      [id, name, contract],
    );
    if (rows[0] === undefined) return null;
    const addedEventTypes = await insertMissingEventTypes(client, id, eventTypes);
    await insertAuditEntry(client, audit({ ...rows[0], addedEventTypes }));
    return rows[0];
  });
}

/** A new workspace, with the names of the event types that its contract brought. */
export interface MadeWorkspace extends Workspace {
  readonly addedEventTypes: readonly string[];
}

/** What is to become of a workspace; what is missing stays. */
export interface WorkspaceChanges {
  readonly name?: string | undefined;
  readonly contract?:
    | {
        readonly name: string;
        /** Added where the workspace has none of that name. */
        readonly eventTypes: readonly CatalogueEntry[];
      }
    | undefined;
}

export type WorkspaceChangeResult =
  | { readonly kind: 'changed'; readonly workspace: Workspace }
  | { readonly kind: 'name_taken' }
  | { readonly kind: 'missing' };

/** What a change of a workspace did. */
export interface WorkspaceChange {
  readonly before: Workspace;
  readonly after: Workspace;
  /** Names. */
  readonly addedEventTypes: readonly string[];
}

/**
 * Changes a workspace, where anything would be another. Fan-outs learn of another contract by the revision of its
 * webhooks.
 */
export async function changeWorkspace(
  database: Database,
  id: string,
  { name, contract }: WorkspaceChanges,
  audit: AuditOf<[WorkspaceChange]>,
): Promise<WorkspaceChangeResult> {
  return inTransaction<WorkspaceChangeResult>(database, async client => {
    const known = await client.query('select from workspaces where id = $1', [id]);
    if (known.rowCount === 0) return { kind: 'missing' };
    const addedEventTypes =
      contract === undefined ? [] : await insertMissingEventTypes(client, id, contract.eventTypes);
    const current = await client.query<Workspace>(
      // Not `for update`: event types that others insert at this moment hold their workspace by its key.
      `select ${columnsSql} from workspaces where id = $1 for no key update`,
      [id],
    );
    const before = current.rows[0];
    if (before === undefined) return { kind: 'missing' };
    const isAsBefore = (name ?? before.name) === before.name && (contract?.name ?? before.contract) === before.contract;
    if (isAsBefore && addedEventTypes.length === 0) return { kind: 'changed', workspace: before };
    const { rows } = await client.query<Workspace>(
      `update workspaces set name = coalesce($2, name), contract = coalesce($3, contract),
         webhooks_revision = webhooks_revision + 1
       where id = $1 returning ${columnsSql}`,
      [id, name ?? null, contract?.name ?? null],
    );
    const after = rows[0] as Workspace;
    await insertAuditEntry(client, audit({ before, after, addedEventTypes }));
    return { kind: 'changed', workspace: after };
  }).catch((error: unknown) => {
    if (isNameTaken(error)) return { kind: 'name_taken' };
    throw error;
  });
}

/** unique_violation; a workspace has no other unique value that a change touches. */
function isNameTaken(error: unknown): boolean {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  return code === '23505' && constraint === 'workspaces_name_key';
}

/** The workspace of that name, made now if there is none. Several processes may ask at once: all get the same one. */
export async function ensureWorkspace(
  database: Database,
  workspace: NewWorkspace,
  audit: AuditOf<[MadeWorkspace]>,
): Promise<Workspace> {
  const made = await insertWorkspace(database, workspace, [], audit);
  return (
    made ?? (await database.prisma.workspace.findUniqueOrThrow({ where: { name: workspace.name }, select: columns }))
  );
}

export async function findWorkspace(database: Database, id: string): Promise<Workspace | null> {
  return database.prisma.workspace.findUnique({ where: { id }, select: columns });
}

/**
 * Newest first.
 *
 * @param id null: all workspaces
 */
export async function listWorkspaces(
  database: Database,
  id: string | null,
  page: PageRequest,
): Promise<PageRows<Workspace>> {
  const filters = [['id =', id]] as const;
  return readPage(database, { columns: columnsSql, table: 'workspaces', filters, order: newestFirst }, page);
}

/**
 * Deletes a workspace with its keys, webhooks and event types, and cancels its pending deliveries, in one commit. Its
 * events and deliveries stay until their retention ends. A delivery that a fan-out inserts at this very moment is not
 * seen here; the dispatcher finds its webhook gone and cancels it then.
 *
 * @returns whether there was one
 */
export async function deleteWorkspace(database: Database, id: string, audit: AuditOf<[Workspace]>): Promise<boolean> {
  return inTransaction(database, async client => {
    const { rows } = await client.query<Workspace>(
      `with gone as (delete from workspaces where id = $1 returning *), cancelled as (
         update deliveries set status = 'cancelled', completed_at = clock_timestamp(), next_attempt_at = null, manual_retry_at = null
         where workspace_id = $1 and status = 'pending' and exists (select from gone))
       select ${columnsSql} from gone`,
      [id],
    );
    if (rows[0] === undefined) return false;
    await insertAuditEntry(client, audit(rows[0]));
    return true;
  });
}
