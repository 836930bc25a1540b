import { slidingWindow } from './limiter-kind.ts';
import type { RateLimiterOptions } from './limiter-options.ts';
import { RateLimiter } from './rate-limiter.ts';

export interface SlidingWindowLimiterOptions extends RateLimiterOptions {
  /** Calls let in per window. Integer, at least 1. */
  readonly limit: number;
  /** Length of the window, in ms. Above 0. */
  readonly windowMs: number;
}

/**
 * About `limit` calls in any `windowMs`, by two counters whatever the limit: the calls of the window
 * before count by the share of it that still overlaps. Exact for even traffic; in the worst case any
 * window sees less than twice the limit, and no call is refused while the last two windows saw fewer
 * than `limit`. For an exact count take {@link SlidingLog}, at 8 bytes a call.
 * O(1); a decision does not allocate.
 * @see https://blog.cloudflare.com/counting-things-a-lot-of-different-things
 */
export class SlidingWindow extends RateLimiter<SlidingWindowLimiterOptions> {
  constructor(options: SlidingWindowLimiterOptions) {
    super(slidingWindow, options);
  }
}
