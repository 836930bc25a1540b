/**
 * The arithmetic of a rate limit: synchronous, told the time, allocating nothing. The state of a key
 * is a slice of one typed array, so that a limiter of one key and one of a million decide by the same
 * lines. Whoever calls sees to it that time never goes back and that `n` is an integer of at least 1.
 *
 * `at` is where the key's slice begins; times are ms on the limiter's clock.
 */
export interface Algorithm {
  /** Numbers of state for each key. */
  readonly stride: number;
  /** The most that can pass at once, in permits. */
  readonly capacity: number;
  /** How long a spent capacity takes to come back, in ms: capacity / rate, or the window. */
  readonly windowMs: number;
  /** Whoever takes no more than the capacity in any such time is never refused, in ms. */
  readonly safeWindowMs: number;
  /** The limit in words, for refusals: `100 per second (burst 50)`. */
  readonly limit: string;
  /** The slices, one after the other. Whoever owns it may put a longer copy in its place. */
  state: Float64Array;
  /** Whether `giveBack` needs the mark, which says nothing to an algorithm that is no successor. */
  readonly goesByMark: boolean;
  /** From this time on a successor made of the same options keeps more digits. Infinity: never. */
  readonly renewAtMs: number;

  /** Makes the slice that of a key never seen, which has its whole capacity. */
  reset(at: number): void;

  /** Takes `n` and returns 0, or takes nothing and returns how long until they are there, in ms. */
  tryTake(at: number, nowMs: number, n: number): number;

  /** Takes `n` though they may not be there yet. What is spent on credit is earned before anybody else passes. */
  take(at: number, nowMs: number, n: number): void;

  /**
   * How long until `n` could pass, in ms; 0: now. With `ahead` permits of others before it, who leave as
   * early as they can, one by one.
   */
  waitMs(at: number, nowMs: number, n: number, ahead?: number): number;

  /** How long until it is the turn of a caller for `n` who waits behind `ahead` permits, in ms; Infinity when `n` exceeds the capacity. */
  turnMs(at: number, nowMs: number, ahead: number, n: number): number;

  /** Takes `n` for the time at which they are there, and returns how long that is from now, in ms. */
  reserve(at: number, nowMs: number, n: number): number;

  /** Where the last `take` or `reserve` stands, for `giveBack`. Still holds for a successor. */
  mark(at: number): number;

  /**
   * Gives back what was taken up to `mark`, as far as it has not been earned anew meanwhile. What somebody
   * has been promised a later time because of is held until he has gone or given back, too. Returns how
   * much that was in all, from 0 to `n`.
   */
  giveBack(at: number, nowMs: number, taken: Taken): number;

  /** Gives up to `n` permits for nothing, never above the capacity. Returns how many. */
  reward(at: number, nowMs: number, n: number): number;

  /** Permits there now, fractions included; below 0 while something is spent on credit. */
  level(at: number, nowMs: number): number;

  /** How long until the slice says no more than that of a key never seen, in ms; 0: so it is now. */
  forgetsInMs(at: number, nowMs: number): number;

  /**
   * Takes over the slice of `before` that begins at `from`: its level, cut to the capacity. `before` is the
   * same algorithm with other options, or another one; what was earned so far was earned under it. The
   * two may share their array, and the slice.
   */
  adopt(at: number, nowMs: number, before: Algorithm, from: number): void;
}

/** What a reservation took. */
export interface Taken {
  readonly n: number;
  readonly mark: number;
  /** When its permits are there, in ms. */
  readonly dueMs: number;
}

/**
 * Times closer together than this are one: rounding of sums of this size, four times over. What falls
 * due sooner is due now, so that after exactly the time that was told a call is let in.
 */
export function resolutionMs(nowMs: number): number {
  return Math.max(1, Math.abs(nowMs)) * (4 * Number.EPSILON);
}

/** What comes before an algorithm whose options change. */
export interface Succession {
  /** Where its time begins, in ms. */
  readonly nowMs: number;
  readonly before?: Algorithm | undefined;
}
