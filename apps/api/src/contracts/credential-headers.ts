import type { ContractDocument, HeaderDocument } from '@signpost/contracts';
import { isSensitiveHeader, maskedValue } from '@signpost/runtime';

/**
 * Whether a contract's header has a credential in it: a name that means one, and a value without a placeholder. Contracts
 * are no place for them: every key that reads sees them. Those from before this was refused are sent, and shown masked.
 */
export function isCredential({ name, value }: HeaderDocument): boolean {
  // What is fixed under the name of a signature is its version or algorithm.
  return !value.includes('{') && isSensitiveHeader(name) && !/signature/i.test(name);
}

/** The headers of a contract's document as they are shown. */
export function maskCredentials(headers: readonly HeaderDocument[]): readonly HeaderDocument[] {
  return headers.map(header => (isCredential(header) ? { ...header, value: maskedValue } : header));
}

/** The headers of a request that was made by a contract, as they are shown. */
export function maskSealed(
  { headers: declared }: ContractDocument,
  sealed: Readonly<Record<string, string>>,
): Record<string, string> {
  const masked = declared.filter(isCredential).map(({ name }) => [name, maskedValue]);
  return { ...sealed, ...(Object.fromEntries(masked) as Record<string, string>) };
}
