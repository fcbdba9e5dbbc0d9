import { fork } from 'node:child_process';
import type { Commands } from './commands.ts';

/** A process of the benchmark itself, which does what it is asked, one thing at a time. */
export interface BenchProcess<C extends Commands> {
  readonly pid: number;
  /** 0 if it listens nowhere. */
  readonly port: number;
  /** @throws what went wrong in that process, or that it ended, or that it did not answer in time */
  ask<Name extends keyof C & string>(
    name: Name,
    input: C[Name]['input'],
    timeoutMs?: number,
  ): Promise<C[Name]['answer']>;
  stop(): Promise<void>;
}

interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly fault?: string;
}

const defaultTimeoutMs = 10_000;

/** Starts a process and resolves when it is ready. */
export async function startBenchProcess<C extends Commands>(file: URL): Promise<BenchProcess<C>> {
  // A session of its own: Ctrl-C reaches the runner alone, which stops everything in order.
  const child = fork(file, { detached: true });
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  const name = file.pathname.replace(/.*\//, '');
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
  void ended.then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`${name} ended unasked`));
  });
  const expectAnswer = (id: number, timeoutMs: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${name} gave no answer within ${timeoutMs} ms`)), timeoutMs);
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          waiting.delete(id);
          then(value);
        };
      waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
    });
  child.on('message', message => {
    const { id, answer, fault } = message as Answer;
    if (fault === undefined) waiting.get(id)?.resolve(answer);
    else waiting.get(id)?.reject(new Error(`${name}: ${fault}`));
  });
  // The first answer comes unasked: it is ready.
  const { port } = (await expectAnswer(0, defaultTimeoutMs)) as { port: number };
  let lastId = 0;
  return {
    pid: child.pid as number,
    port,
    ask(command, input, timeoutMs = defaultTimeoutMs) {
      lastId += 1;
      const answer = expectAnswer(lastId, timeoutMs);
      const id = lastId;
      // Stopped by somebody else meanwhile: whoever asks is told, and nobody else.
      if (child.connected)
        child.send({ id, command, input }, error => error && waiting.get(id)?.reject(new Error(`${name} is gone`)));
      else waiting.get(id)?.reject(new Error(`${name} is gone`));
      return answer;
    },
    async stop() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

/** The other end: says that this process is ready, does what is asked, and ends with the process that started it. */
export function serveCommands<C extends Commands>(
  port: number,
  handlers: { [Name in keyof C]: (input: C[Name]['input']) => C[Name]['answer'] | Promise<C[Name]['answer']> },
): void {
  // Whoever asked may be gone.
  const send = (answer: Answer): void => void process.send?.(answer, undefined, undefined, () => undefined);
  const answer = async (id: number, command: keyof C, input: unknown): Promise<void> => {
    try {
      send({ id, answer: await handlers[command](input) });
    } catch (error) {
      send({ id, fault: error instanceof Error ? error.message : String(error) });
    }
  };
  process.on('message', message => {
    const { id, command, input } = message as { id: number; command: keyof C; input: unknown };
    void answer(id, command, input);
  });
  process.on('disconnect', () => process.exit(0));
  send({ id: 0, answer: { port } });
}

/** The monotonic clock, in µs. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
