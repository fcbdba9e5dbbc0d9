import type { CompiledContract } from '@signpost/contracts';
import { type NewWebhookSecret, type SigningSecret, webhookSecretContext } from '@signpost/database';
import { type Encryption, makeUuid } from '@signpost/runtime';
import { type Problem, problem } from '../../errors/problem.ts';

export type ChosenSecret = { readonly kind: 'secret'; readonly text: string } | Problem;

/** The secret that a person brings, if it has the form of the contract, or a new one. */
export function chooseSecret(contract: CompiledContract, brought: string | undefined): ChosenSecret {
  if (brought === undefined) return { kind: 'secret', text: contract.generateSecret() };
  const check = contract.checkSecret(brought);
  if (check.kind === 'valid') return { kind: 'secret', text: brought };
  return problem('validation_failed', check.message, { errors: [{ path: 'body.secret', message: check.message }] });
}

/** Makes a secret ready for storage: no other webhook's row can open it. */
export function sealSecret(encryption: Encryption, webhookId: string, text: string, nowMs: number): NewWebhookSecret {
  return { id: makeUuid(nowMs), ...encryption.seal(text, webhookSecretContext(webhookId)) };
}

/** Whether secrets that were made for one contract can sign by another. @throws EncryptionError */
export function fitContract(
  contract: CompiledContract,
  secrets: readonly SigningSecret[],
  encryption: Encryption,
  webhookId: string,
): boolean {
  const context = webhookSecretContext(webhookId);
  return secrets.every(secret => contract.checkSecret(encryption.open(secret, context)).kind === 'valid');
}
