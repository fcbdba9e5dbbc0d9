import type { AppProcess } from '@signpost/testing';

/** Looks into a running app over Node's inspector (an app started with `--inspect=127.0.0.1:0`), which costs it nothing between questions. */
export interface AppProbe {
  /** What is in use now. */
  read(): Promise<AppUsage>;
  /** Collects all garbage first, so that what is in use is what is kept. */
  readKept(): Promise<AppUsage>;
  /** Before the app is stopped: it would wait. */
  close(): void;
}

export interface AppUsage {
  readonly heapMiB: number;
  readonly residentMiB: number;
  /** What keeps the event loop busy (sockets, timers, requests under way), by Node's names. */
  readonly resources: Readonly<Record<string, number>>;
}

interface Reply {
  readonly id?: number;
  readonly result?: { readonly result?: { readonly value?: string } };
  readonly error?: { readonly message: string };
}

const askTimeoutMs = 30_000;
const question = `JSON.stringify({ memory: process.memoryUsage(), resources: process.getActiveResourcesInfo() })`;
const mib = 1024 ** 2;

/** @throws if the app cannot be inspected */
export async function openAppProbe(app: AppProcess): Promise<AppProbe> {
  const address = /^Debugger listening on (ws:\/\/\S+)/m.exec(app.logs())?.[1];
  if (address === undefined) throw new Error(`The app does not say where it can be inspected:\n${app.logs()}`);
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error(`${address} does not answer`)), { once: true });
  });
  const waiting = new Map<number, (reply: Reply) => void>();
  socket.addEventListener('message', event => {
    const reply = JSON.parse(String(event.data)) as Reply;
    if (reply.id !== undefined) waiting.get(reply.id)?.(reply);
  });
  let lastId = 0;
  const ask = (method: string, params: object = {}): Promise<Reply> => {
    lastId += 1;
    const id = lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method} was not answered`)), askTimeoutMs);
      waiting.set(id, reply => {
        clearTimeout(timer);
        waiting.delete(id);
        if (reply.error === undefined) resolve(reply);
        else reject(new Error(`${method}: ${reply.error.message}`));
      });
      socket.send(JSON.stringify({ id, method, params }));
    });
  };
  const read = async (): Promise<AppUsage> => {
    const { result } = await ask('Runtime.evaluate', { expression: question, returnByValue: true });
    const { memory, resources } = JSON.parse(result?.result?.value ?? '{}') as {
      memory: NodeJS.MemoryUsage;
      resources: string[];
    };
    return {
      heapMiB: memory.heapUsed / mib,
      residentMiB: memory.rss / mib,
      resources: Object.fromEntries(
        Object.entries(Object.groupBy(resources, name => name)).map(([name, all]) => [name, all?.length ?? 0]),
      ),
    };
  };
  return {
    read,
    async readKept() {
      await ask('HeapProfiler.collectGarbage');
      return read();
    },
    close: () => socket.close(),
  };
}
