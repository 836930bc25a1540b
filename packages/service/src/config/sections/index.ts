export { breakerSchema } from './breaker.ts';
export type {
  BreakerConfig,
  CountWindowConfig,
  ResolvedBreaker,
  SlidingWindowConfig,
  TimeWindowConfig,
} from './breaker.ts';
export { handlerInCode, handlerText, optionsSchema, parseHandler } from './handler.ts';
export type { BuiltInHandler, HandlerFunction, HandlerReference } from './handler.ts';
export type { RateConfig, ResolvedRate, ResolvedWindow, WindowConfig } from './limit.ts';
export { limiterSchema } from './limiter.ts';
export type {
  LimiterConfig,
  MeterConfig,
  ResolvedLimiter,
  SlidingLimiterConfig,
  TokenBucketConfig,
} from './limiter.ts';
export { isKeyOf, keyForms, keyFunction, limiterKeySchema } from './limiter-key.ts';
export type { ApiKeyConfig, LimiterKey, ResolvedLimiterKey } from './limiter-key.ts';
export { logSchema } from './log.ts';
export type { LogConfig, LogLevel, ResolvedLog } from './log.ts';
export { poolSchema } from './pool.ts';
export type { PoolConfig, ResolvedPool } from './pool.ts';
export { routeSchema } from './route.ts';
export type { BodyKind, HttpMethod, ResolvedRoute, RouteConfig } from './route.ts';
export { patternOf, RESERVED_PATHS } from './route-path.ts';
export { serverSchema } from './server.ts';
export type { ResolvedServer, ServerConfig } from './server.ts';
export { shutdownSchema } from './shutdown.ts';
export type { ResolvedShutdown, ShutdownConfig } from './shutdown.ts';
export { above0, integer, mapping, MAX_MS, named, withRules } from './values.ts';
