import { CircuitBreaker, TokenBucket, WorkerPool, type Classify, type Clock } from '@sluice/core';

import type { ResolvedConfig } from './config/index.ts';
import { answerFor, type Handler } from './http/index.ts';

/** The pool of the routes that name none. A pool of this name in the configuration takes its place. */
export const DEFAULT_POOL = 'default';
/** Its size where the configuration has none of that name. */
export const DEFAULT_POOL_OPTIONS = { size: 100, queue: 1000 } as const;

/** Everything that routes share, by the names that the configuration gives. */
export interface Policies {
  readonly limiters: ReadonlyMap<string, TokenBucket>;
  readonly breakers: ReadonlyMap<string, CircuitBreaker>;
  readonly pools: ReadonlyMap<string, WorkerPool>;
}

type Shared = Pick<ResolvedConfig<Handler>, 'limiters' | 'breakers' | 'pools' | 'routes'>;

/** A limiter, a breaker and a pool may share a name in the configuration; as policies they have their own. */
export function createPolicies(config: Shared, clock: Clock): Policies {
  const limiters = mapped(config.limiters, (name, { ratePerSecond, capacity }) => {
    return new TokenBucket({ ratePerSecond, capacity, name: `limiter ${name}`, clock });
  });
  const breakers = mapped(config.breakers, (name, options) => {
    return new CircuitBreaker({ ...options, name: `breaker ${name}`, clock, classify });
  });
  const isDefaultUsed = config.routes.some(({ pool }) => pool === undefined);
  const defaults = isDefaultUsed ? { [DEFAULT_POOL]: DEFAULT_POOL_OPTIONS } : {};
  const pools = mapped({ ...defaults, ...config.pools }, (name, { size, queue }) => {
    return new WorkerPool({ size, queue, name: `pool ${name}`, clock });
  });
  return { limiters, breakers, pools };
}

/** A handler that tells the client of a mistake of the client's has worked. */
const classify: Classify = (error, _value, standard) =>
  standard === 'failure' && answerFor(error).status < 500 ? 'success' : standard;

function mapped<O, P>(
  all: Readonly<Record<string, O>>,
  create: (name: string, options: O) => P,
): ReadonlyMap<string, P> {
  return new Map(Object.entries(all).map(([name, options]) => [name, create(name, options)]));
}
