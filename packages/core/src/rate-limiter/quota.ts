import { resolutionMs, type Algorithm } from './algorithms/index.ts';

/** What a client may be told about its limit. */
export interface Quota {
  /** Permits that come back in `windowMs`. */
  readonly limit: number;
  /** Whole permits that are there now. */
  readonly remaining: number;
  /** How long a spent limit takes to come back, in ms. */
  readonly windowMs: number;
  /**
   * A client that takes no more than `limit` in any such time is never refused, in ms: one window of a
   * bucket or a log, two of a SlidingWindow, three of a bucket with a ramp, which may be cold.
   */
  readonly safeWindowMs: number;
  /** How long until all of the limit is there again, in ms, if nothing is taken until then. */
  readonly resetMs: number;
}

export function quotaOf(algorithm: Algorithm, at: number, nowMs: number, remaining: number): Quota {
  const { capacity: limit, windowMs, safeWindowMs } = algorithm;
  return { limit, remaining, windowMs, safeWindowMs, resetMs: algorithm.waitMs(at, nowMs, limit) };
}

/** The permits that a call made now would be told are there. */
export function wholePermits(algorithm: Algorithm, at: number, nowMs: number): number {
  const { capacity, windowMs } = algorithm;
  // What falls due sooner than the clock can tell is there.
  const early = (resolutionMs(nowMs) * capacity) / windowMs;
  const level = Math.floor(algorithm.level(at, nowMs) + early);
  const near = Math.min(Math.max(0, level), capacity);
  // Rounding may put it one off from what a call would be told.
  if (near < capacity && algorithm.waitMs(at, nowMs, near + 1) === 0) return near + 1;
  return near > 0 && algorithm.waitMs(at, nowMs, near) > 0 ? near - 1 : near;
}
