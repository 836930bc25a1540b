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
export type { ResolvedRoute, RouteConfig } from './route.ts';
export type { BodyKind, HandlerRouteConfig, ResolvedHandlerRoute } from './handler-route.ts';
export type { HeaderEditsConfig, ResolvedHeaderEdits } from './header-edits.ts';
export type { CommonRouteConfig, HttpMethod, ResolvedCommonRoute } from './route-common.ts';
export {
  parametersOf,
  pathSchema,
  patternOf,
  RESERVED_PATHS,
  rewriteSchema,
} from './route-path.ts';
export { serverSchema } from './server.ts';
export type { ResolvedServer, ServerConfig } from './server.ts';
export { shutdownSchema } from './shutdown.ts';
export type { ResolvedShutdown, ShutdownConfig } from './shutdown.ts';
export { upstreamSchema } from './upstream.ts';
export type { HostPolicy, ResolvedUpstream, UpstreamConfig } from './upstream.ts';
export type {
  EjectionConfig,
  HealthConfig,
  ResolvedEjection,
  ResolvedHealth,
  ResolvedUpstreamHedge,
  ResolvedUpstreamRetry,
  UpstreamHedgeConfig,
  UpstreamRetryBudgetConfig,
  UpstreamRetryConfig,
} from './upstream-policies.ts';
export { ALL_METHODS } from './upstream-route.ts';
export type { ResolvedUpstreamRoute, UpstreamRouteConfig } from './upstream-route.ts';
export type {
  ResolvedUpstreamDns,
  ResolvedUpstreamTls,
  UpstreamDnsConfig,
  UpstreamTlsConfig,
} from './upstream-target.ts';
export { above0, integer, mapping, MAX_MS, named, withRules } from './values.ts';
