import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';

export type AppName = 'api' | 'dispatcher' | 'demo-receiver' | 'queue-page';

export interface AppProcess {
  pid: number;
  /** 0 when the app serves no port. */
  port: number;
  /** 0 when it serves no INTERNAL_PORT. */
  internalPort: number;
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** Standard output and error so far. */
  logs(): string;
  /** SIGTERM; resolves with the exit code when it has ended, null if a signal ended it. Safe to call twice. */
  stop(): Promise<number | null>;
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>;
  /** SIGSTOP */
  pause(): void;
  /** SIGCONT */
  resume(): void;
}

const REPOSITORY = path.resolve(import.meta.dirname, '../../..');
const READY_TIMEOUT_MS = 30_000;

/**
 * Starts an app as a process of its own and resolves when it reports over IPC that it is ready: `{ kind: 'ready', port?, internalPort? }`.
 *
 * @param env added to the environment of this process; `undefined` removes a variable
 * @param onSpawn told the process id before the app is ready, for whoever may have to end it until then
 * @throws {Error} with the app's log if it ends before, or is not ready within 30 s
 */
export async function startApp(
  name: AppName,
  env: Readonly<Record<string, string | undefined>>,
  onSpawn: (pid: number) => void = () => {},
): Promise<AppProcess> {
  const child = spawn(process.execPath, [path.join(REPOSITORY, 'apps', name, 'src', 'main.ts')], {
    cwd: REPOSITORY,
    // NODE_OPTIONS: the test runner's flags are not the app's.
    env: { ...process.env, NODE_OPTIONS: undefined, HOST: '127.0.0.1', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  if (child.pid !== undefined) onSpawn(child.pid);
  let log = '';
  child.stdout?.on('data', chunk => (log += String(chunk)));
  child.stderr?.on('data', chunk => (log += String(chunk)));
  const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)));
  const { port, internalPort } = await untilReady(child, name, () => log);
  const signal = (name_: NodeJS.Signals): void => {
    if (child.exitCode === null && child.signalCode === null) child.kill(name_);
  };
  return {
    pid: child.pid as number,
    port,
    internalPort,
    url: `http://127.0.0.1:${port}`,
    logs: () => log,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    stop: () => {
      signal('SIGTERM');
      signal('SIGCONT');
      return ended;
    },
    kill: async () => {
      signal('SIGKILL');
      await ended;
    },
  };
}

interface Ports {
  port: number;
  internalPort: number;
}

function untilReady(child: ChildProcess, name: AppName, log: () => string): Promise<Ports> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`${name} ${reason}\n${log()}`));
    };
    const timer = setTimeout(() => fail(`was not ready within ${READY_TIMEOUT_MS / 1000} s`), READY_TIMEOUT_MS);
    child.once('error', error => fail(`could not be started: ${error.message}`));
    // 'close' comes after the last output, 'exit' may come before it.
    child.once('close', (code, signal) => fail(`ended before it was ready (${signal ?? `exit code ${code}`})`));
    child.on('message', message => {
      if (!isReadyMessage(message)) return;
      clearTimeout(timer);
      resolve({ port: message.port ?? 0, internalPort: message.internalPort ?? 0 });
    });
  });
}

function isReadyMessage(message: unknown): message is { kind: 'ready' } & Partial<Ports> {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'ready';
}
