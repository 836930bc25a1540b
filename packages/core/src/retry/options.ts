import {
  aBackoff,
  above,
  aDuration,
  aFunction,
  integer,
  label,
  objectWith,
  optional,
  orUndefined,
  resolveOptions,
  systemClock,
  systemRandom,
  type BackoffOptions,
  type Clock,
  type CrossCheck,
  type OptionRules,
  type Random,
  type Rule,
} from '../core/index.ts';
import { RetryBudget } from './retry-budget.ts';
import { isRetryable } from './retryable.ts';

export interface RetryOptions {
  /** Tries of one call, the first included. Integer, at least 1. @default 3 */
  readonly maxAttempts?: number;
  /**
   * Whether an error is worth another try. Not asked about the abort of a call by its caller, which never
   * is. One that throws is reported, and the error is not retried. @default isRetryable
   */
  readonly when?: (error: unknown) => boolean;
  /** How long to wait between tries. @default { type: 'decorrelated-jitter', baseMs: 128, maxMs: 30_000 } */
  readonly backoff?: BackoffOptions;
  /**
   * An error may say when to come back, by `retryAfterMs` or by HTTP's `Retry-After`: the next try waits at
   * least so long. When that is longer than this, in ms, there is none. 0 or more. @default 30_000
   */
  readonly maxRetryAfterMs?: number;
  /**
   * Time for each try, in ms, above 0. Then its signal is aborted and it has failed with TimeoutError,
   * whatever the task does. undefined: no limit. @default undefined
   */
  readonly attemptTimeoutMs?: number | undefined;
  /**
   * Time for all tries and the waits between them, in ms, above 0; the caller's own deadline holds too.
   * undefined: no limit. @default undefined
   */
  readonly deadlineMs?: number | undefined;
  /**
   * Bounds the retries of all calls together. Share one among all who call the same service; false: no
   * bound. @default a budget of its own: a fifth of the first tries, and 10 per second
   */
  readonly budget?: RetryBudget | false | undefined;
  /** @default 'retry' */
  readonly name?: string;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default systemRandom */
  readonly random?: Random;
}

export type ResolvedRetryOptions = Required<RetryOptions>;

export interface RetryStats {
  /** Since the start: calls that came, and how those ended that have. */
  readonly calls: number;
  readonly succeededFirst: number;
  /** Succeeded after at least one retry. */
  readonly recovered: number;
  /** Failed as often as they might. */
  readonly exhausted: number;
  /** Failed with an error that is not worth another try. */
  readonly notRetryable: number;
  /** The next try would have begun too late: after the deadline, or after `maxRetryAfterMs`. */
  readonly outOfTime: number;
  /** The budget had no retry left. */
  readonly budgetExhausted: number;
  /** Ended by their callers. */
  readonly aborted: number;
  /** Tries that were not the first. */
  readonly retries: number;
  /** Tries that were ended by `attemptTimeoutMs` or by the deadline. */
  readonly timedOut: number;
}

export interface RetryEvents {
  /** A try has failed, and another will follow. */
  retry: {
    /** The one that failed: 1 for the first. */
    readonly attempt: number;
    readonly error: unknown;
    /** Until the next one. */
    readonly delayMs: number;
  };
  /** The budget has refused a retry. Told at most once in a window of the budget. */
  budgetExhausted: {
    readonly error: unknown;
    /** On the clock. */
    readonly atMs: number;
  };
}

const aBudget: Rule<RetryBudget | false> = {
  expected: 'a RetryBudget, or false',
  accepts: (v): v is RetryBudget | false => v === false || v instanceof RetryBudget,
};

const rules: OptionRules<ResolvedRetryOptions> = {
  maxAttempts: optional(integer(1), () => 3),
  when: optional(aFunction<(error: unknown) => boolean>('a function'), () => isRetryable),
  backoff: optional(aBackoff, () => ({
    type: 'decorrelated-jitter',
    baseMs: 128,
    maxMs: 30_000,
  })),
  maxRetryAfterMs: optional(aDuration, () => 30_000),
  attemptTimeoutMs: optional(orUndefined(above(0)), () => undefined),
  deadlineMs: optional(orUndefined(above(0)), () => undefined),
  budget: optional(orUndefined(aBudget), () => undefined),
  name: optional(label, () => 'retry'),
  clock: optional(
    objectWith<Clock>('a Clock', 'nowMs', 'wallTimeMs', 'schedule'),
    () => systemClock,
  ),
  random: optional(objectWith<Random>('a Random', 'next'), () => systemRandom),
};

const checks: readonly CrossCheck<ResolvedRetryOptions>[] = [
  ({ attemptTimeoutMs = 0, deadlineMs = Infinity }) =>
    attemptTimeoutMs > deadlineMs
      ? {
          option: 'attemptTimeoutMs',
          expected: `at most deadlineMs (${deadlineMs})`,
          got: `${attemptTimeoutMs}`,
        }
      : undefined,
];

/** @throws InvalidOptionsError naming every problem. */
export function resolveRetryOptions(given: RetryOptions): ResolvedRetryOptions {
  return resolveOptions('Retry', given, rules, checks);
}
