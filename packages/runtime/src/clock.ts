/** Where time comes from; tests bring their own. */
export interface Clock {
  /** Unix milliseconds. */
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/** A clock that runs by the monotonic timer of the machine and is set by a reference, so that jumps of the wall clock do not move it. */
export interface SteadyClock extends Clock {
  /** @param referenceMs what the reference says now, in Unix milliseconds */
  set(referenceMs: number): void;
}

/** @param startMs what it shows before it is set for the first time, in Unix milliseconds */
export function createSteadyClock(startMs: number): SteadyClock {
  let originMs = startMs - performance.now();
  return {
    nowMs: () => Math.floor(originMs + performance.now()),
    set(referenceMs) {
      originMs = referenceMs - performance.now();
    },
  };
}
