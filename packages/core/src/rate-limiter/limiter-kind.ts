import {
  above,
  integer,
  optional,
  orUndefined,
  required,
  type CrossCheck,
  type OptionRules,
} from '../core/index.ts';
import {
  GcraAlgorithm,
  LeakyAlgorithm,
  SlidingLogAlgorithm,
  SlidingWindowAlgorithm,
  WarmUpAlgorithm,
  type Algorithm,
  type RampedRate,
  type SteadyRate,
  type Succession,
  type WindowedLimit,
} from './algorithms/index.ts';

/** What tells one limiter from another: its options and its arithmetic. Plain limiters and the keyed one share it. */
export interface LimiterKind<O extends object> {
  /** As options name it: `token-bucket`. */
  readonly algorithm: string;
  /** As errors name it: `TokenBucket`. */
  readonly subject: string;
  readonly rules: OptionRules<O>;
  readonly checks?: readonly CrossCheck<O>[];
  create(options: O, succession: Succession): Algorithm;
  /** Permits per second in the long run. */
  rateOf(options: O): number;
  /** The options that make it this rate, or this capacity. */
  withRate(options: O, ratePerSecond: number): Partial<O>;
  withCapacity(capacity: number): Partial<O>;
  /** How many permits may be waited for, where the limit says it. */
  maxWaiting?(options: O): number;
  /** How many permits a new limiter lacks. */
  missingAtFirst?(options: O): number;
}

type BucketLimit = SteadyRate & {
  readonly initialTokens: number | undefined;
  readonly warmUpMs: number | undefined;
};

/** A kind whose options have been checked by its own rules. */
export type AnyKind = LimiterKind<object>;

const erased = <O extends object>(kind: LimiterKind<O>): AnyKind => kind as unknown as AnyKind;

const steadyRules: OptionRules<SteadyRate> = {
  ratePerSecond: required(above(0)),
  capacity: optional(integer(1), (given) => Math.max(1, Math.ceil(given.ratePerSecond))),
};

const steady = {
  rules: steadyRules,
  rateOf: ({ ratePerSecond }: SteadyRate) => ratePerSecond,
  withRate: (_options: object, ratePerSecond: number) => ({ ratePerSecond }),
  withCapacity: (capacity: number) => ({ capacity }),
};

const windowed = (longest: number) => ({
  rules: {
    limit: required(integer(1, longest)),
    windowMs: required(above(0)),
  } satisfies OptionRules<WindowedLimit>,
  rateOf: ({ limit, windowMs }: WindowedLimit) => (limit * 1000) / windowMs,
  withRate: ({ limit }: WindowedLimit, ratePerSecond: number) => ({
    windowMs: (limit * 1000) / ratePerSecond,
  }),
  withCapacity: (limit: number) => ({ limit }),
});

export const tokenBucket: AnyKind = erased<BucketLimit>({
  ...steady,
  algorithm: 'token-bucket',
  subject: 'TokenBucket',
  rules: {
    ...(steadyRules as unknown as OptionRules<BucketLimit>),
    initialTokens: optional(orUndefined(integer(0)), () => undefined),
    warmUpMs: optional(orUndefined(above(0)), () => undefined),
  },
  checks: [
    ({ initialTokens, capacity }) =>
      initialTokens === undefined || initialTokens <= capacity
        ? undefined
        : {
            option: 'initialTokens',
            expected: `at most the capacity of ${capacity}`,
            got: String(initialTokens),
          },
  ],
  create: (options, succession) =>
    options.warmUpMs === undefined
      ? new GcraAlgorithm(options, succession)
      : new WarmUpAlgorithm(options as RampedRate, succession),
  missingAtFirst: ({ capacity, initialTokens = capacity }) => capacity - initialTokens,
});

export const gcra: AnyKind = erased<SteadyRate>({
  ...steady,
  algorithm: 'gcra',
  subject: 'Gcra',
  create: (options, succession) => new GcraAlgorithm(options, succession),
});

export const leakyBucket: AnyKind = erased<SteadyRate>({
  ...steady,
  algorithm: 'leaky-bucket',
  subject: 'LeakyBucket',
  create: (options, succession) => new LeakyAlgorithm(options, succession),
  maxWaiting: ({ capacity }) => capacity,
});

export const slidingWindow: AnyKind = erased<WindowedLimit>({
  ...windowed(Number.MAX_SAFE_INTEGER),
  algorithm: 'sliding-window',
  subject: 'SlidingWindow',
  create: (options, succession) => new SlidingWindowAlgorithm(options, succession),
});

export const slidingLog: AnyKind = erased<WindowedLimit>({
  ...windowed(1_000_000),
  algorithm: 'sliding-log',
  subject: 'SlidingLog',
  create: (options, succession) => new SlidingLogAlgorithm(options, succession),
});

/** The algorithms, as options and configurations name them. */
export type KeyedAlgorithm =
  | 'token-bucket'
  | 'gcra'
  | 'leaky-bucket'
  | 'sliding-window'
  | 'sliding-log';

/** By the names that options and configurations give them. */
export const kinds: Readonly<Record<KeyedAlgorithm, AnyKind>> = {
  'token-bucket': tokenBucket,
  gcra,
  'leaky-bucket': leakyBucket,
  'sliding-window': slidingWindow,
  'sliding-log': slidingLog,
};
