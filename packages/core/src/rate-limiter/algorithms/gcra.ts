import type { Algorithm, Succession, Taken } from './algorithm.ts';
import { Holes } from './holes.ts';

/** Above this many permits since its origin, the count is begun anew: fractions must keep their digits. */
const RENEW_AT = 2 ** 48;

/** A burst, then a steady rate. */
export interface SteadyRate {
  readonly ratePerSecond: number;
  readonly capacity: number;
}

/**
 * Token bucket as the generic cell rate algorithm: one number a key. Permits are earned since an
 * origin at a steady rate, whether anybody takes them or not; the number of a key, its mark, is how
 * many of them are gone. `earned - mark` is the level, never above the capacity.
 *
 * Counted in permits and not in ms, since whole permits add up without rounding: nothing drifts,
 * however often and however long it is asked.
 * @see ITU-T I.371, annex A (generic cell rate algorithm, virtual scheduling)
 */
export class GcraAlgorithm implements Algorithm {
  readonly stride = 1;
  readonly capacity: number;
  readonly windowMs: number;
  readonly safeWindowMs: number;
  readonly goesByMark = true;
  readonly limit: string;
  state: Float64Array = new Float64Array(0);
  readonly #perMs: number;
  /** {@link resolutionMs} in permits: for each ms of the time, and for what the bucket holds. */
  readonly #tolerancePerMs: number;
  readonly #toleranceAtLeast: number;
  readonly #originMs: number;
  readonly #holes = new Holes();
  /** Permits by which the marks have been moved since the first origin. */
  readonly #moved: number = 0;
  readonly renewAtMs: number;

  constructor(options: SteadyRate, { nowMs, before }: Succession) {
    const { ratePerSecond, capacity } = options;
    this.capacity = capacity;
    this.windowMs = (capacity * 1000) / ratePerSecond;
    this.safeWindowMs = this.windowMs;
    this.limit = `${ratePerSecond} per second (burst ${capacity})`;
    this.#perMs = ratePerSecond / 1000;
    this.#tolerancePerMs = this.#perMs * 4 * Number.EPSILON;
    this.#toleranceAtLeast = (capacity + this.#perMs) * 4 * Number.EPSILON;
    this.#originMs = nowMs;
    this.renewAtMs = nowMs + RENEW_AT / this.#perMs;
    if (before instanceof GcraAlgorithm) this.#moved = before.#moved + before.#earned(nowMs);
  }

  reset(at: number): void {
    this.#holes.clear(at);
    this.state[at] = -Infinity;
  }

  tryTake(at: number, nowMs: number, n: number): number {
    const earned = (nowMs - this.#originMs) * this.#perMs;
    const tolerance = this.#toleranceAt(nowMs);
    const mark = this.state[at] as number;
    const full = earned - this.capacity;
    const after = (full - mark > tolerance ? full : mark) + n;
    const short = after - earned;
    if (short > tolerance) return short / this.#perMs;
    this.state[at] = after;
    return 0;
  }

  take(at: number, nowMs: number, n: number): void {
    this.state[at] = this.#mark(at, nowMs) + n;
  }

  waitMs(at: number, nowMs: number, n: number, ahead = 0): number {
    const short = this.#mark(at, nowMs) + ahead + n - this.#earned(nowMs);
    return short > this.#toleranceAt(nowMs) ? short / this.#perMs : 0;
  }

  turnMs(at: number, nowMs: number, ahead: number, n: number): number {
    return n > this.capacity ? Infinity : this.waitMs(at, nowMs, n, ahead);
  }

  reserve(at: number, nowMs: number, n: number): number {
    const waitMs = this.turnMs(at, nowMs, 0, n);
    this.take(at, nowMs, n);
    return waitMs;
  }

  mark(at: number): number {
    return (this.state[at] as number) + this.#moved;
  }

  giveBack(at: number, nowMs: number, taken: Taken): number {
    const { n } = taken;
    const earned = this.#earned(nowMs);
    const mark = taken.mark - this.#moved;
    const rounding = 4 * Number.EPSILON * (this.capacity + Math.abs(earned) + Math.abs(taken.mark));
    // What has been earned since may have run over the rim, had it not been taken.
    const kept = mark + this.capacity - earned;
    const back = Math.min(kept + rounding >= n ? n : kept, n);
    if (!(back > 0)) return 0;
    const least = earned - this.capacity + this.#moved;
    // Those who came later were told later times, and keep them.
    if (this.promisedAfter(at, mark, earned) > rounding) {
      this.#holes.add(at, { mark: taken.mark, n: back }, least);
      return back;
    }
    const closed = this.#holes.close(at, this.mark(at) - back, { least, rounding });
    this.state[at] = (this.state[at] as number) - back - closed;
    return back;
  }

  /** Permits beyond `mark` that somebody was told a time for. */
  protected promisedAfter(at: number, mark: number, earned: number): number {
    return (this.state[at] as number) - Math.max(mark, earned);
  }

  reward(at: number, nowMs: number, n: number): number {
    return this.giveBack(at, nowMs, { n, mark: this.mark(at), dueMs: nowMs });
  }

  level(at: number, nowMs: number): number {
    return Math.min(this.capacity, this.#earned(nowMs) - (this.state[at] as number));
  }

  forgetsInMs(at: number, nowMs: number): number {
    const missing = (this.state[at] as number) + this.capacity - this.#earned(nowMs);
    return missing > 0 ? missing / this.#perMs : 0;
  }

  adopt(at: number, nowMs: number, before: Algorithm, from: number): void {
    this.#holes.clear(at);
    const level = before.level(from, nowMs);
    this.state[at] = this.#earned(nowMs) - Math.min(level, this.capacity);
  }

  /**
   * The mark, moved up to where the bucket is just full: but not in the very moment in which it is, as
   * the rounding of that moment would add up.
   */
  #mark(at: number, nowMs: number): number {
    const mark = this.state[at] as number;
    const full = this.#earned(nowMs) - this.capacity;
    return full - mark > this.#toleranceAt(nowMs) ? full : mark;
  }

  #earned(nowMs: number): number {
    return (nowMs - this.#originMs) * this.#perMs;
  }

  #toleranceAt(nowMs: number): number {
    return Math.abs(nowMs) * this.#tolerancePerMs + this.#toleranceAtLeast;
  }
}
