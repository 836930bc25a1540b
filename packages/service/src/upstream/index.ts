export { breaker, guardedFetch, HttpStatusError } from './outbound/index.ts';
export type {
  BreakerInterceptor,
  BreakerInterceptorOptions,
  GuardedFetchOptions,
} from './outbound/index.ts';
export type { TargetStats } from './balancer/index.ts';
export { authorityOf, Forwarded, ForwardRoute, Upstream } from './proxy/index.ts';
export type {
  ForwardCall,
  ForwardUpgrade,
  RawAnswerHeaders,
  UpstreamStats,
} from './proxy/index.ts';
