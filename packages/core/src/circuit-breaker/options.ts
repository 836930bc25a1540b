import {
  aBackoff,
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
  shown,
  systemClock,
  systemRandom,
  type BackoffOptions,
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
  readonly failureRateThreshold?: number | undefined;
  /**
   * The same, told from the other side: opens when at most this share of the calls succeeded. At least
   * 0, below 1. Not together with `failureRateThreshold`. @default undefined
   */
  readonly successRateThreshold?: number | undefined;
  /** A call that takes longer than this is slow, in ms, whether it failed or not; undefined: none is. @default undefined */
  readonly slowCallDurationMs?: number | undefined;
  /** Opens when at least this share of the calls in the window was slow. Needs `slowCallDurationMs`. Above 0, at most 1. @default 1 */
  readonly slowCallRateThreshold?: number | undefined;
  /** What the rates are taken over. @default { type: 'time', durationMs: 10_000, buckets: 10 } */
  readonly slidingWindow?: SlidingWindowOptions;
  /** The rates mean nothing below so many calls in the window. At most the size of a count window. @default 20, or the count window's size if that is less */
  readonly minimumCalls?: number;
  /**
   * How sure a rate must be, as a z-score: the lower bound of its Wilson interval must reach the
   * threshold. For thresholds near the normal rate, where a plain rate (0) crosses by chance; 4.5 errs
   * three times in a million. At least 0. @default 0
   */
  readonly confidence?: number;
  /**
   * How long it stays open: ms at first, which double with every recovery that fails; or a backoff,
   * which tells each time. @default 500
   */
  readonly openMs?: number | BackoffOptions;
  /** Longest time that it stays open, in ms. Not with a backoff, which has its own. @default 5000, or openMs if that is more */
  readonly maxOpenMs?: number | undefined;
  /** Share of the open time that is left to chance, so that a fleet does not probe in step. 0 to 1; it only shortens. Not with a backoff. @default 0.2 */
  readonly openJitter?: number | undefined;
  /** Whether the open time ends on time for those who listen to `stateChange`, by a timer, rather than with the next call. @default false */
  readonly eager?: boolean;
  /** Probes in half-open: so many at once, and in all. @default 3 */
  readonly permittedCallsInHalfOpen?: number;
  /** Probes that must succeed before it closes. At most `permittedCallsInHalfOpen`. @default permittedCallsInHalfOpen */
  readonly requiredSuccesses?: number;
  /** A probe that takes so long counts as a failed recovery, in ms. @default 30_000 */
  readonly maxHalfOpenMs?: number;
  /**
   * How long after a recovery traffic is held back, in ms: 25 % of the calls go in during the first half
   * of this time, 50 % during the second. To open again meanwhile is a failed recovery. 0: not at all. @default 0
   */
  readonly rampMs?: number;
  /** Judges a settled call. @default failures are all errors but refusals and aborts by the caller */
  readonly classify?: Classify | undefined;
  /** @default 'circuit-breaker' */
  readonly name?: string;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default systemRandom */
  readonly random?: Random;
}

/** With every default filled in. */
export type ResolvedBreakerOptions = {
  readonly [K in keyof CircuitBreakerOptions]-?: K extends MayBeOff
    ? CircuitBreakerOptions[K] | undefined
    : Exclude<CircuitBreakerOptions[K], undefined>;
};

type MayBeOff = 'consecutiveFailures' | 'successRateThreshold' | 'slowCallDurationMs' | 'classify';

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

const trueOrFalse: Rule<boolean> = {
  expected: 'true or false',
  accepts: (v): v is boolean => typeof v === 'boolean',
};

const successShare: Rule<number> = {
  expected: 'a ratio of at least 0 and below 1',
  accepts: (v): v is number => typeof v === 'number' && v >= 0 && v < 1,
};

const openTime: Rule<number | BackoffOptions> = {
  ...aBackoff,
  expected: `${above(0).expected}, or ${aBackoff.expected}`,
  accepts: (v): v is number | BackoffOptions => above(0).accepts(v) || aBackoff.accepts(v),
  resolve: (v) => (typeof v === 'number' ? v : (aBackoff.resolve?.(v) ?? (v as BackoffOptions))),
};

const TEN_SECONDS: SlidingWindowOptions = Object.freeze({
  type: 'time',
  durationMs: 10_000,
  buckets: 10,
});

const rules: OptionRules<ResolvedBreakerOptions> = {
  consecutiveFailures: optional(orUndefined(integer(1)), () => undefined),
  failureRateThreshold: optional(ratio, ({ successRateThreshold }) =>
    successRateThreshold === undefined ? 0.5 : complement(successRateThreshold),
  ),
  successRateThreshold: optional(orUndefined(successShare), () => undefined),
  slowCallDurationMs: optional(orUndefined(above(0)), () => undefined),
  slowCallRateThreshold: optional(ratio, () => 1),
  slidingWindow: optional(slidingWindow, () => TEN_SECONDS),
  minimumCalls: optional(integer(1), (given) => Math.min(20, windowSize(given))),
  confidence: optional(atLeast(0), () => 0),
  openMs: optional(openTime, () => 500),
  maxOpenMs: optional(above(0), ({ openMs }) => longestOpenMs(openMs)),
  openJitter: optional(share, ({ openMs }) => (typeof openMs === 'number' ? 0.2 : 0)),
  eager: optional(trueOrFalse, () => false),
  permittedCallsInHalfOpen: optional(integer(1), () => 3),
  requiredSuccesses: optional(integer(1), (given) => given.permittedCallsInHalfOpen),
  maxHalfOpenMs: optional(atLeast(1), () => 30_000),
  rampMs: optional(atLeast(0), () => 0),
  classify: optional(orUndefined(aFunction<Classify>('a function')), () => undefined),
  name: optional(label, () => 'circuit-breaker'),
  clock: optional(objectWith<Clock>('a Clock', 'nowMs', 'schedule'), () => systemClock),
  random: optional(objectWith<Random>('a Random', 'next'), () => systemRandom),
};

const checks: readonly CrossCheck<ResolvedBreakerOptions>[] = [
  (o) =>
    typeof o.openMs === 'number' && o.maxOpenMs < o.openMs
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

/** What the options say only beside each other: a default that was not given must not count. */
function checksOf(given: CircuitBreakerOptions): readonly CrossCheck<ResolvedBreakerOptions>[] {
  const leftOut = (
    option: 'successRateThreshold' | 'slowCallRateThreshold' | 'maxOpenMs' | 'openJitter',
    isWrong: boolean,
    why: string,
  ): CrossCheck<ResolvedBreakerOptions> => {
    const got = given[option];
    const problem = { option, expected: `left out: ${why}`, got: shown(got) };
    return () => (isWrong && got !== undefined ? problem : undefined);
  };
  const backsOff = typeof given.openMs === 'object';
  const bothRates = given.failureRateThreshold !== undefined;
  return [
    ...checks,
    leftOut('successRateThreshold', bothRates, 'failureRateThreshold says the same'),
    leftOut(
      'slowCallRateThreshold',
      given.slowCallDurationMs === undefined,
      'no call is slow without slowCallDurationMs',
    ),
    leftOut('maxOpenMs', backsOff, 'the backoff in openMs has its own'),
    leftOut('openJitter', backsOff, 'the backoff in openMs has its own'),
  ];
}

/** @throws InvalidOptionsError naming every problem. */
export function resolveBreakerOptions(given: CircuitBreakerOptions): ResolvedBreakerOptions {
  return resolveOptions('CircuitBreaker', given, rules, checksOf({ ...given }));
}

/** What the share of failures is when that of successes is `successRate`, without the error of 1 - 0.7. */
function complement(successRate: number): number {
  return Number((1 - successRate).toPrecision(12));
}

function longestOpenMs(openMs: number | BackoffOptions): number {
  if (typeof openMs === 'number') return Math.max(5000, openMs);
  if (openMs.type === 'constant') return openMs.delayMs;
  return openMs.maxMs ?? Infinity;
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
