import { leakyBucket } from './limiter-kind.ts';
import type { RateLimiterOptions } from './limiter-options.ts';
import { RateLimiter } from './rate-limiter.ts';

export interface LeakyBucketOptions extends Omit<RateLimiterOptions, 'maxWaiting'> {
  /** How fast it leaks, permits per second. Above 0. */
  readonly ratePerSecond: number;
  /** As a meter: how much it holds. As a shaper: how many permits may be waited for. Integer, at least 1. @default ratePerSecond, rounded up */
  readonly capacity?: number | undefined;
}

/**
 * Two faces of one state. As a meter (`allow`, `execute`) it takes what fits into the bucket, as a
 * {@link TokenBucket} does. As a shaper (`wait`, `reserve`) it lets callers leave one by one, evenly
 * spaced at the rate, first come, first served; at most `capacity` wait, the rest are refused at once.
 *
 * A burst of 50 at 100 per second: the first leaves at once, the last after 490 ms, the mean after
 * 245 ms. While callers wait, `allow` lets nobody pass them. O(1); a decision does not allocate.
 * @see https://en.wikipedia.org/wiki/Leaky_bucket
 */
export class LeakyBucket extends RateLimiter<LeakyBucketOptions> {
  constructor(options: LeakyBucketOptions) {
    super(leakyBucket, options);
  }
}
