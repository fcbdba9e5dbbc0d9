import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { isProcessAlive } from '@signpost/stores';
import { type AppProcess, startApp } from '@signpost/testing';
import type { App, Store } from './plan.ts';
import { signalAll } from './stores.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** One place for an app: whatever runs there has the same ports, the same ways to the stores and the same clock. */
export interface AppSlot {
  readonly name: App;
  /** Ways to the stores. */
  readonly ways: Readonly<Record<Store, TcpProxy>>;
  /** Starts it, again and again until it is up, as whoever supervises it does. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Asks it to end, and waits until what it has at hand is done. */
  stop(): Promise<void>;
  freeze(): void;
  thaw(): void;
  shiftClock(byMs: number): void;
  /** Says why it ended by itself and starts it again; null: it runs, or was killed on purpose. */
  findUnexpectedEnd(): string | null;
  /** What the process that runs now has said so far. */
  logs(): string;
  /** Ends it for good, at once. */
  abandon(): Promise<void>;
}

export interface AppSlotOptions {
  readonly name: App;
  /** 0: none. */
  readonly port: number;
  readonly stores: Readonly<Record<Store, { readonly url: string; readonly port: number }>>;
  readonly environment: Readonly<Record<string, string>>;
}

const clockShift = pathToFileURL(path.join(import.meta.dirname, 'clock-shift.ts')).href;
const restartPauseMs = 300;

export async function createAppSlot({ name, port, stores, environment }: AppSlotOptions): Promise<AppSlot> {
  const ways = { postgres: await startTcpProxy(stores.postgres.port), redis: await startTcpProxy(stores.redis.port) };
  const folder = mkdtempSync(path.join(tmpdir(), 'signpost-chaos-clock-'));
  const clockFile = path.join(folder, 'shift');
  writeFileSync(clockFile, '0');
  const isDispatcher = name.startsWith('dispatcher');
  const env = {
    ...environment,
    PORT: String(port),
    DATABASE_URL: throughPort(stores.postgres.url, ways.postgres.port),
    REDIS_URL: throughPort(stores.redis.url, ways.redis.port),
    ...(isDispatcher ? { NODE_OPTIONS: `--import=${clockShift}`, CHAOS_CLOCK_FILE: clockFile } : {}),
  };
  let process_: AppProcess | null = null;
  let spawnedPid = 0;
  let isAbandoned = false;
  return {
    name,
    ways,
    async start() {
      while (process_ === null && !isAbandoned) {
        try {
          process_ = await startApp(isDispatcher ? 'dispatcher' : 'api', env, pid => {
            spawnedPid = pid;
          });
        } catch {
          // A store was away: it is started again, as a supervisor would.
          await delay(restartPauseMs);
        }
      }
      if (isAbandoned) await process_?.kill();
    },
    async kill() {
      const victim = process_;
      process_ = null;
      await victim?.kill();
    },
    async stop() {
      const stopping = process_;
      process_ = null;
      await stopping?.stop();
    },
    freeze: () => process_?.pause(),
    thaw: () => process_?.resume(),
    shiftClock: byMs => writeFileSync(clockFile, String(byMs)),
    findUnexpectedEnd() {
      if (process_ === null || isProcessAlive(process_.pid)) return null;
      const log = process_.logs().slice(-2000);
      process_ = null;
      return `${name} ended by itself:\n${log}`;
    },
    logs: () => process_?.logs() ?? '',
    async abandon() {
      isAbandoned = true;
      signalAll(spawnedPid === 0 ? [] : [spawnedPid], 'SIGKILL');
      await process_?.kill();
      await Promise.all(Object.values(ways).map(way => way.close()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function throughPort(storeUrl: string, port: number): string {
  const url = new URL(storeUrl);
  url.port = String(port);
  return url.href;
}
