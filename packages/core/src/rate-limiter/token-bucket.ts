import { tokenBucket } from './limiter-kind.ts';
import type { RateLimiterOptions } from './limiter-options.ts';
import { RateLimiter } from './rate-limiter.ts';

export interface TokenBucketOptions extends RateLimiterOptions {
  /** Steady refill, tokens per second. Above 0. */
  readonly ratePerSecond: number;
  /** Largest burst, in tokens. Integer, at least 1. @default ratePerSecond, rounded up */
  readonly capacity?: number | undefined;
  /** Tokens at the start. Integer, 0 to the capacity. @default capacity */
  readonly initialTokens?: number | undefined;
  /**
   * How long a cold bucket needs to reach its rate, in ms: for caches and connections that must fill
   * first. It starts at a third of the rate and warms in a straight line while it is below its rim;
   * full, it cools over the same time. A burst is let through cold, too: keep the capacity small.
   * Above 0. @default none: the whole rate from the start
   */
  readonly warmUpMs?: number | undefined;
}

/**
 * Rate limiter that admits bursts of up to `capacity`, then holds a steady rate. In any window of t
 * seconds it lets in at most capacity + ratePerSecond × t tokens, and no fewer than the rate allows,
 * however often it is asked. For even spacing take {@link LeakyBucket}; for "N per hour, whenever"
 * {@link SlidingLog}.
 *
 * O(1); a decision does not allocate. What is gone is counted in whole tokens, so that nothing drifts,
 * however long it runs. What falls due sooner than the clock can tell from now is due now, so that
 * after exactly `retryAfterMs` a call is let in.
 * @see https://en.wikipedia.org/wiki/Token_bucket
 */
export class TokenBucket extends RateLimiter<TokenBucketOptions> {
  constructor(options: TokenBucketOptions) {
    super(tokenBucket, options);
  }
}
