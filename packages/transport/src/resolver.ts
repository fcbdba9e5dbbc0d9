import { lookup, Resolver as DnsResolver } from 'node:dns/promises';
import type { AddressPolicy } from './address-policy.ts';
import { addressRefusal } from './address-policy.ts';
import { errorCode, type Failure } from './failure.ts';
import { hostNameRule } from './host-rules.ts';
import { parseIpAddress } from './ip-address.ts';

/** One answer to the question where a name lives. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Finds the addresses of a name. Rejects with the `code` of node:dns where there are none. */
export type Resolver = (hostname: string) => Promise<readonly ResolvedAddress[]>;

export interface ResolverOptions {
  /** Name servers as `ip:port`; the system's by default. */
  readonly servers?: readonly string[];
  /** Time for the first try of a query; each further one gets more. */
  readonly queryTimeoutMs?: number;
}

/** How long the second address family may lag behind the first, in ms. Some resolvers never answer AAAA. */
const secondFamilyGraceMs = 300;

/**
 * The resolver of an installation. Full names are asked over DNS as they are: no search domain is tried, and no thread
 * of libuv's pool of four is held by a slow name server (`dns.lookup` holds one for each). Names that only this machine
 * or network knows go to the system's own resolver (hosts file, search domains), where the policy allows such names.
 */
export function createResolver(policy: AddressPolicy, options: ResolverOptions = {}): Resolver {
  const dns = new DnsResolver({ timeout: options.queryTimeoutMs ?? 1_500, tries: 3 });
  if (options.servers !== undefined) dns.setServers(options.servers);
  return async hostname => {
    if (hostNameRule(hostname) !== null) return lookupSystem(hostname);
    try {
      return await resolveBothFamilies(dns, hostname);
    } catch (error) {
      if (policy.allowsPrivateNetworks && isNotFound(errorCode(error))) return lookupSystem(hostname);
      throw error;
    }
  };
}

/**
 * Resolves a name and checks every answer: one address that is not allowed refuses the whole name, because the owner of
 * the name chose to answer so. The caller connects to these addresses and to no others.
 */
export async function resolveChecked(
  hostname: string,
  resolve: Resolver,
  policy: AddressPolicy,
): Promise<{ readonly kind: 'addresses'; readonly addresses: readonly ResolvedAddress[] } | Failure> {
  let addresses: readonly ResolvedAddress[];
  try {
    addresses = await resolve(hostname);
  } catch (error) {
    return resolveFailure(hostname, errorCode(error));
  }
  if (addresses.length === 0) return resolveFailure(hostname, 'ENODATA');
  if (addresses.every(({ address }) => policy.isAllowedAddress(address))) return { kind: 'addresses', addresses };
  return { kind: 'failed', code: 'address_blocked', message: addressRefusal };
}

function resolveFailure(hostname: string, code: string): Failure {
  if (isNotFound(code)) {
    return {
      kind: 'failed',
      code: 'dns_not_found',
      message: `The host name ${hostname} has no address. Check the URL of the webhook and the DNS records of the name.`,
    };
  }
  return {
    kind: 'failed',
    code: 'dns_failed',
    message: `The host name ${hostname} could not be resolved (${code}). Check that its name servers answer.`,
  };
}

function isNotFound(code: string): boolean {
  return code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EAI_NONAME' || code === 'EAI_NODATA';
}

async function lookupSystem(hostname: string): Promise<readonly ResolvedAddress[]> {
  return (await lookup(hostname, { all: true, order: 'verbatim' })).flatMap(({ address }) => resolved([address]));
}

async function resolveBothFamilies(dns: DnsResolver, hostname: string): Promise<readonly ResolvedAddress[]> {
  const answers: ResolvedAddress[] = [];
  const keep = (addresses: string[]): void => void answers.push(...resolved(addresses));
  const families = [dns.resolve6(hostname).then(keep), dns.resolve4(hostname).then(keep)];
  const all = Promise.allSettled(families);
  await Promise.any(families).catch(() => undefined);
  if (answers.length > 0) await raceTimer(all, secondFamilyGraceMs);
  else await all;
  // A copy: what a late family adds after the grace has not been checked and must not be dialled.
  if (answers.length > 0) return [...answers];
  const failures = (await all).flatMap(result => (result.status === 'rejected' ? [errorCode(result.reason)] : []));
  // "No such record" for one family says nothing while the other family failed for another reason.
  const code = failures.find(failure => !isNotFound(failure)) ?? failures[0] ?? 'ENODATA';
  throw Object.assign(new Error(`no address for ${hostname}`), { code });
}

async function raceTimer(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>(resolve => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work, elapsed]);
  clearTimeout(timer);
}

function resolved(addresses: readonly string[]): ResolvedAddress[] {
  return addresses.flatMap(address => {
    const parsed = parseIpAddress(address);
    // Something that is not an address is kept, so that the policy refuses the name rather than overlooking it.
    return [{ address, family: parsed?.family ?? 4 }];
  });
}
