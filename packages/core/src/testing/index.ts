export { ManualClock, settlePromises } from './manual-clock.ts';
export { rateLimiterConformance } from './rate-limiter-conformance.ts';
export type { ConformanceCase } from './rate-limiter-conformance.ts';
export type {
  ConformanceSettings,
  ConformanceVerb,
  ConformingLimiter,
  RateLimiterSubject,
} from './rate-limiter-subject.ts';
export { SeededRandom } from './seeded-random.ts';
