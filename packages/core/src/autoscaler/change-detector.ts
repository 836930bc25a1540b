/** Intervals that it looks back on. */
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
  #recent: Interval[] = [];

  /**
   * Counts an interval with `done` completions, where `expected` were to be expected from `known` before.
   * @returns whether the last intervals together are too far off; it then starts anew.
   */
  isAnother(interval: {
    done: number;
    expected: number;
    known: number;
    dispersion: number;
  }): boolean {
    const { done, expected, known, dispersion } = interval;
    if (known < FEWEST_DONE) return false;
    this.#recent.push({ done, expected, variance: expected * (1 + expected / known) });
    if (this.#recent.length > RECENT) this.#recent.shift();
    if (this.#recent.length < RECENT) return false;
    const sum = (key: keyof Interval): number =>
      this.#recent.reduce((total, each) => total + each[key], 0);
    const off = Math.abs(sum('done') - sum('expected'));
    const isFar =
      off > LEAST_CHANGE * sum('expected') && off > SURE * Math.sqrt(dispersion * sum('variance'));
    if (isFar) this.#recent = [];
    return isFar;
  }
}
