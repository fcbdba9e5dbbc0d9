// Completes package-lock.json with the optional platform packages that the registry of this machine did not serve.
//
// A package with native code lists one optional dependency for each platform, pinned to one version. npm writes only
// those it could find into the lockfile, and `npm ci` then refuses the file as incomplete. An entry with version, os and
// cpu is enough for it; npm itself leaves the entry alone afterwards, and installs it where it fits.
//
// Usage: node scripts/fix-lockfile.mjs [--check] [lockfile]
// After a change of dependencies: npm install --package-lock-only --ignore-scripts && node scripts/fix-lockfile.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const EXACT_VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;
const OS_WORDS = { windows: 'win32', macos: 'darwin' };
const OSES = [
  'darwin',
  'macos',
  'linux',
  'linuxmusl',
  'win32',
  'windows',
  'freebsd',
  'netbsd',
  'openbsd',
  'sunos',
  'android',
  'openharmony',
  'aix',
];
const CPU_WORDS = {
  64: 'x64',
  x64: 'x64',
  x86_64: 'x64',
  amd64: 'x64',
  arm64: 'arm64',
  aarch64: 'arm64',
  arm: 'arm',
  armv7: 'arm',
  ia32: 'ia32',
  i686: 'ia32',
  x86: 'ia32',
  ppc64: 'ppc64',
  ppc64le: 'ppc64',
  s390x: 's390x',
  riscv64: 'riscv64',
  loong64: 'loong64',
  mips64el: 'mips64el',
  wasm32: 'wasm32',
};
const LIBC_WORDS = { gnu: 'glibc', glibc: 'glibc', musl: 'musl', linuxmusl: 'musl' };

/** The folders in which Node looks for a dependency of the package at `key`, nearest first. `''` is the root. */
function lookupFolders(key) {
  const folders = [];
  for (let folder = key; ; ) {
    folders.push(folder);
    if (folder === '') return folders;
    const nested = folder.lastIndexOf('/node_modules/');
    folder = nested < 0 ? '' : folder.slice(0, nested);
  }
}

const pathOf = (folder, name) => `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;

/**
 * Every optional dependency, pinned to an exact version, that has no entry in the lockfile.
 *
 * @param {Record<string, any>} packages the `packages` table of a lockfile (version 3)
 * @returns {{ parent: string, name: string, version: string }[]} in the order of the table
 */
function missingPlatformPackages(packages) {
  const missing = [];
  for (const [parent, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!EXACT_VERSION.test(version)) continue;
      const found = lookupFolders(parent)
        .map(folder => packages[pathOf(folder, name)])
        .find(Boolean);
      if (found?.version !== version) missing.push({ parent, name, version });
    }
  }
  return missing;
}

/**
 * What the name of a platform package says about where it runs.
 *
 * @param {string} name for example `@swc/core-linux-arm64-musl`
 * @returns {{ os?: string[], cpu?: string[], libc?: string[] }} the fields of a lockfile entry
 */
function platformOf(name) {
  const words = name.slice(name.lastIndexOf('/') + 1).split(/[-.]/);
  const os = words.find(word => OSES.includes(word));
  const cpu = words.findLast(word => Object.hasOwn(CPU_WORDS, word));
  const libc = words.find(word => Object.hasOwn(LIBC_WORDS, word));
  return {
    ...(os ? { os: [os === 'linuxmusl' ? 'linux' : (OS_WORDS[os] ?? os)] } : {}),
    ...(cpu ? { cpu: [CPU_WORDS[cpu]] } : {}),
    ...(libc && os?.startsWith('linux') ? { libc: [LIBC_WORDS[libc]] } : {}),
  };
}

/** Adds an entry for each missing package: at the root, or beside its parent where the root holds another version. */
function complete(packages) {
  for (const { parent, name, version } of missingPlatformPackages(packages)) {
    const platform = platformOf(name);
    if (!platform.os && !platform.cpu)
      throw new Error(`${name} (wanted by ${parent}) names no platform: is it on the registry?`);
    const folder = packages[pathOf('', name)] ? parent : '';
    const { dev } = packages[parent];
    // The order of the fields is npm's own, so that it rewrites nothing.
    const { cpu, libc, os } = platform;
    packages[pathOf(folder, name)] = { version, cpu, dev, libc, optional: true, os };
  }
}

function main() {
  const { values, positionals } = parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true });
  const path = positionals[0] ?? fileURLToPath(new URL('../package-lock.json', import.meta.url));
  const lock = JSON.parse(readFileSync(path, 'utf8'));
  const missing = missingPlatformPackages(lock.packages);
  if (values.check) {
    for (const { parent, name, version } of missing)
      console.error(`${name}@${version}, wanted by ${parent}, has no entry.`);
    process.exitCode = missing.length === 0 ? 0 : 1;
    return;
  }
  complete(lock.packages);
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`package-lock.json: ${missing.length} platform packages added.`);
}

main();
