import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const nonceBytes = 12;
const tagBytes = 16;
/** 96 bits: nobody guesses one through an API. */
const signatureBytes = 12;

/** A sealed text and the id of the key that sealed it. */
export interface SealedText {
  readonly sealed: Buffer;
  readonly keyId: string;
}

/** Seals texts for storage (AES-256-GCM, NIST SP 800-38D; a fresh random nonce each). */
export interface Encryption {
  /** The key that seals from now on. */
  readonly activeKeyId: string;
  /** The ids of all keys that open, the active one first. */
  readonly keyIds: readonly string[];
  /**
   * A public name of this installation for each key, the active one's first: what is sent under one comes from a process
   * that has that key. 12 hex digits, the beginning of an HMAC-SHA256 under the key, so that neither the key nor its id
   * can be told from it.
   */
  readonly installationIds: readonly string[];
  /** @param context what the text belongs to: opening under another context fails */
  seal(text: string, context: string): SealedText;
  /** @throws EncryptionError `encryption_key_unknown` or `encryption_open_failed` */
  open(sealed: SealedText, context: string): string;
  /**
   * Signs a text that leaves this installation and comes back: 12 bytes, the beginning of an HMAC-SHA256 under the active key.
   *
   * @param context what the text is for: a signature is of no use for another context
   */
  sign(text: string, context: string): Buffer;
  /** Whether {@link sign} made this signature, under any of the keys. Takes as long wherever the first wrong byte is. */
  isSigned(text: string, context: string, signature: Buffer): boolean;
}

export class EncryptionError extends Error {
  readonly code: 'encryption_key_invalid' | 'encryption_key_unknown' | 'encryption_open_failed';
  constructor(code: EncryptionError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'EncryptionError';
    this.code = code;
  }
}

/**
 * @param keys comma-separated base64 keys of 32 bytes each; the first seals, all open
 * @throws EncryptionError `encryption_key_invalid`
 */
export function createEncryption(keys: string): Encryption {
  const byId = new Map(
    keys
      .split(',')
      .map(text => parseKey(text.trim()))
      .map(key => [keyIdOf(key), key]),
  );
  const [active] = byId;
  if (active === undefined)
    throw new EncryptionError('encryption_key_invalid', 'At least one encryption key is needed.');
  const [activeKeyId, activeKey] = active;
  return {
    activeKeyId,
    keyIds: [...byId.keys()],
    installationIds: [...byId.values()].map(installationIdOf),
    seal(text, context) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', activeKey, nonce).setAAD(Buffer.from(context));
      const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return { sealed: Buffer.concat([nonce, ciphertext, cipher.getAuthTag()]), keyId: activeKeyId };
    },
    open({ sealed, keyId }, context) {
      const key = byId.get(keyId);
      if (key === undefined) {
        const message = `No encryption key with the id ${keyId} is configured; add the key that sealed this to ENCRYPTION_KEY.`;
        throw new EncryptionError('encryption_key_unknown', message);
      }
      return openWith(key, sealed, context);
    },
    sign: (text, context) => signWith(activeKey, text, context),
    isSigned: (text, context, signature) =>
      signature.length === signatureBytes &&
      [...byId.values()].some(key => timingSafeEqual(signWith(key, text, context), signature)),
  };
}

/** Whether {@link createEncryption} takes these keys. */
export function isEncryptionKeys(keys: string): boolean {
  try {
    createEncryption(keys);
    return true;
  } catch {
    return false;
  }
}

function openWith(key: Buffer, sealed: Buffer, context: string): string {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(-tagBytes));
    return decipher.update(sealed.subarray(nonceBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8');
  } catch (cause) {
    throw new EncryptionError(
      'encryption_open_failed',
      'A sealed text could not be opened: it was altered or moved.',
      cause,
    );
  }
}

/** Eight hex digits of the key's SHA-256: tells keys apart, says nothing of them. */
function keyIdOf(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8);
}

/** The context is told from the text by its length, which stands in front of it. */
function signWith(key: Buffer, text: string, context: string): Buffer {
  const message = `signpost signature ${context.length} ${context}${text}`;
  return createHmac('sha256', key).update(message).digest().subarray(0, signatureBytes);
}

function installationIdOf(key: Buffer): string {
  return createHmac('sha256', key).update('signpost installation').digest('hex').slice(0, 12);
}

function parseKey(text: string): Buffer {
  const key = Buffer.from(text, 'base64');
  if (key.length !== 32)
    throw new EncryptionError(
      'encryption_key_invalid',
      'An encryption key is 32 bytes in base64: `openssl rand -base64 32` makes one.',
    );
  return key;
}
