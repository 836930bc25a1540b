import { z } from 'zod';

import { limiterKeySchema, type LimiterKey, type ResolvedLimiterKey } from './limiter-key.ts';
import {
  MOST_LOGGED,
  rateSchema,
  rateShape,
  warmUp,
  windowSchema,
  windowShape,
  withCapacity,
  type RateConfig,
  type ResolvedRate,
  type ResolvedWindow,
  type WindowConfig,
} from './limit.ts';
import { compact, integer, named, trueOrFalse, withRules, type Rule } from './values.ts';

/** What every limiter may say beside its limit. All but `legacyHeaders` only with a `key`. */
interface LimiterClientsConfig<Limit> {
  /** What tells clients apart, each with a limit of its own. @default none: one limit for all together */
  readonly key?: LimiterKey | undefined;
  /** Keys that are held; newcomers beyond share one limit. Integer, 1 to 10,000,000. @default 100000, with a key */
  readonly maxKeys?: number | undefined;
  /** The limit that newcomers beyond `maxKeys` share. @default the limiter's own, with a key */
  readonly overflow?: Limit | undefined;
  /** Other limits, by name, for the keys that are given one of them. @default none */
  readonly plans?: Readonly<Record<string, Limit>> | undefined;
  /**
   * Keys that have a plan: as the limiter makes them, `192.0.2.7`, `x-tenant=acme`, and of API keys
   * `api-key:` and the first 22 characters of their SHA-256 in base64url, never themselves. At most
   * 10,000; for more, or while it runs, there is `setPlan`. @default none
   */
  readonly keys?: Readonly<Record<string, string>> | undefined;
  /** Whether answers carry X-RateLimit-Limit, -Remaining and -Reset too. @default false */
  readonly legacyHeaders?: boolean | undefined;
}

/** Lets bursts of `capacity` in, then holds a steady rate. */
export interface TokenBucketConfig extends RateConfig, LimiterClientsConfig<RateConfig> {
  /** @default 'token-bucket' */
  readonly algorithm?: 'token-bucket' | undefined;
  /** Tokens at the start; not with a `key`. Integer, 0 to the capacity. @default none: full */
  readonly initialTokens?: number | undefined;
  /** How long it takes to reach its rate from a third of it, in ms. @default none: it is there at once */
  readonly warmUpMs?: number | undefined;
}

/** `gcra`: as the token bucket, kept as one number. `leaky-bucket`: whoever waits for it is let go evenly spaced. */
export interface MeterConfig extends RateConfig, LimiterClientsConfig<RateConfig> {
  readonly algorithm: 'gcra' | 'leaky-bucket';
}

/** At most `limit` in any `windowMs`: exactly (`sliding-log`), or by an estimate that needs two counters. */
export interface SlidingLimiterConfig extends WindowConfig, LimiterClientsConfig<WindowConfig> {
  readonly algorithm: 'sliding-window' | 'sliding-log';
}

export type LimiterConfig = TokenBucketConfig | MeterConfig | SlidingLimiterConfig;

interface ResolvedClients<Limit> {
  readonly key?: ResolvedLimiterKey;
  readonly maxKeys?: number;
  readonly overflow?: Limit;
  readonly plans?: Readonly<Record<string, Limit>>;
  readonly keys?: Readonly<Record<string, string>>;
  readonly legacyHeaders: boolean;
}

/** Without a `key` there is nothing of what goes with one. */
export type ResolvedLimiter =
  | (ResolvedRate &
      ResolvedClients<ResolvedRate> & {
        readonly algorithm: 'token-bucket' | 'gcra' | 'leaky-bucket';
        readonly initialTokens?: number;
        readonly warmUpMs?: number;
      })
  | (ResolvedWindow &
      ResolvedClients<ResolvedWindow> & { readonly algorithm: 'sliding-window' | 'sliding-log' });

const ALGORITHMS = [
  'token-bucket',
  'gcra',
  'leaky-bucket',
  'sliding-window',
  'sliding-log',
] as const;

type Algorithm = (typeof ALGORITHMS)[number];

const MOST_ASSIGNED = 10_000;
const ASSIGNMENT = `a mapping of at most ${MOST_ASSIGNED} keys to names of plans`;

const clientsShape = <L extends z.ZodType>(limit: L) => ({
  key: limiterKeySchema.optional(),
  maxKeys: integer(1, 10_000_000).optional(),
  overflow: limit.optional(),
  plans: named('limits', limit).optional(),
  keys: z
    .record(z.string(), z.string({ error: 'the name of a plan' }), { error: ASSIGNMENT })
    .refine((keys) => Object.keys(keys).length <= MOST_ASSIGNED, { error: ASSIGNMENT })
    .optional(),
  legacyHeaders: trueOrFalse().default(false),
});

/** Options of other algorithms, refused with what to write instead. */
const foreign = <const K extends readonly string[]>(
  algorithm: Algorithm,
  remedy: string,
  keys: K,
): Record<K[number], z.ZodType<undefined>> => {
  const error = `nothing: a ${algorithm} does not have it`;
  const nothing = z
    .any()
    .refine((value) => value === undefined, { error, params: { remedy } })
    .optional();
  return Object.fromEntries(keys.map((key) => [key, nothing])) as never;
};

const ONLY_BUCKET = 'leave it out, or write algorithm: token-bucket';
const RATE = 'write ratePerSecond and capacity, or algorithm: sliding-window';
const WINDOW = 'write limit and windowMs, or algorithm: token-bucket';
const RATE_KEYS = ['ratePerSecond', 'capacity'] as const;
const WINDOW_KEYS = ['limit', 'windowMs'] as const;
const BUCKET_KEYS = ['initialTokens', 'warmUpMs'] as const;

/** A mapping whose message for an unknown key does not offer those of other algorithms. */
function limiterMapping<const S extends z.core.$ZodLooseShape, F extends z.core.$ZodLooseShape>(
  shape: S,
  others: F,
): z.ZodObject<S & F, z.core.$strict> {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(
    { ...shape, ...others },
    {
      error: (issue) => (issue.code === 'unrecognized_keys' ? known : 'a limiter'),
    },
  );
}

const bucket = limiterMapping(
  {
    algorithm: z.literal('token-bucket').optional(),
    ...rateShape,
    initialTokens: integer(0).optional(),
    warmUpMs: warmUp,
    ...clientsShape(rateSchema),
  },
  foreign('token-bucket', RATE, WINDOW_KEYS),
);

const meter = (algorithm: 'gcra' | 'leaky-bucket') =>
  limiterMapping(
    { algorithm: z.literal(algorithm), ...rateShape, ...clientsShape(rateSchema) },
    { ...foreign(algorithm, RATE, WINDOW_KEYS), ...foreign(algorithm, ONLY_BUCKET, BUCKET_KEYS) },
  );

const sliding = (algorithm: 'sliding-window' | 'sliding-log', most?: number) =>
  limiterMapping(
    {
      algorithm: z.literal(algorithm),
      ...windowShape(most),
      ...clientsShape(windowSchema(most)),
    },
    { ...foreign(algorithm, WINDOW, RATE_KEYS), ...foreign(algorithm, ONLY_BUCKET, BUCKET_KEYS) },
  );

/** What goes with a key is refused without one. */
const needsKey = (key: 'maxKeys' | 'overflow' | 'plans' | 'keys'): Rule<LimiterConfig> => ({
  key,
  expected: 'nothing without a key, which gives each client a limit of its own',
  holds: (limiter) => limiter[key] === undefined || limiter.key !== undefined,
});

const clientRules = (['maxKeys', 'overflow', 'plans', 'keys'] as const).map(needsKey);

const bucketRules: readonly Rule<TokenBucketConfig>[] = [
  {
    key: 'initialTokens',
    expected: 'nothing beside a key: a client that was forgotten starts full again',
    holds: ({ initialTokens, key }) => initialTokens === undefined || key === undefined,
  },
  {
    key: 'initialTokens',
    expected: 'at most the capacity',
    holds: ({ initialTokens = 0, ratePerSecond, capacity = Math.ceil(ratePerSecond) }) =>
      !(initialTokens > capacity),
  },
];

const ruled = <T extends z.ZodType<object>>(schema: T, rules: readonly Rule<never>[] = []): T =>
  withRules(schema, [...rules, ...clientRules] as never);

const union = z.discriminatedUnion(
  'algorithm',
  [
    ruled(bucket, bucketRules as never),
    ruled(meter('gcra')),
    ruled(meter('leaky-bucket')),
    ruled(sliding('sliding-window')),
    ruled(sliding('sliding-log', MOST_LOGGED)),
  ],
  {
    error: (issue) =>
      issue.code === 'invalid_union' ? `one of ${ALGORITHMS.join(', ')}` : 'a limiter',
  },
);

export const limiterSchema: z.ZodType<ResolvedLimiter, LimiterConfig> = union.transform((given) => {
  const { algorithm = 'token-bucket', ...limiter } = given as TokenBucketConfig;
  const clients = limiter.key === undefined ? {} : { maxKeys: limiter.maxKeys ?? 100_000 };
  const limit = limiter.ratePerSecond === undefined ? limiter : withCapacity(limiter);
  return compact({ algorithm, ...limit, ...clients }) as unknown as ResolvedLimiter;
}) as never;
