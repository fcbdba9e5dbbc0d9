import { setTimeout as delay } from 'node:timers/promises';
import { applyFault, heldBy } from './faults.ts';
import { describeFault, type Fault, planFaults } from './plan.ts';
import type { SeededRandom } from './random.ts';
import type { ChaosSystem } from './system.ts';

/** What was done to the system. */
export interface FaultLog {
  /** Faults carried out, by kind and target: `kill dispatcher`. */
  readonly counts: Record<string, number>;
  /** Planned, but their target was still suffering from another one. */
  skipped: number;
  /** Faults that could not be carried out, e.g. wiping a Redis that is frozen by another. */
  failed: number;
  /** Processes that ended although nobody killed them. */
  readonly unexpectedEnds: string[];
}

const watchMs = 500;
const rememberMs = 10_000;

/**
 * Carries out faults for a time, several at once, and heals everything in the end.
 *
 * @param say told of each fault when it begins, and of unexpected ends
 */
export async function runFaults(
  system: ChaosSystem,
  random: SeededRandom,
  forMs: number,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<FaultLog> {
  const log: FaultLog = { counts: {}, skipped: 0, failed: 0, unexpectedEnds: [] };
  const held = new Map<string, Promise<void>>();
  const watch = watchProcesses(system, held, log, say);
  system.redis.remember();
  const remember = setInterval(() => {
    if (!held.has('redis')) system.redis.remember();
  }, rememberMs);
  const endsAt = performance.now() + forMs;
  try {
    for (const { afterMs, fault } of planFaults(random)) {
      const pauseMs = Math.min(afterMs, endsAt - performance.now());
      if (pauseMs > 0) await delay(pauseMs, undefined, { signal });
      if (performance.now() >= endsAt) break;
      const what = heldBy(fault);
      if (held.has(what)) {
        log.skipped += 1;
        continue;
      }
      say(describeFault(fault));
      const kind = countedAs(fault);
      log.counts[kind] = (log.counts[kind] ?? 0) + 1;
      held.set(
        what,
        applyFault(system, fault)
          .catch((error: unknown) => {
            log.failed += 1;
            say(`${describeFault(fault)} was not possible: ${String(error)}`);
          })
          .finally(() => held.delete(what)),
      );
    }
    await Promise.all(held.values());
    await heal(system);
  } finally {
    clearInterval(remember);
    clearInterval(watch);
  }
  return log;
}

/** Whatever a fault left behind. */
async function heal({ slots, redis, postgres }: ChaosSystem): Promise<void> {
  postgres.thaw();
  redis.thaw();
  await redis.fill(false);
  for (const slot of slots.values()) {
    slot.thaw();
    slot.shiftClock(0);
    for (const way of Object.values(slot.ways)) way.heal();
  }
}

function watchProcesses(
  { slots }: ChaosSystem,
  held: ReadonlyMap<string, unknown>,
  log: FaultLog,
  say: (text: string) => void,
) {
  return setInterval(() => {
    for (const slot of slots.values()) {
      if (held.has(slot.name)) continue;
      const end = slot.findUnexpectedEnd();
      if (end === null) continue;
      log.unexpectedEnds.push(end);
      say(end);
      void slot.start();
    }
  }, watchMs);
}

function countedAs(fault: Fault): string {
  const where = fault.target.replace(/-\d$/, '');
  return 'store' in fault ? `${fault.kind} ${where} - ${fault.store}` : `${fault.kind} ${where}`;
}
