import type { BackoffOptions } from '@sluice/core';
import { z } from 'zod';

import { backoffSchema } from './backoff.ts';
import {
  compact,
  integer,
  mapping,
  milliseconds,
  orFalse,
  ratio,
  withRules,
  type Complete,
} from './values.ts';

/** Another try at another target, for idempotent requests of whose body nothing was read. */
export interface UpstreamRetryConfig {
  /** Tries of one request, the first included. Integer, 2 to 10. @default 3 */
  readonly maxAttempts?: number | undefined;
  /** Answers after which there is another try; what the network does always is one. 400 to 599. @default [502, 503, 504] */
  readonly statuses?: readonly number[] | undefined;
  /** How long to wait between tries. @default { type: 'exponential', baseMs: 25, maxMs: 250, jitter: 'full' } */
  readonly backoff?: BackoffOptions | undefined;
  /** A target may say by `Retry-After` when to come back. If that is later than so many ms, its answer stands. @default 1000 */
  readonly maxRetryAfterMs?: number | undefined;
  /** Bounds the retries of all requests together; false: no bound. @default { ratio: 0.2, minRetriesPerSecond: 10 } */
  readonly budget?: UpstreamRetryBudgetConfig | false | undefined;
}

export interface UpstreamRetryBudgetConfig {
  /** Retries for each first try. 0 to 1. @default 0.2 */
  readonly ratio?: number | undefined;
  /** Retries per second besides, for who calls seldom. Integer, 0 to 1,000,000. @default 10 */
  readonly minRetriesPerSecond?: number | undefined;
}

export type ResolvedUpstreamRetry = Complete<Omit<UpstreamRetryConfig, 'budget'>> & {
  readonly budget: Complete<UpstreamRetryBudgetConfig> | false;
};

/** A second try beside one that takes long, at another target; the first answer wins. As for retries, only of idempotent requests without a body. */
export interface UpstreamHedgeConfig {
  /** How long a try may take before the next begins beside it, in ms. This, `percentile` or both. 1 and up. @default none */
  readonly delayMs?: number | undefined;
  /** Waits as long as this share of the tries takes at most, measured live. Above 0, below 1. @default none */
  readonly percentile?: number | undefined;
  /** How far back the percentile looks, in ms. @default 30000 */
  readonly windowMs?: number | undefined;
  /** The percentile means nothing below so many answers in the window. Integer, 1 to 1,000,000. @default 100 */
  readonly minimumCalls?: number | undefined;
  /** The percentile never makes the delay shorter, in ms. @default 1 */
  readonly minDelayMs?: number | undefined;
  /** Nor longer, in ms. At least `minDelayMs`. @default none */
  readonly maxDelayMs?: number | undefined;
  /** Tries beside the first. Integer, 1 to 10. @default 1 */
  readonly maxHedges?: number | undefined;
  /** Hedges for each request, on average. Above 0, at most 1. @default 0.1 */
  readonly budgetRatio?: number | undefined;
  /** Hedges beyond that which a quiet time can save up. Integer, 1 to 1,000,000. @default 10 */
  readonly budgetFloor?: number | undefined;
}

type MayBeMissing = 'delayMs' | 'percentile' | 'maxDelayMs';

export type ResolvedUpstreamHedge = Complete<Omit<UpstreamHedgeConfig, MayBeMissing>> & {
  readonly [K in MayBeMissing]?: number;
};

/** Sends a target that keeps failing away for a while: for `baseMs` the first time, the n-th time n times as long. */
export interface EjectionConfig {
  /** Failures in a row. Integer, 1 to 1,000,000. @default 5 */
  readonly consecutiveFailures?: number | undefined;
  /** @default 30000 */
  readonly baseMs?: number | undefined;
  /** Longest time that a target is away, in ms. At least `baseMs`. @default 300000, or baseMs if that is more */
  readonly maxMs?: number | undefined;
  /** Share of the targets that may be away at once. One always may, the last one never. 0 to 1. @default 0.1 */
  readonly maxRatio?: number | undefined;
}

export type ResolvedEjection = Complete<EjectionConfig>;

/** Asks every target now and then whether it is well, with a GET. */
export interface HealthConfig {
  /** Path, and query if there is one: `/healthz`. */
  readonly path: string;
  /** From one question to the next, in ms. @default 5000 */
  readonly intervalMs?: number | undefined;
  /** Time for the answer, in ms. At most `intervalMs`. @default 1000, or intervalMs if that is less */
  readonly timeoutMs?: number | undefined;
  /** Good answers in a row after which a target is well again. Integer, 1 to 100. @default 2 */
  readonly healthyAfter?: number | undefined;
  /** Bad ones after which it is not any more. Integer, 1 to 100. @default 3 */
  readonly unhealthyAfter?: number | undefined;
  /** Which statuses are good, both ends included. 100 to 599. @default { from: 200, to: 399 } */
  readonly statuses?: { readonly from: number; readonly to: number } | undefined;
}

export type ResolvedHealth = Complete<HealthConfig>;

const MOST = 1_000_000;
const STATUSES = 'a range of statuses: { from, to }';
const PATH = 'a path that starts with "/", without spaces';
const BELOW_1 = 'a ratio above 0 and below 1';
const ABOVE_0 = 'a ratio above 0 and at most 1';

const budgetSchema = mapping('a budget: { ratio, minRetriesPerSecond }', {
  ratio: ratio().default(0.2),
  minRetriesPerSecond: integer(0, MOST).default(10),
});

export const retrySchema: z.ZodType<ResolvedUpstreamRetry, UpstreamRetryConfig> = mapping(
  'a retry',
  {
    maxAttempts: integer(2, 10).default(3),
    statuses: z
      .array(integer(400, 599), { error: 'a list of statuses' })
      .refine((all) => new Set(all).size === all.length, { error: 'every status once' })
      .default([502, 503, 504]),
    backoff: backoffSchema.default({
      type: 'exponential',
      baseMs: 25,
      maxMs: 250,
      jitter: 'full',
    }),
    maxRetryAfterMs: integer(0).default(1000),
    budget: orFalse(budgetSchema, 'a budget').prefault({}),
  },
);

export const hedgeSchema: z.ZodType<ResolvedUpstreamHedge, UpstreamHedgeConfig> = withRules(
  mapping('a hedge', {
    delayMs: milliseconds().optional(),
    percentile: z
      .number({ error: BELOW_1 })
      .gt(0, { error: BELOW_1 })
      .lt(1, { error: BELOW_1 })
      .optional(),
    windowMs: milliseconds().default(30_000),
    minimumCalls: integer(1, MOST).default(100),
    minDelayMs: milliseconds().default(1),
    maxDelayMs: milliseconds().optional(),
    maxHedges: integer(1, 10).default(1),
    budgetRatio: ratio().gt(0, { error: ABOVE_0 }).default(0.1),
    budgetFloor: integer(1, MOST).default(10),
  }),
  [
    {
      key: 'delayMs',
      expected: 'delayMs, percentile or both',
      holds: ({ delayMs, percentile }) => delayMs !== undefined || percentile !== undefined,
    },
    {
      key: 'maxDelayMs',
      expected: 'at least minDelayMs',
      holds: ({ minDelayMs, maxDelayMs = Infinity }) => !(maxDelayMs < minDelayMs),
    },
  ],
).transform(compact);

export const ejectionSchema: z.ZodType<ResolvedEjection, EjectionConfig> = withRules(
  mapping('an ejection', {
    consecutiveFailures: integer(1, MOST).default(5),
    baseMs: milliseconds().default(30_000),
    maxMs: milliseconds().optional(),
    maxRatio: ratio().default(0.1),
  }),
  [
    {
      key: 'maxMs',
      expected: 'at least baseMs',
      holds: ({ baseMs, maxMs = Infinity }) => !(maxMs < baseMs),
    },
  ],
).transform((ejection) => ({
  ...ejection,
  maxMs: ejection.maxMs ?? Math.max(300_000, ejection.baseMs),
}));

export const healthSchema: z.ZodType<ResolvedHealth, HealthConfig> = withRules(
  mapping('a health check: { path, intervalMs, … }', {
    path: z
      .string({ error: PATH })
      .max(1000, { error: 'a path of at most 1000 characters' })
      .regex(/^\/(?!\/)[!-"$-~]*$/, { error: PATH }),
    intervalMs: milliseconds().default(5000),
    timeoutMs: milliseconds().optional(),
    healthyAfter: integer(1, 100).default(2),
    unhealthyAfter: integer(1, 100).default(3),
    statuses: withRules(mapping(STATUSES, { from: integer(100, 599), to: integer(100, 599) }), [
      { key: 'to', expected: 'at least from', holds: ({ from, to }) => !(to < from) },
    ]).default({ from: 200, to: 399 }),
  }),
  [
    {
      key: 'timeoutMs',
      expected: 'at most intervalMs',
      holds: ({ intervalMs, timeoutMs = 0 }) => !(timeoutMs > intervalMs),
    },
  ],
).transform((health) => ({
  ...health,
  timeoutMs: health.timeoutMs ?? Math.min(1000, health.intervalMs),
}));
