/** Comparing stops here: a suggestion is a kindness, not worth more than a millisecond or so. */
const maxCandidates = 2000;

/**
 * The candidate most like a name that someone may have misspelt, by edit distance (Levenshtein).
 *
 * @returns null where none is near: a third of the characters may differ, and at least two
 */
export function findNearestName(name: string, candidates: Iterable<string>): string | null {
  let limit = Math.max(2, Math.floor(name.length / 3));
  let nearest: string | null = null;
  let compared = 0;
  for (const candidate of candidates) {
    if ((compared += 1) > maxCandidates) break;
    const distance = editDistance(name, candidate, limit);
    if (distance > limit || (nearest !== null && distance === limit)) continue;
    nearest = candidate;
    limit = distance;
  }
  return nearest;
}

/** @returns the distance, or `limit` + 1 as soon as it must be more than `limit` */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    let least = row;
    for (let column = 1; column <= b.length; column += 1) {
      const change = a[row - 1] === b[column - 1] ? 0 : 1;
      const distance = Math.min(
        (previous[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (previous[column - 1] as number) + change,
      );
      current.push(distance);
      if (distance < least) least = distance;
    }
    if (least > limit) return limit + 1;
    previous = current;
  }
  return previous[b.length] as number;
}
