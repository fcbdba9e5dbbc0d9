/** Chance that a seed decides: the same seed gives the same sequence. */
export interface SeededRandom {
  /** In [0, 1). */
  next(): number;
  /** Whole, from `least` to `most`, both included. */
  between(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** Items by weight. */
  weighted<T>(items: readonly (readonly [weight: number, item: T])[]): T;
  /** A sequence of its own, which does not change with what else is drawn here. */
  fork(name: string): SeededRandom;
}

/** Mulberry32, a generator with 32 bits of state (public domain, Tommy Ettinger). */
export function createRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const random: SeededRandom = {
    next,
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    chance: probability => next() < probability,
    pick: items => items[Math.floor(next() * items.length)] as never,
    weighted(items) {
      let rest = next() * items.reduce((sum, [weight]) => sum + weight, 0);
      for (const [weight, item] of items) {
        rest -= weight;
        if (rest < 0) return item;
      }
      return items.at(-1)?.[1] as never;
    },
    fork: name => createRandom(Buffer.from(name).reduce((hash, byte) => Math.imul(hash ^ byte, 16777619), seed)),
  };
  return random;
}
