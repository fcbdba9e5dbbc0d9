import type { CompiledContract } from '@signpost/contracts';
import { type ContractUser, webhookSecretContext } from '@signpost/database';
import { type Encryption, formatId } from '@signpost/runtime';
import { type Problem, problem } from '../errors/problem.ts';

export interface FitRules {
  readonly encryption: Encryption;
  /** Whether contracts that want HTTPS in production get it. */
  readonly production: boolean;
}

/**
 * Whether the webhooks that would go by a contract can: their secrets can sign by it, and it allows their methods and
 * URLs. Without that, each of their deliveries would fail.
 *
 * @returns null where all can
 * @throws EncryptionError
 */
export function checkUsers(
  contract: CompiledContract,
  users: readonly ContractUser[],
  rules: FitRules,
): Problem | null {
  for (const user of users) {
    const obstacle = findObstacle(contract, user, rules);
    if (obstacle !== null)
      return problem('contract_in_use', `The webhook ${formatId('webhook', user.id)} cannot go by it: ${obstacle}.`);
  }
  return null;
}

function findObstacle(
  contract: CompiledContract,
  { id, url, method, secrets }: ContractUser,
  { encryption, production }: FitRules,
): string | null {
  const context = webhookSecretContext(id);
  if (secrets.some(secret => contract.checkSecret(encryption.open(secret, context)).kind === 'invalid'))
    return 'its secret has another form';
  if (method !== null && !contract.document.methods.some(each => each === method)) return `it is sent with ${method}`;
  const { https } = contract.document.url;
  const wantsHttps = https === 'always' || (https === 'production' && production);
  return wantsHttps && !url.startsWith('https:') ? 'its URL does not start with https://' : null;
}
