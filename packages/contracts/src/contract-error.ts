/**
 * `contract_invalid`: a document that `parseContractDocument` refuses was compiled all the same.
 * `secret_malformed`, `secret_missing`: no key can be made of the secrets given.
 * `method_not_in_contract`: the webhook's method is none of the contract's.
 * `attempt_values_missing`: the body holds values of the attempt, and none were given.
 * `request_too_large`: the contract makes a request of this event that is larger than any request may be.
 */
export type ContractErrorCode =
  | 'contract_invalid'
  | 'secret_malformed'
  | 'secret_missing'
  | 'method_not_in_contract'
  | 'attempt_values_missing'
  | 'request_too_large';

/** A fault in what a caller handed to a contract. Its message never holds a secret. */
export class ContractError extends Error {
  readonly code: ContractErrorCode;

  constructor(code: ContractErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ContractError';
    this.code = code;
  }
}
