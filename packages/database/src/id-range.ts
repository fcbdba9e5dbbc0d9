/** A range of UUIDv7s, for statements that read a time from ids: partitions outside of it are never opened. */
export interface IdRange {
  /** The first that counts; null: no bound. */
  readonly from: string | null;
  /** The first that counts no more; null: no bound. */
  readonly before: string | null;
}

/** The smallest UUIDv7 of a moment: its first 48 bits are Unix milliseconds (RFC 9562, section 5.7). */
function smallestIdOf(ms: number): string {
  // Beyond the 48 bits, either way, there are no ids.
  const time = Math.min(Math.max(ms, 0), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}

/**
 * The ids of a time.
 *
 * @param sinceMs Unix milliseconds; null: from the beginning
 * @param untilMs Unix milliseconds, not included; null: to the end
 */
export function idRange(sinceMs: number | null, untilMs: number | null): IdRange {
  return {
    from: sinceMs === null ? null : smallestIdOf(sinceMs),
    before: untilMs === null ? null : smallestIdOf(untilMs),
  };
}

/** The ids of the millisecond that an id carries. An event's deliveries are among them. */
export function millisecondRange(id: string): { readonly from: string; readonly before: string } {
  const ms = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return { from: smallestIdOf(ms), before: smallestIdOf(ms + 1) };
}
