/** Longer names are not compared: nobody mistypes them by a letter. */
const LONGEST = 64;

/**
 * The candidate that `name` was most likely meant to be, or undefined when none is near: at most a
 * third of its characters may differ. Case, `_` and `-` do not count, so that `rate_per_second`
 * finds `ratePerSecond`. O(candidates × length²).
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > LONGEST) return undefined;
  const wanted = plain(name);
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const other = plain(candidate);
    const allowed = Math.floor(Math.max(wanted.length, other.length) / 3);
    if (other.length > LONGEST || Math.abs(wanted.length - other.length) > allowed) continue;
    const distance = editDistance(wanted, other);
    if (distance <= allowed && distance < bestDistance)
      [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/**
 * How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`.
 * @see https://en.wikipedia.org/wiki/Damerau–Levenshtein_distance (optimal string alignment)
 */
export function editDistance(a: string, b: string): number {
  let twoAgo: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = at(previous, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swaps = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        replaced,
        swaps ? at(twoAgo, column - 2) + 1 : Infinity,
      );
    }
    [twoAgo, previous] = [previous, current];
  }
  return at(previous, b.length);
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
