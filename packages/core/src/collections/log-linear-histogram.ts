import {
  bucketMiddle,
  bucketOf,
  BUCKETS,
  RELATIVE_ERROR,
  SCALE_END,
} from './log-linear-buckets.ts';
import { formatHistogram, parseHistogram } from './log-linear-text.ts';

const LAST_BUCKET = BUCKETS - 1;
const FULL_BUCKET = 2 ** 32 - 1;
const FULL_AS_INT32 = -1;

/** The cells of what is kept beside the buckets. */
const SUM = 0;
/** What rounding took from the sum. */
const SUM_REST = 1;
const MIN = 2;
const MAX = 3;
const UNDERFLOW = 4;
const CLAMPED = 5;
const SATURATED = 6;
const INVALID = 7;
const CELLS = 8;

/**
 * Distribution of durations in ms, or of any numbers of 0 or more, in 10 KB however many there are.
 * Count, min and max are exact. Percentiles lie within 1/129 (0.78 %) of the exact nearest-rank
 * value for values from 2^-10 (about 0.001) up to 2^30 (about 1.07e9). To keep the last n values
 * themselves, take {@link Ring}.
 *
 * Outside that range: smaller values are counted together and reported as the smallest of them;
 * larger ones are counted in the last bucket, and in `clamped`.
 *
 * The sum is compensated: what each addition rounds away is summed apart, so its relative error is
 * about 2^-52 and, to first order, does not grow with the number of values. It stops at the largest
 * finite number.
 *
 * A bucket stops at 2^32 - 1. What it could no longer count is in `saturated`; percentiles then
 * speak of the rest.
 *
 * `record` is O(1) and does not allocate. What is read is O(buckets between min and max), about 1 µs.
 * @see https://hdrhistogram.org
 */
export class LogLinearHistogram {
  /** How far a percentile within the range may lie from the exact value, relative to that. */
  static readonly relativeError: number = RELATIVE_ERROR;

  readonly #buckets = new Uint32Array(BUCKETS);
  // In an array, as a field that holds a changing double allocates at each change.
  readonly #cells = new Float64Array(CELLS);

  constructor() {
    this.#cells[MIN] = Infinity;
  }

  /**
   * Counts one value. NaN, infinite and negative values count in `invalid` and change nothing else:
   * a service must not fail because a measurement did.
   */
  record(value: number): void {
    const buckets = this.#buckets;
    const bucket = bucketOf(value);
    if (bucket < 0 || bucket > LAST_BUCKET) return this.recordMany(value, 1);
    // As int32, so that it is compared and raised as an integer: a uint32 would become a double.
    const seen = buckets[bucket]! | 0;
    if (seen === FULL_AS_INT32) return this.recordMany(value, 1);
    buckets[bucket] = seen + 1;
    const cells = this.#cells;
    const sum = cells[SUM]!;
    const raised = sum + value;
    cells[SUM] = raised;
    // Fast2Sum. A value above the sum of all before it may lose half an ulp of the new sum, but then
    // the sum has more than doubled: in all, that stays below one ulp.
    cells[SUM_REST]! += sum - raised + value;
    if (value < cells[MIN]!) cells[MIN] = value;
    if (value > cells[MAX]!) cells[MAX] = value;
  }

  /**
   * Counts `value` `count` times.
   * @throws RangeError when `count` is not an integer of at least 0.
   */
  recordMany(value: number, count: number): void {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RangeError(
        `LogLinearHistogram: count must be an integer of at least 0, got ${count}.`,
      );
    }
    if (count === 0) return;
    const cells = this.#cells;
    if (!(value >= 0 && value < Infinity)) {
      cells[INVALID]! += count;
      return;
    }
    const bucket = bucketOf(value);
    if (bucket < 0) cells[UNDERFLOW]! += count;
    else this.#fill(Math.min(bucket, LAST_BUCKET), count);
    if (value >= SCALE_END) cells[CLAMPED]! += count;
    this.#raiseSum(value * count);
    cells[MIN] = Math.min(cells[MIN]!, Math.abs(value)); // abs, as -0 is a 0
    cells[MAX] = Math.max(cells[MAX]!, value);
  }

  /** Values recorded, but for the invalid ones. Exact up to 2^53. */
  get count(): number {
    return this.#held() + this.#cells[SATURATED]!;
  }

  /** Sum of all values. */
  get sum(): number {
    return Math.min(this.#cells[SUM]! + this.#cells[SUM_REST]!, Number.MAX_VALUE);
  }

  /** Mean of all values; 0 when there are none. */
  get mean(): number {
    return this.sum / Math.max(1, this.count);
  }

  /** The smallest value, exact; 0 when there are none. */
  get min(): number {
    return Math.min(this.#cells[MIN]!, this.#cells[MAX]!);
  }

  /** The largest value, exact; 0 when there are none. */
  get max(): number {
    return this.#cells[MAX]!;
  }

  /** Values too large for the scale, which count as if they were just within it. */
  get clamped(): number {
    return this.#cells[CLAMPED]!;
  }

  /** Values in `count` that percentiles miss, as their bucket was full. */
  get saturated(): number {
    return this.#cells[SATURATED]!;
  }

  /** Values refused: NaN, infinite or negative. Not in `count`. */
  get invalid(): number {
    return this.#cells[INVALID]!;
  }

  /**
   * The value that `ratio` of all values do not exceed, by nearest rank; 0 when there are none.
   * Never below `min` nor above `max`, and the least and the greatest rank are exactly these.
   * @param ratio 0 to 1.
   * @throws RangeError when `ratio` is anything else.
   */
  percentile(ratio: number): number {
    return this.percentiles([ratio])[0]!;
  }

  /**
   * The percentile of each ratio, in the order given, by one walk over the buckets.
   * @throws RangeError when a ratio is not from 0 to 1.
   */
  percentiles(ratios: readonly number[]): number[] {
    const held = this.#held();
    const ranks = ratios.map((ratio) => rankOf(ratio, held));
    const ascending = [...ranks.keys()].sort((a, b) => ranks[a]! - ranks[b]!);
    const values = new Array<number>(ratios.length).fill(0);
    let bucket = this.#firstBucket() - 1;
    let passed = this.#cells[UNDERFLOW]!;
    for (const at of ascending) {
      const rank = ranks[at]!;
      while (passed < rank && bucket < LAST_BUCKET) passed += this.#buckets[++bucket]!;
      if (rank === held) values[at] = this.max;
      else if (rank <= Math.max(1, this.#cells[UNDERFLOW]!)) values[at] = this.min;
      else values[at] = this.#within(bucketMiddle(bucket));
    }
    return values;
  }

  /**
   * How many values are at or below `value`, for the cumulative buckets of Prometheus. Never too
   * few: values above `value` are counted too when they share its bucket, which ends less than
   * 1/64 (1.6 %) above it. Exact from `max` up and below `min`.
   * @throws RangeError when `value` is NaN.
   */
  countAtOrBelow(value: number): number {
    if (Number.isNaN(value)) {
      throw new RangeError('LogLinearHistogram: countAtOrBelow needs a number, got NaN.');
    }
    if (value >= this.max) return this.count;
    if (value < this.min) return 0;
    return this.#held(Math.min(bucketOf(value), LAST_BUCKET));
  }

  /** Adds all that `other` counted, as if it had been recorded here. O(all buckets). */
  merge(other: LogLinearHistogram): void {
    const cells = this.#cells;
    const added = other.#cells;
    this.#raiseSum(added[SUM]!, added[SUM_REST]);
    for (let cell = UNDERFLOW; cell < CELLS; cell++) cells[cell]! += added[cell]!;
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.#fill(bucket, other.#buckets[bucket]!);
    cells[MIN] = Math.min(cells[MIN]!, added[MIN]!);
    cells[MAX] = Math.max(cells[MAX]!, added[MAX]!);
  }

  /**
   * Takes away all that `earlier`, a clone of this histogram from before, had counted: what is left
   * was recorded since. Counts are exact. `min` and `max` are exact when they were surpassed since,
   * else known as well as a percentile is; `sum` carries the rounding of both sums. O(all buckets).
   * @throws RangeError when `earlier` counted anything that this has not; nothing is changed then.
   */
  subtract(earlier: LogLinearHistogram): void {
    this.#requireContains(earlier);
    const cells = this.#cells;
    const minIsNew = cells[MIN]! < earlier.#cells[MIN]!;
    const maxIsNew = cells[MAX]! > earlier.#cells[MAX]!;
    cells[SUM] = Math.max(0, this.sum - earlier.sum);
    cells[SUM_REST] = 0;
    for (let cell = UNDERFLOW; cell < CELLS; cell++) cells[cell]! -= earlier.#cells[cell]!;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#buckets[bucket]! -= earlier.#buckets[bucket]!;
    }
    this.#estimateEdges(minIsNew, maxIsNew);
  }

  /** Forgets everything. */
  reset(): void {
    this.#buckets.fill(0);
    this.#cells.fill(0);
    this.#cells[MIN] = Infinity;
  }

  /** A copy that goes its own way. */
  clone(): LogLinearHistogram {
    const copy = new LogLinearHistogram();
    copy.#buckets.set(this.#buckets);
    copy.#cells.set(this.#cells);
    return copy;
  }

  /** All that is known, as text that {@link LogLinearHistogram.parse} reads back. */
  toString(): string {
    const { sum, min, max, clamped, saturated, invalid } = this;
    const underflow = this.#cells[UNDERFLOW]!;
    const buckets = this.#buckets;
    return formatHistogram({ buckets, sum, min, max, underflow, clamped, saturated, invalid });
  }

  /**
   * The histogram that `toString` wrote.
   * @throws SyntaxError when `text` is anything else. Text from a stranger is safe to pass.
   */
  static parse(text: string): LogLinearHistogram {
    const content = parseHistogram(text);
    const histogram = new LogLinearHistogram();
    const cells = histogram.#cells;
    histogram.#buckets.set(content.buckets);
    cells[UNDERFLOW] = content.underflow;
    cells[CLAMPED] = content.clamped;
    cells[SATURATED] = content.saturated;
    cells[INVALID] = content.invalid;
    cells[SUM] = content.sum;
    cells[MAX] = content.max;
    if (histogram.count > 0) cells[MIN] = content.min;
    return histogram;
  }

  #firstBucket(): number {
    return Math.max(0, Math.min(bucketOf(this.min), LAST_BUCKET));
  }

  /** Values counted up to the end of `lastBucket`. */
  #held(lastBucket: number = Math.min(bucketOf(this.max), LAST_BUCKET)): number {
    let held = this.#cells[UNDERFLOW]!;
    for (let bucket = this.#firstBucket(); bucket <= lastBucket; bucket++) {
      held += this.#buckets[bucket]!;
    }
    return held;
  }

  #within(value: number): number {
    return Math.max(this.min, Math.min(value, this.max));
  }

  #fill(bucket: number, count: number): void {
    const fits = Math.min(count, FULL_BUCKET - this.#buckets[bucket]!);
    this.#buckets[bucket]! += fits;
    this.#cells[SATURATED]! += count - fits;
  }

  /** As `record` does it, but within the finite numbers. */
  #raiseSum(value: number, rest = 0): void {
    const cells = this.#cells;
    const sum = cells[SUM]!;
    const raised = Math.min(sum + value, Number.MAX_VALUE);
    cells[SUM] = raised;
    cells[SUM_REST]! += sum - raised + value + rest;
  }

  #requireContains(earlier: LogLinearHistogram): void {
    const [now, then] = [this.#cells, earlier.#cells];
    const contains =
      now[MIN]! <= then[MIN]! &&
      now[MAX]! >= then[MAX]! &&
      then.every((count, cell) => cell < UNDERFLOW || count <= now[cell]!) &&
      earlier.#buckets.every((count, bucket) => count <= this.#buckets[bucket]!);
    if (contains) return;
    throw new RangeError(
      'LogLinearHistogram: only an earlier state of the same histogram can be subtracted; ' +
        'the one given counted values that this one has not.',
    );
  }

  /** Sets min and max by what a subtraction left, where they are not known from the values. */
  #estimateEdges(minIsNew: boolean, maxIsNew: boolean): void {
    const cells = this.#cells;
    if (this.count === 0) {
      cells[SUM] = 0;
      cells[MIN] = Infinity;
      cells[MAX] = 0;
      return;
    }
    const first = this.#buckets.findIndex((count) => count > 0);
    const last = this.#buckets.findLastIndex((count) => count > 0);
    if (!minIsNew && cells[UNDERFLOW] === 0 && first >= 0) {
      cells[MIN] = this.#within(bucketMiddle(first));
    }
    if (maxIsNew || cells[CLAMPED]! > 0 || cells[SATURATED]! > 0) return;
    cells[MAX] = last >= 0 ? this.#within(bucketMiddle(last)) : cells[MIN]!;
  }
}

/** The rank, 1 to `held`, of the value that a ratio asks for. */
function rankOf(ratio: number, held: number): number {
  if (!(ratio >= 0 && ratio <= 1)) {
    throw new RangeError(`LogLinearHistogram: a ratio must be from 0 to 1, got ${ratio}.`);
  }
  // A hair less, so that 0.07 of 100 is rank 7: as doubles, their product is 7.000000000000001.
  return Math.max(1, Math.ceil(ratio * held * (1 - 2 ** -51)));
}
