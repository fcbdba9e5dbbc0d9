import { setTimeout as delay } from 'node:timers/promises';
import { signalAll } from './stores.ts';
import { type App, type Fault, receivers as receiverNames, type Target } from './plan.ts';
import type { ChaosSystem } from './system.ts';

type Apply = (system: ChaosSystem, fault: Fault) => Promise<void>;

/** Does what a fault says, waits for its time, and makes it good again. */
const appliers: Readonly<Record<Fault['kind'], Apply>> = {
  async kill(system, { target, forMs }) {
    const victim = findVictim(system, target);
    await victim.kill();
    await delay(forMs);
    await victim.start();
  },
  async restart(system, { target, forMs }) {
    const victim = findVictim(system, target);
    await victim.stop();
    await delay(forMs);
    await victim.start();
  },
  async freeze(system, { target, forMs }) {
    const victim = findVictim(system, target);
    victim.freeze();
    await delay(forMs);
    victim.thaw();
  },
  async crash({ postgres }) {
    postgres.crash();
  },
  wipe: ({ redis }) => redis.wipe(),
  async empty({ redis }, { forMs }) {
    await redis.kill();
    redis.empty();
    await delay(forMs);
    await redis.start();
  },
  async rewind({ redis }, { forMs }) {
    await redis.kill();
    redis.rewind();
    await delay(forMs);
    await redis.start();
  },
  async fill({ redis }, { forMs }) {
    await redis.fill(true);
    await delay(forMs);
    await redis.fill(false);
  },
  async shift(system, fault) {
    if (fault.kind !== 'shift') return;
    const slot = slotOf(system, fault.target);
    slot.shiftClock(fault.byMs);
    await delay(fault.forMs);
    slot.shiftClock(0);
  },
  cut: disturbWay,
  stall: disturbWay,
  swallow: disturbWay,
};

async function disturbWay(system: ChaosSystem, fault: Fault): Promise<void> {
  if (fault.kind !== 'cut' && fault.kind !== 'stall' && fault.kind !== 'swallow') return;
  const way = slotOf(system, fault.target).ways[fault.store];
  way[fault.kind]();
  await delay(fault.forMs);
  way.heal();
}

function slotOf(system: ChaosSystem, name: App) {
  const slot = system.slots.get(name);
  if (slot === undefined) throw new Error(`There is no ${name}`);
  return slot;
}

function findVictim(system: ChaosSystem, target: Target) {
  if (target === 'postgres' || target === 'redis') return system[target];
  const pid = system.receivers[(receiverNames as readonly string[]).indexOf(target)]?.pid;
  if (pid === undefined) return slotOf(system, target as App);
  const never = () => Promise.reject(new Error('Receivers keep what arrived: they are not killed'));
  return {
    kill: never,
    stop: never,
    start: never,
    freeze: () => signalAll([pid], 'SIGSTOP'),
    thaw: () => signalAll([pid], 'SIGCONT'),
  };
}

/** What a fault holds, so that no two faults are at the same thing: a wrong clock may be killed and frozen, too. */
export function heldBy(fault: Fault): string {
  if ('store' in fault) return `${fault.target} - ${fault.store}`;
  return fault.kind === 'shift' ? `clock of ${fault.target}` : fault.target;
}

export function applyFault(system: ChaosSystem, fault: Fault): Promise<void> {
  return appliers[fault.kind](system, fault);
}
