/** Intervals at one size that it looks back on. */
const RECENT = 10;

/** Standard errors, and share of the rate, beyond which it is another plant and not chance. */
const SURE = 5;
const LEAST_CHANGE = 0.15;

/** Completions that an expectation must rest on. */
const FEWEST_DONE = 100;

interface Interval {
  readonly done: number;
  readonly expected: number;
  /** Variance of the difference for a Poisson process. */
  readonly variance: number;
}

/** Notices that a pool does more or less than it did at the same size. O(1) an interval. */
export class ChangeDetector {
  /** The last intervals at each size: a change may show at a probed size alone. */
  readonly #recent = new Map<number, Interval[]>();

  /**
   * Counts an interval at `size` with `done` completions, where `expected` were to be expected from `known` before.
   * @returns whether the last intervals at this size together are too far off; it then starts anew.
   */
  isAnother(interval: {
    size: number;
    done: number;
    expected: number;
    known: number;
    dispersion: number;
  }): boolean {
    const { size, done, expected, known, dispersion } = interval;
    if (known < FEWEST_DONE) return false;
    const recent = this.#recent.get(size) ?? [];
    this.#recent.set(size, recent);
    recent.push({ done, expected, variance: expected * (1 + expected / known) });
    if (recent.length > RECENT) recent.shift();
    if (recent.length < RECENT) return false;
    const sum = (key: keyof Interval): number =>
      recent.reduce((total, each) => total + each[key], 0);
    const off = Math.abs(sum('done') - sum('expected'));
    const isFar =
      off > LEAST_CHANGE * sum('expected') && off > SURE * Math.sqrt(dispersion * sum('variance'));
    if (isFar) this.#recent.clear();
    return isFar;
  }
}
