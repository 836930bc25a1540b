export { createService, Service } from './service.ts';
export type { ServiceOptions, ServiceState, ServiceStats } from './service.ts';
export type { ServiceLimiter } from './policies.ts';
export type { StopReport } from './shutdown.ts';
export { HttpError } from './http/index.ts';
export type { Handler, HandlerRequest } from './http/index.ts';
export { loadConfigFile, parseConfig } from './config/index.ts';
export type { Problem, ResolvedConfig, ServiceConfig } from './config/index.ts';
export { breaker, guardedFetch, HttpStatusError } from './upstream/index.ts';
export type {
  BreakerInterceptor,
  BreakerInterceptorOptions,
  GuardedFetchOptions,
} from './upstream/index.ts';
