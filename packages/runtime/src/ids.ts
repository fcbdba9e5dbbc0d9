import { createHash, randomFillSync } from 'node:crypto';

/**
 * Ids are UUIDv7 (RFC 9562, section 5.7) inside: 48 bits of Unix milliseconds, then random bits, so that they sort by
 * creation time. Outside they are TypeIDs (https://github.com/jetify-com/typeid, version 0.3): a prefix that names the
 * kind, `_`, and the 128 bits in Crockford's base32, lower case.
 */
export const idPrefixes = {
  workspace: 'ws',
  apiKey: 'key',
  webhook: 'wh',
  event: 'evt',
  delivery: 'del',
  attempt: 'att',
  auditEntry: 'aud',
} as const;
export type IdKind = keyof typeof idPrefixes;

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const digitOf = new Map(Array.from(alphabet, (digit, value) => [digit, value]));
const hexPairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

// Random bytes are drawn for 512 ids at a time: one call to the generator costs more than copying ten bytes.
const randomPool = Buffer.alloc(10 * 512);
let randomOffset = randomPool.length;
const maxClockStepBackMs = 10_000;
let lastMs = 0;
let sequence = 0;

/**
 * Makes a UUIDv7. Ids of one process never go backwards: within a millisecond, or while the clock stands or goes back, the
 * 12 bits after the version count up (RFC 9562, section 6.2, method 1), and run over into the next millisecond. Only a
 * clock that is set back by more than `maxClockStepBackMs` is followed: ids of a wrong future would sort wrongly for long.
 *
 * @param nowMs Unix milliseconds
 * @returns the canonical lower-case text form
 */
export function makeUuid(nowMs: number): string {
  if (randomOffset === randomPool.length) {
    randomFillSync(randomPool);
    randomOffset = 0;
  }
  const bytes = randomPool.subarray(randomOffset, randomOffset + 10);
  randomOffset += 10;
  if (nowMs > lastMs || nowMs < lastMs - maxClockStepBackMs) {
    lastMs = nowMs;
    // The top bit stays clear, so that at least 2,048 ids fit behind the first of a millisecond.
    sequence = bytes.readUInt16BE(0) & 0x7ff;
  } else if (++sequence > 0xfff) {
    lastMs += 1;
    sequence = 0;
  }
  return formatUuid(lastMs, sequence, bytes.subarray(2));
}

/**
 * Makes the UUIDv7 that follows from a time and a name: the same input always gives the same id, so that writing it twice
 * is noticed by the primary key. 74 bits come from SHA-256.
 *
 * @param uuid an id whose time the new one takes
 * @param name what tells it apart from others of that time
 */
export function deriveUuid(uuid: string, name: string): string {
  const digest = createHash('sha256').update(uuid).update(name).digest();
  return formatUuid(uuidTimeMs(uuid), digest.readUInt16BE(0) & 0xfff, digest.subarray(2, 10));
}

/** @returns the Unix milliseconds in a UUIDv7's first 48 bits */
export function uuidTimeMs(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
}

function formatUuid(ms: number, randA: number, randB: Uint8Array): string {
  const time = ms.toString(16).padStart(12, '0');
  const a = (0x7000 | randA).toString(16);
  const pair = (index: number): string => hexPairs[randB[index] as number] as string;
  const variant = hexPairs[((randB[0] as number) & 0x3f) | 0x80] as string;
  return `${time.slice(0, 8)}-${time.slice(8)}-${a}-${variant}${pair(1)}-${pair(2)}${pair(3)}${pair(4)}${pair(5)}${pair(6)}${pair(7)}`;
}

/**
 * Writes a UUID as a TypeID: `evt_01jd…`.
 *
 * @param uuid canonical text form
 */
export function formatId(kind: IdKind, uuid: string): string {
  const hex = uuid.replaceAll('-', '');
  // 128 bits are 25.6 digits of five bits: two zero bits go in front, then 130 bits are read in groups of 30 and 10.
  let text = '';
  let value = 0;
  let bits = 2;
  for (let index = 0; index < 32; index += 1) {
    value = (value << 4) | Number.parseInt(hex[index] as string, 16);
    bits += 4;
    if (bits >= 5) {
      bits -= 5;
      text += alphabet[value >> bits];
      value &= (1 << bits) - 1;
    }
  }
  return `${idPrefixes[kind]}_${text}`;
}

/**
 * Reads a TypeID of the expected kind.
 *
 * @returns the UUID in canonical text form, or null where the text is no id of that kind
 */
export function parseId(kind: IdKind, id: string): string | null {
  const prefix = `${idPrefixes[kind]}_`;
  if (!id.startsWith(prefix) || id.length !== prefix.length + 26) return null;
  const digits = Array.from(id.slice(prefix.length), digit => digitOf.get(digit));
  // The first digit carries three bits: beyond 7 it would be more than 128 bits.
  if ((digits[0] ?? 8) > 7) return null;
  let hex = '';
  let value = 0;
  let bits = -2;
  for (const digit of digits) {
    if (digit === undefined) return null;
    value = (value << 5) | digit;
    bits += 5;
    while (bits >= 4) {
      bits -= 4;
      hex += (value >> bits).toString(16);
      value &= (1 << bits) - 1;
    }
  }
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
