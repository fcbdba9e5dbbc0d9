import { ipv4Denied, ipv4Wrappings, ipv6Allowed, ipv6Denied, neverAllowed } from './address-ranges.ts';
import { hostNameRule, isDeniedPort, isDnsName } from './host-rules.ts';
import {
  type IpAddress,
  type IpRange,
  parseIpAddress,
  parseIpRange,
  rangeHolds,
  rangesOverlap,
  unmapped,
} from './ip-address.ts';

/** Why a URL was refused. */
export type UrlRefusalCode =
  | 'url_invalid'
  | 'url_too_long'
  | 'url_scheme_not_allowed'
  | 'url_http_not_allowed'
  | 'url_credentials_not_allowed'
  | 'url_port_not_allowed'
  | 'url_host_not_allowed'
  | 'url_address_not_allowed';

export type UrlVerdict =
  | { readonly kind: 'allowed'; readonly url: URL }
  | { readonly kind: 'refused'; readonly code: UrlRefusalCode; readonly message: string };

/** Decides which receivers webhooks may reach. Immutable: another policy needs another transport. */
export interface AddressPolicy {
  /**
   * Judges a URL without looking anything up. An allowed URL is canonical (WHATWG, no trailing dot of the host, no
   * fragment); its host name must still resolve to allowed addresses when a connection is made.
   *
   * @returns the canonical URL, or why it is refused: the message says what is wrong, what would be right, and which
   * setting would allow it
   */
  judgeUrl(url: string): UrlVerdict;
  /** Whether a connection may be made to this IP address. Anything that is not an IP address is refused. */
  isAllowedAddress(ip: string): boolean;
  /** True where some private range is allowed: names that only the machine's own resolver knows make sense then. */
  readonly allowsPrivateNetworks: boolean;
}

export interface AddressPolicyOptions {
  /** Setting ALLOW_HTTP_URLS. */
  readonly allowHttp: boolean;
  /** Setting ALLOWED_PRIVATE_RANGES: CIDR blocks or single addresses. */
  readonly allowedPrivateRanges: readonly string[];
}

/** Longest URL of a webhook, in characters. */
export const maxUrlLength = 2048;

const loopbackRanges = rangesOf(['127.0.0.0/8', '::1/128']);
const denied4 = rangesOf(ipv4Denied);
const allowed6 = rangesOf(ipv6Allowed);
const denied6 = rangesOf(ipv6Denied);
const never = rangesOf(neverAllowed);
const wrappings = ipv4Wrappings.map(({ prefix, bitsAfter }) => ({ range: rangeOf(prefix), bitsAfter }));

const privateHint = 'If it is a receiver of your own network, ask the operator to allow it in ALLOWED_PRIVATE_RANGES.';

/** What the refusal of an address says, for a literal and for a resolved name alike: it must not tell addresses apart. */
export const addressRefusal = `The receiver has an address that webhooks may not reach: it must be on the public Internet. ${privateHint} Metadata addresses stay refused.`;

/** Only for a literal: there it repeats what the URL says, for a name it would tell what the name leads to. */
const neverRefusal =
  'The address belongs to link-local or cloud metadata services, which webhooks never reach: no setting allows it. Use the public address of the receiver.';

/**
 * Makes the policy that both the API (create, change) and every connection obey.
 *
 * @param options.allowHttp whether http:// is accepted besides https://
 * @param options.allowedPrivateRanges blocks that are allowed although the default refuses them. Metadata services stay
 * refused.
 * @throws Error where a range is no CIDR block, or holds nothing but addresses that are never allowed
 */
export function createAddressPolicy(options: AddressPolicyOptions): AddressPolicy {
  const lifted = options.allowedPrivateRanges.map(liftedRange);
  const isAllowed = (address: IpAddress): boolean => {
    if (isNeverAllowed(address)) return false;
    if (lifted.some(range => rangeHolds(range, address) || rangeHolds(range, unmapped(address)))) return true;
    if (address.family === 4) return !holdsAny(denied4, address);
    return holdsAny(allowed6, address) && !holdsAny(denied6, address);
  };
  const rules: Rules = {
    allowHttp: options.allowHttp,
    allowsLoopback: lifted.some(range => loopbackRanges.some(loopback => rangesOverlap(range, loopback))),
    allowsPrivate: lifted.length > 0,
    isAllowed,
  };
  return {
    judgeUrl: url => judgeUrl(url, rules),
    isAllowedAddress: ip => {
      const address = parseIpAddress(ip);
      return address !== null && isAllowed(address);
    },
    allowsPrivateNetworks: lifted.length > 0,
  };
}

interface Rules {
  readonly allowHttp: boolean;
  readonly allowsLoopback: boolean;
  readonly allowsPrivate: boolean;
  readonly isAllowed: (address: IpAddress) => boolean;
}

function judgeUrl(text: string, rules: Rules): UrlVerdict {
  const malformed = malformedUrl(text);
  if (malformed !== null) return malformed;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return refused(
      'url_invalid',
      'The URL cannot be read: check its host name and port. Example: https://example.com/webhooks.',
    );
  }
  if (url.username !== '' || url.password !== '' || authorityOf(text).includes('@')) {
    return refused(
      'url_credentials_not_allowed',
      'The URL holds a user name or password. Send credentials in a header of the webhook instead.',
    );
  }
  if (url.protocol === 'http:' && !rules.allowHttp) {
    return refused(
      'url_http_not_allowed',
      'The URL must start with https://. The operator can allow http:// with ALLOW_HTTP_URLS.',
    );
  }
  if (url.port !== '' && isDeniedPort(Number(url.port))) {
    return refused(
      'url_port_not_allowed',
      `Port ${url.port} belongs to another service and is never used for webhooks. Use 443, or another port, 8443 for example.`,
    );
  }
  if (url.hostname.endsWith('.')) url.hostname = url.hostname.slice(0, -1);
  url.hash = '';
  return judgeHost(url, rules);
}

/** What `new URL` would accept or repair, but no webhook should rely on. */
function malformedUrl(text: string): UrlVerdict | null {
  if (text.length > maxUrlLength)
    return refused('url_too_long', `The URL has more than ${maxUrlLength} characters. Shorten it.`);
  if (/[\p{Cc}\p{Z}\ufeff\\]/u.test(text)) {
    return refused(
      'url_invalid',
      'The URL holds a space, a control character or a backslash. Percent-encode it (%20, %5C).',
    );
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined)
    return refused('url_invalid', 'The URL must be absolute. Example: https://example.com/webhooks.');
  if (scheme !== 'https' && scheme !== 'http') {
    return refused('url_scheme_not_allowed', `The scheme ${scheme}: is not allowed. The URL must start with https://.`);
  }
  if (!/^[a-z]+:\/\/[^/?#]/i.test(text))
    return refused(
      'url_invalid',
      `The URL must have two slashes and a host name after ${scheme}:. Example: https://example.com/webhooks.`,
    );
  return null;
}

function judgeHost(url: URL, rules: Rules): UrlVerdict {
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const literal = parseIpAddress(host);
  if (literal !== null) {
    if (rules.isAllowed(literal)) return { kind: 'allowed', url };
    return refused('url_address_not_allowed', isNeverAllowed(literal) ? neverRefusal : addressRefusal);
  }
  if (!isDnsName(host))
    return refused(
      'url_invalid',
      'The host of the URL is not a valid DNS name. Example: https://example.com/webhooks.',
    );
  switch (hostNameRule(host)) {
    case null:
      return { kind: 'allowed', url };
    case 'never':
      return refused(
        'url_host_not_allowed',
        `The host name ${host} is reserved and is never a receiver of webhooks. Use the public name of the receiver.`,
      );
    case 'loopback':
      if (rules.allowsLoopback) return { kind: 'allowed', url };
      return refused(
        'url_host_not_allowed',
        `The host name ${host} is this machine's own. The operator can allow it by adding 127.0.0.0/8 to ALLOWED_PRIVATE_RANGES.`,
      );
    case 'private':
      if (rules.allowsPrivate) return { kind: 'allowed', url };
      return refused('url_host_not_allowed', `The host name ${host} belongs to a private network. ${privateHint}`);
    case 'single_label':
      if (rules.allowsPrivate) return { kind: 'allowed', url };
      return refused(
        'url_host_not_allowed',
        `The host name ${host} has no domain. Use a full name, such as ${host}.example.com. ${privateHint}`,
      );
  }
}

function isNeverAllowed(address: IpAddress): boolean {
  if (holdsAny(never, address)) return true;
  if (address.family === 4) return false;
  return wrappings.some(
    ({ range, bitsAfter }) =>
      rangeHolds(range, address) && holdsAny(never, { family: 4, value: (address.value >> bitsAfter) & 0xffffffffn }),
  );
}

function liftedRange(text: string): IpRange {
  const range = parseIpRange(text);
  if (range === null) {
    throw new Error(
      `ALLOWED_PRIVATE_RANGES: "${text}" is not a CIDR block. Examples: 10.0.0.0/8, 192.168.1.20, fd12:3456::/32.`,
    );
  }
  if (never.some(block => block.family === range.family && range.first >= block.first && range.last <= block.last)) {
    throw new Error(
      `ALLOWED_PRIVATE_RANGES: "${text}" holds only link-local or cloud metadata addresses, which are never allowed. Remove it.`,
    );
  }
  return range;
}

function authorityOf(text: string): string {
  return /^[a-z]+:\/\/([^/?#]*)/i.exec(text)?.[1] ?? '';
}

function holdsAny(ranges: readonly IpRange[], address: IpAddress): boolean {
  return ranges.some(range => rangeHolds(range, address));
}

function rangesOf(texts: readonly string[]): IpRange[] {
  return texts.map(rangeOf);
}

function rangeOf(text: string): IpRange {
  const range = parseIpRange(text);
  if (range === null) throw new Error(`${text} is not a CIDR block`);
  return range;
}

function refused(code: UrlRefusalCode, message: string): UrlVerdict {
  return { kind: 'refused', code, message };
}
