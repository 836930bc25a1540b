export { AdaptiveThrottle } from './adaptive-throttle.ts';
export type { AdaptiveThrottleStats } from './adaptive-throttle.ts';
export { CircuitBreaker } from './circuit-breaker.ts';
export type { IsolationRelease } from './isolation.ts';
export type {
  CircuitBreakerOptions,
  CountWindowOptions,
  SlidingWindowOptions,
  TimeWindowOptions,
} from './options.ts';
export type { Permit } from './permit.ts';
export type { CircuitBreakerSnapshot } from './snapshot.ts';
export type {
  CircuitBreakerEvents,
  CircuitBreakerStats,
  CircuitState,
  StateChange,
  StateChangeReason,
} from './states.ts';
export type { AdaptiveThrottleOptions } from './throttle-options.ts';
