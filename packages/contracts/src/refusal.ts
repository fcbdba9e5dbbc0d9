/**
 * Why a request is refused.
 *
 * - `contract_unknown`, `secret_malformed`, `body_not_raw`: the receiver's own set-up is wrong.
 * - `header_missing`, `header_malformed`, `signature_malformed`, `timestamp_malformed`, `body_malformed`: the request has
 *   not the contract's form.
 * - `timestamp_too_old`, `timestamp_too_new`: replayed, or a clock is wrong.
 * - `value_ambiguous`: a signed value holds the text that ends it, so the signature could belong to other values.
 * - `signature_mismatch`: changed on the way, or signed with another secret.
 * - `values_disagree`: an unsigned header says other than the signed body.
 */
export type RefusalReason =
  | 'contract_unknown'
  | 'secret_malformed'
  | 'body_not_raw'
  | 'header_missing'
  | 'header_malformed'
  | 'signature_malformed'
  | 'timestamp_malformed'
  | 'timestamp_too_old'
  | 'timestamp_too_new'
  | 'body_malformed'
  | 'value_ambiguous'
  | 'signature_mismatch'
  | 'values_disagree';

export interface Refusal {
  readonly kind: 'refused';
  readonly reason: RefusalReason;
  readonly message: string;
}
