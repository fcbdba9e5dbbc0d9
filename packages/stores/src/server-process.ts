// A store server as a child process that
//   - sits in a session of its own, so that Ctrl-C in the terminal reaches the owner alone and the owner decides the order;
//   - writes to a file, not to a pipe, so that it never blocks or dies on a reader that is gone;
//   - never outlives its owner: a watchdog (one `sh` that reads from a pipe) ends it when the owner is gone, even by SIGKILL.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { isProcessAlive, signalProcess, waitForProcessEnd } from './process-table.ts';
import { StoreError } from './store-error.ts';

/** The unprivileged account a server runs under; undefined keeps the current one. */
export interface Account {
  uid: number;
  gid: number;
}

export interface ServerCommand {
  file: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Standard output and error end up here, from the start of the file. */
  logFile: string;
  account: Account | undefined;
  /** Asks the server to save and end at once. */
  stopSignal: NodeJS.Signals;
  /** A folder the watchdog deletes after the server when the owner could not; for throwaway data. */
  deleteWhenOrphaned: string | undefined;
}

export interface ServerProcess {
  pid: number;
  /** Resolves when the process has ended, for whatever reason. */
  ended: Promise<void>;
  isAlive(): boolean;
  /** Asks it to end and waits; after `timeoutMs` it is killed. */
  stop(timeoutMs: number): Promise<void>;
  /** SIGKILL, and waits. */
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

const KILL_TIMEOUT_MS = 10_000;

// $1 pid, $2 signal, $3 folder or empty. `read` returns when the owner's end of the pipe closes.
const WATCHDOG = `
read -r _
kill -s "$2" "$1" 2>/dev/null
kill -s CONT "$1" 2>/dev/null
tries=0
while kill -0 "$1" 2>/dev/null && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -s KILL "$1" 2>/dev/null
[ -n "$3" ] && rm -rf -- "$3"
exit 0`;

/** Ends the watched process as soon as this process is gone. Returns a function that calls the watch off. */
function watch(pid: number, stopSignal: NodeJS.Signals, deleteWhenOrphaned: string | undefined): () => void {
  if (process.platform === 'win32') return () => undefined;
  const args = ['-c', WATCHDOG, 'signpost-watchdog', String(pid), stopSignal.slice(3), deleteWhenOrphaned ?? ''];
  const watchdog = spawn('/bin/sh', args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  watchdog.once('error', () => undefined);
  watchdog.stdin.on('error', () => undefined);
  watchdog.unref();
  (watchdog.stdin as typeof watchdog.stdin & { unref(): void }).unref();
  return () => void watchdog.kill('SIGKILL');
}

/**
 * Starts the server and resolves once the process exists; whether it serves is for the caller to find out.
 *
 * @throws {StoreError} `startFailed` when the file cannot be executed.
 */
export async function spawnServer(
  command: ServerCommand,
  startFailed: 'postgres_start_failed' | 'redis_start_failed',
): Promise<ServerProcess> {
  const log = openSync(command.logFile, 'w', 0o600);
  const child = spawn(command.file, command.args, {
    ...command.account,
    env: command.env,
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid as number));
    child.once('error', cause =>
      reject(new StoreError(startFailed, `Cannot run ${command.file}: ${cause.message}`, { cause })),
    );
  });
  child.unref();
  const callOff = watch(pid, command.stopSignal, command.deleteWhenOrphaned);
  void ended.then(callOff);
  return serverProcess(pid, command.stopSignal, ended, () => child.exitCode === null && child.signalCode === null);
}

/** Takes over a server that an earlier owner left behind. */
export function adoptServer(pid: number, stopSignal: NodeJS.Signals): ServerProcess {
  const callOff = watch(pid, stopSignal, undefined);
  const ended = new Promise<void>(resolve => {
    const poll = setInterval(() => {
      if (isProcessAlive(pid)) return;
      clearInterval(poll);
      callOff();
      resolve();
    }, 200);
    poll.unref();
  });
  return serverProcess(pid, stopSignal, ended, () => isProcessAlive(pid));
}

function serverProcess(
  pid: number,
  stopSignal: NodeJS.Signals,
  ended: Promise<void>,
  isAlive: () => boolean,
): ServerProcess {
  const kill = async (): Promise<void> => {
    if (isAlive()) signalProcess(pid, 'SIGKILL');
    if (!(await endsWithin(ended, KILL_TIMEOUT_MS)))
      throw new StoreError('server_stop_failed', `Process ${pid} does not end, even when killed`);
  };
  return {
    pid,
    ended,
    isAlive,
    kill,
    signal: signal => {
      if (isAlive()) signalProcess(pid, signal);
    },
    stop: async timeoutMs => {
      if (isAlive()) {
        signalProcess(pid, stopSignal);
        // A frozen process takes the signal only once it runs again.
        signalProcess(pid, 'SIGCONT');
      }
      if (!(await endsWithin(ended, timeoutMs))) await kill();
    },
  };
}

function endsWithin(ended: Promise<void>, timeoutMs: number): Promise<boolean> {
  return new Promise(resolve => {
    // Not unref'd on purpose: the child is, so this timer is what keeps the wait alive.
    const timer = setTimeout(() => resolve(false), timeoutMs);
    void ended.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

/** Ends a process that is not worth keeping; returns when it is gone. */
export async function endLeftover(pid: number, stopSignal: NodeJS.Signals, timeoutMs: number): Promise<void> {
  signalProcess(pid, stopSignal);
  signalProcess(pid, 'SIGCONT');
  if (await waitForProcessEnd(pid, timeoutMs)) return;
  signalProcess(pid, 'SIGKILL');
  if (!(await waitForProcessEnd(pid, KILL_TIMEOUT_MS)))
    throw new StoreError('server_stop_failed', `Process ${pid} of an earlier run does not end`);
}

/** The last lines of a log file, for error messages; empty if there is none. */
export function logTail(logFile: string, lines = 15): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
