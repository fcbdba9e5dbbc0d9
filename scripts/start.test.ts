// `npm start` as a newcomer meets it: a real run of everything, driven through its output and its signals.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { freePort, isProcessAlive, processCommand } from '@signpost/stores';
import { waitFor } from '@signpost/testing';

const REPOSITORY = path.resolve(import.meta.dirname, '..');
const READY = 'Ctrl-C stops everything';
const TIMEOUT_MS = 60_000;

interface Run {
  child: ChildProcess;
  /** Standard output so far. */
  out(): string;
  /** Standard error so far. */
  err(): string;
  ended: Promise<number | null>;
}

let dataDir: string;
let runs: Run[];

beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'signpost-test-start-'));
  // Root hands Postgres to another account, which has to pass through here.
  chmodSync(dataDir, 0o755);
  runs = [];
});

afterEach(async () => {
  for (const run of runs) {
    run.child.kill('SIGTERM');
    await run.ended;
  }
  rmSync(dataDir, { recursive: true, force: true });
});

function start(env: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, ['scripts/with-node-24.mjs', 'scripts/start.ts'], {
    cwd: REPOSITORY,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PORT: '0',
      DATA_DIR: dataDir,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', chunk => (out += String(chunk)));
  child.stderr.on('data', chunk => (err += String(chunk)));
  const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)));
  const run = { child, out: () => out, err: () => err, ended };
  runs.push(run);
  return run;
}

async function untilReady(run: Run): Promise<void> {
  await waitFor(() => run.out().includes(READY) || run.child.exitCode !== null, {
    timeoutMs: TIMEOUT_MS,
    description: 'npm start is ready',
  });
  if (!run.out().includes(READY)) throw new Error(`npm start ended:\n${run.out()}\n${run.err()}`);
}

const curlLines = (run: Run): string[] =>
  run
    .out()
    .split('\n')
    .filter(line => line.startsWith('curl '));

/** Where the API of the run on `dataDir` is. */
const runningUrl = (): string =>
  (JSON.parse(readFileSync(path.join(dataDir, 'running.json'), 'utf8')) as { url: string }).url;

/** Pastes a printed line into a shell. */
const paste = (line = ''): Record<string, unknown> =>
  JSON.parse(execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8' })) as Record<string, unknown>;

/** The servers, their watchdogs and the apps of a run. */
function childrenOf(run: Run): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return rows
    .map(row => row.trim().split(/\s+/).map(Number))
    .filter(([pid, parent]) => parent === run.child.pid && isProcessAlive(pid as number))
    .map(([pid]) => pid as number);
}

test(
  'the three printed lines work when pasted, Ctrl-C stops everything, and the next start keeps key and data',
  async () => {
    const first = start();
    await untilReady(first);
    const [createWebhook, publish, read] = curlLines(first);
    expect(paste(createWebhook)).toMatchObject({ active: true, events: ['*'] });
    const event = paste(publish);
    expect(event).toMatchObject({ event_type: 'invoice.paid', duplicate: false });
    await waitFor(() => first.out().includes('signature verified'), {
      description: 'the webhook has arrived, verified',
    });
    const delivery = { event_id: event.id, status: 'succeeded', attempt_count: 1 };
    await waitFor(() => JSON.stringify(paste(read)).includes('"succeeded"'), {
      description: 'the delivery is recorded',
    });
    expect(paste(read)).toMatchObject({ data: [delivery] });

    const servers = childrenOf(first);
    expect(servers.length).toBeGreaterThanOrEqual(5);
    // Twice, as an impatient person does.
    first.child.kill('SIGINT');
    first.child.kill('SIGINT');
    expect(await first.ended).toBe(0);
    expect(first.err()).toBe('');
    expect(servers.filter(isProcessAlive)).toEqual([]);

    const startedAt = performance.now();
    const second = start();
    await untilReady(second);
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(paste(curlLines(second)[2])).toMatchObject({ data: [delivery] });
  },
  2 * TIMEOUT_MS,
);

test(
  'a stop during the start-up is as quiet, wherever it comes',
  async () => {
    for (const afterMs of [200, 600, 1200, 1800]) {
      const run = start();
      const since = performance.now();
      await waitFor(() => performance.now() - since >= afterMs, { description: 'it is in the middle of starting' });
      const servers = childrenOf(run);
      run.child.kill('SIGINT');
      // Node itself ends on a signal that comes before the script listens for it.
      expect([0, null]).toContain(await run.ended);
      expect(run.err()).toBe('');
      // What Node's own end left behind, a look at a version for example, ends a moment later.
      await waitFor(() => !servers.some(isProcessAlive), { timeoutMs: 10_000, description: 'every process has ended' });
    }
  },
  TIMEOUT_MS,
);

test(
  'an app that dies takes the rest along, and is named with its end',
  async () => {
    const run = start();
    await untilReady(run);
    const servers = childrenOf(run);
    const dispatcher = servers.find(pid => processCommand(pid)?.includes('apps/dispatcher'));
    process.kill(dispatcher as number, 'SIGKILL');
    expect(await run.ended).toBe(1);
    expect(run.err()).toContain('The dispatcher ended (SIGKILL)');
    expect(servers.filter(isProcessAlive)).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  'nothing outlives a start that is killed outright',
  async () => {
    const run = start();
    await untilReady(run);
    const servers = childrenOf(run);
    run.child.kill('SIGKILL');
    await run.ended;
    await waitFor(() => !servers.some(isProcessAlive), { timeoutMs: 30_000, description: 'every process has ended' });
    // What it left behind, such as the note that it runs, does not stop the next one.
    await untilReady(start());
  },
  2 * TIMEOUT_MS,
);

test(
  'a second start on the same data is refused, and says where the first one runs',
  async () => {
    const first = start();
    await untilReady(first);
    const second = start();
    expect(await second.ended).toBe(1);
    expect(second.err()).toMatch(
      /^Signpost already runs on .* \(process \d+, http:\/\/127\.0\.0\.1:\d+\): stop it, or set DATA_DIR/,
    );
    expect(first.child.exitCode).toBeNull();
  },
  TIMEOUT_MS,
);

test(
  'secrets are for their owner alone, a key that was given is used and not kept, and a taken port is refused',
  async () => {
    const apiKey = `sk_live_${'x'.repeat(43)}`;
    const first = start({ SIGNPOST_API_KEY: apiKey });
    await untilReady(first);
    const secrets = path.join(dataDir, 'secrets.json');
    expect(statSync(secrets).mode & 0o777).toBe(0o600);
    expect(readFileSync(secrets, 'utf8')).not.toContain(apiKey);
    expect(curlLines(first)[2]).toContain(apiKey);
    expect(paste(curlLines(first)[2])).toMatchObject({ data: [] });
    const { port } = new URL(runningUrl());
    const second = start({ PORT: port, DATA_DIR: path.join(dataDir, 'other') });
    expect(await second.ended).toBe(1);
    expect(second.err()).toBe(`Port ${port} is taken: stop what listens there, or set PORT to another one.\n`);
  },
  TIMEOUT_MS,
);

test.each([
  [{ DATABASE_URL: 'foo' }, 'DATABASE_URL must start with postgresql://\n'],
  [{ DATABASE_URL: 'mysql://u:hidden@127.0.0.1/x' }, 'DATABASE_URL must start with postgresql://\n'],
  [{ REDIS_URL: 'localhost:6379' }, 'REDIS_URL must start with redis:// or rediss://\n'],
  [
    { DATABASE_URL: 'postgresql://u:hidden@[x/y' },
    /^Cannot use the database at the address of DATABASE_URL: [^\n]+\n$/,
  ],
])(
  'a store URL that is none is refused in one sentence: %j',
  async (env, sentence) => {
    const run = start(env);
    expect(await run.ended).toBe(1);
    expect(run.err()).toEqual(typeof sentence === 'string' ? sentence : expect.stringMatching(sentence));
    expect(run.err()).not.toContain('hidden');
  },
  TIMEOUT_MS,
);

test(
  'where one process listens is not passed on to several: it starts with INTERNAL_PORT and HOST in the environment',
  async () => {
    const run = start({ INTERNAL_PORT: String(await freePort()), HOST: '192.0.2.1' });
    await untilReady(run);
    expect(await (await fetch(`${runningUrl()}/health/ready`)).json()).toMatchObject({ status: 'ready' });
    // Open for development, and nowhere else than on the API's own port.
    expect((await fetch(`${runningUrl()}/metrics`)).status).toBe(200);
  },
  TIMEOUT_MS,
);

/** Revokes the key that this run works with, the way anybody does. */
async function revokeKey(apiKey: string): Promise<void> {
  const headers = { authorization: `Bearer ${apiKey}` };
  const keys = (await (await fetch(`${runningUrl()}/v1/api-keys`, { headers })).json()) as { data: { id: string }[] };
  const revoked = await fetch(`${runningUrl()}/v1/api-keys/${keys.data[0]?.id}`, { method: 'DELETE', headers });
  expect(revoked.status).toBe(204);
}

async function stop(run: Run): Promise<void> {
  run.child.kill('SIGINT');
  expect(await run.ended).toBe(0);
}

test(
  'a key that was revoked is replaced by a new one, which is kept; of a given one it is said',
  async () => {
    const keptKey = (): string =>
      (JSON.parse(readFileSync(path.join(dataDir, 'secrets.json'), 'utf8')) as { apiKey: string }).apiKey;
    const first = start();
    await untilReady(first);
    const revoked = keptKey();
    await revokeKey(revoked);
    await stop(first);

    const second = start();
    await untilReady(second);
    expect(keptKey()).not.toBe(revoked);
    expect(second.out()).not.toContain(revoked);
    expect(second.out()).toContain(keptKey());
    expect(paste(curlLines(second)[2])).toMatchObject({ data: [] });
    await stop(second);
    expect(second.err()).toBe('');

    const third = start({ SIGNPOST_API_KEY: revoked });
    await untilReady(third);
    expect(third.out()).toContain('The API key in SIGNPOST_API_KEY is revoked: ');
    await stop(third);
  },
  2 * TIMEOUT_MS,
);
