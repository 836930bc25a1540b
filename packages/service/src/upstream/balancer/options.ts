import type { CircuitBreakerOptions, Clock, Random } from '@sluice/core';

/** Passive outlier ejection: a target that keeps failing gets no requests for a while. */
export interface EjectionOptions {
  /** Failures with no success between them after which a target is ejected. Integer, at least 1. @default 5 */
  readonly consecutiveFailures?: number | undefined;
  /**
   * How long the n-th time lasts: n times this, in ms. n falls by one for each such time in which the
   * target is not ejected. Above 0. @default 30_000
   */
  readonly baseMs?: number | undefined;
  /** Longest time, in ms. At least `baseMs`. @default 300_000 */
  readonly maxMs?: number | undefined;
  /** Share of the targets that may be ejected at a time, rounded down; one may always be, never the last. 0 to 1. @default 0.1 */
  readonly maxRatio?: number | undefined;
}

export type TargetBreakerOptions = Omit<CircuitBreakerOptions, 'name' | 'clock' | 'random'>;

/** The configuration has checked them. */
export interface TargetsOptions {
  /** The upstream's name, in errors and before the names of the breakers. */
  readonly name: string;
  /** Most requests under way to one target. Integer, at least 1. */
  readonly connections: number;
  /** Of the breaker that each target has; false: they have none. @default {} */
  readonly breaker?: TargetBreakerOptions | false | undefined;
  /** false: none is ejected. @default {} */
  readonly ejection?: EjectionOptions | false | undefined;
  /**
   * Over how long a target that is new or came back gets up to its share of requests, in ms; 0: it has it
   * at once. Does not hold for those that an upstream starts with. @default 10_000
   */
  readonly slowStartMs?: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

export type TargetsChanges = Partial<Omit<TargetsOptions, 'name' | 'clock' | 'random'>>;

export type ResolvedEjection = {
  readonly [K in keyof EjectionOptions]-?: NonNullable<EjectionOptions[K]>;
};

export interface ResolvedTargetsOptions {
  readonly connections: number;
  readonly breaker: TargetBreakerOptions | false;
  readonly ejection: ResolvedEjection | false;
  readonly slowStartMs: number;
}

export function resolveTargetsOptions(
  given: TargetsChanges & { readonly connections: number },
): ResolvedTargetsOptions {
  const { connections, breaker = {}, ejection = {}, slowStartMs = 10_000 } = given;
  return { connections, breaker, ejection: ejection && resolveEjection(ejection), slowStartMs };
}

function resolveEjection(given: EjectionOptions): ResolvedEjection {
  const { consecutiveFailures = 5, baseMs = 30_000, maxMs = 300_000, maxRatio = 0.1 } = given;
  return { consecutiveFailures, baseMs, maxMs, maxRatio };
}
