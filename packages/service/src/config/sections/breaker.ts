import type { BackoffOptions } from '@sluice/core';
import { z } from 'zod';

import { backoffSchema } from './backoff.ts';
import {
  compact,
  integer,
  mapping,
  MAX_MS,
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
  /** The same from the other side: opens when at most this share succeeded. At least 0, below 1. @default none */
  readonly successRateThreshold?: number | undefined;
  /** A call that takes longer is slow, in ms. @default off */
  readonly slowCallDurationMs?: number | undefined;
  /**
   * Opens when at least this share of the calls in the window was slow. Above 0, at most 1.
   * @default none: 1 with slowCallDurationMs, and not to be given without it
   */
  readonly slowCallRateThreshold?: number | undefined;
  /** How sure a rate must be, as a z-score; for thresholds near the normal rate. 0 to 10. @default 0 */
  readonly confidence?: number | undefined;
  /** What the shares are taken over. @default { type: 'time', durationMs: 10000, buckets: 10 } */
  readonly slidingWindow?: SlidingWindowConfig | undefined;
  /**
   * The share means nothing below so many calls. At most the size of a count window.
   * @default 20, or the count window's size if that is less
   */
  readonly minimumCalls?: number | undefined;
  /** How long it stays open: ms at first, which double with every recovery that fails, or a backoff. @default 500 */
  readonly openMs?: number | BackoffOptions | undefined;
  /** Longest time that it stays open, in ms. At least `openMs`, and not with a backoff. @default 5000, or openMs if that is more */
  readonly maxOpenMs?: number | undefined;
  /** Probes in half-open: so many at once, and in all. @default 3 */
  readonly permittedCallsInHalfOpen?: number | undefined;
  /** Probes that must succeed before it closes. At most, and by default, all of them. @default permittedCallsInHalfOpen */
  readonly requiredSuccesses?: number | undefined;
  /** How long traffic is held back after a recovery, in ms: to a quarter, then to a half; 0: not at all. @default 0 */
  readonly rampMs?: number | undefined;
  /** Half-open without a decision for so long counts as a failed recovery, in ms. @default 30000 */
  readonly maxHalfOpenMs?: number | undefined;
}

type MayBeOff =
  | 'consecutiveFailures'
  | 'slowCallDurationMs'
  | 'slowCallRateThreshold'
  | 'maxOpenMs';

/** What is off is missing; a success rate has become a failure rate. */
export type ResolvedBreaker = Complete<
  Omit<BreakerConfig, MayBeOff | 'successRateThreshold' | 'slidingWindow'>
> & {
  readonly [K in MayBeOff]?: number;
} & {
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

const SUCCESS_RATIO = 'a ratio of at least 0 and below 1';
const OPEN_MS = `an integer from 1 to ${MAX_MS}, or a backoff`;
const CONFIDENCE = 'a number from 0 to 10';

const ratio = (): z.ZodNumber =>
  z.number({ error: RATIO }).gt(0, { error: RATIO }).lte(1, { error: RATIO });

const mappingOfBreaker = mapping('a breaker', {
  consecutiveFailures: integer(1, MOST_CALLS).optional(),
  failureRateThreshold: ratio().optional(),
  successRateThreshold: z
    .number({ error: SUCCESS_RATIO })
    .gte(0, { error: SUCCESS_RATIO })
    .lt(1, { error: SUCCESS_RATIO })
    .optional(),
  slowCallDurationMs: milliseconds().optional(),
  slowCallRateThreshold: ratio().optional(),
  confidence: z
    .number({ error: CONFIDENCE })
    .gte(0, { error: CONFIDENCE })
    .lte(10, { error: CONFIDENCE })
    .default(0),
  slidingWindow: slidingWindow.default({ type: 'time', durationMs: 10_000, buckets: 10 }),
  minimumCalls: integer(1, MOST_CALLS).optional(),
  openMs: z.union([milliseconds(), backoffSchema], { error: OPEN_MS }).default(500),
  maxOpenMs: milliseconds().optional(),
  permittedCallsInHalfOpen: integer(1, MOST_CALLS).default(3),
  requiredSuccesses: integer(1, MOST_CALLS).optional(),
  maxHalfOpenMs: milliseconds().default(30_000),
  rampMs: integer(0, MAX_MS).default(0),
});

const rules: readonly Rule<z.output<typeof mappingOfBreaker>>[] = [
  {
    key: 'minimumCalls',
    expected: 'at most slidingWindow.size, or it could never open',
    holds: ({ minimumCalls = 0, slidingWindow: window }) => !(minimumCalls > windowSize(window)),
  },
  {
    key: 'successRateThreshold',
    expected: 'left out, as failureRateThreshold says the same',
    holds: ({ failureRateThreshold, successRateThreshold }) =>
      failureRateThreshold === undefined || successRateThreshold === undefined,
  },
  {
    key: 'slowCallRateThreshold',
    expected: 'left out, as no call is slow without slowCallDurationMs',
    holds: ({ slowCallDurationMs, slowCallRateThreshold }) =>
      slowCallDurationMs !== undefined || slowCallRateThreshold === undefined,
  },
  {
    key: 'maxOpenMs',
    expected: 'at least openMs',
    holds: ({ maxOpenMs = Infinity, openMs }) =>
      typeof openMs === 'object' || !(maxOpenMs < openMs),
  },
  {
    key: 'maxOpenMs',
    expected: 'left out, as the backoff in openMs has its own',
    holds: ({ maxOpenMs, openMs }) => maxOpenMs === undefined || typeof openMs !== 'object',
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
).transform(({ successRateThreshold, ...breaker }) =>
  compact({
    ...breaker,
    failureRateThreshold:
      breaker.failureRateThreshold ??
      (successRateThreshold === undefined ? 0.5 : complement(successRateThreshold)),
    minimumCalls: breaker.minimumCalls ?? Math.min(20, windowSize(breaker.slidingWindow)),
    maxOpenMs:
      breaker.maxOpenMs ??
      (typeof breaker.openMs === 'number' ? Math.max(5000, breaker.openMs) : undefined),
    requiredSuccesses: breaker.requiredSuccesses ?? breaker.permittedCallsInHalfOpen,
  }),
);

/** Without the error of 1 - 0.7. */
function complement(successRate: number): number {
  return Number((1 - successRate).toPrecision(12));
}

/** How many calls the window can hold. It may be one that is wrong. */
function windowSize(window: ResolvedBreaker['slidingWindow'] | undefined): number {
  return window?.type === 'count' ? window.size : Infinity;
}
