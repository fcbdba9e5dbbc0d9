/** Bounds of the work, which anyone can cause by publishing wrong names: a suggestion is worth a few milliseconds. */
const maxCandidates = 1000;
const maxDistance = 5;

/**
 * The candidate most like a name that someone may have misspelt, by edit distance (Levenshtein).
 *
 * @returns null where none is near: a quarter of the characters may differ, at least two and at most five
 */
export function findNearestName(name: string, candidates: Iterable<string>): string | null {
  let limit = Math.min(maxDistance, Math.max(2, Math.floor(name.length / 4)));
  let nearest: string | null = null;
  let compared = 0;
  for (const candidate of candidates) {
    if (limit < 0 || (compared += 1) > maxCandidates) break;
    const distance = editDistance(name, candidate, limit);
    if (distance > limit) continue;
    nearest = candidate;
    // The next one must be nearer.
    limit = distance - 1;
  }
  return nearest;
}

/**
 * Only cells within `limit` of the diagonal can be part of a short way: the work is length times limit, not length squared.
 *
 * @returns the distance, or more than `limit` where it is more than that
 */
function editDistance(a: string, b: string, limit: number): number {
  const far = limit + 1;
  if (a.length - b.length > limit || b.length - a.length > limit) return far;
  let previous = new Uint16Array(b.length + 1);
  for (let column = 1; column <= b.length; column += 1) previous[column] = column;
  let current = new Uint16Array(b.length + 1);
  for (let row = 1; row <= a.length; row += 1) {
    const first = row > limit ? row - limit : 1;
    const last = row + limit < b.length ? row + limit : b.length;
    const character = a.charCodeAt(row - 1);
    let left = first === 1 && row <= limit ? row : far;
    let least = left;
    current[first - 1] = left;
    for (let column = first; column <= last; column += 1) {
      const diagonal = previous[column - 1] as number;
      let distance = character === b.charCodeAt(column - 1) ? diagonal : diagonal + 1;
      if (left + 1 < distance) distance = left + 1;
      // Beyond the band, the row above has no value.
      if (column < row + limit && (previous[column] as number) + 1 < distance)
        distance = (previous[column] as number) + 1;
      current[column] = distance;
      left = distance;
      if (distance < least) least = distance;
    }
    if (least > limit) return far;
    [previous, current] = [current, previous];
  }
  return previous[b.length] as number;
}
