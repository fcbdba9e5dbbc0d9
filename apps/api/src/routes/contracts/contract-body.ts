import type { ContractBody, ContractSummaryBody } from '@signpost/api-schema';
import type { ContractDocument } from '@signpost/contracts';
import { maskCredentials } from '../../contracts/credential-headers.ts';

/** A version of a contract, as answers show it. */
export interface ShownContract {
  readonly document: ContractDocument;
  /** 0: it comes with Signpost. */
  readonly version: number;
  readonly createdAt: Date | null;
}

export function contractSummaryBody({ document, version, createdAt }: ShownContract): ContractSummaryBody {
  const { name, title, description, warnings } = document;
  return {
    name,
    title,
    description,
    warnings: [...warnings],
    built_in: version === 0,
    version,
    created_at: createdAt?.toISOString() ?? null,
  };
}

export function contractBody(contract: ShownContract): ContractBody {
  const { document } = contract;
  return { ...contractSummaryBody(contract), document: { ...document, headers: maskCredentials(document.headers) } };
}
