import { isIPv4, isIPv6 } from 'node:net';

/** An IP address as a number, so that two spellings of one address are equal. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** A CIDR block. */
export interface IpRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

const mappedPrefix = 0xffffn << 32n;

/**
 * Reads an address in any spelling `node:net` accepts. Zone ids (`fe80::1%eth0`) are refused: they name an interface of
 * this machine.
 *
 * @returns null where the text is no address
 */
export function parseIpAddress(text: string): IpAddress | null {
  if (isIPv4(text)) return { family: 4, value: ipv4Value(text) };
  if (isIPv6(text) && !text.includes('%')) return { family: 6, value: ipv6Value(text) };
  return null;
}

/** An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2) as the IPv4 address that it stands for. */
export function unmapped(address: IpAddress): IpAddress {
  if (address.family === 6 && address.value >> 32n === 0xffffn) {
    return { family: 4, value: address.value - mappedPrefix };
  }
  return address;
}

/**
 * Reads `10.0.0.0/8`, `fd00::/8`, or one address. Bits after the prefix are ignored, as routers do.
 *
 * @returns null where the text is no CIDR block
 */
export function parseIpRange(text: string): IpRange | null {
  const [base = '', prefix, ...rest] = text.trim().split('/');
  const address = parseIpAddress(base);
  if (address === null || rest.length > 0) return null;
  const width = address.family === 4 ? 32 : 128;
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return null;
  const length = prefix === undefined ? width : Number(prefix);
  if (length > width) return null;
  const hostBits = BigInt(width - length);
  const first = (address.value >> hostBits) << hostBits;
  return { family: address.family, first, last: first + (1n << hostBits) - 1n };
}

/** Whether the block holds the address. */
export function rangeHolds(range: IpRange, address: IpAddress): boolean {
  return range.family === address.family && address.value >= range.first && address.value <= range.last;
}

/** Whether two blocks share an address. */
export function rangesOverlap(a: IpRange, b: IpRange): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

function ipv4Value(text: string): bigint {
  return text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function ipv6Value(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0n);
  return [...left, ...zeros, ...right].reduce((value, group) => (value << 16n) | group, 0n);
}

/** The 16-bit groups of one side of `::`; a dotted IPv4 address at the end makes two of them. */
function groupsOf(side: string): bigint[] {
  if (side === '') return [];
  return side.split(':').flatMap(group => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)];
    const value = ipv4Value(group);
    return [value >> 16n, value & 0xffffn];
  });
}
