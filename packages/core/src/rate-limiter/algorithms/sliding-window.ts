import type { Ahead } from './ahead.ts';
import { resolutionMs, type Algorithm, type Taken } from './algorithm.ts';
import { WindowedAlgorithm } from './windowed.ts';

/** Places in a slice: when window 0 began, which window runs, what passed in it and in the one before. */
const ORIGIN = 0;
const NUMBER = 1;
const CURRENT = 2;
const PREVIOUS = 3;

/**
 * Two counters a key that decide, for the window that runs and the one before it. How many calls lie in the last
 * `windowMs` is estimated: all of the current ones, and the previous ones by the share of their window
 * that still overlaps, as if they had been spread evenly. The windows of a key begin with its first call.
 *
 * The estimate is off by at most the overlap's share of the previous count one way, the rest of it the
 * other way. So any `windowMs` sees less than twice the limit, and no call is refused that finds fewer
 * than `limit` calls in the last two windows together.
 * @see https://blog.cloudflare.com/counting-things-a-lot-of-different-things
 */
export class SlidingWindowAlgorithm extends WindowedAlgorithm {
  readonly stride = 4;

  /** How the calls of the window before were spread is guessed. */
  get safeWindowMs(): number {
    return 2 * this.windowMs;
  }

  /**
   * Behind `ahead` permits of others it goes through the windows as those leave, each as early as he can:
   * exact when they leave one by one; behind those who take several at once it takes longer, at worst
   * about twice as long. O(windows with reservations); the steady state is closed form.
   */
  waitMs(at: number, nowMs: number, n: number, ahead = 0): number {
    const { state, capacity, windowMs } = this;
    const reserved = this.settle(at, nowMs);
    let current = state[at + CURRENT] as number;
    let previous = state[at + PREVIOUS] as number;
    const isEmpty = this.#isEmpty(at);
    // A limit may have become lower than what a caller waits for: the surplus leaves before the rest.
    const cost = Math.min(n, capacity);
    let others = ahead + n - cost;
    let number = isEmpty ? 0 : (state[at + NUMBER] as number);
    let later = reserved?.permits ?? 0;
    for (;;) {
      const taken = current + later;
      // What falls due with the very end of a window counts in the next one.
      const most = Math.max(0, capacity - taken - (previous > 0 ? 1 : 0));
      const room = capacity - taken - others - cost;
      if (others <= most && room >= 0) {
        const originMs = isEmpty ? nowMs : (state[at + ORIGIN] as number);
        const intoMs = previous > room ? windowMs * (1 - room / previous) : 0;
        const waitMs = originMs + number * windowMs + intoMs - nowMs;
        return waitMs > resolutionMs(nowMs) ? waitMs : 0;
      }
      const leaving = Math.min(others, most);
      others -= leaving;
      const next = this.#nextWindow(number, reserved, others > 0 ? 1 : cost);
      previous = next === number + 1 ? current + leaving : 0;
      if (reserved && next > number + 1) previous = reserved.from(next - 1) - reserved.from(next);
      number = next;
      later = reserved?.from(number + 1) ?? 0;
      current = (reserved?.from(number) ?? 0) - later;
      if (current + later > 0) continue;
      // From here on each window is like the next.
      if (capacity === 1 && previous === 0) {
        number += 2 * others;
        others = 0;
      } else if (capacity > 1 && previous === capacity - 1) {
        number += Math.floor(others / previous);
        others %= previous;
      }
    }
  }

  giveBack(at: number, nowMs: number, { n, dueMs }: Taken): number {
    if (dueMs <= this.leftUpToMs) return 0;
    this.settle(at, nowMs);
    const number = this.#numberAt(at, dueMs);
    const ago = (this.state[at + NUMBER] as number) - number;
    if (ago < 0) return this.removeAhead(at, number, n);
    return ago > 1 ? 0 : this.#uncount(at, ago === 0 ? CURRENT : PREVIOUS, n);
  }

  level(at: number, nowMs: number): number {
    const reserved = this.settle(at, nowMs)?.permits ?? 0;
    return this.capacity - this.#used(at, nowMs) - reserved;
  }

  forgetsInMs(at: number, nowMs: number): number {
    const reserved = this.settle(at, nowMs);
    const { state, windowMs } = this;
    if (reserved) return this.#startMs(at, reserved.last) + 2 * windowMs - nowMs;
    const startMs = this.#startMs(at, state[at + NUMBER] as number);
    if (state[at + CURRENT] !== 0) return startMs + 2 * windowMs - nowMs;
    return state[at + PREVIOUS] === 0 ? 0 : startMs + windowMs - nowMs;
  }

  /** Counts stay while the window does; else what is in use counts as the window before. */
  adopt(at: number, nowMs: number, before: Algorithm, from: number): void {
    if (!(before instanceof SlidingWindowAlgorithm)) return;
    before.settle(from, nowMs);
    const old = before.state.slice(from, from + before.stride);
    if (before.windowMs === this.windowMs) {
      this.state.set(old, at);
      this.adoptAhead(at, before, from, (number) => number);
      return;
    }
    const used = before.#used(from, nowMs);
    this.state[at + ORIGIN] = nowMs;
    this.state[at + NUMBER] = 0;
    this.state[at + CURRENT] = 0;
    this.state[at + PREVIOUS] = used;
    const originMs = old[ORIGIN] as number;
    this.adoptAhead(at, before, from, (number) =>
      Math.max(1, this.#numberAt(at, originMs + number * before.windowMs)),
    );
  }

  protected clear(at: number): void {
    this.state.fill(0, at, at + this.stride);
  }

  protected count(at: number, _nowMs: number, whenMs: number, n: number): void {
    const { state } = this;
    if (this.#isEmpty(at)) {
      state[at + ORIGIN] = whenMs;
      state[at + NUMBER] = 0;
    }
    const number = this.#numberAt(at, whenMs);
    // Within a window it does not matter when: what is reserved counts in full already.
    if (number > (state[at + NUMBER] as number)) this.putAhead(at, number, n);
    else state[at + CURRENT] = (state[at + CURRENT] as number) + n;
  }

  protected forget(at: number, _nowMs: number, n: number): number {
    const current = this.#uncount(at, CURRENT, n);
    return current + this.#uncount(at, PREVIOUS, n - current);
  }

  /** Moves on to the window of `nowMs`, if it is not there yet. */
  protected settle(at: number, nowMs: number): Ahead | undefined {
    const { state } = this;
    const number = this.#numberAt(at, nowMs);
    const windows = number - (state[at + NUMBER] as number);
    const ahead = this.aheadOf(at);
    if (!(windows >= 1)) return ahead;
    state[at + PREVIOUS] = windows === 1 ? (state[at + CURRENT] as number) : 0;
    state[at + CURRENT] = 0;
    state[at + NUMBER] = number;
    if (ahead === undefined) return undefined;
    while (ahead.first <= number) {
      const ago = number - ahead.first;
      const n = this.shiftAhead(at, ahead);
      if (ago === 0) state[at + CURRENT] = n;
      if (ago === 1) state[at + PREVIOUS] = (state[at + PREVIOUS] as number) + n;
    }
    return this.aheadOf(at);
  }

  #isEmpty(at: number): boolean {
    const { state } = this;
    return (
      state[at + CURRENT] === 0 && state[at + PREVIOUS] === 0 && this.aheadOf(at) === undefined
    );
  }

  /** The next window in which `n` may find room beside what is reserved there and later. */
  #nextWindow(number: number, reserved: Ahead | undefined, n: number): number {
    const tooMany = (reserved?.permits ?? 0) - (this.capacity - n) - 1;
    return reserved && tooMany >= 0 ? Math.max(number, reserved.placeOf(tooMany)) + 1 : number + 1;
  }

  #uncount(at: number, counter: number, n: number): number {
    const back = Math.min(n, this.state[at + counter] as number);
    this.state[at + counter] = (this.state[at + counter] as number) - back;
    return back;
  }

  /** What the last `windowMs` saw, as estimated. */
  #used(at: number, nowMs: number): number {
    const { state } = this;
    const intoMs = nowMs - this.#startMs(at, state[at + NUMBER] as number);
    const overlap = Math.min(1, Math.max(0, 1 - intoMs / this.windowMs));
    return (state[at + PREVIOUS] as number) * overlap + (state[at + CURRENT] as number);
  }

  /** Reckoned from the origin each time: no rounding adds up. */
  #startMs(at: number, number: number): number {
    return (this.state[at + ORIGIN] as number) + number * this.windowMs;
  }

  #numberAt(at: number, timeMs: number): number {
    const sinceMs = timeMs - (this.state[at + ORIGIN] as number);
    return Math.floor((sinceMs + resolutionMs(timeMs)) / this.windowMs);
  }
}
