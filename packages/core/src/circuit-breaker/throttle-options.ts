import {
  above,
  aFunction,
  atLeast,
  integer,
  label,
  objectWith,
  optional,
  orUndefined,
  resolveOptions,
  systemClock,
  systemRandom,
  type Classify,
  type Clock,
  type OptionRules,
  type Random,
} from '../core/index.ts';

export interface AdaptiveThrottleOptions {
  /**
   * How many calls go in for each one that is accepted, once some are not. 2 wastes one call in two on
   * finding out early that the other side has recovered; 1.1 spares a side for which it is dear to refuse.
   * At least 1. @default 2
   */
  readonly k?: number;
  /** The time that it judges by, in ms. Above 0. @default 10_000 */
  readonly windowMs?: number;
  /** Equal parts in which the window forgets. Integer, 1 to 10,000. @default 40 */
  readonly buckets?: number;
  /** Refuses nobody below so many calls in the window: of a few, one that fails says little. @default 5 */
  readonly minimumCalls?: number;
  /** A call goes in, whatever chance says, when none has for so long, in ms. Above 0. @default 1000 */
  readonly forcedPassMs?: number;
  /**
   * How long calls must be accepted without a failure until no more are refused, in ms: the share refused
   * falls to nothing over this time. 0: by the window alone. @default windowMs
   */
  readonly rampMs?: number;
  /** Judges a settled call. @default failures are all errors but refusals and aborts by the caller */
  readonly classify?: Classify | undefined;
  /** @default 'adaptive-throttle' */
  readonly name?: string;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default systemRandom */
  readonly random?: Random;
}

export type ResolvedThrottleOptions = Required<AdaptiveThrottleOptions>;

const rules: OptionRules<ResolvedThrottleOptions> = {
  k: optional(atLeast(1), () => 2),
  windowMs: optional(above(0), () => 10_000),
  buckets: optional(integer(1, 10_000), () => 40),
  minimumCalls: optional(integer(1), () => 5),
  forcedPassMs: optional(above(0), () => 1000),
  rampMs: optional(atLeast(0), ({ windowMs }) => windowMs),
  classify: optional(orUndefined(aFunction<Classify>('a function')), () => undefined),
  name: optional(label, () => 'adaptive-throttle'),
  clock: optional(objectWith<Clock>('a Clock', 'nowMs', 'schedule'), () => systemClock),
  random: optional(objectWith<Random>('a Random', 'next'), () => systemRandom),
};

/** @throws InvalidOptionsError naming every problem. */
export function resolveThrottleOptions(given: AdaptiveThrottleOptions): ResolvedThrottleOptions {
  return resolveOptions('AdaptiveThrottle', given, rules);
}
