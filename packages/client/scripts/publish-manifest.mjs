// What `npm pack` and `npm publish` call before and after: inside the monorepo the package is its TypeScript sources,
// elsewhere it has to be JavaScript, because Node strips no types in node_modules. `write` builds dist/ and puts the
// manifest for the world in the place of ours, which waits in package.json.source; `restore` brings ours back.
// Plain JavaScript: npm may run on a Node that strips no types at all.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const inPackage = name => path.join(folder, name);
const manifestFile = inPackage('package.json');
const sourceManifestFile = inPackage('package.json.source');
const licenseFile = path.resolve(folder, '../../LICENSE');

const [command] = process.argv.slice(2);
if (command === 'write') write();
else if (command === 'restore') restore();
else throw new Error('Say write or restore');

function write() {
  // Left behind by a pack that was interrupted.
  restore();
  rmSync(inPackage('dist'), { recursive: true, force: true });
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: folder, stdio: 'inherit' });
  const manifest = publishedManifest(JSON.parse(readFileSync(manifestFile, 'utf8')));
  if (existsSync(licenseFile)) copyFileSync(licenseFile, inPackage('LICENSE'));
  renameSync(manifestFile, sourceManifestFile);
  writeFileSync(manifestFile, `${JSON.stringify(manifest, null, 2)}\n`);
}

function restore() {
  if (!existsSync(sourceManifestFile)) return;
  renameSync(sourceManifestFile, manifestFile);
  rmSync(inPackage('LICENSE'), { force: true });
}

function publishedManifest({ name, version, description, license, type, files, dependencies }) {
  return {
    name,
    version,
    description,
    license,
    type,
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    files,
    // As got demands.
    engines: { node: '>=22' },
    dependencies,
  };
}
