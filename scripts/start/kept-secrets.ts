import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What a development set-up needs to know and nobody should have to type; kept beside the data it belongs to. */
export interface KeptSecrets {
  apiKey: string;
  /** Base64 of 32 bytes. Seals the webhook secrets in the database: lost with it, they cannot be opened. */
  encryptionKey: string;
  /** The signing secret of the webhook in the printed example, which the demo receiver verifies with. */
  demoSigningSecret: string;
}

/** Reads the secrets of a data folder, making those that are missing. The file is for its owner's eyes alone (mode 600). */
export function keepSecrets(dataDir: string): KeptSecrets {
  const file = fileIn(dataDir);
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<KeptSecrets>) : {};
  const secrets: KeptSecrets = {
    apiKey: kept.apiKey ?? newApiKey(),
    encryptionKey: kept.encryptionKey ?? randomBytes(32).toString('base64'),
    demoSigningSecret: kept.demoSigningSecret ?? `whsec_${randomBytes(32).toString('base64')}`,
  };
  write(file, secrets);
  return secrets;
}

/** Keeps a new API key in place of one that was revoked. */
export function replaceApiKey(dataDir: string): string {
  const secrets = { ...keepSecrets(dataDir), apiKey: newApiKey() };
  write(fileIn(dataDir), secrets);
  return secrets.apiKey;
}

function fileIn(dataDir: string): string {
  return path.join(dataDir, 'secrets.json');
}

function newApiKey(): string {
  return `sk_live_${randomBytes(32).toString('base64url')}`;
}

function write(file: string, secrets: KeptSecrets): void {
  // Beside and then over the old one: an interrupted write must not cost the encryption key.
  writeFileSync(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
