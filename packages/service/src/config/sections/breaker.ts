import { z } from 'zod';

import {
  compact,
  integer,
  mapping,
  milliseconds,
  withRules,
  type Complete,
  type Rule,
} from './values.ts';

/** The calls of the last `durationMs`, forgotten a bucket at a time; or the last `size` calls. */
export type SlidingWindowConfig = TimeWindowConfig | CountWindowConfig;

export interface TimeWindowConfig {
  readonly type: 'time';
  /** @default 10000 */
  readonly durationMs?: number | undefined;
  /** Integer, 1 to 10,000. @default 10 */
  readonly buckets?: number | undefined;
}

export interface CountWindowConfig {
  readonly type: 'count';
  /** Integer, 1 to 1,000,000. */
  readonly size: number;
}

/** When to stop calling what fails, and how to find out that it works again. */
export interface BreakerConfig {
  /** Opens after so many failures in a row. Integer, at least 1. @default off */
  readonly consecutiveFailures?: number | undefined;
  /** Opens when at least this share of the calls in the window failed. Above 0, at most 1. @default 0.5 */
  readonly failureRateThreshold?: number | undefined;
  /** What the share is taken over. @default { type: 'time', durationMs: 10000, buckets: 10 } */
  readonly slidingWindow?: SlidingWindowConfig | undefined;
  /**
   * The share means nothing below so many calls. At most the size of a count window.
   * @default 20, or the count window's size if that is less
   */
  readonly minimumCalls?: number | undefined;
  /** How long it stays open the first time, in ms; doubles with every recovery that fails. @default 500 */
  readonly openMs?: number | undefined;
  /** Longest time that it stays open, in ms. At least `openMs`. @default 5000, or openMs if that is more */
  readonly maxOpenMs?: number | undefined;
  /** Probes in half-open: so many at once, and in all. @default 3 */
  readonly permittedCallsInHalfOpen?: number | undefined;
  /** Probes that must succeed before it closes. At most, and by default, all of them. @default permittedCallsInHalfOpen */
  readonly requiredSuccesses?: number | undefined;
  /** Half-open without a decision for so long counts as a failed recovery, in ms. @default 30000 */
  readonly maxHalfOpenMs?: number | undefined;
}

/** `consecutiveFailures` is missing when it is off. */
export type ResolvedBreaker = Complete<
  Omit<BreakerConfig, 'consecutiveFailures' | 'slidingWindow'>
> & {
  readonly consecutiveFailures?: number;
  readonly slidingWindow: Complete<TimeWindowConfig> | CountWindowConfig;
};

const MOST_CALLS = 1_000_000;
const RATIO = 'a ratio above 0 and at most 1';
const WINDOW = '{ type: time, durationMs, buckets } or { type: count, size }';

const slidingWindow = z.discriminatedUnion(
  'type',
  [
    mapping(WINDOW, {
      type: z.literal('time'),
      durationMs: milliseconds().default(10_000),
      buckets: integer(1, 10_000).default(10),
    }),
    mapping(WINDOW, { type: z.literal('count'), size: integer(1, MOST_CALLS) }),
  ],
  { error: (issue) => (issue.code === 'invalid_union' ? 'one of time, count' : WINDOW) },
);

const mappingOfBreaker = mapping('a breaker', {
  consecutiveFailures: integer(1, MOST_CALLS).optional(),
  failureRateThreshold: z
    .number({ error: RATIO })
    .gt(0, { error: RATIO })
    .lte(1, { error: RATIO })
    .default(0.5),
  slidingWindow: slidingWindow.default({ type: 'time', durationMs: 10_000, buckets: 10 }),
  minimumCalls: integer(1, MOST_CALLS).optional(),
  openMs: milliseconds().default(500),
  maxOpenMs: milliseconds().optional(),
  permittedCallsInHalfOpen: integer(1, MOST_CALLS).default(3),
  requiredSuccesses: integer(1, MOST_CALLS).optional(),
  maxHalfOpenMs: milliseconds().default(30_000),
});

const rules: readonly Rule<z.output<typeof mappingOfBreaker>>[] = [
  {
    key: 'minimumCalls',
    expected: 'at most slidingWindow.size, or it could never open',
    holds: ({ minimumCalls = 0, slidingWindow: window }) => !(minimumCalls > windowSize(window)),
  },
  {
    key: 'maxOpenMs',
    expected: 'at least openMs',
    holds: ({ maxOpenMs = Infinity, openMs }) => !(maxOpenMs < openMs),
  },
  {
    key: 'requiredSuccesses',
    expected: 'at most permittedCallsInHalfOpen',
    holds: ({ requiredSuccesses = 0, permittedCallsInHalfOpen: permitted }) =>
      !(requiredSuccesses > permitted),
  },
];

export const breakerSchema: z.ZodType<ResolvedBreaker, BreakerConfig> = withRules(
  mappingOfBreaker,
  rules,
).transform((breaker) =>
  compact({
    ...breaker,
    minimumCalls: breaker.minimumCalls ?? Math.min(20, windowSize(breaker.slidingWindow)),
    maxOpenMs: breaker.maxOpenMs ?? Math.max(5000, breaker.openMs),
    requiredSuccesses: breaker.requiredSuccesses ?? breaker.permittedCallsInHalfOpen,
  }),
);

/** How many calls the window can hold. It may be one that is wrong. */
function windowSize(window: ResolvedBreaker['slidingWindow'] | undefined): number {
  return window?.type === 'count' ? window.size : Infinity;
}
