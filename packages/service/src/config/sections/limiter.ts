import type { z } from 'zod';

import { above0, integer, mapping, oneOf, type Complete } from './values.ts';

/** Lets bursts of `capacity` in, then holds a steady rate. */
export interface TokenBucketConfig {
  /** @default 'token-bucket' */
  readonly algorithm?: 'token-bucket' | undefined;
  /** Requests per second in the long run. Above 0, at most 1e9. */
  readonly ratePerSecond: number;
  /** Largest burst, in requests. Integer, 1 to 1e9. @default ratePerSecond, rounded up */
  readonly capacity?: number | undefined;
}

export type LimiterConfig = TokenBucketConfig;
export type ResolvedLimiter = Complete<TokenBucketConfig>;

/** Far beyond what one process serves, and small enough for exact arithmetic on tokens. */
const MOST = 1_000_000_000;

export const limiterSchema: z.ZodType<ResolvedLimiter, LimiterConfig> = mapping('a limiter', {
  algorithm: oneOf(['token-bucket']).default('token-bucket'),
  ratePerSecond: above0(MOST),
  capacity: integer(1, MOST).optional(),
}).transform((limiter) => ({
  ...limiter,
  capacity: limiter.capacity ?? Math.ceil(limiter.ratePerSecond),
}));
