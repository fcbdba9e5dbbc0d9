import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { StartFailure } from './start-failure.ts';

export interface ChildApp {
  name: string;
  /** Resolves with its port (0 if it serves none) when it is ready; rejects if it ends first. */
  ready: Promise<number>;
  /** Resolves with a phrase such as "exit code 1" when it has ended, for whatever reason. */
  ended: Promise<string>;
  /** The last lines it wrote. */
  lastLines(): string;
  /** SIGTERM, and SIGKILL if it takes too long. */
  stop(): Promise<void>;
}

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
const LINES_KEPT = 20;

/**
 * Starts an app of this repository as a child in a session of its own: Ctrl-C in the terminal reaches this process alone,
 * which then stops the children in order. The IPC channel carries the child's `{ kind: 'ready', port? }`, and its end tells
 * the child that this process is gone.
 *
 * @param env added to this process's environment, of which PORT, HOST and those of the internal server are not passed on
 * @param onLine gets each line that the app writes
 */
export function startChildApp(
  name: string,
  env: Readonly<Record<string, string>>,
  onLine: (line: string) => void,
): ChildApp {
  const child = spawn(process.execPath, [path.join(REPOSITORY, 'apps', name, 'src', 'main.ts')], {
    cwd: REPOSITORY,
    env: { ...withoutAddresses(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
  const kept: string[] = [];
  const keep = (line: string): void => {
    kept.push(line);
    if (kept.length > LINES_KEPT) kept.shift();
    onLine(line);
  };
  for (const output of [child.stdout, child.stderr]) createInterface({ input: output as Readable }).on('line', keep);
  const ended = new Promise<string>(resolve => {
    child.once('error', error => resolve(error.message));
    // 'close' follows the last output; 'exit' may come before it.
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  return {
    name,
    ready: untilReady(child, name, ended),
    ended,
    lastLines: () => kept.join('\n'),
    stop: () => stopChild(child, ended),
  };
}

/** Where one process listens is no setting for several: each child is told its own, or listens nowhere. */
function withoutAddresses(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...environment, PORT: undefined, HOST: undefined, INTERNAL_PORT: undefined, INTERNAL_HOST: undefined };
}

function untilReady(child: ChildProcess, name: string, ended: Promise<string>): Promise<number> {
  const ready = new Promise<number>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new StartFailure(`The ${name} was not ready within ${READY_TIMEOUT_MS / 1000} s.`)),
      READY_TIMEOUT_MS,
    );
    child.on('message', message => {
      if (!isReadyMessage(message)) return;
      clearTimeout(timer);
      resolve(message.port ?? 0);
    });
    void ended.then(how => {
      clearTimeout(timer);
      reject(new StartFailure(`The ${name} ended before it was ready (${how}).`));
    });
  });
  // It may fail while nobody waits yet; whoever waits later still gets the failure.
  ready.catch(() => undefined);
  return ready;
}

function isReadyMessage(message: unknown): message is { kind: 'ready'; port?: number } {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'ready';
}

async function stopChild(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
