import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type AppProbe, openAppProbe } from './app-probe.ts';
import type { Stops, System } from './system.ts';

/** What is in use at one moment, by kind and then by who uses it. */
export type Reading = Readonly<Record<ReadingKind, Readonly<Record<string, number>>>>;
/**
 * `heapMiB`: of an app, after its garbage is collected. `handles`: of an app, everything that keeps its event loop busy.
 * `connections`: to Postgres by application name, and to Redis. `redisMiB`: used by Redis.
 */
export const readingKinds = ['heapMiB', 'residentMiB', 'handles', 'connections', 'redisMiB'] as const;
export type ReadingKind = (typeof readingKinds)[number];

/** Reads what the apps and the stores use. */
export interface Gauges {
  readonly apps: Readonly<Record<string, AppProbe>>;
  read(): Promise<Reading>;
  /** By Node's names, of every app. */
  resources(): Promise<Record<string, Readonly<Record<string, number>>>>;
  connections(): Promise<Record<string, number>>;
  redisBytes(): Promise<number>;
}

/** @param system started with `inspect` */
export async function openGauges({ api, dispatchers, redisUrl, database }: System, stops: Stops): Promise<Gauges> {
  const redis = new Redis(redisUrl);
  stops.add(async () => redis.disconnect());
  const apps: Record<string, AppProbe> = { API: await openAppProbe(api) };
  for (const [index, dispatcher] of dispatchers.entries())
    apps[dispatchers.length === 1 ? 'dispatcher' : `dispatcher ${index + 1}`] = await openAppProbe(dispatcher);
  stops.add(async () => Object.values(apps).forEach(probe => probe.close()));
  const redisInfo = async (section: string, field: string): Promise<number> =>
    Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(await redis.info(section))?.[1]);
  const redisBytes = (): Promise<number> => redisInfo('memory', 'used_memory');
  const connections = async (): Promise<Record<string, number>> => {
    const { rows } = await database.query<{ name: string; count: number }>(
      `select 'Postgres, ' || application_name as name, count(*)::int as count from pg_stat_activity
       where datname = current_database() and backend_type = 'client backend' and application_name like 'signpost%'
       group by 1 order by 1`,
    );
    return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
  };
  return {
    apps,
    connections,
    redisBytes,
    async resources() {
      const read = async ([name, probe]: [string, AppProbe]) => [name, (await probe.read()).resources] as const;
      return Object.fromEntries(await Promise.all(Object.entries(apps).map(read)));
    },
    async read() {
      const byKind: Record<ReadingKind, Record<string, number>> = {
        heapMiB: {},
        residentMiB: {},
        handles: {},
        connections: await connections(),
        redisMiB: { Redis: (await redisBytes()) / 1024 ** 2 },
      };
      byKind.connections['Redis, all'] = await redisInfo('clients', 'connected_clients');
      for (const [name, probe] of Object.entries(apps)) {
        const usage = await probe.readKept();
        byKind.heapMiB[name] = usage.heapMiB;
        byKind.residentMiB[name] = usage.residentMiB;
        byKind.handles[name] = Object.values(usage.resources).reduce((sum, count) => sum + count, 0);
      }
      return byKind;
    },
  };
}

/** Does something again and again, `intervalMs` after each end, until it is told to stop. */
export function repeat(intervalMs: number, work: () => Promise<void>): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await work();
      await delay(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const ended = run();
  // Told by stop(), which may come later than the failure.
  ended.catch(() => undefined);
  return {
    stop: () => {
      stopping.abort();
      return ended;
    },
  };
}
