import {
  aFunction,
  InvalidOptionsError,
  findProblems,
  integer,
  label,
  optional,
  orUndefined,
  resolveOptions,
  shown,
  type Clock,
  type OptionProblem,
  type OptionRules,
  type Rule,
} from '../../core/index.ts';
import type { KeyedRequest, KeyFunction } from '../key-functions/index.ts';
import { kinds, type AnyKind, type KeyedAlgorithm } from '../limiter-kind.ts';
import { clockRule } from '../limiter-options.ts';

/** A limit, in the options of the algorithm chosen. */
export interface KeyedLimit {
  /** For token-bucket, gcra, leaky-bucket. See {@link TokenBucketOptions}. */
  readonly ratePerSecond?: number | undefined;
  readonly capacity?: number | undefined;
  /** For token-bucket. */
  readonly warmUpMs?: number | undefined;
  /** For sliding-window and sliding-log. See {@link SlidingLogOptions}. */
  readonly limit?: number | undefined;
  readonly windowMs?: number | undefined;
}

export interface KeyedLimiterOptions<Request = KeyedRequest> extends KeyedLimit {
  /** How each key is limited. @default 'token-bucket' */
  readonly algorithm?: KeyedAlgorithm | undefined;
  /**
   * Keys remembered at a time. Integer, 1 to 10000000; of a sliding-log, whose keys take 8 bytes for each
   * permit of the limit, not more than fit into 1 GiB. @default 100000, or of a sliding-log what fits into
   * 128 MiB if that is less
   */
  readonly maxKeys?: number | undefined;
  /** The one limit that all keys share for which there is no room. @default the limit of one key */
  readonly overflow?: KeyedLimit | undefined;
  /** Other limits, by name, for keys that have a plan. @default {} */
  readonly plans?: Readonly<Record<string, KeyedLimit>> | undefined;
  /** The plan of a key, asked when the key is first seen; undefined: the common limit. `setPlan` goes before it. */
  readonly planOf?: ((key: string) => string | undefined) | undefined;
  /** Makes the key of a request, for `keyOf`. @default none */
  readonly key?: KeyFunction<Request> | undefined;
  /** @default 'keyed-limiter' */
  readonly name?: string | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** Permits that callers of `wait` may be waiting for at a time, over all keys. @default 10000 */
  readonly maxWaiting?: number | undefined;
}

interface Settings {
  readonly algorithm: KeyedAlgorithm;
  readonly maxKeys: number | undefined;
  readonly overflow: object | undefined;
  readonly plans: Readonly<Record<string, object>>;
  readonly planOf: ((key: string) => string | undefined) | undefined;
  readonly key: ((request: never) => string) | undefined;
  readonly name: string;
  readonly clock: Clock;
  readonly maxWaiting: number;
}

/** Options with every default filled in, and the limits resolved by the rules of their algorithm. */
export interface ResolvedKeyed extends Settings {
  readonly maxKeys: number;
  readonly kind: AnyKind;
  /** The common limit, then those of the plans, in the order of `planNames`. */
  readonly limits: readonly object[];
  readonly planNames: readonly string[];
  readonly overflowLimit: object;
}

const algorithmRule: Rule<KeyedAlgorithm> = {
  expected: `one of ${Object.keys(kinds).join(', ')}`,
  accepts: (value): value is KeyedAlgorithm =>
    typeof value === 'string' && Object.hasOwn(kinds, value),
};

const aMapping: Rule<Readonly<Record<string, object>>> = {
  expected: 'an object that names limits',
  accepts: (value): value is Readonly<Record<string, object>> =>
    typeof value === 'object' && value !== null && !Array.isArray(value),
};

const settingRules: OptionRules<Settings> = {
  algorithm: optional(algorithmRule, () => 'token-bucket' as const),
  maxKeys: optional(orUndefined(integer(1, 10_000_000)), () => undefined),
  overflow: optional(orUndefined(aMapping as Rule<object>), () => undefined),
  plans: optional(aMapping, () => ({})),
  planOf: optional(
    orUndefined(
      aFunction<(key: string) => string | undefined>('a function from a key to the name of a plan'),
    ),
    () => undefined,
  ),
  key: optional(
    orUndefined(aFunction<(request: never) => string>('a function from a request to a key')),
    () => undefined,
  ),
  name: optional(label, () => 'keyed-limiter'),
  clock: clockRule,
  maxWaiting: optional(integer(0), () => 10_000),
};

/** Plans are numbered in a byte. */
const MOST_PLANS = 255;

/** @throws InvalidOptionsError naming everything that is wrong, `plans.pro.capacity` and the like included. */
export function resolveKeyed(given: unknown): ResolvedKeyed {
  const isObject = typeof given === 'object' && given !== null;
  const all: Record<string, unknown> = isObject ? { ...given } : {};
  const wanted = all['algorithm'] ?? 'token-bucket';
  const kind = algorithmRule.accepts(wanted) ? kinds[wanted] : kinds['token-bucket'];
  // A key that was forgotten must be like one never seen: it starts full.
  const limitRules = Object.entries(kind.rules).filter(([option]) => option !== 'initialTokens');
  const rules = Object.fromEntries(limitRules) as OptionRules<object>;
  const problems = [
    ...findProblems(given, { ...settingRules, ...rules }),
    ...nestedProblems(all, rules),
  ];
  if (problems.length > 0) throw new InvalidOptionsError('KeyedLimiter', problems);
  const settings = resolveOptions<Settings>('KeyedLimiter', pick(all, settingRules), settingRules);
  const resolve = (limit: object): object => resolveOptions('KeyedLimiter', limit, rules);
  const common = pick(all, rules);
  const planNames = Object.keys(settings.plans);
  const limits = [common, ...Object.values(settings.plans)].map(resolve);
  const overflowLimit = resolve(settings.overflow ?? common);
  const maxKeys = resolveMaxKeys(settings, [...limits, overflowLimit]);
  return { ...settings, maxKeys, kind, planNames, limits, overflowLimit };
}

/** The arrays of a log grow with its limit: what nobody meant must not take all memory. */
const USUAL_LOG_BYTES = 2 ** 27;
const MOST_LOG_BYTES = 2 ** 30;

function resolveMaxKeys({ algorithm, maxKeys }: Settings, limits: readonly object[]): number {
  if (algorithm !== 'sliding-log') return maxKeys ?? 100_000;
  const longest = Math.max(...limits.map((limit) => (limit as { limit: number }).limit));
  const keyBytes = 8 * (longest + 2);
  const most = Math.max(1, Math.floor(MOST_LOG_BYTES / keyBytes));
  if (maxKeys === undefined) {
    return Math.min(100_000, Math.max(1, Math.floor(USUAL_LOG_BYTES / keyBytes)));
  }
  if (maxKeys <= most) return maxKeys;
  const expected = `at most ${most}: a key of a sliding-log takes ${keyBytes} bytes`;
  throw new InvalidOptionsError('KeyedLimiter', [
    { option: 'maxKeys', expected, got: shown(maxKeys) },
  ]);
}

function nestedProblems(all: Record<string, unknown>, rules: OptionRules<object>): OptionProblem[] {
  const plans = aMapping.accepts(all['plans']) ? all['plans'] : {};
  const nested = Object.entries(plans).map(([name, limit]) => [`plans.${name}`, limit] as const);
  const overflow = all['overflow'] === undefined ? [] : [['overflow', all['overflow']] as const];
  const problems = [...nested, ...overflow].flatMap(([path, limit]) =>
    findProblems(limit, rules).map((p) => ({ ...p, option: `${path}.${p.option}` })),
  );
  if (nested.length > MOST_PLANS) {
    problems.push({
      option: 'plans',
      expected: `at most ${MOST_PLANS} plans`,
      got: shown(nested.length),
    });
  }
  return problems;
}

function pick(all: Record<string, unknown>, rules: object): object {
  return Object.fromEntries(Object.entries(all).filter(([option]) => Object.hasOwn(rules, option)));
}
