import { hash, randomBytes } from 'node:crypto';

/** A new secret of an API key: 256 random bits, more than anyone can guess, so that a plain hash keeps it. */
export function makeKeySecret(): string {
  return `sk_live_${randomBytes(32).toString('base64url')}`;
}

/** SHA-256, as it is stored. */
export function hashKeySecret(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** By which people tell keys apart. */
export function keySecretHint(secret: string): string {
  return secret.slice(-4);
}
