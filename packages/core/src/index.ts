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
  Backoff,
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
  plainContext,
  PolicyRegistry,
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
  wrap,
} from './core/index.ts';
export type {
  AnswerOf,
  BackoffOptions,
  CallPart,
  Classify,
  Clock,
  ConstantBackoff,
  DecorrelatedBackoff,
  ExecuteOptions,
  ExponentialBackoff,
  Gate,
  GatePolicy,
  Jitter,
  Listener,
  OptionProblem,
  Outcome,
  PipelineAdvice,
  PipelineAdviceCode,
  PipelineOptions,
  Policy,
  PolicyTraits,
  Random,
  ScheduleOptions,
  Task,
  TaskContext,
  TimeoutDetails,
  WaitingGate,
} from './core/index.ts';
export { Fallback } from './fallback/index.ts';
export type {
  ErrorClass,
  FallbackCase,
  FallbackCases,
  FallbackFunction,
  FallbackOptions,
  FallbackStats,
} from './fallback/index.ts';
export { Hedge } from './hedge/index.ts';
export type { HedgeOptions, HedgeStats } from './hedge/index.ts';
export { MetricsCollector } from './metrics/index.ts';
export type { MetricsSnapshot } from './metrics/index.ts';
export {
  all,
  AllLimiter,
  apiKey,
  clientAddress,
  Gcra,
  headerKey,
  KeyedLimiter,
  LeakyBucket,
  NO_ADDRESS,
  NO_API_KEY,
  RateLimiter,
  routeKey,
  SlidingLog,
  SlidingWindow,
  TokenBucket,
} from './rate-limiter/index.ts';
export type {
  AllLimiterOptions,
  ApiKeyOptions,
  ClientAddressOptions,
  Combinable,
  GcraOptions,
  KeyedAlgorithm,
  KeyedLimit,
  KeyedLimiterOptions,
  KeyedLimiterStats,
  KeyedRequest,
  KeyFunction,
  KeyUse,
  LeakyBucketOptions,
  Quota,
  RateLimiterOptions,
  RateLimiterStats,
  Reservation,
  SlidingLogOptions,
  SlidingWindowLimiterOptions,
  TokenBucketOptions,
  WaitOptions,
} from './rate-limiter/index.ts';
export { isRetryable, Retry, RetryBudget } from './retry/index.ts';
export type {
  RetryBudgetOptions,
  RetryBudgetStats,
  RetryEvents,
  RetryOptions,
  RetryStats,
} from './retry/index.ts';
export { Timeout } from './timeout/index.ts';
export type { TimeoutOptions, TimeoutStats, TimeoutStrategy } from './timeout/index.ts';
export { WorkerPool } from './worker-pool/index.ts';
export type {
  StopOptions,
  StopResult,
  WorkerPoolEvents,
  WorkerPoolOptions,
  WorkerPoolStats,
} from './worker-pool/index.ts';
