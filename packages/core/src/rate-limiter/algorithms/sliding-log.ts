import { resolutionMs, type Algorithm, type Taken } from './algorithm.ts';
import type { WindowedLimit } from './sliding-window.ts';

/** Places in a slice: where the oldest time is in the ring, then the ring. */
const HEAD = 0;
const RING = 1;

/**
 * The times of the last `limit` permits of a key, oldest first, in a ring. Another may pass when the
 * oldest has left the window: exact, for 8 bytes a permit. A permit that was reserved has its time in
 * the future. A call for n costs O(n), a refund and the level O(log limit) to O(limit).
 */
export class SlidingLogAlgorithm implements Algorithm {
  readonly stride: number;
  readonly renewAtMs: number = Infinity;
  readonly capacity: number;
  readonly windowMs: number;
  readonly limit: string;
  state: Float64Array = new Float64Array(0);

  constructor({ limit, windowMs }: WindowedLimit) {
    this.stride = limit + RING;
    this.capacity = limit;
    this.windowMs = windowMs;
    this.limit = `${limit} per ${windowMs} ms`;
  }

  reset(at: number): void {
    this.state.fill(-Infinity, at, at + this.stride);
    this.state[at + HEAD] = 0;
  }

  tryTake(at: number, nowMs: number, n: number): number {
    const waitMs = this.waitMs(at, nowMs, n);
    if (waitMs === 0) this.#log(at, nowMs, n);
    return waitMs;
  }

  take(at: number, nowMs: number, n: number): void {
    this.#log(at, nowMs + this.waitMs(at, nowMs, n), n);
  }

  waitMs(at: number, nowMs: number, n: number): number {
    const last = n - 1;
    const waitMs = this.#timeOf(at, last % this.capacity) + this.windowMs - nowMs;
    // Further on than the ring reaches, each permit follows the one a window before it.
    const moreMs = Math.floor(last / this.capacity) * this.windowMs;
    return (waitMs > resolutionMs(nowMs) ? waitMs : 0) + moreMs;
  }

  turnMs(at: number, nowMs: number, ahead: number, n: number): number {
    return this.waitMs(at, nowMs, ahead + n);
  }

  reserve(at: number, nowMs: number, n: number): number {
    const waitMs = this.waitMs(at, nowMs, n);
    this.#log(at, nowMs + waitMs, n);
    return waitMs;
  }

  /** What was taken is found by its time. */
  mark(): number {
    return 0;
  }

  giveBack(at: number, nowMs: number, { n, dueMs }: Taken): number {
    const near = resolutionMs(dueMs);
    if (dueMs + this.windowMs <= nowMs) return 0;
    const first = this.#countUpTo(at, dueMs - near);
    const end = Math.min(this.#countUpTo(at, dueMs + near), first + n);
    return this.#forget(at, nowMs, first, end);
  }

  /** The newest are forgotten. */
  reward(at: number, nowMs: number, n: number): number {
    const gone = this.#countUpTo(at, nowMs - this.windowMs + resolutionMs(nowMs));
    return this.#forget(at, nowMs, Math.max(gone, this.capacity - n), this.capacity);
  }

  level(at: number, nowMs: number): number {
    return this.#countUpTo(at, nowMs - this.windowMs + resolutionMs(nowMs));
  }

  forgetsInMs(at: number, nowMs: number): number {
    return Math.max(0, this.#timeOf(at, this.capacity - 1) + this.windowMs - nowMs);
  }

  /** Keeps the newest times that fit. */
  adopt(at: number, _nowMs: number, before: Algorithm, from: number): void {
    const old = before.state.slice(from, from + before.stride);
    this.reset(at);
    const kept = Math.min(this.capacity, before.capacity);
    for (let i = 1; i <= kept; i++) {
      const place = RING + (((old[HEAD] as number) + before.capacity - i) % before.capacity);
      this.#setTime(at, this.capacity - i, old[place] as number);
    }
  }

  #log(at: number, whenMs: number, n: number): void {
    const { state, capacity } = this;
    const head = state[at + HEAD] as number;
    for (let i = 0; i < n; i++) this.#setTime(at, i, whenMs);
    state[at + HEAD] = (head + n) % capacity;
  }

  /** Takes out the times from `first` to before `end`, and puts in as many that are older than all. */
  #forget(at: number, nowMs: number, first: number, end: number): number {
    const count = Math.max(0, end - first);
    if (count === 0) return 0;
    // What the ring has let go was free by the time at which its place was taken.
    const latestMs = Math.max(nowMs, this.#timeOf(at, this.capacity - 1));
    // Adding the window again must not round it past that time.
    const freeMs = latestMs - this.windowMs - resolutionMs(this.windowMs);
    for (let i = first - 1; i >= 0; i--) this.#setTime(at, i + count, this.#timeOf(at, i));
    const next = count < this.capacity ? this.#timeOf(at, count) : Infinity;
    for (let i = 0; i < count; i++) this.#setTime(at, i, Math.min(freeMs, next));
    return count;
  }

  /** The time of the `i`-th oldest permit. */
  #timeOf(at: number, i: number): number {
    return this.state[this.#placeOf(at, i)] as number;
  }

  #setTime(at: number, i: number, timeMs: number): void {
    this.state[this.#placeOf(at, i)] = timeMs;
  }

  #placeOf(at: number, i: number): number {
    const place = (this.state[at + HEAD] as number) + i;
    return at + RING + (place < this.capacity ? place : place - this.capacity);
  }

  /** How many times are not after `timeMs`. Binary search. */
  #countUpTo(at: number, timeMs: number): number {
    let low = 0;
    let high = this.capacity;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#timeOf(at, middle) <= timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
