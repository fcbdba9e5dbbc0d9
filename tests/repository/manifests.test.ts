import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const root = path.resolve(import.meta.dirname, '../..');
const EXACT_VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

interface Manifest {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

interface Lockfile {
  packages: Record<string, Manifest & { link?: boolean; resolved?: string }>;
}

const readJson = <T>(file: string) => JSON.parse(readFileSync(path.join(root, file), 'utf8')) as T;
const manifestFiles = globSync(['package.json', 'apps/*/package.json', 'packages/*/package.json'], { cwd: root });

const dependenciesOf = (manifest: Manifest) => ({
  ...manifest.dependencies,
  ...manifest.devDependencies,
  ...manifest.optionalDependencies,
  ...manifest.peerDependencies,
});

/** Runs `fix-lockfile.mjs --check` on a lockfile; returns its complaints, one a line. */
function missingIn(lockfile: string): string[] {
  try {
    execFileSync(process.execPath, [path.join(root, 'scripts/fix-lockfile.mjs'), '--check', lockfile], {
      stdio: 'pipe',
    });
    return [];
  } catch (error) {
    return (error as { stderr: Buffer }).stderr.toString().trim().split('\n');
  }
}

test.each(manifestFiles)('%s names every dependency by one exact version', file => {
  const loose = Object.entries(dependenciesOf(readJson<Manifest>(file))).filter(
    ([, version]) => !EXACT_VERSION.test(version),
  );
  expect(loose).toEqual([]);
});

test.each(manifestFiles)('package-lock.json knows the dependencies of %s as they are', file => {
  const { packages } = readJson<Lockfile>('package-lock.json');
  const folder = path.posix.dirname(file);
  const locked = packages[folder === '.' ? '' : folder];
  expect(locked && dependenciesOf(locked)).toEqual(dependenciesOf(readJson<Manifest>(file)));
});

test('package-lock.json has every optional package of every platform, so that `npm ci` works on each', () => {
  expect(missingIn(path.join(root, 'package-lock.json'))).toEqual([]);
});

test('a platform package that the lockfile lacks is named', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'signpost-lockfile-'));
  try {
    const lock = readJson<Lockfile>('package-lock.json');
    delete lock.packages['node_modules/@turbo/darwin-arm64'];
    const copy = path.join(folder, 'package-lock.json');
    writeFileSync(copy, JSON.stringify(lock));
    expect(missingIn(copy)).toEqual([expect.stringContaining('@turbo/darwin-arm64@')]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('package-lock.json comes from the public registry alone', () => {
  const elsewhere = Object.values(readJson<Lockfile>('package-lock.json').packages)
    .filter(({ link, resolved }) => !link && resolved !== undefined)
    .filter(({ resolved }) => !resolved?.startsWith('https://registry.npmjs.org/'));
  expect(elsewhere).toEqual([]);
});
