import { type Reading, type ReadingKind, readingKinds } from './readings.ts';
import { median } from './statistics.ts';

/** What became of one figure between two moments of a long load. */
export interface Change {
  readonly kind: ReadingKind;
  readonly owner: string;
  readonly before: number;
  readonly after: number;
  /** Up to this, `after` counts as flat. */
  readonly allowed: number;
  readonly isFlat: boolean;
}

/** By how much a figure may grow: by a share of itself, and by so much besides. */
export type Allowances = Readonly<Partial<Record<ReadingKind, { readonly share: number; readonly plus: number }>>>;

/**
 * Compares medians. Only growth counts against a figure: what has become less does not leak. Pure.
 *
 * @param allowances kinds that are not named are not judged
 */
export function judgeFlatness(before: readonly Reading[], after: readonly Reading[], allowances: Allowances): Change[] {
  return readingKinds.flatMap(kind => {
    const allowance = allowances[kind];
    if (allowance === undefined) return [];
    const owners = new Set([...before, ...after].flatMap(reading => Object.keys(reading[kind])));
    const middle = (readings: readonly Reading[], owner: string): number =>
      median(readings.map(reading => reading[kind][owner] ?? 0));
    return [...owners].map(owner => {
      const first = middle(before, owner);
      const last = middle(after, owner);
      const allowed = first * (1 + allowance.share) + allowance.plus;
      return { kind, owner, before: first, after: last, allowed, isFlat: last <= allowed };
    });
  });
}
