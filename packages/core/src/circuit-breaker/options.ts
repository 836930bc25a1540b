import {
  aFunction,
  above,
  atLeast,
  findProblems,
  integer,
  label,
  objectWith,
  optional,
  orUndefined,
  ratio,
  required,
  resolveOptions,
  systemClock,
  systemRandom,
  type Classify,
  type Clock,
  type CrossCheck,
  type OptionRules,
  type Random,
  type Rule,
} from '../core/index.ts';

/** The last `size` calls. */
export interface CountWindowOptions {
  readonly type: 'count';
  /** Integer, 1 to 1,000,000. */
  readonly size: number;
}

/** The calls of the last `durationMs`, forgotten a bucket at a time. */
export interface TimeWindowOptions {
  readonly type: 'time';
  /** Above 0. */
  readonly durationMs: number;
  /** Integer, 1 to 10,000. @default 10 */
  readonly buckets?: number;
}

export type SlidingWindowOptions = CountWindowOptions | TimeWindowOptions;

export interface CircuitBreakerOptions {
  /** Opens after so many failures with no success between them; undefined: never for that. @default undefined */
  readonly consecutiveFailures?: number | undefined;
  /** Opens when at least this share of the calls in the window failed. Above 0, at most 1. @default 0.5 */
  readonly failureRateThreshold?: number;
  /** What the failure rate is taken over. @default { type: 'time', durationMs: 10_000, buckets: 10 } */
  readonly slidingWindow?: SlidingWindowOptions;
  /** The failure rate means nothing below so many calls in the window. At most the size of a count window. @default 20, or the count window's size if that is less */
  readonly minimumCalls?: number;
  /** How long it stays open the first time, in ms. Doubles with every recovery that fails. @default 500 */
  readonly openMs?: number;
  /** Longest time that it stays open, in ms. @default 5000, or openMs if that is more */
  readonly maxOpenMs?: number;
  /** Share of the open time that is left to chance, so that a fleet does not probe in step. 0 to 1; it only shortens. @default 0.2 */
  readonly openJitter?: number;
  /** Probes in half-open: so many at once, and in all. @default 3 */
  readonly permittedCallsInHalfOpen?: number;
  /** Probes that must succeed before it closes. At most `permittedCallsInHalfOpen`. @default permittedCallsInHalfOpen */
  readonly requiredSuccesses?: number;
  /** A probe that takes so long counts as a failed recovery, in ms. @default 30_000 */
  readonly maxHalfOpenMs?: number;
  /** Judges a settled call. @default failures are all errors but refusals and aborts by the caller */
  readonly classify?: Classify | undefined;
  /** @default 'circuit-breaker' */
  readonly name?: string;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default systemRandom */
  readonly random?: Random;
}

export type ResolvedBreakerOptions = Required<CircuitBreakerOptions>;

const countWindowRules: OptionRules<CountWindowOptions> = {
  type: required({ expected: "'count'", accepts: (v): v is 'count' => v === 'count' }),
  size: required(integer(1, 1_000_000)),
};

const timeWindowRules: OptionRules<Required<TimeWindowOptions>> = {
  type: required({ expected: "'time'", accepts: (v): v is 'time' => v === 'time' }),
  durationMs: required(above(0)),
  buckets: optional(integer(1, 10_000), () => 10),
};

const slidingWindow: Rule<SlidingWindowOptions> = {
  expected: "{ type: 'count', size } or { type: 'time', durationMs, buckets }",
  accepts: (v): v is SlidingWindowOptions => isWindow(v) && windowProblems(v).length === 0,
  inside: (v) => (isWindow(v) ? windowProblems(v) : []),
  resolve: (v) => resolveWindow(v as SlidingWindowOptions),
};

const share: Rule<number> = {
  expected: 'a ratio from 0 to 1',
  accepts: (v): v is number => typeof v === 'number' && v >= 0 && v <= 1,
};

const rules: OptionRules<ResolvedBreakerOptions> = {
  consecutiveFailures: optional(orUndefined(integer(1)), () => undefined),
  failureRateThreshold: optional(ratio, () => 0.5),
  slidingWindow: optional(slidingWindow, () => ({ type: 'time', durationMs: 10_000, buckets: 10 })),
  minimumCalls: optional(integer(1), (given) => Math.min(20, windowSize(given))),
  openMs: optional(above(0), () => 500),
  maxOpenMs: optional(above(0), (given) => Math.max(5000, given.openMs)),
  openJitter: optional(share, () => 0.2),
  permittedCallsInHalfOpen: optional(integer(1), () => 3),
  requiredSuccesses: optional(integer(1), (given) => given.permittedCallsInHalfOpen),
  maxHalfOpenMs: optional(atLeast(1), () => 30_000),
  classify: optional(orUndefined(aFunction<Classify>('a function')), () => undefined),
  name: optional(label, () => 'circuit-breaker'),
  clock: optional(objectWith<Clock>('a Clock', 'nowMs', 'schedule'), () => systemClock),
  random: optional(objectWith<Random>('a Random', 'next'), () => systemRandom),
};

const checks: readonly CrossCheck<ResolvedBreakerOptions>[] = [
  (o) =>
    o.maxOpenMs < o.openMs
      ? { option: 'maxOpenMs', expected: `at least openMs (${o.openMs})`, got: `${o.maxOpenMs}` }
      : undefined,
  (o) =>
    o.requiredSuccesses > o.permittedCallsInHalfOpen
      ? {
          option: 'requiredSuccesses',
          expected: `at most permittedCallsInHalfOpen (${o.permittedCallsInHalfOpen})`,
          got: `${o.requiredSuccesses}`,
        }
      : undefined,
  (o) =>
    o.minimumCalls > windowSize(o)
      ? {
          option: 'minimumCalls',
          expected: `at most slidingWindow.size (${windowSize(o)}), or it could never open`,
          got: `${o.minimumCalls}`,
        }
      : undefined,
];

/** @throws InvalidOptionsError naming every problem. */
export function resolveBreakerOptions(given: CircuitBreakerOptions): ResolvedBreakerOptions {
  return resolveOptions('CircuitBreaker', given, rules, checks);
}

/** How many calls the window can hold. */
function windowSize(options: ResolvedBreakerOptions): number {
  return options.slidingWindow.type === 'count' ? options.slidingWindow.size : Infinity;
}

function isWindow(value: unknown): value is SlidingWindowOptions {
  const type = (value as SlidingWindowOptions | undefined | null)?.type;
  return type === 'count' || type === 'time';
}

function resolveWindow(window: SlidingWindowOptions): SlidingWindowOptions {
  return window.type === 'count'
    ? resolveOptions('slidingWindow', window, countWindowRules)
    : resolveOptions('slidingWindow', window, timeWindowRules);
}

function windowProblems(window: SlidingWindowOptions): ReturnType<typeof findProblems> {
  return window.type === 'count'
    ? findProblems(window, countWindowRules)
    : findProblems(window, timeWindowRules);
}
