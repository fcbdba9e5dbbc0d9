import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { ContractError } from './contract-error.ts';
import type { SecretDocument, SignatureDocument } from './document.ts';
import type { PathTreeBuilder } from './json-path.ts';
import type { SealInput } from './seal-input.ts';
import { KeyCache } from './secret.ts';
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
  for (const token of validTokens(template)) {
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
  const begin = compileHash(signature, secret);
  const [before, after] = splitFormat(signature.format);
  const { encoding, separator } = signature;
  const one = (input: SealInput, data: readonly (string | null)[], body: Buffer, key: string): string => {
    const hash = begin(key);
    for (const part of content) {
      if (part === null) hash.update(body);
      else hash.update(part(input, data, key), 'utf8');
    }
    return before + hash.digest(encoding) + after;
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

function compileHash(signature: SignatureDocument, secret: SecretDocument): (key: string) => Hash | Hmac {
  const { algorithm } = signature;
  if (algorithm === 'md5' || algorithm === 'sha256') return () => createHash(algorithm);
  const digest = algorithm.slice('hmac-'.length);
  const keys = new KeyCache(secret);
  return key => createHmac(digest, keys.get(key));
}
