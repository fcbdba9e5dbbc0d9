import type { CompiledContract } from '@signpost/contracts';
import type { WebhookSettings, WorkspaceAccess } from '@signpost/database';
import { maskedValue } from '@signpost/runtime';
import type { AddressPolicy } from '@signpost/transport';
import type { FindContract } from '../../contracts/contract-registry.ts';
import type { EventCatalogue } from '../../event-catalogue/event-catalogue.ts';
import { invalidField, type Problem, problem } from '../../errors/problem.ts';

/** The settings that have to fit together. */
export type LinkedSettings = Pick<WebhookSettings, 'url' | 'contract' | 'method'>;

/** What the instance allows. */
export interface UrlRules {
  readonly addressPolicy: AddressPolicy;
  /** Whether contracts that want HTTPS in production get it. */
  readonly production: boolean;
}

export type SettingsVerdict =
  | { readonly kind: 'accepted'; readonly contract: CompiledContract; readonly url: string }
  | Problem;

/** Whether contract, method and URL fit together. @returns the URL in its canonical form */
export function judgeSettings(
  { url, contract: own, method }: LinkedSettings,
  findContract: FindContract,
  { addressPolicy, production }: UrlRules,
): SettingsVerdict {
  const contract = findContract(own);
  if (contract === null) return invalidField('body.contract', 'is not the name of a contract');
  const { methods, url: urlRule } = contract.document;
  if (method !== null && !methods.some(each => each === method))
    return invalidField('body.method', `must be one of the contract ${contract.name}: ${methods.join(', ')}`);
  const verdict = addressPolicy.judgeUrl(url);
  if (verdict.kind === 'refused') return urlRefused(verdict.message);
  if (verdict.url.protocol !== 'https:') {
    if (urlRule.https === 'always')
      return urlRefused(`The contract ${contract.name} wants a URL that starts with https://.`);
    if (urlRule.https === 'production' && production)
      return urlRefused(
        `The contract ${contract.name} wants a URL that starts with https:// in production; http:// is for development.`,
      );
  }
  return { kind: 'accepted', contract, url: verdict.url.href };
}

function urlRefused(message: string): Problem {
  return problem('url_refused', message, { errors: [{ path: 'body.url', message }] });
}

/** A header that was read masked and is sent back would lose its value for good. */
export function checkHeaderMasks(headers: Readonly<Record<string, string>> | undefined): Problem | null {
  const name = Object.keys(headers ?? {}).find(each => headers?.[each] === maskedValue);
  if (name === undefined) return null;
  return invalidField(`body.headers.${name}`, `must be its real value: answers show ${maskedValue} in its place`);
}

/** Whether every pattern can match an event type of the workspace, where it has any. */
export async function checkPatterns(
  catalogue: EventCatalogue,
  { workspaceId, catalogueRevision }: WorkspaceAccess,
  patterns: readonly string[],
): Promise<Problem | null> {
  const verdict = await catalogue.checkPatterns(workspaceId, catalogueRevision, patterns);
  if (verdict.kind === 'accepted') return null;
  return unknownEventType(`body.events[${verdict.index}]`, verdict.nearest);
}

/** @param nearest the name that may have been meant, or null */
export function unknownEventType(path: string, nearest: string | null): Problem {
  const hint = nearest === null ? '' : `; did you mean ${nearest}?`;
  const message = `is not an event type of this workspace${hint}`;
  return problem('event_type_unknown', `${path}: ${message}`, { errors: [{ path, message }] });
}
