import { type KeyObject, randomBytes } from 'node:crypto';
import { ContractError } from './contract-error.ts';
import type { SecretDocument, SignatureAlgorithm } from './document.ts';
import { printPublicKey, privateKey, publicBytes } from './ed25519.ts';

export type SecretCheck = { readonly kind: 'valid' } | { readonly kind: 'invalid'; readonly message: string };

const STANDARD_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const HEX = /^(?:[0-9a-fA-F]{2})*$/;
const PRINTABLE_ASCII = /^[\x21-\x7e]*$/;

/** A new secret in the contract's printed form, from `crypto.randomBytes`. */
export function generateSecret(format: SecretDocument, algorithm: SignatureAlgorithm): string {
  let bytes = randomBytes(format.generated_bytes);
  const pair = algorithm === 'ed25519' ? privateKey(bytes) : null;
  if (pair !== null) bytes = Buffer.concat([bytes, publicBytes(pair)]);
  return format.prefix + bytes.toString(format.encoding === 'text' ? 'base64url' : format.encoding);
}

/** Whether a secret that a user brings has the contract's form. The message never repeats the secret. */
export function checkSecret(format: SecretDocument, algorithm: SignatureAlgorithm, secret: string): SecretCheck {
  if (!secret.startsWith(format.prefix)) return invalid(`The secret must begin with "${format.prefix}".`);
  const rest = secret.slice(format.prefix.length);
  if (format.encoding === 'text') {
    if (!PRINTABLE_ASCII.test(rest)) return invalid('The secret may only hold printable ASCII without spaces.');
    return checkLength(rest.length, format, 'characters');
  }
  const bytes = decodeBytes(rest, format.encoding);
  if (bytes === null) {
    const form = format.encoding === 'hex' ? 'hexadecimal digits, two a byte' : 'padded standard base64';
    return invalid(`The secret${format.prefix === '' ? '' : ` after "${format.prefix}"`} must be ${form}.`);
  }
  if (algorithm === 'ed25519' && privateKey(bytes) === null) {
    return invalid('The secret must be an Ed25519 seed of 32 bytes, alone or with its public key after it.');
  }
  return checkLength(bytes.length, format, 'bytes');
}

/** What a receiver verifies with: the public key as `whpk_…`, or null where it is the secret itself. */
export function publicKeyOf(format: SecretDocument, algorithm: SignatureAlgorithm, secret: string): string | null {
  if (algorithm !== 'ed25519') return null;
  const bytes = keyBytes(format, secret);
  const pair = bytes === null ? null : privateKey(bytes);
  return pair === null ? null : printPublicKey(pair);
}

/** Strict decoding: no foreign characters, no missing padding, no bits that fall off the end. Null when malformed. */
export function decodeBytes(text: string, encoding: 'base64' | 'hex'): Buffer | null {
  if (!(encoding === 'hex' ? HEX : STANDARD_BASE64).test(text)) return null;
  const bytes = Buffer.from(text, encoding);
  return encoding === 'hex' || bytes.toString('base64') === text ? bytes : null;
}

/** The key bytes of a printed secret, or null when it has not the contract's form. Lengths are not looked at. */
export function keyBytes(format: SecretDocument, secret: string): Buffer | null {
  if (format.key === 'printed' || format.encoding === 'text') {
    const text = format.key === 'printed' ? secret : withoutPrefix(format, secret);
    return text === '' ? null : Buffer.from(text, 'utf8');
  }
  const bytes = decodeBytes(withoutPrefix(format, secret), format.encoding);
  return bytes === null || bytes.length === 0 ? null : bytes;
}

/** Most secrets of live webhooks stay decoded; beyond this the longest kept one makes room. */
const MAX_CACHED_KEYS = 2048;

/** Remembers decoded keys: decoding and importing a key costs about as much as a short HMAC. */
export class KeyCache {
  readonly #keys = new Map<string, KeyObject>();
  readonly #format: SecretDocument;
  readonly #importKey: (bytes: Buffer) => KeyObject | null;

  /** @param importKey Makes the key of its bytes; null when they are none. */
  constructor(format: SecretDocument, importKey: (bytes: Buffer) => KeyObject | null) {
    this.#format = format;
    this.#importKey = importKey;
  }

  /** @throws ContractError `secret_malformed` */
  get(secret: string): KeyObject {
    const cached = this.#keys.get(secret);
    if (cached !== undefined) return cached;
    const bytes = keyBytes(this.#format, secret);
    const key = bytes === null ? null : this.#importKey(bytes);
    if (key === null) throw new ContractError('secret_malformed', 'The secret has not the form of its contract.');
    if (this.#keys.size >= MAX_CACHED_KEYS) {
      const oldest = this.#keys.keys().next();
      if (!oldest.done) this.#keys.delete(oldest.value);
    }
    this.#keys.set(secret, key);
    return key;
  }
}

function withoutPrefix(format: SecretDocument, secret: string): string {
  return secret.startsWith(format.prefix) ? secret.slice(format.prefix.length) : secret;
}

function checkLength(length: number, format: SecretDocument, unit: string): SecretCheck {
  if (length >= format.min_length && length <= format.max_length) return { kind: 'valid' };
  return invalid(`The secret must hold ${format.min_length} to ${format.max_length} ${unit}; it holds ${length}.`);
}

function invalid(message: string): SecretCheck {
  return { kind: 'invalid', message };
}
