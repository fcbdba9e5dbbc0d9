import { builtInDocuments } from './built-in/index.ts';
import { standardDocument } from './built-in/standard.ts';
import { type CompiledContract, compileContract } from './compile-contract.ts';

export type { CompiledContract } from './compile-contract.ts';
export { compileContract } from './compile-contract.ts';
export { describeIssue } from './describe-issue.ts';
export type { ContractErrorCode } from './contract-error.ts';
export { ContractError } from './contract-error.ts';
export type {
  ContractDocument,
  DeliveryMethod,
  EnvelopeDocument,
  EnvelopeFieldDocument,
  EventTypeDocument,
  HeaderDocument,
  SecretDocument,
  SignatureDocument,
} from './document.ts';
export type { DocumentError } from './document-error.ts';
export type { ParsedContractDocument } from './document-schema.ts';
export { parseContractDocument } from './document-schema.ts';
export type { BodyInput, SealedRequest, SealInput } from './seal-input.ts';
export type { SecretCheck } from './secret.ts';

/** The contract of webhooks that name none. */
export const standardContract: CompiledContract = compileContract(standardDocument);

/** Every contract that comes with Signpost, by name. */
export const builtInContracts: ReadonlyMap<string, CompiledContract> = new Map(
  Object.values(builtInDocuments).map(document => [
    document.name,
    document === standardDocument ? standardContract : compileContract(document),
  ]),
);
