import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, SocketAddress } from 'node:net';

/** Finds the address that a request came from; null where its connection is gone already. */
export type FindClientAddress = (request: Pick<IncomingMessage, 'socket' | 'headers'>) => string | null;

/**
 * The connection's other end, or, where that is a proxy of ours, whom it says it speaks for: in `X-Forwarded-For` each
 * proxy adds the address that it saw at the right end, so the right-most one that is no trusted proxy counts. What stands
 * further left came from there and may be invented.
 *
 * @param trustedProxies CIDRs and single addresses
 */
export function createClientAddressFinder(trustedProxies: readonly string[]): FindClientAddress {
  const trusted = new BlockList();
  for (const range of trustedProxies) {
    const [address = '', prefix] = range.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    trusted.addSubnet(address, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family);
  }
  const isTrusted = (address: string): boolean => trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return ({ socket, headers }) => {
    let client = socket.remoteAddress === undefined ? null : readAddress(socket.remoteAddress);
    if (trustedProxies.length === 0 || client === null) return client;
    const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').toReversed();
    for (const entry of forwarded) {
      if (!isTrusted(client)) break;
      const address = readAddress(entry.trim());
      // A proxy that hides the address, or a broken one: who spoke to it stays unknown.
      if (address === null) break;
      client = address;
    }
    return client;
  };
}

/** Some proxies add the port. @returns null where the text is no address */
function readAddress(text: string): string | null {
  const address = isIP(text) === 0 ? (SocketAddress.parse(text)?.address ?? '') : text;
  if (isIP(address) === 0) return null;
  // A socket that listens on both families shows IPv4 addresses as IPv6 ones (RFC 4291, section 2.5.5.2).
  return /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address)?.[1] ?? address;
}
