import { setTimeout as delay } from 'node:timers/promises';
import { isProcessAlive } from '@signpost/stores';
import { type AppProcess, startApp } from '@signpost/testing';
import { createClockShift } from '../support/clock-shift.ts';
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
  /** @throws like the others, if nothing runs there */
  kill(): Promise<void>;
  /** Asks it to end, and waits until what it has at hand is done. */
  stop(): Promise<void>;
  freeze(): void;
  thaw(): void;
  shiftClock(byMs: number): void;
  /** Says why it ended by itself and starts it again; null: it runs, or was killed on purpose. */
  findUnexpectedEnd(): string | null;
  /** What its processes have logged of requests that they answered with 500. */
  internalFaults(): readonly string[];
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

const restartPauseMs = 300;

export async function createAppSlot(options: AppSlotOptions): Promise<AppSlot> {
  const { name, stores } = options;
  const ways = { postgres: await startTcpProxy(stores.postgres.port), redis: await startTcpProxy(stores.redis.port) };
  const clock = createClockShift();
  const app = name.startsWith('dispatcher') ? 'dispatcher' : 'api';
  const env = { ...environmentOf(options, ways), ...(app === 'dispatcher' ? clock.environment : {}) };
  let process_: AppProcess | null = null;
  let spawnedPid = 0;
  let isAbandoned = false;
  const faultsOfEnded: string[] = [];
  const running = (): AppProcess => {
    if (process_ === null) throw new Error(`${name} does not run`);
    return process_;
  };
  /** Ends the process that runs, and keeps what it had to say. */
  const end = async (how: 'kill' | 'stop'): Promise<void> => {
    const ending = running();
    process_ = null;
    await ending[how]();
    faultsOfEnded.push(...internalFaultsIn(ending.logs()));
  };
  return {
    name,
    ways,
    async start() {
      while (process_ === null && !isAbandoned) {
        try {
          process_ = await startApp(app, env, pid => {
            spawnedPid = pid;
          });
        } catch {
          // A store was away: it is started again, as a supervisor would.
          await delay(restartPauseMs);
        }
      }
      if (isAbandoned) await process_?.kill();
    },
    kill: () => end('kill'),
    stop: () => end('stop'),
    freeze: () => running().pause(),
    thaw: () => process_?.resume(),
    shiftClock: byMs => clock.set(byMs),
    findUnexpectedEnd() {
      if (process_ === null || isProcessAlive(process_.pid)) return null;
      const log = process_.logs();
      process_ = null;
      faultsOfEnded.push(...internalFaultsIn(log));
      return `${name} ended by itself:\n${log.slice(-2000)}`;
    },
    internalFaults: () => [...faultsOfEnded, ...internalFaultsIn(process_?.logs() ?? '')],
    async abandon() {
      isAbandoned = true;
      signalAll(spawnedPid === 0 ? [] : [spawnedPid], 'SIGKILL');
      await process_?.kill();
      await Promise.all(Object.values(ways).map(way => way.close()));
      clock.remove();
    },
  };
}

/** The lines of requests that were answered with 500: the client repeats them, so that a later answer hides it. Pure. */
export function internalFaultsIn(log: string): string[] {
  return log.split('\n').filter(line => line.includes('"code":"internal"'));
}

function environmentOf({ port, stores, environment }: AppSlotOptions, ways: AppSlot['ways']): Record<string, string> {
  return {
    ...environment,
    PORT: String(port),
    DATABASE_URL: throughPort(stores.postgres.url, ways.postgres.port),
    REDIS_URL: throughPort(stores.redis.url, ways.redis.port),
  };
}

function throughPort(storeUrl: string, port: number): string {
  const url = new URL(storeUrl);
  url.port = String(port);
  return url.href;
}
