import { gcra } from './limiter-kind.ts';
import type { RateLimiterOptions } from './limiter-options.ts';
import { RateLimiter } from './rate-limiter.ts';

export interface GcraOptions extends RateLimiterOptions {
  /** Steady rate, permits per second: the inverse of the emission interval. Above 0. */
  readonly ratePerSecond: number;
  /** Largest burst, in permits: the delay tolerance in emission intervals, plus one. Integer, at least 1. @default ratePerSecond, rounded up */
  readonly capacity?: number | undefined;
}

/**
 * The generic cell rate algorithm: decides as a {@link TokenBucket} does, by one number and nothing
 * else. A TokenBucket without a ramp is kept the same way; take this one where the state of many keys
 * is to be one number each whatever the options say. O(1), allocates nothing.
 * @see https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
 */
export class Gcra extends RateLimiter<GcraOptions> {
  constructor(options: GcraOptions) {
    super(gcra, options);
  }
}
