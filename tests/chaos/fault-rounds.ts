import { setTimeout as delay } from 'node:timers/promises';
import { applyFault, heldBy } from './faults.ts';
import { describeFault, type Fault, faultKinds, planFaults } from './plan.ts';
import type { SeededRandom } from './random.ts';
import type { ChaosSystem } from './system.ts';

/** What was done to the system. */
export interface FaultLog {
  readonly counts: readonly FaultCount[];
  /** Processes that ended although nobody killed them. */
  readonly unexpectedEnds: string[];
}

/** What became of the faults of one kind. */
export interface FaultCount {
  readonly kind: Fault['kind'];
  /** Carried out and made good again, by target: `dispatcher`, `api - redis`. */
  readonly done: Record<string, number>;
  /** Planned, but their target was still suffering from another one. */
  skipped: number;
  /** Could not be carried out, e.g. at an app that had ended by itself. */
  failed: number;
}

/** A run of this length meets every kind, in ms: each is planned once before any comes again. */
const everyKindMs = 120_000;
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
  const counts = new Map<Fault['kind'], FaultCount>();
  const unexpectedEnds: string[] = [];
  const held = new Map<string, Promise<void>>();
  const watch = watchProcesses(system, held, unexpectedEnds, say);
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
      const count = countOf(counts, fault);
      // A kind that has not been met yet waits for its target.
      if (!isMet(count)) await held.get(what);
      if (held.has(what)) {
        count.skipped += 1;
        continue;
      }
      say(describeFault(fault));
      held.set(
        what,
        carryOut(system, fault, count, say).finally(() => held.delete(what)),
      );
    }
    await Promise.all(held.values());
    await heal(system);
  } finally {
    clearInterval(remember);
    clearInterval(watch);
  }
  return { counts: [...counts.values()], unexpectedEnds };
}

/** Never rejects: what could not be done is counted, and told. */
async function carryOut(
  system: ChaosSystem,
  fault: Fault,
  count: FaultCount,
  say: (text: string) => void,
): Promise<void> {
  try {
    await applyFault(system, fault);
    const target = placeOf(fault);
    count.done[target] = (count.done[target] ?? 0) + 1;
  } catch (error) {
    count.failed += 1;
    say(`${describeFault(fault)} was not possible: ${String(error)}`);
  }
}

function countOf(counts: Map<Fault['kind'], FaultCount>, { kind }: Fault): FaultCount {
  const count = counts.get(kind) ?? { kind, done: {}, skipped: 0, failed: 0 };
  counts.set(kind, count);
  return count;
}

function isMet({ done }: FaultCount): boolean {
  return Object.keys(done).length > 0;
}

/**
 * What a run proves nothing of: kinds of faults that were planned and never carried out, or not even planned although
 * there was time. Pure.
 *
 * @param forMs how long there were faults
 */
export function findUnmetKinds(counts: readonly FaultCount[], forMs: number): string[] {
  const met = new Set(counts.filter(isMet).map(({ kind }) => kind));
  const wanted = forMs >= everyKindMs ? faultKinds : counts.map(({ kind }) => kind);
  return wanted.filter(kind => !met.has(kind)).map(kind => `no fault of the kind "${kind}" was carried out`);
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
  unexpectedEnds: string[],
  say: (text: string) => void,
) {
  return setInterval(() => {
    for (const slot of slots.values()) {
      if (held.has(slot.name)) continue;
      const end = slot.findUnexpectedEnd();
      if (end === null) continue;
      unexpectedEnds.push(end);
      say(end);
      void slot.start();
    }
  }, watchMs);
}

function placeOf(fault: Fault): string {
  const where = fault.target.replace(/-\d$/, '');
  return 'store' in fault ? `${where} - ${fault.store}` : where;
}
