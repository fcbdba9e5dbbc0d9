// Redis has no npm package with binaries: take the server on the PATH, else ask the system's package manager.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { forbidServices, removeLeftoverPolicy } from './service-policy.ts';
import { StoreError } from './store-error.ts';

const SERVER_NAMES = ['valkey-server', 'redis-server'];
// Services, and Homebrew, are outside of the PATH of some shells.
const MORE_FOLDERS = ['/usr/local/bin', '/usr/bin', '/usr/sbin', '/opt/homebrew/bin'];

interface PackageManager {
  name: string;
  needsRoot: boolean;
  steps: readonly (readonly string[])[];
}

const PACKAGE_MANAGERS: readonly PackageManager[] = [
  {
    name: 'apt-get',
    needsRoot: true,
    steps: [
      ['update', '-qq'],
      ['install', '-qq', '-y', '--no-install-recommends', 'redis-server'],
    ],
  },
  { name: 'dnf', needsRoot: true, steps: [['install', '-q', '-y', 'valkey']] },
  { name: 'apk', needsRoot: true, steps: [['add', '-q', '--no-cache', 'redis']] },
  { name: 'brew', needsRoot: false, steps: [['install', '-q', 'redis']] },
];

export interface SearchOptions {
  /** Where programs are looked for. Default: the PATH and the usual places. */
  folders?: readonly string[];
}

export interface ObtainOptions extends SearchOptions {
  /** Default: whether this process is root. */
  isRoot?: boolean;
  /** Told in one sentence before anything is installed. */
  onNotice: (sentence: string) => void;
}

/** The server's file, Valkey before Redis; undefined if there is none. */
export function findRedisServer({ folders = searchedFolders() }: SearchOptions = {}): string | undefined {
  return SERVER_NAMES.map(name => findProgram(name, folders)).find(file => file !== undefined);
}

function searchedFolders(): string[] {
  return [...(process.env.PATH ?? '').split(path.delimiter).filter(Boolean), ...MORE_FOLDERS];
}

function findProgram(name: string, folders: readonly string[]): string | undefined {
  return folders.map(folder => path.join(folder, name)).find(isExecutableFile);
}

function isExecutableFile(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Finds a server, or installs one where this account may.
 *
 * @throws {StoreError} `redis_missing`, with a sentence that names the ways out
 */
export async function obtainRedisServer(options: ObtainOptions): Promise<string> {
  const { folders = searchedFolders(), isRoot = process.getuid?.() === 0, onNotice } = options;
  removeLeftoverPolicy();
  const present = findRedisServer({ folders });
  if (present !== undefined) return present;
  const manager = PACKAGE_MANAGERS.find(candidate => findProgram(candidate.name, folders) !== undefined);
  const prefix = manager === undefined ? undefined : privilege(manager, isRoot);
  let failure = '';
  if (manager !== undefined && prefix !== undefined) {
    onNotice(`No Redis found: installing it with ${manager.name}…`);
    failure = await install(manager, prefix);
    const installed = findRedisServer({ folders });
    if (installed !== undefined) return installed;
  }
  throw new StoreError(
    'redis_missing',
    'Signpost needs Redis: set REDIS_URL to a server that runs, or put valkey-server or redis-server on the PATH, ' +
      'or start with the rights to install it (apt-get, dnf, apk or brew).' +
      (failure === '' ? '' : `\n${manager?.name} said:\n${failure}`),
  );
}

/** The words before the command: none, or a sudo that asks for no password; undefined if it is not permitted. */
function privilege(manager: PackageManager, isRoot: boolean): readonly string[] | undefined {
  // Homebrew refuses to run as root.
  if (!manager.needsRoot) return isRoot ? undefined : [];
  if (isRoot) return [];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined;
}

/** Runs the manager's steps; returns what it said when a step failed, else nothing. */
async function install(manager: PackageManager, prefix: readonly string[]): Promise<string> {
  // Debian starts a service as soon as its package is there. Only the program is wanted.
  const allowServices = manager.name === 'apt-get' ? forbidServices() : () => undefined;
  try {
    for (const step of manager.steps) {
      const { code, output } = await run([...prefix, manager.name, ...step]);
      // A failed index update is no reason to stop: the package may be in the index at hand.
      if (code !== 0 && step[0] !== 'update') return output.trim();
    }
    return '';
  } finally {
    allowServices();
  }
}

function run([file, ...args]: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise(resolve => {
    const child = spawn(file as string, args, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1', HOMEBREW_NO_AUTO_UPDATE: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', chunk => (output += String(chunk)));
    child.stderr.on('data', chunk => (output += String(chunk)));
    child.once('error', error => resolve({ code: null, output: error.message }));
    child.once('close', code => resolve({ code, output }));
  });
}
