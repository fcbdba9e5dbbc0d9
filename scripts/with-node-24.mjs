// node scripts/with-node-24.mjs scripts/<name>.ts [arguments]
//
// Runs a script on Node 24 from a fresh clone, whatever Node (20 or newer) is at hand: brings node_modules and the
// generated database client up to date when they are not, then hands over to node_modules/.bin/node. Plain JavaScript and
// Node's own modules alone, because nothing else is there yet. With nothing to do it costs one start of Node.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const OLDEST_NODE = 20;
const LOCK_POLL_MS = 250;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const inRoot = (...parts) => path.join(root, ...parts);
const INSTALL_STAMP = inRoot('node_modules', '.signpost-lockfile-hash');
const CLIENT = inRoot('packages', 'database', 'src', 'generated', 'prisma');
const CLIENT_STAMP = inRoot('node_modules', '.signpost-schema-hash');
const node24 = inRoot('node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

const read = file => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);
const hashOf = (...files) =>
  files.reduce((hash, file) => hash.update(read(file) ?? ''), createHash('sha256')).digest('hex');
const lockfileHash = () => hashOf(inRoot('package-lock.json'));
// package-lock.json is in it because another Prisma generates another client.
const schemaHash = () =>
  hashOf(inRoot('prisma', 'schema.prisma'), inRoot('prisma.config.ts'), inRoot('package-lock.json'));

const isInstalled = () => existsSync(node24) && (read(INSTALL_STAMP) === lockfileHash() || installedByHand());
const isGenerated = () => existsSync(path.join(CLIENT, 'client.ts')) && read(CLIENT_STAMP) === schemaHash();

/**
 * npm keeps its own record of what is in node_modules. Somebody who ran `npm ci` or `npm install` by hand, or changed the
 * lockfile's formatting alone, need not wait for another installation.
 */
function installedByHand() {
  const record = read(inRoot('node_modules', '.package-lock.json'));
  if (record === undefined) return false;
  const installed = JSON.parse(record).packages;
  const wanted = Object.entries(JSON.parse(readFileSync(inRoot('package-lock.json'), 'utf8')).packages);
  const fits = wanted.every(([place, { version, link, optional }]) => {
    if (!place.includes('node_modules/')) return true;
    if (link) return existsSync(inRoot(place));
    return installed[place] === undefined ? optional === true : installed[place].version === version;
  });
  if (fits) writeFileSync(INSTALL_STAMP, lockfileHash());
  return fits;
}

class Failure extends Error {}

/** Runs a step without showing it; on failure its output is the error. Ctrl-C ends the step and then this process. */
function runQuietly(file, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let stoppedBy;
    const stop = signal => {
      stoppedBy = signal;
      child.kill(signal);
    };
    for (const signal of SIGNALS) process.on(signal, stop);
    child.stdout.on('data', chunk => (output += chunk));
    child.stderr.on('data', chunk => (output += chunk));
    child.once('error', error => reject(new Failure(`Cannot run ${file}: ${error.message}`)));
    child.once('close', code => {
      for (const signal of SIGNALS) process.off(signal, stop);
      if (stoppedBy !== undefined) reject(new Interrupted(stoppedBy));
      else if (code !== 0) reject(new Failure(output.trim()));
      else resolve();
    });
  });
}

class Interrupted extends Error {
  constructor(signal) {
    super(signal);
    this.exitCode = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }[signal];
  }
}

/** `npm start` and `npm test` in two terminals of a fresh clone must not install at once: the second waits for the first. */
async function alone(work) {
  const lock = path.join(tmpdir(), `signpost-install-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`);
  const owner = path.join(lock, 'pid');
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    await new Promise(resolve => setTimeout(resolve, LOCK_POLL_MS));
    // No pid after the pause: its owner ended between making the folder and writing into it.
    if (!isAlive(Number(read(owner)))) rmSync(lock, { recursive: true, force: true });
  }
  try {
    writeFileSync(owner, String(process.pid));
    await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function install() {
  if (isInstalled()) return;
  process.stderr.write('Installing dependencies…\n');
  const args = ['ci', '--include=dev', '--loglevel=error', '--no-fund', '--no-audit', '--no-progress'];
  const env = { ...process.env };
  // The settings of the `npm start` around this are npm's business with that script, not with this installation.
  for (const name of ['npm_config_loglevel', 'npm_config_silent', 'NODE_OPTIONS', 'NODE_ENV']) delete env[name];
  // npm replaces node_modules, so it must not run on the Node in there.
  const outerNode = env.npm_node_execpath ?? process.execPath;
  const npm = env.npm_execpath?.endsWith('.js') ? [outerNode, env.npm_execpath] : ['npm'];
  try {
    await runQuietly(npm[0], [...npm.slice(1), ...args], env);
  } catch (error) {
    if (error instanceof Failure) throw new Failure(`npm ci failed:\n${error.message}`);
    throw error;
  }
  if (!existsSync(node24))
    throw new Failure('npm did not install Node 24: let the package "node" run its install script (npm rebuild node)');
  writeFileSync(INSTALL_STAMP, lockfileHash());
}

async function generate() {
  if (isGenerated()) return;
  const prisma = inRoot('node_modules', 'prisma', 'build', 'index.js');
  const env = { ...process.env, PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1' };
  try {
    await runQuietly(node24, [prisma, 'generate'], env);
  } catch (error) {
    if (error instanceof Failure) throw new Failure(`prisma generate failed:\n${error.message}`);
    throw error;
  }
  writeFileSync(CLIENT_STAMP, schemaHash());
}

/** Runs the script in this process if this already is Node 24, else in a child that gets our signals and gives its exit code. */
async function handOver(script, args) {
  if (process.execPath === node24) {
    process.argv.splice(1, process.argv.length, script, ...args);
    await import(pathToFileURL(script).href);
    return;
  }
  // The IPC channel tells the script when this process is gone, however it ended.
  const child = spawn(node24, [script, ...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // Ends the way the child ended, so that a shell sees the same.
    for (const name of SIGNALS) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}

async function main() {
  const [script, ...args] = process.argv.slice(2);
  if (script === undefined) throw new Failure('Usage: node scripts/with-node-24.mjs scripts/<name>.ts [arguments]');
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE)
    throw new Failure(`Signpost needs Node ${OLDEST_NODE} or newer to install itself; this is ${process.version}`);
  if (!isInstalled() || !isGenerated())
    await alone(async () => {
      await install();
      await generate();
    });
  await handOver(path.resolve(script), args);
}

try {
  await main();
} catch (error) {
  // A fault of the script itself keeps its stack.
  if (!(error instanceof Failure) && !(error instanceof Interrupted)) throw error;
  if (error instanceof Failure) process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode ?? 1;
}
