import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** RFC 8410: what stands before the 32 bytes in PKCS #8 and in SubjectPublicKeyInfo. */
const PRIVATE_KEY_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_KEY_HEADER = Buffer.from('302a300506032b6570032100', 'hex');
const SEED_BYTES = 32;
const PUBLIC_KEY_PREFIX = 'whpk_';

/** @param bytes The seed, or the seed with the public key after it. Null when they are neither. */
export function privateKey(bytes: Buffer): KeyObject | null {
  if (bytes.length !== SEED_BYTES && bytes.length !== SEED_BYTES * 2) return null;
  const der = Buffer.concat([PRIVATE_KEY_HEADER, bytes.subarray(0, SEED_BYTES)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  if (bytes.length === SEED_BYTES * 2 && !publicBytes(key).equals(bytes.subarray(SEED_BYTES))) return null;
  return key;
}

/** The 32 bytes of the public key that belongs to a private one. */
export function publicBytes(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_KEY_HEADER.length);
}

/** `whpk_` and base64, as receivers are given it. */
export function printPublicKey(key: KeyObject): string {
  return PUBLIC_KEY_PREFIX + publicBytes(key).toString('base64');
}

/** Reads `whpk_…`; null when it is none. */
export function parsePublicKey(printed: string): KeyObject | null {
  if (!printed.startsWith(PUBLIC_KEY_PREFIX)) return null;
  const encoded = printed.slice(PUBLIC_KEY_PREFIX.length);
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== SEED_BYTES || bytes.toString('base64') !== encoded) return null;
  return createPublicKey({ key: Buffer.concat([PUBLIC_KEY_HEADER, bytes]), format: 'der', type: 'spki' });
}

/** Collects what is to be signed; Ed25519 reads its message twice and cannot be fed in pieces. */
export class Ed25519Signing {
  readonly #chunks: Buffer[] = [];
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  update(chunk: string | Uint8Array): this {
    this.#chunks.push(Buffer.from(chunk as string));
    return this;
  }

  digest(encoding: 'hex' | 'base64'): string {
    return sign(null, Buffer.concat(this.#chunks), this.#key).toString(encoding);
  }
}

/** Whether `signature` is the key owner's, over the chunks in order. */
export function verifyEd25519(key: KeyObject, chunks: readonly (string | Uint8Array)[], signature: Buffer): boolean {
  const message = Buffer.concat(chunks.map(chunk => Buffer.from(chunk as string)));
  return verify(null, message, key, signature);
}
