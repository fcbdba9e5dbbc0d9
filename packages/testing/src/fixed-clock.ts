export interface FixedClock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  advance(ms: number): void;
}

/** A clock that stands still until it is moved. */
export function fixedClock(startMs: number): FixedClock {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    advance: ms => {
      nowMs += ms;
    },
  };
}
