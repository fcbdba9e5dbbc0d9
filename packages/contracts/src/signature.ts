import { createHash, createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { ContractError } from './contract-error.ts';
import type { SecretDocument, SignatureAlgorithm, SignatureDocument } from './document.ts';
import { Ed25519Signing, parsePublicKey, privateKey, verifyEd25519 } from './ed25519.ts';
import type { PathTreeBuilder } from './json-path.ts';
import { MAX_SIGNED_BYTES, tooLarge } from './request-limits.ts';
import type { SealInput } from './seal-input.ts';
import { KeyCache, keyBytes } from './secret.ts';
import type { TemplateToken } from './template.ts';
import { compileText, type TextReader, validTokens } from './vocabulary.ts';

/** Signs a body's bytes with every valid secret the contract can carry, newest first, in the written form. */
export type Signer = (input: SealInput, data: readonly (string | null)[], body: Buffer) => string;

/** A part of the signed content; null stands for the body's bytes. */
type ContentPart = TextReader | null;

/** Compiles what is signed into text around the body, so that the body's bytes are never encoded a second time. */
export function compileContent(template: string, paths: PathTreeBuilder): readonly ContentPart[] {
  const parts: ContentPart[] = [];
  let run: TemplateToken[] = [];
  const flush = (): void => {
    if (run.length > 0) parts.push(compileText(run, paths, false));
    run = [];
  };
  for (const token of validTokens(template, 'signed_content')) {
    if (token.kind === 'placeholder' && token.name === 'body') {
      flush();
      parts.push(null);
    } else {
      run.push(token);
    }
  }
  flush();
  return parts;
}

/** Compiles a signature. Where one signature is all that fits, the newest secret makes it. */
export function compileSigner(
  signature: SignatureDocument,
  secret: SecretDocument,
  content: readonly ContentPart[],
): Signer {
  const begin = compileSigning(signature, secret);
  const [before, after] = splitFormat(signature.format);
  const { encoding, separator } = signature;
  const one = (input: SealInput, data: readonly (string | null)[], body: Buffer, key: string): string => {
    const signing = begin(key);
    let length = 0;
    for (const part of content) {
      const chunk = part === null ? body : part(input, data, key);
      length += chunk.length;
      if (length > MAX_SIGNED_BYTES) throw tooLarge('The signed content', MAX_SIGNED_BYTES);
      signing.update(chunk);
    }
    return before + signing.digest(encoding) + after;
  };
  return (input, data, body) => {
    const [newest] = input.secrets;
    if (newest === undefined) throw new ContractError('secret_missing', 'There is no valid secret to sign with.');
    if (separator === null || input.secrets.length === 1) return one(input, data, body, newest);
    return input.secrets.map(key => one(input, data, body, key)).join(separator);
  };
}

/** The literal text before and after `{signature}`. */
export function splitFormat(format: string): readonly [string, string] {
  const at = format.indexOf('{signature}');
  return [format.slice(0, at), format.slice(at + '{signature}'.length)];
}

/** Something fed in pieces that ends in a signature: an HMAC, a hash, or Ed25519 over all that was collected. */
interface Signing {
  update(chunk: string | Uint8Array): unknown;
  digest(encoding: 'hex' | 'base64'): string;
}

function compileSigning(signature: SignatureDocument, secret: SecretDocument): (key: string) => Signing {
  const { algorithm } = signature;
  if (algorithm === 'md5' || algorithm === 'sha256') return () => createHash(algorithm);
  if (algorithm === 'ed25519') {
    const keys = new KeyCache(secret, privateKey);
    return key => new Ed25519Signing(keys.get(key));
  }
  const digest = hmacDigest(algorithm);
  const keys = new KeyCache(secret, createSecretKey);
  return key => createHmac(digest, keys.get(key));
}

function hmacDigest(algorithm: SignatureAlgorithm): string {
  return algorithm.slice('hmac-'.length);
}

const SIGNATURE_BYTES: Record<SignatureAlgorithm, number> = {
  'hmac-sha256': 32,
  'hmac-sha512': 64,
  'hmac-sha1': 20,
  md5: 16,
  sha256: 32,
  ed25519: 64,
};

/** Bytes of one signature before it is encoded. */
export function signatureBytes(algorithm: SignatureAlgorithm): number {
  return SIGNATURE_BYTES[algorithm];
}

/**
 * For a receiver: the function that says whether a candidate is the signature of the content. Candidates must have
 * `signatureBytes` bytes; the comparison takes the same time for all of them.
 *
 * @returns Null when the secret (for Ed25519 the public key, `whpk_…`) has not the contract's form.
 */
export function compileVerification(
  signature: SignatureDocument,
  format: SecretDocument,
  secret: string,
  content: readonly (string | Uint8Array)[],
): ((candidate: Buffer) => boolean) | null {
  const { algorithm } = signature;
  if (algorithm === 'ed25519') {
    const key = parsePublicKey(secret);
    return key === null ? null : candidate => verifyEd25519(key, content, candidate);
  }
  const key = keyBytes(format, secret);
  if (key === null) return null;
  const plain = algorithm === 'md5' || algorithm === 'sha256';
  const hash = plain ? createHash(algorithm) : createHmac(hmacDigest(algorithm), key);
  for (const chunk of content) hash.update(chunk);
  const expected = hash.digest();
  return candidate => timingSafeEqual(candidate, expected);
}
