// Redis keeps its connections and answers nobody: what do producers notice, and what is made twice afterwards?
import { setTimeout as delay } from 'node:timers/promises';
import { countDeliveries, waitUntilSettled, withWebhooks } from './deliveries.ts';
import { type Fresh, freshEventType, publishFresh } from './fresh-events.ts';
import { type LimitSeen, maxAnswerMs } from './limits.ts';
import type { Stops, System } from './system.ts';

export interface FrozenRedisShape {
  readonly frozenSeconds: number;
  readonly perSecond: number;
  /** Published before, so that everything is warm. */
  readonly warmUpSeconds: number;
}

export interface FrozenRedisResult {
  readonly frozenSeconds: number;
  readonly events: number;
  readonly atRest: Fresh;
  readonly whileFrozen: Fresh;
  /** From the end of the freeze until no delivery is pending. */
  readonly settledSeconds: number;
  readonly limits: readonly LimitSeen[];
  readonly isWithinLimits: boolean;
}

/**
 * Publishes at a steady rate while Redis is frozen, and lets it go on.
 *
 * @throws if a delivery is lost, or one arrives that nobody published
 */
export async function measureFrozenRedis(
  system: System,
  { frozenSeconds, perSecond, warmUpSeconds }: FrozenRedisShape,
  stops: Stops,
  note: (text: string) => void,
): Promise<FrozenRedisResult> {
  const { pids, database } = system;
  const thaw = (): boolean => process.kill(pids.redis, 'SIGCONT');
  stops.add(async () => thaw());
  const measure = async (): Promise<FrozenRedisResult> => {
    const atRest = await publishFresh(system, { freshPerSecond: perSecond, freshSeconds: warmUpSeconds });
    note(`Redis freezes for ${frozenSeconds} s`);
    process.kill(pids.redis, 'SIGSTOP');
    const publishing = publishFresh(system, { freshPerSecond: perSecond, freshSeconds: frozenSeconds });
    // Told by the await below, which comes later than a failure.
    publishing.catch(() => undefined);
    await delay(frozenSeconds * 1000);
    thaw();
    const thawedAt = performance.now();
    note('Redis goes on');
    const whileFrozen = await publishing;
    await waitUntilSettled(system);
    const settledSeconds = (performance.now() - thawedAt) / 1000;
    const all = perSecond * (warmUpSeconds + frozenSeconds);
    const counts = await countDeliveries(system);
    if (counts.get('succeeded') !== all || counts.size !== 1)
      throw new Error(`DELIVERIES WRONG: ${all} were to succeed: ${JSON.stringify([...counts])}`);
    const { rows } = await database.query<{ count: number }>('select count(*)::int as count from attempts');
    const limits = [
      { name: 'p99 of publish to 202, ms', seen: whileFrozen.answerMs.p99, limit: maxAnswerMs },
      { name: 'received twice', seen: whileFrozen.duplicates, limit: 0 },
      { name: 'attempts beyond one each', seen: (rows[0]?.count ?? 0) - all, limit: 0 },
    ];
    return {
      frozenSeconds,
      events: perSecond * frozenSeconds,
      atRest,
      whileFrozen,
      settledSeconds,
      limits,
      isWithinLimits: limits.every(({ seen, limit }) => seen <= limit),
    };
  };
  return withWebhooks(system, 1, measure, { port: system.receiver.port, events: [freshEventType] });
}
