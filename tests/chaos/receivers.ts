import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { waitFor } from '@signpost/testing';
import type { FromReceiver, ReceivedRow, ToReceiver } from './receiver-messages.ts';

/** A receiver in a process of its own. */
export interface ReceiverProcess {
  readonly pid: number;
  readonly url: string;
  /** Secrets by path. */
  setSecrets(byPath: Readonly<Record<string, string>>): void;
  /** From now on it takes everything. */
  calm(): void;
  report(): Promise<ReceiverReport>;
  kill(): void;
}

export interface ReceiverReport {
  readonly rows: readonly ReceivedRow[];
  readonly requests: number;
  /** Path and id of requests whose signature did not verify. */
  readonly unsigned: readonly string[];
  /** How often it failed, by kind. */
  readonly refusals: Readonly<Record<string, number>>;
}

const program = path.join(import.meta.dirname, 'receiver-process.ts');

/** @param onSpawn told the process id before it listens */
export async function startReceiverProcess(seed: number, onSpawn: (pid: number) => void): Promise<ReceiverProcess> {
  const child = fork(program, [String(seed)], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  onSpawn(child.pid as number);
  const port = await firstPort(child);
  const tell = (message: ToReceiver): void => void child.send(message);
  return {
    pid: child.pid as number,
    url: `http://127.0.0.1:${port}`,
    setSecrets: byPath => tell({ kind: 'secrets', byPath }),
    calm: () => tell({ kind: 'calm' }),
    async report() {
      const rows: ReceivedRow[] = [];
      let end: Extract<FromReceiver, { kind: 'end' }> | null = null;
      const listen = (message: FromReceiver): void => {
        if (message.kind === 'rows') rows.push(...message.rows);
        if (message.kind === 'end') end = message;
      };
      child.on('message', listen);
      tell({ kind: 'report' });
      const { requests, unsigned, refusals } = await waitFor<Extract<FromReceiver, { kind: 'end' }> | null>(() => end, {
        timeoutMs: 60_000,
        description: 'a receiver has reported',
      });
      child.off('message', listen);
      return { rows, requests, unsigned, refusals };
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

function firstPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`A receiver ended with ${code}`)));
    child.on('message', (message: FromReceiver) => {
      if (message.kind === 'listening') resolve(message.port);
    });
  });
}
