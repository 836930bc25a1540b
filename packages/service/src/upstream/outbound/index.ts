export { breaker } from './breaker.ts';
export type { BreakerInterceptor } from './breaker.ts';
export type { BreakerInterceptorOptions } from './options.ts';
export { guardedFetch } from './guarded-fetch.ts';
export type { GuardedFetchOptions } from './guarded-fetch.ts';
export { HttpStatusError } from './http-status-error.ts';
export { wasNeverSent } from './unsent.ts';
export { isOwnFault } from './own-fault.ts';
