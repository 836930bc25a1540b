import {
  CircuitBreaker,
  Gcra,
  KeyedLimiter,
  LeakyBucket,
  PolicyRegistry,
  SlidingLog,
  SlidingWindow,
  systemRandom,
  TokenBucket,
  WorkerPool,
  type Classify,
  type Clock,
} from '@sluice/core';

import { keyFunction, type ResolvedConfig, type ResolvedLimiter } from './config/index.ts';
import { answerFor, RouteLimits, type Handler } from './http/index.ts';
import { Forwarded, Upstream } from './upstream/index.ts';

/** The pool of the routes that name none. A pool of this name in the configuration takes its place. */
export const DEFAULT_POOL = 'default';
/** Its size where the configuration has none of that name. */
export const DEFAULT_POOL_OPTIONS = { size: 100, queue: 1000 } as const;

/** A limiter with one limit for all, or one with a limit for each key. */
export type ServiceLimiter =
  | TokenBucket
  | Gcra
  | LeakyBucket
  | SlidingWindow
  | SlidingLog
  | KeyedLimiter;

/** Everything that routes share, by the names that the configuration gives. */
export interface Policies {
  readonly limiters: ReadonlyMap<string, ServiceLimiter>;
  readonly breakers: ReadonlyMap<string, CircuitBreaker>;
  readonly pools: ReadonlyMap<string, WorkerPool>;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** All of them by their own names: `limiter public`, `breaker orders`, `pool io`, `upstream stock`. */
  readonly registry: PolicyRegistry;
}

type Shared = Pick<
  ResolvedConfig<Handler>,
  'server' | 'limiters' | 'breakers' | 'pools' | 'upstreams' | 'routes'
>;

/** A limiter, a breaker and a pool may share a name in the configuration; as policies they have their own. */
export function createPolicies(config: Shared, clock: Clock): Policies {
  const { trustedProxies } = config.server;
  const limiters = mapped(config.limiters, (name, options) => {
    return createLimiter(name, options, { clock, trustedProxies });
  });
  const breakers = mapped(config.breakers, (name, options) => {
    return new CircuitBreaker({ ...options, name: `breaker ${name}`, clock, classify });
  });
  const isDefaultUsed = config.routes.some(
    (route) => route.upstream === undefined && route.pool === undefined,
  );
  const defaults = isDefaultUsed ? { [DEFAULT_POOL]: DEFAULT_POOL_OPTIONS } : {};
  const pools = mapped({ ...defaults, ...config.pools }, (name, { size, queue }) => {
    return new WorkerPool({ size, queue, name: `pool ${name}`, clock });
  });
  const upstreams = mapped(config.upstreams, (name, options) => {
    return new Upstream(name, options, { clock, random: systemRandom });
  });
  const registry = new PolicyRegistry();
  for (const all of [limiters, breakers, pools]) all.forEach((policy) => registry.add(policy));
  upstreams.forEach(({ admission }) => registry.add(admission));
  return { limiters, breakers, pools, upstreams, registry };
}

/** The limits that a route names, with what it needs to tell its clients of them. */
export function limitsOf(
  names: readonly string[] | undefined,
  config: Pick<Shared, 'limiters'>,
  limiters: Policies['limiters'],
): RouteLimits | undefined {
  const limits = names?.map((name) => {
    const [options, limiter] = [config.limiters[name], limiters.get(name)];
    if (options === undefined || limiter === undefined)
      throw new Error(`there is no limiter ${name}`);
    return { name, limiter, legacyHeaders: options.legacyHeaders };
  });
  return limits && new RouteLimits(limits);
}

/** A handler that tells the client of a mistake of the client's has worked; a target that answers 500 and up has not. */
const classify: Classify = (error, value, standard) => {
  if (value instanceof Forwarded && value.isFailure) return 'failure';
  return standard === 'failure' && answerFor(error).status < 500 ? 'success' : standard;
};

function mapped<O, P>(
  all: Readonly<Record<string, O>>,
  create: (name: string, options: O) => P,
): ReadonlyMap<string, P> {
  return new Map(Object.entries(all).map(([name, options]) => [name, create(name, options)]));
}

interface LimiterEnvironment {
  readonly clock: Clock;
  /** Whose word about a client's address is believed. */
  readonly trustedProxies: readonly string[];
}

/** The limiter that the configuration means: one state, or one for each key. */
function createLimiter(
  name: string,
  config: ResolvedLimiter,
  { clock, trustedProxies }: LimiterEnvironment,
): ServiceLimiter {
  const { key, keys = {} } = config;
  const ours = { key: undefined, keys: undefined, legacyHeaders: undefined };
  const options = { ...config, ...ours, name: `limiter ${name}`, clock };
  if (key === undefined) return createPlain(options);
  const plans = new Map(Object.entries(keys));
  return new KeyedLimiter({
    ...options,
    key: keyFunction(key, trustedProxies),
    ...(plans.size === 0 ? {} : { planOf: (text: string) => plans.get(text) }),
  });
}

type PlainOptions = Omit<ResolvedLimiter, 'key' | 'keys' | 'legacyHeaders'> & {
  readonly name: string;
  readonly clock: Clock;
};

function createPlain({ algorithm, ...options }: PlainOptions): ServiceLimiter {
  switch (algorithm) {
    case 'token-bucket':
      return new TokenBucket(options as never);
    case 'gcra':
      return new Gcra(options as never);
    case 'leaky-bucket':
      return new LeakyBucket(options as never);
    case 'sliding-window':
      return new SlidingWindow(options as never);
    case 'sliding-log':
      return new SlidingLog(options as never);
  }
}
