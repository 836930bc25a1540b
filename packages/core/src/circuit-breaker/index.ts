export { CircuitBreaker } from './circuit-breaker.ts';
export type {
  CircuitBreakerEvents,
  CircuitBreakerStats,
  CircuitState,
  StateChange,
  StateChangeReason,
} from './circuit-breaker.ts';
export type {
  CircuitBreakerOptions,
  CountWindowOptions,
  SlidingWindowOptions,
  TimeWindowOptions,
} from './options.ts';
