import type { CircuitBreaker, CircuitBreakerStats } from '@sluice/core';
import type { Dispatcher } from 'undici';

import { GuardedRequest } from './guarded-request.ts';
import { resolveInterceptorOptions, type BreakerInterceptorOptions } from './options.ts';
import { OriginBreakers } from './origin-breakers.ts';

/** What {@link breaker} makes: an interceptor for undici, by which its breakers are found. */
export interface BreakerInterceptor {
  (dispatch: Dispatcher.Dispatch): Dispatcher.Dispatch;
  /** The breaker of an origin, to be looked at or ordered; undefined while no request has gone there. */
  get(origin: string | URL): CircuitBreaker | undefined;
  /** The stats of every breaker that is kept, by its origin. */
  stats(): Record<string, CircuitBreakerStats>;
  /** Breakers that were dropped so far, because there were more than `maxOrigins`. */
  dropped(): number;
}

/**
 * An interceptor for undici that gives every origin a {@link CircuitBreaker} of its own. While it is open, a
 * request fails with CircuitOpenError at once, and no socket is touched. Compose it first, next to the
 * sockets: then it sees every try and every redirect.
 *
 * Failures: what the network does, a status of 500 and up as soon as its headers are here, a body that
 * breaks off, and an abort by a timeout (`AbortSignal.timeout` or sluice's TimeoutError). Successes: other
 * answers when they have ended, or when the caller wants no more of them; an upgrade when it is made.
 * Ignored: other aborts before the headers, refusals and mistakes on this side. How slow a call is, is told
 * by the time until the headers.
 *
 * Put one on every Agent. O(1) a request; no timer and no listener.
 * @throws InvalidOptionsError naming every option that is wrong.
 * @see https://undici.nodejs.org/#/docs/api/Dispatcher?id=dispatchercomposeinterceptors-interceptor
 *
 * @example
 * const outbound = breaker({ failureRateThreshold: 0.5, maxOrigins: 100 });
 * outbound.get('https://stock.example')?.state; // undefined until the first request
 */
export function breaker(options: BreakerInterceptorOptions = {}): BreakerInterceptor {
  const resolved = resolveInterceptorOptions(options);
  const breakers = new OriginBreakers(resolved);
  const intercept = (dispatch: Dispatcher.Dispatch): Dispatcher.Dispatch =>
    function guarded(request, handler) {
      const guard = request.origin === undefined ? undefined : breakers.use(request.origin);
      if (guard === undefined) return dispatch(request, handler);
      return new GuardedRequest(guard, handler, resolved.isFailure).send(dispatch, request);
    };
  return Object.assign(intercept, {
    get: (origin: string | URL) => breakers.get(origin),
    stats: () => breakers.stats(),
    dropped: () => breakers.dropped,
  });
}
