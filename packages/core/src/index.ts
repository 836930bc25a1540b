export { CircuitBreaker } from './circuit-breaker/index.ts';
export type {
  CircuitBreakerEvents,
  CircuitBreakerOptions,
  CircuitBreakerStats,
  CircuitState,
  CountWindowOptions,
  SlidingWindowOptions,
  StateChange,
  StateChangeReason,
  TimeWindowOptions,
} from './circuit-breaker/index.ts';
export {
  BoundedDeque,
  CountWindow,
  IntrusiveHeap,
  LinkedList,
  LogLinearHistogram,
  Ring,
  TimeWindow,
} from './collections/index.ts';
export type { HeapItem, ListNode, OutcomeWindow } from './collections/index.ts';
export {
  CallContext,
  CircuitOpenError,
  DeadlineExceededError,
  Emitter,
  GateChain,
  InvalidOptionsError,
  isGatePolicy,
  MUST_WAIT,
  outcomeOf,
  Pipeline,
  pipeline,
  PoolStoppedError,
  QueueFullError,
  RateLimitedError,
  RejectedError,
  ShedError,
  SluiceError,
  systemClock,
  systemRandom,
  TimeoutError,
  WorkerCrashedError,
} from './core/index.ts';
export type {
  Classify,
  Clock,
  ExecuteOptions,
  Gate,
  GatePolicy,
  Listener,
  OptionProblem,
  Outcome,
  Policy,
  Random,
  ScheduleOptions,
  Task,
  TaskContext,
  TimeoutDetails,
  WaitingGate,
} from './core/index.ts';
export { MetricsCollector } from './metrics/index.ts';
export type { MetricsSnapshot } from './metrics/index.ts';
export { TokenBucket } from './rate-limiter/index.ts';
export type { TokenBucketOptions, TokenBucketStats } from './rate-limiter/index.ts';
export { WorkerPool } from './worker-pool/index.ts';
export type {
  StopOptions,
  StopResult,
  WorkerPoolEvents,
  WorkerPoolOptions,
  WorkerPoolStats,
} from './worker-pool/index.ts';
