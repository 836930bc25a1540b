/** Runs that must have been seen before anything is refused because of them. */
const KNOWN_AFTER = 20;

/** Weight of the newest run in the moving averages: they remember about so many. */
const MEMORY = 32;

/** Shortest time, in ms, that is worth giving up a job before its deadline: timers are no finer. */
const FINEST_MS = 1;

/** The share of runs that take less than `leastMs`, and how fast that follows a change. */
const QUANTILE = 0.05;
const STEP = 0.1;
const UP: number = 1 + STEP * QUANTILE;
const DOWN: number = 1 - STEP * (1 - QUANTILE);

/** Standard deviations below the mean that 1 wait in 20 falls below. */
const Z = 1.645;

/** An estimate is stale when nothing has ended for so many runs, and for so many ms. */
const STALE_RUNS = 4;
const STALE_MS = 1000;

const MEAN = 0;
const MEAN_OF_SQUARES = 1;
const LEAST = 2;
const COUNT = 3;
/** How many runs were known when an estimate was last asked for, and since when. */
const SEEN = 4;
const SEEN_AT = 5;
const CELLS = 6;

/**
 * What is known of how long runs take, and so of who can still be done in time. It refuses too few
 * rather than too many: only who has less than one chance in twenty. Short jobs among long ones count
 * as short, since nobody can tell them apart before they ran.
 *
 * A quantile is followed without storing runs: it goes up by a small factor when a run was longer and
 * down by a larger one when it was shorter, so that it falls fast and rises slowly. O(1), no allocation.
 * @see https://doi.org/10.1007/s10044-016-0548-5 (Hammer, Yazidi, Rue: quantiles by multiplicative updates)
 */
export class RunEstimate {
  readonly #cells = new Float64Array(CELLS);

  constructor() {
    this.#cells[LEAST] = Infinity;
  }

  /** Moving average, in ms. NaN while nothing is known. */
  get meanMs(): number {
    return this.#cells[COUNT] === 0 ? Number.NaN : this.#cells[MEAN]!;
  }

  /** Almost every run takes longer, in ms. 0 while too little is known, and when it is hardly anything. */
  get leastMs(): number {
    const cells = this.#cells;
    const leastMs = cells[LEAST]!;
    return cells[COUNT]! < KNOWN_AFTER || leastMs < FINEST_MS ? 0 : leastMs;
  }

  /** Takes note of a run of `runMs`. What is no duration is not noted. */
  learn(runMs: number): void {
    if (!(runMs >= 0 && runMs < Infinity)) return;
    const cells = this.#cells;
    const count = cells[COUNT]! + 1;
    cells[COUNT] = count;
    const weight = count < MEMORY ? 1 / count : 1 / MEMORY;
    const mean = cells[MEAN]!;
    cells[MEAN] = mean + (runMs - mean) * weight;
    const meanOfSquares = cells[MEAN_OF_SQUARES]!;
    cells[MEAN_OF_SQUARES] = meanOfSquares + (runMs * runMs - meanOfSquares) * weight;
    // At first the shortest of all, so that no chance leaves it too high.
    cells[LEAST] = count <= KNOWN_AFTER ? Math.min(cells[LEAST]!, runMs) : this.#nextLeast(runMs);
  }

  /**
   * By how many ms a job with `leftMs` until its deadline would come too late behind `ahead` others;
   * 0 or below: it may well be in time. Infinity when it would be late behind nobody, too.
   */
  lateBy(leftMs: number, ahead: number, lanes: number, nowMs: number): number {
    if (leftMs <= 0) return Infinity;
    const cells = this.#cells;
    if (cells[COUNT]! < KNOWN_AFTER) return 0;
    this.#forget(nowMs);
    const { leastMs } = this;
    if (leastMs > leftMs) return Infinity;
    return this.#waitMs(ahead) / lanes + leastMs - leftMs;
  }

  /** A step up or down. Never so low that the way up would take for ever. */
  #nextLeast(runMs: number): number {
    const leastMs = this.#cells[LEAST]!;
    if (runMs < leastMs) return leastMs * DOWN;
    return Math.min(runMs, Math.max(leastMs, FINEST_MS / 2) * UP);
  }

  /** The time that `ahead` runs take together, but for one chance in twenty that it is less. */
  #waitMs(ahead: number): number {
    const cells = this.#cells;
    const mean = cells[MEAN]!;
    const variance = Math.max(0, cells[MEAN_OF_SQUARES]! - mean * mean);
    const shortest = mean * ahead - Z * Math.sqrt(variance * ahead);
    return Math.max(shortest, this.leastMs * ahead);
  }

  /**
   * If all are refused, nothing runs and nothing is learned: so an estimate that nothing has confirmed
   * for long is halved, again and again, until it lets somebody in.
   */
  #forget(nowMs: number): void {
    const cells = this.#cells;
    if (cells[SEEN] !== cells[COUNT]) {
      cells[SEEN] = cells[COUNT]!;
      cells[SEEN_AT] = nowMs;
      return;
    }
    if (nowMs - cells[SEEN_AT]! < Math.max(STALE_MS, STALE_RUNS * cells[MEAN]!)) return;
    cells[SEEN_AT] = nowMs;
    cells[MEAN]! /= 2;
    cells[MEAN_OF_SQUARES]! /= 4;
    cells[LEAST]! /= 2;
  }
}
