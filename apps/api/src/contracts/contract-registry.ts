import { builtInContracts, type CompiledContract, compileContract, parseContractDocument } from '@signpost/contracts';
import {
  type ContractReference,
  type Database,
  findContract,
  findContractVersion,
  type WorkspaceAccess,
} from '@signpost/database';

/** A contract by its name, as it is now. */
export interface KnownContract {
  readonly contract: CompiledContract;
  /** 0: it comes with Signpost. */
  readonly version: number;
  /** Null: it comes with Signpost. */
  readonly createdAt: Date | null;
}

/** @param own the contract that a webhook names; null: the workspace's. @returns null where there is none of that name */
export type FindContract = (own: string | null) => CompiledContract | null;

/** The contracts of workspaces, their own and those that come with Signpost, compiled. */
export interface ContractRegistry {
  /** @returns the current version, or null where the workspace knows no contract of that name */
  find(workspaceId: string, name: string): Promise<KnownContract | null>;
  /**
   * Reads contracts beforehand, for decisions that must not wait.
   *
   * @param names that may be asked for; the workspace's own choice is always among them
   */
  load(workspace: WorkspaceAccess, names: readonly (string | null | undefined)[]): Promise<FindContract>;
  /** What a delivery began with. @returns null where this release does not know it */
  findVersion(workspaceId: string, reference: ContractReference): Promise<CompiledContract | null>;
}

/** A compiled contract takes some tens of KiB; beyond this, the longest kept one makes room. */
const maxCached = 500;

export function createContractRegistry(database: Database): ContractRegistry {
  // By workspace, name and version: what these name never changes.
  const compiled = new Map<string, CompiledContract>();
  const compile = (workspaceId: string, name: string, version: number, document: unknown): CompiledContract | null => {
    const key = `${workspaceId} ${name} ${version}`;
    const known = compiled.get(key);
    if (known !== undefined) return known;
    const parsed = parseContractDocument(document);
    // It was accepted once; a later release may be stricter.
    if (parsed.kind === 'invalid') return null;
    const contract = compileContract(parsed.document);
    if (compiled.size >= maxCached) compiled.delete(compiled.keys().next().value as string);
    compiled.set(key, contract);
    return contract;
  };
  const find = async (workspaceId: string, name: string): Promise<KnownContract | null> => {
    // First, because a later release may bring a contract of a name that a workspace uses.
    const own = await findContract(database, workspaceId, name);
    if (own === null) {
      const contract = builtInContracts.get(name);
      return contract === undefined ? null : { contract, version: 0, createdAt: null };
    }
    const { version, document, createdAt } = own;
    const contract = compile(workspaceId, name, version, document);
    return contract === null ? null : { contract, version, createdAt };
  };
  return {
    find,
    async load(workspace, names) {
      const known = new Map<string, CompiledContract>();
      for (const name of new Set([workspace.contract, ...names]))
        if (typeof name === 'string') {
          const found = await find(workspace.workspaceId, name);
          if (found !== null) known.set(name, found.contract);
        }
      return own => known.get(own ?? workspace.contract) ?? null;
    },
    async findVersion(workspaceId, { contract: name, contractVersion: version }) {
      if (version === 0) return builtInContracts.get(name) ?? null;
      const known = compiled.get(`${workspaceId} ${name} ${version}`);
      if (known !== undefined) return known;
      const stored = await findContractVersion(database, workspaceId, name, version);
      return stored === null ? null : compile(workspaceId, name, version, stored.document);
    },
  };
}
