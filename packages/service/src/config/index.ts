export { builtInConfig, builtInText } from './built-in.ts';
export type { GoDesignConfig } from './go-design.ts';
export { loadConfigFile, parseConfig } from './load.ts';
export type { ConfigSource, LoadResult } from './load.ts';
export type { ConfigPath } from './paths.ts';
export { formatProblems } from './problems.ts';
export type { Finding, Problem } from './problems.ts';
export type { ParseOptions } from './read-content.ts';
export { resolveConfig } from './resolve.ts';
export type { Resolution } from './resolve.ts';
export type { ResolvedConfig, ServiceConfig } from './schema.ts';
export {
  ALL_METHODS,
  keyFunction,
  parseHandler,
  patternOf,
  RESERVED_PATHS,
} from './sections/index.ts';
export type {
  BodyKind,
  BreakerConfig,
  BuiltInHandler,
  HandlerFunction,
  HandlerReference,
  HttpMethod,
  LimiterConfig,
  LogConfig,
  LogLevel,
  PoolConfig,
  ResolvedBreaker,
  ResolvedLimiter,
  ResolvedLog,
  ResolvedPool,
  ResolvedHandlerRoute,
  ResolvedHeaderEdits,
  ResolvedHealth,
  ResolvedRoute,
  ResolvedServer,
  ResolvedShutdown,
  ResolvedUpstream,
  ResolvedUpstreamRoute,
  ResolvedUpstreamTls,
  RouteConfig,
  ServerConfig,
  ShutdownConfig,
  SlidingWindowConfig,
  UpstreamConfig,
} from './sections/index.ts';
export type { Environment } from './substitution.ts';
