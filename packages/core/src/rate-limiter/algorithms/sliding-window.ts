import { resolutionMs, type Algorithm, type Taken } from './algorithm.ts';

/** Places in a slice. */
const START = 0;
const CURRENT = 1;
const PREVIOUS = 2;
/** The two windows before those: a reservation that is given back leads back to them. */
const BEFORE = 3;
const LONG_BEFORE = 4;

export interface WindowedLimit {
  readonly limit: number;
  readonly windowMs: number;
}

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
export class SlidingWindowAlgorithm implements Algorithm {
  readonly stride = 5;
  readonly renewAtMs: number = Infinity;
  readonly capacity: number;
  readonly windowMs: number;
  readonly limit: string;
  state: Float64Array = new Float64Array(0);

  constructor({ limit, windowMs }: WindowedLimit) {
    this.capacity = limit;
    this.windowMs = windowMs;
    this.limit = `${limit} per ${windowMs} ms`;
  }

  reset(at: number): void {
    this.state.fill(0, at, at + this.stride);
  }

  tryTake(at: number, nowMs: number, n: number): number {
    const waitMs = this.waitMs(at, nowMs, n);
    if (waitMs === 0) this.#count(at, nowMs, n);
    return waitMs;
  }

  take(at: number, nowMs: number, n: number): void {
    this.#count(at, nowMs + this.waitMs(at, nowMs, n), n);
  }

  waitMs(at: number, nowMs: number, n: number): number {
    const { state, capacity, windowMs } = this;
    const wholeWindows = Math.ceil(n / capacity) - 1;
    const rest = n - wholeWindows * capacity;
    this.#roll(at, nowMs);
    const start = state[at + START] as number;
    const current = state[at + CURRENT] as number;
    const previous = state[at + PREVIOUS] as number;
    if (current === 0 && previous === 0) return wholeWindows * windowMs;
    // From the start of the current window: it lies ahead after a reservation.
    const dueMs = start + this.#dueInWindow(previous, current, rest) + wholeWindows * windowMs;
    const waitMs = dueMs - nowMs;
    return waitMs > resolutionMs(nowMs) ? waitMs : 0;
  }

  turnMs(at: number, nowMs: number, ahead: number, n: number): number {
    return this.waitMs(at, nowMs, ahead + n);
  }

  reserve(at: number, nowMs: number, n: number): number {
    const waitMs = this.waitMs(at, nowMs, n);
    this.#count(at, nowMs + waitMs, n);
    return waitMs;
  }

  /** What was taken is found by its time. */
  mark(): number {
    return 0;
  }

  giveBack(at: number, nowMs: number, { n, dueMs }: Taken): number {
    this.#roll(at, nowMs);
    const start = this.state[at + START] as number;
    const sinceStart = dueMs - start + resolutionMs(dueMs);
    const counter = sinceStart >= 0 ? CURRENT : PREVIOUS;
    if (sinceStart < -this.windowMs) return 0;
    const back = Math.min(n, this.state[at + counter] as number);
    this.state[at + counter] = (this.state[at + counter] as number) - back;
    this.#rollBack(at, nowMs);
    return back;
  }

  reward(at: number, nowMs: number, n: number): number {
    this.#roll(at, nowMs);
    const current = Math.min(n, this.state[at + CURRENT] as number);
    const previous = Math.min(n - current, this.state[at + PREVIOUS] as number);
    this.state[at + CURRENT] = (this.state[at + CURRENT] as number) - current;
    this.state[at + PREVIOUS] = (this.state[at + PREVIOUS] as number) - previous;
    return current + previous;
  }

  level(at: number, nowMs: number): number {
    this.#roll(at, nowMs);
    const { state } = this;
    const intoMs = nowMs - (state[at + START] as number);
    const overlap = Math.min(1, Math.max(0, 1 - intoMs / this.windowMs));
    const used = (state[at + PREVIOUS] as number) * overlap + (state[at + CURRENT] as number);
    // Nobody passes before the window that is reserved ahead.
    return (
      this.capacity -
      (used > 0 && intoMs < -resolutionMs(nowMs) ? Math.max(used, this.capacity) : used)
    );
  }

  forgetsInMs(at: number, nowMs: number): number {
    this.#roll(at, nowMs);
    const { state, windowMs } = this;
    const start = state[at + START] as number;
    if (state[at + CURRENT] !== 0) return start + 2 * windowMs - nowMs;
    return state[at + PREVIOUS] === 0 ? 0 : start + windowMs - nowMs;
  }

  /** Counts stay while the window does; else what is in use counts as the window before. */
  adopt(at: number, nowMs: number, before: Algorithm, from: number): void {
    const used = before.capacity - before.level(from, nowMs);
    if (before instanceof SlidingWindowAlgorithm && before.windowMs === this.windowMs) {
      for (let i = 0; i < this.stride; i++) this.state[at + i] = before.state[from + i] as number;
      return;
    }
    this.state[at + START] = nowMs;
    this.state[at + CURRENT] = 0;
    this.state[at + PREVIOUS] = used;
    this.state.fill(0, at + BEFORE, at + this.stride);
  }

  /** How long after the current window's start `n` may pass, `n` being at most the limit. */
  #dueInWindow(previous: number, current: number, n: number): number {
    const { capacity, windowMs } = this;
    const room = capacity - current - n;
    // Within this window, once enough of the previous one has slid out.
    if (room >= 0) return previous > room ? windowMs * (1 - room / previous) : 0;
    // In the next one, to which this one is the previous.
    return windowMs + Math.max(0, windowMs * (1 - (capacity - n) / current));
  }

  #count(at: number, whenMs: number, n: number): void {
    const { state } = this;
    this.#roll(at, whenMs);
    if (state[at + CURRENT] === 0 && state[at + PREVIOUS] === 0) state[at + START] = whenMs;
    state[at + CURRENT] = (state[at + CURRENT] as number) + n;
  }

  /** Moves on to the window of `nowMs`, if it is not there yet. */
  #roll(at: number, nowMs: number): void {
    const { state, windowMs } = this;
    const start = state[at + START] as number;
    const windows = Math.floor((nowMs - start + resolutionMs(nowMs)) / windowMs);
    if (windows < 1) return;
    for (let place = LONG_BEFORE; place >= CURRENT; place--) {
      const from = place - windows;
      state[at + place] = from >= CURRENT ? (state[at + from] as number) : 0;
    }
    state[at + START] = start + windows * windowMs;
  }

  /** Moves back from windows ahead that nobody has reserved any more. One that it has no count of counts as full. */
  #rollBack(at: number, nowMs: number): void {
    const { state } = this;
    const near = resolutionMs(Math.abs(nowMs) + 2 * this.windowMs);
    while (state[at + CURRENT] === 0 && (state[at + START] as number) > nowMs + near) {
      state[at + START] = (state[at + START] as number) - this.windowMs;
      state.copyWithin(at + CURRENT, at + PREVIOUS, at + LONG_BEFORE + 1);
      state[at + LONG_BEFORE] = this.capacity;
      if (Math.abs((state[at + START] as number) - nowMs) <= near) state[at + START] = nowMs;
    }
  }
}
