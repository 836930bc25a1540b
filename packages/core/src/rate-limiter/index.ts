export { all, AllLimiter } from './all.ts';
export type { AllLimiterOptions, Combinable } from './all.ts';
export { Gcra } from './gcra.ts';
export type { GcraOptions } from './gcra.ts';
export {
  apiKey,
  clientAddress,
  headerKey,
  NO_ADDRESS,
  NO_API_KEY,
  routeKey,
  trustedProxies,
} from './key-functions/index.ts';
export type {
  ApiKeyOptions,
  ClientAddressOptions,
  IsTrustedProxy,
  KeyedRequest,
  KeyFunction,
} from './key-functions/index.ts';
export { KeyedLimiter } from './keyed/index.ts';
export type { KeyedAlgorithm } from './limiter-kind.ts';
export type { KeyedLimit, KeyedLimiterOptions, KeyedLimiterStats, KeyUse } from './keyed/index.ts';
export { LeakyBucket } from './leaky-bucket.ts';
export type { LeakyBucketOptions } from './leaky-bucket.ts';
export type { RateLimiterOptions, WaitOptions } from './limiter-options.ts';
export type { Quota } from './quota.ts';
export { RateLimiter } from './rate-limiter.ts';
export type { RateLimiterStats } from './rate-limiter.ts';
export type { Reservation } from './reservation.ts';
export { SlidingLog } from './sliding-log.ts';
export type { SlidingLogOptions } from './sliding-log.ts';
export { SlidingWindow } from './sliding-window.ts';
export type { SlidingWindowLimiterOptions } from './sliding-window.ts';
export { TokenBucket } from './token-bucket.ts';
export type { TokenBucketOptions } from './token-bucket.ts';
