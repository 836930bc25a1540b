import { CircuitBreaker, type Clock, type Random } from '@sluice/core';

import type { TargetBreakerOptions } from './options.ts';

/** Longest name that a policy may have. */
const LONGEST_NAME = 200;

interface BreakerSource {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** A breaker for a target, or none where they are switched off. */
export function breakerFor(
  target: string,
  options: TargetBreakerOptions | false,
  { name: upstream, clock, random }: BreakerSource,
): CircuitBreaker | undefined {
  if (options === false) return undefined;
  const name = `${upstream} ${target}`.slice(0, LONGEST_NAME);
  return new CircuitBreaker({ ...options, name, clock, random });
}

/** What an update must say so that a breaker under `before` is under `after`, and no more. */
export function changesBetween(
  before: TargetBreakerOptions,
  after: TargetBreakerOptions,
): TargetBreakerOptions {
  const dropped = Object.fromEntries(Object.keys(before).map((option) => [option, undefined]));
  return { ...dropped, ...after };
}
