import { trustedProxies, type Clock } from '@sluice/core';
import type { Logger } from 'pino';

import type {
  ResolvedConfig,
  ResolvedHandlerRoute,
  ResolvedUpstreamRoute,
} from './config/index.ts';
import {
  ForwardWork,
  HandlerWork,
  Route,
  type Exchanges,
  type Handler,
  type RouteLimits,
} from './http/index.ts';
import { DEFAULT_POOL, limitsOf, type Policies } from './policies.ts';
import { ForwardRoute } from './upstream/index.ts';

interface RouteParts {
  readonly config: ResolvedConfig<Handler>;
  /** Of the routes, in their order; undefined for one that goes to an upstream. */
  readonly handlers: readonly (Handler | undefined)[];
  readonly policies: Policies;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly exchanges: Exchanges;
}

/** The routes of a configuration, each with its policies and its work. */
export function createRoutes(parts: RouteParts): readonly Route[] {
  const forwarding = forwarder(parts);
  return parts.config.routes.map((route, i) =>
    route.upstream === undefined
      ? handling(route, parts.handlers[i], parts)
      : forwarding(route, parts),
  );
}

function handling(
  route: ResolvedHandlerRoute<Handler>,
  handler: Handler | undefined,
  parts: RouteParts,
): Route {
  const { pool = DEFAULT_POOL } = route;
  const lanes = parts.policies.pools.get(pool);
  if (lanes === undefined || handler === undefined) throw new Error(`there is no pool ${pool}`);
  const work = new HandlerWork(route, handler, parts);
  return new Route(route, work, { ...guardsOf(route, parts), pool: lanes }, parts);
}

function forwarder(all: RouteParts): (route: ResolvedUpstreamRoute, parts: RouteParts) => Route {
  const isTrusted = trustedProxies(all.config.server.trustedProxies);
  return (route, parts) => {
    const upstream = parts.policies.upstreams.get(route.upstream);
    const config = parts.config.upstreams[route.upstream];
    if (upstream === undefined || config === undefined) {
      throw new Error(`there is no upstream ${route.upstream}`);
    }
    const forward = new ForwardRoute(route, { upstream, config, isTrusted });
    const work = new ForwardWork(forward, route, parts);
    return new Route(route, work, { ...guardsOf(route, parts), pool: upstream.admission }, parts);
  };
}

function guardsOf(
  { limiter, breaker = '' }: ResolvedConfig['routes'][number],
  { config, policies }: RouteParts,
): { limits: RouteLimits | undefined; breaker: ReturnType<Policies['breakers']['get']> } {
  return {
    limits: limitsOf(limiter, config, policies.limiters),
    breaker: policies.breakers.get(breaker),
  };
}
