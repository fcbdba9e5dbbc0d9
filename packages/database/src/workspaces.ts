import type { Database } from './database.ts';

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

/** Where a list by id, newest first, goes on. */
export interface PageById {
  readonly limit: number;
  /** The last id of the page before; null for the first page. */
  readonly beforeId: string | null;
}

const columns = { id: true, name: true, contract: true, createdAt: true } as const;

/** @returns the workspace, or null where its name is taken */
export async function insertWorkspace(database: Database, workspace: NewWorkspace): Promise<Workspace | null> {
  const [row] = await database.prisma.workspace.createManyAndReturn({
    data: [{ ...workspace }],
    select: columns,
    skipDuplicates: true,
  });
  return row ?? null;
}

/** The workspace of that name, made now if there is none. Several processes may ask at once: all get the same one. */
export async function ensureWorkspace(database: Database, workspace: NewWorkspace): Promise<Workspace> {
  const made = await insertWorkspace(database, workspace);
  return (
    made ?? (await database.prisma.workspace.findUniqueOrThrow({ where: { name: workspace.name }, select: columns }))
  );
}

export async function findWorkspace(database: Database, id: string): Promise<Workspace | null> {
  return database.prisma.workspace.findUnique({ where: { id }, select: columns });
}

/** Newest first. */
export async function listWorkspaces(database: Database, { limit, beforeId }: PageById): Promise<Workspace[]> {
  return database.prisma.workspace.findMany({
    where: beforeId === null ? {} : { id: { lt: beforeId } },
    orderBy: { id: 'desc' },
    take: limit,
    select: columns,
  });
}

/**
 * Deletes a workspace with its keys, webhooks and event types, and cancels its pending deliveries, in one commit. Its
 * events and deliveries stay until their retention ends. A delivery that a fan-out inserts at this very moment is not
 * seen here; the dispatcher finds its webhook gone and cancels it then.
 *
 * @returns whether there was one
 */
export async function deleteWorkspace(database: Database, id: string): Promise<boolean> {
  const { rows } = await database.pool.query(
    `with gone as (delete from workspaces where id = $1 returning id), cancelled as (
       update deliveries set status = 'cancelled', completed_at = clock_timestamp(), next_attempt_at = null, manual_retry_at = null
       where workspace_id = $1 and status = 'pending' and exists (select from gone))
     select id from gone`,
    [id],
  );
  return rows.length > 0;
}
