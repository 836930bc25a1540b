import {
  Hedge,
  pipeline,
  Retry,
  RetryBudget,
  type Clock,
  type Policy,
  type Random,
} from '@sluice/core';

import type { ResolvedUpstream } from '../../config/index.ts';
import { mayBeRepeated } from './failure-of.ts';

export interface UpstreamEnvironment {
  readonly clock: Clock;
  readonly random: Random;
}

/** What sends a request of an upstream more than once. */
export interface UpstreamPolicies {
  readonly retry: Retry | undefined;
  readonly hedge: Hedge | undefined;
  /** Both of them, the retry outermost; undefined without a hedge. */
  readonly hedged: Policy | undefined;
}

/** The policies that a configuration means. A retry heeds what a failure says of itself. */
export function upstreamPolicies(
  name: string,
  config: ResolvedUpstream,
  environment: UpstreamEnvironment,
): UpstreamPolicies {
  const retry = retryOf(name, config, environment);
  const { clock } = environment;
  const hedge = config.hedge && new Hedge({ ...config.hedge, name: `${name} hedge`, clock });
  if (hedge === undefined) return { retry, hedge, hedged: undefined };
  // Each has a budget, and a failed hedge is worth another try.
  const accept = ['retry-around-retry'] as const;
  const hedged = retry ? pipeline(name, [retry, hedge], { accept }) : hedge;
  return { retry, hedge, hedged };
}

function retryOf(
  name: string,
  { retry }: ResolvedUpstream,
  { clock, random }: UpstreamEnvironment,
): Retry | undefined {
  if (retry === false) return undefined;
  const { maxAttempts, backoff, maxRetryAfterMs, budget } = retry;
  return new Retry({
    name: `${name} retry`,
    maxAttempts,
    backoff,
    maxRetryAfterMs,
    budget: budget && new RetryBudget({ ...budget, clock }),
    when: mayBeRepeated,
    clock,
    random,
  });
}
