import type { OutcomeWindow } from './outcome-window.ts';
import { requireInteger } from './require-integer.ts';

export interface TimeWindowOptions {
  /** How far back the window looks, in ms. Finite, above 0. */
  readonly durationMs: number;
  /** Equal parts in which it forgets. Integer, at least 1. More are finer and cost 24 bytes each. */
  readonly buckets: number;
}

/** The cells: the sums over all buckets, the tick of the newest bucket, then three per bucket. */
const TOTAL = 0;
const FAILURES = 1;
const SLOW = 2;
const TICK = 3;
const FIRST_BUCKET = 4;
const CELLS_PER_BUCKET = 3;

/**
 * The outcomes of the calls of the last `durationMs`, counted in `buckets` equal buckets of
 * `durationMs / buckets` each. For the last n calls instead, take {@link CountWindow}.
 *
 * What "the last `durationMs`" means: buckets begin at whole multiples of their length and leave
 * whole, the newest being the one that `nowMs` lies in. So a call is counted until its bucket began
 * `durationMs` ago: for at most `durationMs`, and for more than `durationMs` less one bucket.
 *
 * The window is told the time. Silence, however long, clears every bucket that went by. A time
 * before the newest bucket, or none (NaN, infinite), counts as the newest bucket's: it clears
 * nothing and brings nothing back.
 *
 * Counts are exact up to 2^53. To read is O(1); to record or advance O(1) amortised, at most
 * O(`buckets`) at once. Nothing allocates but `resize`.
 */
export class TimeWindow implements OutcomeWindow {
  #durationMs = 0;
  #bucketMs = 0;
  // One array, as ten thousand breakers have one each. A plain one: with -Infinity in it, it holds bare
  // doubles like a typed array, whose buffer alone would cost another 200 bytes.
  #cells: number[] = [];
  /** Where the cells of the newest bucket begin. */
  #newest = FIRST_BUCKET;

  /** @throws RangeError when an option is out of its bounds. */
  constructor(options: TimeWindowOptions) {
    this.#adopt(options);
  }

  get durationMs(): number {
    return this.#durationMs;
  }

  get buckets(): number {
    return (this.#cells.length - FIRST_BUCKET) / CELLS_PER_BUCKET;
  }

  /** Calls in the window, as of the last `record` or `advanceTo`. */
  get total(): number {
    return this.#cells[TOTAL]!;
  }

  get failures(): number {
    return this.#cells[FAILURES]!;
  }

  get slow(): number {
    return this.#cells[SLOW]!;
  }

  record(nowMs: number, failed: boolean, slow: boolean): void {
    this.advanceTo(nowMs);
    const cells = this.#cells;
    const newest = this.#newest;
    cells[TOTAL]! += 1;
    cells[newest + TOTAL]! += 1;
    if (failed) {
      cells[FAILURES]! += 1;
      cells[newest + FAILURES]! += 1;
    }
    if (slow) {
      cells[SLOW]! += 1;
      cells[newest + SLOW]! += 1;
    }
  }

  advanceTo(nowMs: number): void {
    const tick = Math.floor(nowMs / this.#bucketMs);
    if (tick > this.#cells[TICK]! && tick < Infinity) this.#advanceToTick(tick);
  }

  /** Forgets all calls and the time. */
  clear(): void {
    this.#cells.fill(0);
    this.#cells[TICK] = -Infinity;
    this.#newest = FIRST_BUCKET;
  }

  /**
   * Sets duration and buckets, and keeps the calls that still lie in the window. Those count from
   * then on as made when their old bucket began, so they may leave early, and never late.
   * O(old buckets + new buckets).
   * @throws RangeError when an option is out of its bounds; nothing is changed then.
   */
  resize(options: TimeWindowOptions): void {
    if (options.durationMs === this.#durationMs && options.buckets === this.buckets) return;
    const old = this.#cells;
    const oldBuckets = this.buckets;
    const oldBucketMs = this.#bucketMs;
    const oldNewest = (this.#newest - FIRST_BUCKET) / CELLS_PER_BUCKET;
    this.#adopt(options);
    for (let age = oldBuckets - 1; age >= 0; age--) {
      const bucket = (oldNewest - age + oldBuckets) % oldBuckets;
      const from = FIRST_BUCKET + bucket * CELLS_PER_BUCKET;
      this.advanceTo((old[TICK]! - age) * oldBucketMs);
      for (const count of [TOTAL, FAILURES, SLOW]) this.#add(count, old[from + count]!);
    }
  }

  #adopt({ durationMs, buckets }: TimeWindowOptions): void {
    if (!(durationMs > 0 && durationMs < Infinity)) {
      throw new RangeError(
        `TimeWindow: durationMs must be a finite number above 0, got ${durationMs}.`,
      );
    }
    requireInteger('TimeWindow: buckets', buckets, 1);
    this.#cells = Array.from(
      { length: FIRST_BUCKET + buckets * CELLS_PER_BUCKET },
      () => -Infinity,
    );
    this.#durationMs = durationMs;
    this.#bucketMs = durationMs / buckets;
    this.clear();
  }

  #add(count: number, added: number): void {
    this.#cells[count]! += added;
    this.#cells[this.#newest + count]! += added;
  }

  #advanceToTick(tick: number): void {
    const elapsed = tick - this.#cells[TICK]!;
    if (elapsed >= this.buckets) this.clear();
    else for (let step = 0; step < elapsed; step++) this.#dropOldest();
    this.#cells[TICK] = tick;
  }

  /** Makes the oldest bucket, which lies after the newest, the new newest one. */
  #dropOldest(): void {
    const cells = this.#cells;
    const after = this.#newest + CELLS_PER_BUCKET;
    this.#newest = after < cells.length ? after : FIRST_BUCKET;
    for (let count = TOTAL; count <= SLOW; count++) {
      cells[count]! -= cells[this.#newest + count]!;
      cells[this.#newest + count] = 0;
    }
  }
}
