export { KeyedLimiter } from './keyed-limiter.ts';
export type { KeyedLimiterStats } from './keyed-limiter.ts';
export type { KeyedLimit, KeyedLimiterOptions } from './keyed-options.ts';
export type { KeyUse } from './top-keys.ts';
