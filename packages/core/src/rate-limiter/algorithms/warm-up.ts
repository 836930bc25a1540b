import { Holes } from './holes.ts';
import { resolutionMs, type Algorithm, type Succession, type Taken } from './algorithm.ts';
import type { SteadyRate } from './gcra.ts';

/** A cold bucket earns this share of its rate: the cold factor of 3 that Guava and Sentinel take. */
const COLD = 1 / 3;
const RISE = 1 - COLD;
/** Above this many permits, the count is begun anew: fractions must keep their digits. */
const RENEW_AT = 2 ** 30;

/** Places in a slice. */
const SINCE = 0;
const WARMTH = 1;
const EARNED = 2;
const MARK = 3;

export interface RampedRate extends SteadyRate {
  readonly warmUpMs: number;
}

/**
 * Token bucket whose rate rises while it is in use. Cold it earns a third of its rate; after
 * `warmUpMs` below its rim it earns all of it; full, it cools over the same time. In between the rate
 * is a straight line, so that what is earned is a parabola with an inverse in closed form.
 *
 * A slice tells how warm the bucket was and how much it had earned when that line began (`SINCE`: it
 * last ceased to be full), and the mark up to which permits are gone. Nothing is added up step by step.
 * @see https://guava.dev/releases/snapshot/api/docs/com/google/common/util/concurrent/RateLimiter.html
 */
export class WarmUpAlgorithm implements Algorithm {
  readonly stride = 4;
  readonly renewAtMs: number = Infinity;
  readonly capacity: number;
  readonly windowMs: number;
  readonly safeWindowMs: number;
  readonly goesByMark = true;
  readonly limit: string;
  state: Float64Array = new Float64Array(0);
  readonly #perMs: number;
  readonly #warmUpMs: number;
  readonly #originMs: number;
  readonly #holes = new Holes();

  constructor(options: RampedRate, { nowMs }: Succession) {
    const { ratePerSecond, capacity, warmUpMs } = options;
    this.capacity = capacity;
    this.windowMs = (capacity * 1000) / ratePerSecond;
    this.safeWindowMs = this.windowMs / COLD;
    this.limit = `${ratePerSecond} per second (burst ${capacity}, warm after ${warmUpMs} ms)`;
    this.#perMs = ratePerSecond / 1000;
    this.#warmUpMs = warmUpMs;
    this.#originMs = nowMs;
  }

  reset(at: number): void {
    this.#holes.clear(at);
    const { state } = this;
    state[at + SINCE] = this.#originMs;
    state[at + WARMTH] = 0;
    state[at + EARNED] = 0;
    state[at + MARK] = -this.capacity;
  }

  tryTake(at: number, nowMs: number, n: number): number {
    const waitMs = this.waitMs(at, nowMs, n);
    if (waitMs === 0) this.take(at, nowMs, n);
    return waitMs;
  }

  take(at: number, nowMs: number, n: number): void {
    const { state } = this;
    this.#settle(at, nowMs);
    if (this.#isFull(at)) {
      // From here on it is in use, and warms.
      state[at + WARMTH] = this.#cooled(at, nowMs);
      state[at + SINCE] = nowMs;
    }
    state[at + MARK] = (state[at + MARK] as number) + n;
    if ((state[at + MARK] as number) > RENEW_AT) this.#startOver(at, nowMs);
  }

  waitMs(at: number, nowMs: number, n: number, ahead = 0): number {
    this.#settle(at, nowMs);
    const { state } = this;
    const short = (state[at + MARK] as number) + ahead + n - (state[at + EARNED] as number);
    if (short <= 0) return 0;
    // A full bucket has stood still; for more than its capacity it would begin to earn now.
    const full = this.#isFull(at);
    const sinceMs = full ? nowMs : (state[at + SINCE] as number);
    const warmth = full ? this.#cooled(at, nowMs) : (state[at + WARMTH] as number);
    const waitMs = sinceMs + this.#msToEarn(warmth, short) - nowMs;
    return waitMs > resolutionMs(nowMs) ? waitMs : 0;
  }

  turnMs(at: number, nowMs: number, ahead: number, n: number): number {
    return n > this.capacity ? Infinity : this.waitMs(at, nowMs, n, ahead);
  }

  reserve(at: number, nowMs: number, n: number): number {
    const waitMs = this.waitMs(at, nowMs, n);
    this.take(at, nowMs, n);
    return waitMs;
  }

  mark(at: number): number {
    return this.state[at + MARK] as number;
  }

  giveBack(at: number, nowMs: number, taken: Taken): number {
    const { state } = this;
    this.#settle(at, nowMs);
    const { n, mark } = taken;
    // It has been full since, or what was taken is from before the count was begun anew.
    if (this.#isFull(at) || (state[at + SINCE] as number) > taken.dueMs) return 0;
    if (mark - this.mark(at) > RENEW_AT / 2) return 0;
    const earned = this.#earned(at, nowMs);
    const rounding = 4 * Number.EPSILON * (this.capacity + Math.abs(earned));
    const kept = mark + this.capacity - earned;
    const back = Math.min(kept + rounding >= n ? n : kept, n);
    if (!(back > 0)) return 0;
    const least = earned - this.capacity;
    if (this.mark(at) - Math.max(mark, earned) > rounding) {
      this.#holes.add(at, { mark, n: back }, least);
      return back;
    }
    const closed = this.#holes.close(at, this.mark(at) - back, { least, rounding });
    state[at + MARK] = (state[at + MARK] as number) - back - closed;
    return back;
  }

  reward(at: number, nowMs: number, n: number): number {
    return this.giveBack(at, nowMs, { n, mark: this.mark(at), dueMs: nowMs });
  }

  level(at: number, nowMs: number): number {
    this.#settle(at, nowMs);
    return Math.min(this.capacity, this.#earned(at, nowMs) - (this.state[at + MARK] as number));
  }

  forgetsInMs(at: number, nowMs: number): number {
    this.#settle(at, nowMs);
    if (this.#isFull(at)) return this.#cooled(at, nowMs) * this.#warmUpMs;
    const fullAtMs = this.#fullAtMs(at);
    return fullAtMs - nowMs + this.#warmthAt(at, fullAtMs) * this.#warmUpMs;
  }

  adopt(at: number, nowMs: number, before: Algorithm, from: number): void {
    this.#holes.clear(at);
    const level = Math.min(before.level(from, nowMs), this.capacity);
    // A bucket that had no ramp until now has run at its whole rate: it is warm.
    const warmth = before instanceof WarmUpAlgorithm ? before.#warmth(from, nowMs) : 1;
    const mark = before instanceof WarmUpAlgorithm ? before.mark(from) : 0;
    this.state[at + SINCE] = nowMs;
    this.state[at + WARMTH] = warmth;
    this.state[at + MARK] = mark;
    this.state[at + EARNED] = mark + level;
    if (mark > RENEW_AT) this.#startOver(at, nowMs);
  }

  /** A bucket that has filled up by `nowMs` has stopped earning when it did, and cools since then. */
  #settle(at: number, nowMs: number): void {
    if (this.#isFull(at)) return;
    const fullAtMs = this.#fullAtMs(at);
    // Not in the very moment in which it is full: the rounding of that moment would add up.
    if (fullAtMs + resolutionMs(nowMs) > nowMs) return;
    const { state } = this;
    state[at + WARMTH] = this.#warmthAt(at, fullAtMs);
    state[at + SINCE] = fullAtMs;
    state[at + EARNED] = (state[at + MARK] as number) + this.capacity;
  }

  #isFull(at: number): boolean {
    const { state } = this;
    return (state[at + EARNED] as number) - (state[at + MARK] as number) >= this.capacity;
  }

  #fullAtMs(at: number): number {
    const { state } = this;
    const missing = this.capacity + (state[at + MARK] as number) - (state[at + EARNED] as number);
    return (state[at + SINCE] as number) + this.#msToEarn(state[at + WARMTH] as number, missing);
  }

  #earned(at: number, nowMs: number): number {
    const { state } = this;
    const before = state[at + EARNED] as number;
    if (this.#isFull(at)) return before;
    const forMs = nowMs - (state[at + SINCE] as number);
    const warmth = state[at + WARMTH] as number;
    const warmingMs = Math.min(forMs, (1 - warmth) * this.#warmUpMs);
    const rate = COLD + RISE * warmth;
    const ramped = warmingMs * (rate + (RISE * warmingMs) / (2 * this.#warmUpMs));
    return before + this.#perMs * (ramped + (forMs - warmingMs));
  }

  /** The inverse: how long a bucket in use takes to earn so many permits. */
  #msToEarn(warmth: number, permits: number): number {
    const atFullRateMs = permits / this.#perMs;
    const warmingMs = (1 - warmth) * this.#warmUpMs;
    const rate = COLD + RISE * warmth;
    const slope = RISE / this.#warmUpMs;
    const rampMs = warmingMs * (rate + (slope * warmingMs) / 2);
    if (atFullRateMs >= rampMs) return warmingMs + (atFullRateMs - rampMs);
    // Of the two forms of the root, the one in which nothing cancels.
    return (2 * atFullRateMs) / (rate + Math.sqrt(rate * rate + 2 * slope * atFullRateMs));
  }

  #warmth(at: number, nowMs: number): number {
    this.#settle(at, nowMs);
    return this.#isFull(at) ? this.#cooled(at, nowMs) : this.#warmthAt(at, nowMs);
  }

  #warmthAt(at: number, nowMs: number): number {
    const { state } = this;
    const usedMs = nowMs - (state[at + SINCE] as number);
    return Math.min(1, (state[at + WARMTH] as number) + usedMs / this.#warmUpMs);
  }

  /** The warmth of a full bucket. */
  #cooled(at: number, nowMs: number): number {
    const idleMs = nowMs - (this.state[at + SINCE] as number);
    return Math.max(0, (this.state[at + WARMTH] as number) - idleMs / this.#warmUpMs);
  }

  #startOver(at: number, nowMs: number): void {
    const { state } = this;
    const earned = this.#earned(at, nowMs);
    state[at + WARMTH] = this.#warmthAt(at, nowMs);
    state[at + SINCE] = nowMs;
    state[at + MARK] = (state[at + MARK] as number) - earned;
    state[at + EARNED] = 0;
  }
}
