import { Ahead } from './ahead.ts';
import type { Algorithm, Succession, Taken } from './algorithm.ts';

export interface WindowedLimit {
  readonly limit: number;
  readonly windowMs: number;
}

/**
 * What the two windows share. The slice of a key says what has passed; what is reserved for later is kept
 * apart until its time has come, and counts in full from the start. So a newcomer never passes before
 * those who have reserved, and a reservation that is cancelled before its time leaves no trace.
 *
 * Reservations ahead cost 16 bytes each beside the slice; a key without any costs nothing, and is decided
 * without a look at them.
 */
export abstract class WindowedAlgorithm implements Algorithm {
  abstract readonly stride: number;
  abstract readonly safeWindowMs: number;
  readonly renewAtMs: number = Infinity;
  readonly capacity: number;
  readonly windowMs: number;
  readonly goesByMark = false;
  readonly limit: string;
  state: Float64Array = new Float64Array(0);
  /** What was taken up to this time had left the window of a predecessor before its options changed. */
  protected readonly leftUpToMs: number;
  /** By where the slice of the key begins. */
  readonly #ahead = new Map<number, Ahead>();

  constructor({ limit, windowMs }: WindowedLimit, { nowMs, before }: Succession) {
    this.capacity = limit;
    this.windowMs = windowMs;
    this.leftUpToMs =
      before instanceof WindowedAlgorithm
        ? Math.max(before.leftUpToMs, nowMs - before.safeWindowMs)
        : -Infinity;
    this.limit = `${limit} per ${windowMs} ms`;
  }

  reset(at: number): void {
    if (this.#ahead.size > 0) this.#ahead.delete(at);
    this.clear(at);
  }

  tryTake(at: number, nowMs: number, n: number): number {
    const waitMs = this.waitMs(at, nowMs, n);
    if (waitMs === 0) this.count(at, nowMs, nowMs, n);
    return waitMs;
  }

  take(at: number, nowMs: number, n: number): void {
    this.reserve(at, nowMs, n);
  }

  turnMs(at: number, nowMs: number, ahead: number, n: number): number {
    return n > this.capacity ? Infinity : this.waitMs(at, nowMs, n, ahead);
  }

  reserve(at: number, nowMs: number, n: number): number {
    const waitMs = this.waitMs(at, nowMs, n);
    this.count(at, nowMs, nowMs + waitMs, n);
    return waitMs;
  }

  /** What was taken is found by its time. */
  mark(): number {
    return 0;
  }

  /** The newest are forgotten. */
  reward(at: number, nowMs: number, n: number): number {
    this.settle(at, nowMs);
    let given = 0;
    for (let ahead = this.aheadOf(at); ahead && given < n; ahead = this.aheadOf(at)) {
      given += this.removeAhead(at, ahead.last, n - given);
    }
    return given < n ? given + this.forget(at, nowMs, n - given) : n;
  }

  abstract waitMs(at: number, nowMs: number, n: number, ahead?: number): number;
  abstract giveBack(at: number, nowMs: number, taken: Taken): number;
  abstract level(at: number, nowMs: number): number;
  abstract forgetsInMs(at: number, nowMs: number): number;
  abstract adopt(at: number, nowMs: number, before: Algorithm, from: number): void;

  protected abstract clear(at: number): void;
  /** Counts `n` permits that leave at `whenMs`. */
  protected abstract count(at: number, nowMs: number, whenMs: number, n: number): void;
  /** Forgets up to `n` permits that have passed, and returns how many. */
  protected abstract forget(at: number, nowMs: number, n: number): number;
  /** Moves on to `nowMs`. Returns what is reserved for later. */
  protected abstract settle(at: number, nowMs: number): Ahead | undefined;

  protected aheadOf(at: number): Ahead | undefined {
    return this.#ahead.size > 0 ? this.#ahead.get(at) : undefined;
  }

  protected putAhead(at: number, place: number, n: number): void {
    let ahead = this.#ahead.get(at);
    if (ahead === undefined) this.#ahead.set(at, (ahead = new Ahead()));
    ahead.add(place, n);
  }

  /** Takes out the first run, whose time has come. Returns its permits. */
  protected shiftAhead(at: number, ahead: Ahead): number {
    const n = ahead.shift();
    if (ahead.permits === 0) this.#ahead.delete(at);
    return n;
  }

  protected removeAhead(at: number, place: number, n: number): number {
    const ahead = this.aheadOf(at);
    const removed = ahead?.remove(place, n) ?? 0;
    if (ahead?.permits === 0) this.#ahead.delete(at);
    return removed;
  }

  /** Takes over what `before` has reserved, each at the place that `placeOf` makes of the one before. */
  protected adoptAhead(
    at: number,
    before: WindowedAlgorithm,
    from: number,
    placeOf: (place: number) => number,
  ): void {
    const ahead = before.#ahead.get(from);
    if (ahead === undefined) return;
    before.#ahead.delete(from);
    while (ahead.permits > 0) {
      const place = placeOf(ahead.first);
      this.putAhead(at, place, ahead.shift());
    }
  }
}
