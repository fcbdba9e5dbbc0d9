/** The middle value; of an even count, the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Nearest rank: each figure is a value that occurred. NaN for none. */
export function percentiles(values: Float64Array): Percentiles {
  const sorted = values.toSorted();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * What several runs gave, figure by figure.
 *
 * @param runs results of the same shape
 * @returns by path, such as `fanOut1.cpuUsPerDelivery.api`, for every number that occurs
 */
export function spreads(runs: readonly object[]): Map<string, Spread> {
  const values = new Map<string, number[]>();
  const walk = (path: string, value: unknown): void => {
    if (typeof value === 'number') values.set(path, [...(values.get(path) ?? []), value]);
    else if (typeof value === 'object' && value !== null)
      for (const [name, member] of Object.entries(value)) walk(path === '' ? name : `${path}.${name}`, member);
  };
  for (const run of runs) walk('', run);
  return new Map(
    [...values].map(([path, found]) => [
      path,
      { median: median(found), low: Math.min(...found), high: Math.max(...found) },
    ]),
  );
}
