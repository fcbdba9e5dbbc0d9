import {
  builtInContracts,
  type CompiledContract,
  compileContract,
  parseContractDocument,
  standardContract,
} from '@signpost/contracts';
import {
  type ContractReference,
  type Database,
  type DeliveryToAttempt,
  findContractOfWebhook,
  findContractVersion,
} from '@signpost/database';
import { LRUCache } from 'lru-cache';

/** The contract of a delivery. */
export interface DeliveryContract {
  /** The standard contract where there is a fault: its schedule and rules are followed then. */
  readonly contract: CompiledContract;
  /** Why no request can be made by it: this release does not know it, or refuses it. Each attempt records that. */
  readonly fault: Error | null;
}

export interface DeliveryContracts {
  /**
   * The contract that a delivery began with, whatever has become of it since. Those that come with Signpost, and those
   * that are cached, answer at once and ask the database nothing.
   *
   * @throws the driver's errors
   */
  get(delivery: DeliveryToAttempt): DeliveryContract | Promise<DeliveryContract>;
}

/** A compiled contract takes some tens of KiB. */
const maxCachedContracts = 2000;

const builtIn: ReadonlyMap<string, DeliveryContract> = new Map(
  [...builtInContracts].map(([name, contract]) => [name, { contract, fault: null }]),
);

export function createDeliveryContracts(database: Database): DeliveryContracts {
  // A version never changes, so what is cached cannot be stale.
  const cache = new LRUCache<string, Promise<DeliveryContract>>({ max: maxCachedContracts });

  const load = async (workspaceId: string, { contract, contractVersion }: ContractReference) => {
    const stored = await findContractVersion(database, workspaceId, contract, contractVersion);
    return stored === null ? unknownContract(contract) : compileStored(contract, stored.document);
  };
  const find = (workspaceId: string, reference: ContractReference): DeliveryContract | Promise<DeliveryContract> => {
    const { contract, contractVersion } = reference;
    if (contractVersion === 0) return builtIn.get(contract) ?? unknownContract(contract);
    const key = `${workspaceId} ${contract} ${contractVersion}`;
    let loading = cache.get(key);
    if (loading === undefined) {
      loading = load(workspaceId, reference);
      cache.set(key, loading);
      loading.catch(() => cache.delete(key));
    }
    return loading;
  };
  const findOfWebhook = async ({ workspaceId, webhookId }: DeliveryToAttempt): Promise<DeliveryContract> => {
    const reference = await findContractOfWebhook(database, webhookId);
    return reference === null ? builtInStandard : find(workspaceId, reference);
  };

  return {
    get(delivery) {
      const { workspaceId, contract, contractVersion } = delivery;
      if (contract === null || contractVersion === null) return findOfWebhook(delivery);
      return find(workspaceId, { contract, contractVersion });
    },
  };
}

const builtInStandard: DeliveryContract = { contract: standardContract, fault: null };

function compileStored(name: string, document: unknown): DeliveryContract {
  const parsed = parseContractDocument(document);
  if (parsed.kind === 'valid') return { contract: compileContract(parsed.document), fault: null };
  const [first] = parsed.errors;
  return unknownContract(name, `: ${first?.path} ${first?.message}`);
}

function unknownContract(name: string, reason = ''): DeliveryContract {
  return { contract: standardContract, fault: new UnknownContractError(name, reason) };
}

/** A delivery names a contract that this release does not have, or not in this form. */
class UnknownContractError extends Error {
  readonly code = 'contract_unknown';
  constructor(name: string, reason: string) {
    super(`There is no contract ${name}${reason}`);
    this.name = 'UnknownContractError';
  }
}
