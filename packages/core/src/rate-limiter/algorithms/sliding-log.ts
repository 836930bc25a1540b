import type { Ahead } from './ahead.ts';
import { resolutionMs, type Algorithm, type Succession, type Taken } from './algorithm.ts';
import { WindowedAlgorithm, type WindowedLimit } from './windowed.ts';

/** Places in a slice: where the oldest time is in the ring, then the ring. */
const HEAD = 0;
const RING = 1;

/**
 * The times of the last `limit` permits of a key, oldest first, in a ring. Another may pass when the
 * oldest has left the window: exact, for 8 bytes a permit, and 16 bytes for each reservation whose time
 * has not come. The ring lets go only of what has left the window, so whatever is given back, nothing is
 * missing that still counts.
 *
 * A call for n costs O(n), and O(log reservations) while some are ahead; a refund and the level
 * O(log limit) to O(limit).
 */
export class SlidingLogAlgorithm extends WindowedAlgorithm {
  readonly stride: number;

  get safeWindowMs(): number {
    return this.windowMs;
  }

  constructor(options: WindowedLimit, succession: Succession) {
    super(options, succession);
    this.stride = options.limit + RING;
  }

  /**
   * Behind `ahead` permits of others it is exact when they leave one by one, as each can: the permit that
   * is k-th from now follows the one that is `limit` before it by a window. Those who take several at
   * once wait for the last of them, so that behind them it takes longer, at worst about twice as long.
   */
  waitMs(at: number, nowMs: number, n: number, ahead = 0): number {
    const last = ahead + n - 1;
    const timeMs = this.#lastTimeOf(at, this.settle(at, nowMs), last % this.capacity);
    const waitMs = timeMs + this.windowMs - nowMs;
    const moreMs = Math.floor(last / this.capacity) * this.windowMs;
    return (waitMs > resolutionMs(nowMs) ? waitMs : 0) + moreMs;
  }

  giveBack(at: number, nowMs: number, { n, dueMs }: Taken): number {
    this.settle(at, nowMs);
    if (dueMs + this.windowMs <= nowMs) return 0;
    const back = this.removeAhead(at, dueMs, n);
    if (back > 0) return back;
    const end = this.#countUpTo(at, dueMs, 0, 0);
    let first = end;
    // To the digit: a time next to it is somebody else's.
    while (end - first < n && first > 0 && this.#timeOf(at, first - 1) === dueMs) first--;
    return this.#forget(at, first, end);
  }

  level(at: number, nowMs: number): number {
    const reserved = this.settle(at, nowMs)?.permits ?? 0;
    return this.#countGone(at, nowMs) - reserved;
  }

  forgetsInMs(at: number, nowMs: number): number {
    const lastMs = this.settle(at, nowMs)?.last ?? this.#timeOf(at, this.capacity - 1);
    return Math.max(0, lastMs + this.windowMs - nowMs);
  }

  /** Keeps the newest times that fit, of those that still counted in the window before. */
  adopt(at: number, nowMs: number, before: Algorithm, from: number): void {
    if (!(before instanceof SlidingLogAlgorithm)) return;
    before.settle(from, nowMs);
    const old = before.state.slice(from, from + before.stride);
    this.clear(at);
    const kept = Math.min(this.capacity, before.capacity);
    for (let i = 1; i <= kept; i++) {
      const place = RING + (((old[HEAD] as number) + before.capacity - i) % before.capacity);
      const timeMs = old[place] as number;
      if (timeMs + before.windowMs - nowMs <= resolutionMs(nowMs)) break;
      this.#setTime(at, this.capacity - i, timeMs);
    }
    this.adoptAhead(at, before, from, (timeMs) => timeMs);
  }

  protected clear(at: number): void {
    this.state.fill(-Infinity, at, at + this.stride);
    this.state[at + HEAD] = 0;
  }

  protected settle(at: number, nowMs: number): Ahead | undefined {
    const ahead = this.aheadOf(at);
    if (ahead === undefined) return undefined;
    // To the digit: the ring must not let go of what still counts.
    while (ahead.first <= nowMs) {
      const timeMs = ahead.first;
      this.#log(at, timeMs, this.shiftAhead(at, ahead));
    }
    return this.aheadOf(at);
  }

  protected count(at: number, nowMs: number, whenMs: number, n: number): void {
    if (whenMs > nowMs) this.putAhead(at, whenMs, n);
    else this.#log(at, whenMs, n);
  }

  protected forget(at: number, nowMs: number, n: number): number {
    const gone = this.#countGone(at, nowMs);
    return this.#forget(at, Math.max(gone, this.capacity - n), this.capacity);
  }

  #log(at: number, timeMs: number, n: number): void {
    const { state, capacity } = this;
    // A late timer is made up for: what it lets go may lie before what has passed since.
    let later = 0;
    while (later < capacity && this.#timeOf(at, capacity - 1 - later) > timeMs) later++;
    const end = capacity - later;
    const count = Math.min(n, end);
    state[at + HEAD] = ((state[at + HEAD] as number) + count) % capacity;
    for (let i = capacity - 1; i >= end; i--) this.#setTime(at, i, this.#timeOf(at, i - count));
    for (let i = end - count; i < end; i++) this.#setTime(at, i, timeMs);
  }

  /** Takes out the times from `first` to before `end`: as many that count no more come before the rest. */
  #forget(at: number, first: number, end: number): number {
    const count = Math.max(0, end - first);
    if (count === 0) return 0;
    for (let i = first - 1; i >= 0; i--) this.#setTime(at, i + count, this.#timeOf(at, i));
    for (let i = 0; i < count; i++) this.#setTime(at, i, -Infinity);
    return count;
  }

  /** The time of the `i`-th of the last `limit` permits, those that are reserved included. */
  #lastTimeOf(at: number, ahead: Ahead | undefined, i: number): number {
    if (ahead === undefined) return this.#timeOf(at, i);
    const place = ahead.permits + i;
    return place < this.capacity ? this.#timeOf(at, place) : ahead.placeOf(place - this.capacity);
  }

  /** The time of the `i`-th oldest permit in the ring. */
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

  /** How many permits count no more. By the very terms of `waitMs`, so that rounding parts them nowhere. */
  #countGone(at: number, nowMs: number): number {
    return this.#countUpTo(at, nowMs, this.windowMs, resolutionMs(nowMs));
  }

  /** How many times are, moved on by `moveMs`, not after `timeMs` but for `nearMs`. Binary search. */
  #countUpTo(at: number, timeMs: number, moveMs: number, nearMs: number): number {
    let low = 0;
    let high = this.capacity;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#timeOf(at, middle) + moveMs - timeMs <= nearMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
