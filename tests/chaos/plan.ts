import type { SeededRandom } from './random.ts';

export const apis = ['api-1', 'api-2'] as const;
export const dispatchers = ['dispatcher-1', 'dispatcher-2', 'dispatcher-3'] as const;
export const apps = [...apis, ...dispatchers] as const;
export const receivers = ['receiver-1', 'receiver-2'] as const;
export type App = (typeof apps)[number];
export type Store = 'postgres' | 'redis';
export type Target = App | Store | (typeof receivers)[number];

/**
 * What happens to what, for how long:
 * - `kill`: SIGKILL, started again after the time; `restart`: the same with a polite signal; `freeze`: SIGSTOP for the time
 * - `crash`: SIGKILL of one of Postgres' sessions, which makes it end all others
 * - `wipe`: FLUSHALL; `empty`: restart without data; `rewind`: restart with data of some time ago
 * - `fill`: no memory left for writing
 * - `shift`: the clock is wrong by `byMs`
 * - `cut`: connections are closed, and new ones refused for the time; `stall`: bytes wait for the time; `swallow`: answers
 *   wait, and the connection is closed in the end, so that what was asked for has been done and nobody knows
 */
export type Fault =
  | { readonly kind: 'kill' | 'restart' | 'freeze'; readonly target: Target; readonly forMs: number }
  | { readonly kind: 'crash'; readonly target: 'postgres'; readonly forMs: 0 }
  | { readonly kind: 'wipe' | 'empty' | 'rewind' | 'fill'; readonly target: 'redis'; readonly forMs: number }
  | {
      readonly kind: 'shift';
      readonly target: (typeof dispatchers)[number];
      readonly forMs: number;
      readonly byMs: number;
    }
  | {
      readonly kind: 'cut' | 'stall' | 'swallow';
      readonly target: App;
      readonly store: Store;
      readonly forMs: number;
    };

export const faultKinds = [
  'crash',
  'cut',
  'empty',
  'fill',
  'freeze',
  'kill',
  'restart',
  'rewind',
  'shift',
  'stall',
  'swallow',
  'wipe',
] as const satisfies readonly Fault['kind'][];

/** A fault, and how long after the one before it. */
export interface PlannedFault {
  readonly afterMs: number;
  readonly fault: Fault;
}

/** A dispatcher's lease in these runs, in ms: a frozen one has lost its jobs after it. */
export const leaseMs = 2000;
const meanPauseMs = 1500;
const hourMs = 3_600_000;

/**
 * The faults of a run, without end: each kind once, in any order, and then whatever is drawn. The same chance gives the
 * same faults. Pure.
 */
export function* planFaults(random: SeededRandom): Generator<PlannedFault, never> {
  const due = new Set<Fault['kind']>(faultKinds);
  for (;;) {
    const afterMs = Math.min(5000, Math.round(-Math.log(1 - random.next()) * meanPauseMs));
    let fault = drawFault(random);
    while (due.size > 0 && !due.has(fault.kind)) fault = drawFault(random);
    due.delete(fault.kind);
    yield { afterMs, fault };
  }
}

function drawFault(random: SeededRandom): Fault {
  const store = random.chance(0.5) ? 'postgres' : 'redis';
  return random.weighted<() => Fault>([
    [14, () => ({ kind: 'kill', target: random.pick(dispatchers), forMs: random.between(0, 1500) })],
    [6, () => ({ kind: 'kill', target: random.pick(apis), forMs: random.between(0, 1500) })],
    [3, () => ({ kind: 'restart', target: random.pick(apps), forMs: 0 })],
    [2, () => ({ kind: 'restart', target: store, forMs: random.between(0, 1000) })],
    [12, () => ({ kind: 'freeze', target: random.pick(dispatchers), forMs: freezeMs(random) })],
    [5, () => ({ kind: 'freeze', target: random.pick(apis), forMs: freezeMs(random) })],
    [3, () => ({ kind: 'freeze', target: random.pick(receivers), forMs: random.between(300, 2000) })],
    [5, () => ({ kind: 'kill', target: 'redis', forMs: random.between(0, 2000) })],
    [4, () => ({ kind: 'freeze', target: 'redis', forMs: freezeMs(random) })],
    [5, () => ({ kind: 'wipe', target: 'redis', forMs: 0 })],
    [3, () => ({ kind: 'empty', target: 'redis', forMs: random.between(0, 1000) })],
    [3, () => ({ kind: 'rewind', target: 'redis', forMs: random.between(0, 1000) })],
    [4, () => ({ kind: 'fill', target: 'redis', forMs: random.between(500, 3000) })],
    [4, () => ({ kind: 'kill', target: 'postgres', forMs: random.between(0, 2000) })],
    [3, () => ({ kind: 'crash', target: 'postgres', forMs: 0 })],
    [4, () => ({ kind: 'freeze', target: 'postgres', forMs: random.between(300, 4000) })],
    [8, () => ({ kind: 'shift', target: random.pick(dispatchers), forMs: shiftMs(random), byMs: byMs(random) })],
    [6, () => ({ kind: 'cut', target: random.pick(apps), store, forMs: random.between(0, 2000) })],
    [5, () => ({ kind: 'stall', target: random.pick(apps), store, forMs: random.between(300, 5000) })],
    [6, () => ({ kind: 'swallow', target: random.pick(apps), store, forMs: random.between(20, 600) })],
  ])();
}

/** One in three is longer than the lease. */
function freezeMs(random: SeededRandom): number {
  return random.chance(1 / 3) ? random.between(leaseMs + 200, 3 * leaseMs) : random.between(200, leaseMs - 500);
}

function shiftMs(random: SeededRandom): number {
  return random.between(2000, 12_000);
}

function byMs(random: SeededRandom): number {
  return random.chance(0.5) ? hourMs : -hourMs;
}

/** For the timeline. */
export function describeFault(fault: Fault): string {
  const where = 'store' in fault ? `${fault.target} - ${fault.store}` : fault.target;
  const much = 'byMs' in fault ? ` by ${fault.byMs / hourMs} h` : '';
  return `${fault.kind} ${where}${much}${fault.forMs > 0 ? ` for ${fault.forMs} ms` : ''}`;
}
