// Seals every stored webhook secret with the first key of ENCRYPTION_KEY, so that the other keys can be taken out of it. For
// production: beside running processes, several at once, killed and started again, whatever comes.
import os from 'node:os';
import {
  type AuditEntry,
  countSecretsByKey,
  type Database,
  listStoredSecrets,
  openDatabase,
  replaceSealedSecrets,
  type ResealedSecret,
  type StoredSecret,
  webhookSecretContext,
} from '@signpost/database';
import { createEncryption, type Encryption, EncryptionError, formatId } from '@signpost/runtime';

const help = `Seals every stored webhook secret with the first key of ENCRYPTION_KEY.

  npm run rotate-encryption-key [-- --dry-run]
  node scripts/rotate-encryption-key.ts [--dry-run]      in the image

  --dry-run   only tells what would be done

From the environment:
  DATABASE_URL     postgresql://user:password@host:5432/signpost
  ENCRYPTION_KEY   the new key, a comma, and every key that may have sealed a secret

It may run beside a live installation, be killed and started again, and run twice at once. Ends with code 1 where a
secret opens with none of the keys; such a secret stays as it is.
`;

/** Secrets read, sealed and written at a time: a statement of some milliseconds. */
const pageSize = 500;
/** What others changed or held meanwhile is looked at again, but not for ever: an API may go on using an old key. */
const maxPasses = 10;

class UsageError extends Error {}

type Print = (line: string) => void;

interface Pass {
  readonly seen: number;
  readonly resealed: number;
  /** By id of the secret. */
  readonly unopened: ReadonlyMap<string, StoredSecret>;
}

async function rotate(database: Database, encryption: Encryption, dryRun: boolean, print: Print): Promise<number> {
  print(`Sealing with the key ${encryption.activeKeyId}. Keys that open: ${encryption.keyIds.join(', ')}.`);
  const told = new Set<string>();
  let counts: ReadonlyMap<string, number> = new Map();
  for (let pass = 1; pass <= maxPasses; pass += 1) {
    const { seen, resealed, unopened } = await lookAtAll(database, encryption, dryRun, print);
    for (const secret of unopened.values()) if (!told.has(secret.id)) tellUnopened(secret, encryption);
    for (const id of unopened.keys()) told.add(id);
    print(`${seen} secrets looked at, ${resealed} ${dryRun ? 'would be sealed anew' : 'sealed anew'}.`);
    counts = await countSecretsByKey(database);
    const ofOthers = [...counts].reduce((sum, [keyId, n]) => (keyId === encryption.activeKeyId ? sum : sum + n), 0);
    const stuck = [...unopened.values()].filter(({ keyId }) => keyId !== encryption.activeKeyId).length;
    if (dryRun || ofOthers <= stuck) break;
  }
  tellWhatIsLeft(counts, encryption, told.size > 0, print);
  return told.size > 0 ? 1 : 0;
}

async function lookAtAll(database: Database, encryption: Encryption, dryRun: boolean, print: Print): Promise<Pass> {
  const unopened = new Map<string, StoredSecret>();
  let seen = 0;
  let resealed = 0;
  for (let afterId: string | null = null; ; ) {
    const page: readonly StoredSecret[] = await listStoredSecrets(database, afterId, pageSize);
    const changes: ResealedSecret[] = [];
    for (const secret of page) {
      const change = reseal(secret, encryption);
      if (change === 'unopened') unopened.set(secret.id, secret);
      else if (change !== 'as_it_should') changes.push(change);
    }
    seen += page.length;
    resealed +=
      dryRun || changes.length === 0
        ? changes.length
        : await replaceSealedSecrets(database, changes, written => auditEntry(encryption.activeKeyId, written));
    if (page.length < pageSize) return { seen, resealed, unopened };
    print(`${seen} secrets looked at …`);
    afterId = page.at(-1)?.id ?? null;
  }
}

/** Whoever runs this on a server is no key of the API: the audit log names the account. */
function auditEntry(keyId: string, sealedSecrets: number): AuditEntry {
  // A container's user may have no name.
  const name = `${process.env['USER'] ?? `uid ${process.getuid?.()}`}@${os.hostname()}`;
  return {
    action: 'encryption_key.rotated',
    workspaceId: null,
    resourceId: keyId,
    changes: { sealed_secrets: sealedSecrets },
    author: { actor: { type: 'operator', id: null, name }, ip: null, userAgent: null, requestId: null },
  };
}

/** Opens secrets of the first key as well: what does not open is worth knowing before any key is thrown away. */
function reseal(secret: StoredSecret, encryption: Encryption): ResealedSecret | 'as_it_should' | 'unopened' {
  const context = webhookSecretContext(secret.webhookId);
  try {
    const text = encryption.open(secret, context);
    if (secret.keyId === encryption.activeKeyId) return 'as_it_should';
    return { before: secret, ...encryption.seal(text, context) };
  } catch (error) {
    if (error instanceof EncryptionError) return 'unopened';
    throw error;
  }
}

function tellUnopened({ webhookId, keyId }: StoredSecret, { keyIds }: Encryption): void {
  const reason = keyIds.includes(keyId)
    ? `although that key is in ENCRYPTION_KEY: it was altered, or moved from another webhook. Rotate the webhook's secret.`
    : `which is not in ENCRYPTION_KEY. Add that key, or rotate the webhook's secret.`;
  process.stderr.write(
    `A secret of the webhook ${formatId('webhook', webhookId)} does not open. It names the key ${keyId}, ${reason}\n`,
  );
}

function tellWhatIsLeft(
  counts: ReadonlyMap<string, number>,
  { activeKeyId, keyIds }: Encryption,
  someUnopened: boolean,
  print: Print,
): void {
  for (const keyId of new Set([...keyIds, ...counts.keys()])) {
    const note = keyId === activeKeyId ? ' (the first)' : keyIds.includes(keyId) ? '' : ' (not in ENCRYPTION_KEY)';
    print(`key ${keyId}${note}: ${counts.get(keyId) ?? 0} secrets`);
  }
  const unused = keyIds.filter(keyId => keyId !== activeKeyId && !counts.has(keyId));
  const used = keyIds.filter(keyId => keyId !== activeKeyId && counts.has(keyId));
  if (unused.length > 0)
    print(
      `No secret needs ${unused.join(', ')} any more: take it out of ENCRYPTION_KEY, once every process has ${activeKeyId} first.`,
    );
  if (used.length > 0 && !someUnopened)
    print(`Still needed: ${used.join(', ')}. Give every process ${activeKeyId} first, then run this again.`);
}

function readArguments(args: readonly string[]): { readonly dryRun: boolean } {
  const unknown = args.find(arg => arg !== '--dry-run');
  if (unknown !== undefined) throw new UsageError(`${unknown} is not an option. See --help.`);
  return { dryRun: args.length > 0 };
}

function required(name: 'DATABASE_URL' | 'ENCRYPTION_KEY'): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new UsageError(`Set ${name}. See --help.`);
  return value;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(help);
    return 0;
  }
  const { dryRun } = readArguments(args);
  const url = required('DATABASE_URL');
  const encryption = createEncryption(required('ENCRYPTION_KEY'));
  const database = openDatabase({ url, maxConnections: 1, maxHotConnections: 1, onConnectionError: () => {} });
  try {
    return await rotate(database, encryption, dryRun, line => void process.stdout.write(`${line}\n`));
  } finally {
    await database.close();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const reason = error instanceof Error ? error.message || (error as NodeJS.ErrnoException).code : String(error);
  const ours = error instanceof UsageError || error instanceof EncryptionError;
  process.stderr.write(ours ? `${reason}\n` : `Cannot go on: ${reason}. Start it again: what is done stays done.\n`);
  process.exitCode = 1;
}
