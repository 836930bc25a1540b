export { breaker, guardedFetch, HttpStatusError } from './outbound/index.ts';
export type {
  BreakerInterceptor,
  BreakerInterceptorOptions,
  GuardedFetchOptions,
} from './outbound/index.ts';
