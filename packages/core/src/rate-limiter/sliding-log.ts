import { slidingLog } from './limiter-kind.ts';
import type { RateLimiterOptions } from './limiter-options.ts';
import { RateLimiter } from './rate-limiter.ts';

export interface SlidingLogOptions extends RateLimiterOptions {
  /** Calls let in per window. Integer, 1 to 1000000. */
  readonly limit: number;
  /** Length of the window, in ms. Above 0. */
  readonly windowMs: number;
}

/**
 * Exactly `limit` calls in any `windowMs`: the times of the last `limit` calls are kept, 8 bytes each,
 * and 16 bytes for each reservation whose time has not come.
 * For large limits take {@link SlidingWindow}, for a steady rate {@link TokenBucket}.
 * A decision for n permits is O(n) and does not allocate; `available` is O(log limit).
 */
export class SlidingLog extends RateLimiter<SlidingLogOptions> {
  constructor(options: SlidingLogOptions) {
    super(slidingLog, options);
  }
}
