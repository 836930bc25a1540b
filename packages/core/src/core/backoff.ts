import {
  above,
  atLeast,
  findProblems,
  optional,
  required,
  resolveOptions,
  type OptionRules,
  type Rule,
} from './options.ts';
import type { Random } from './random.ts';

/**
 * How much of a delay is left to chance, so that those who failed together do not come back together:
 * `'none'` of it, `'full'`: all of it, `'equal'`: half of it.
 */
export type Jitter = 'none' | 'full' | 'equal';

/** The same delay each time. */
export interface ConstantBackoff {
  readonly type: 'constant';
  /** Above 0. */
  readonly delayMs: number;
  /** @default 'none' */
  readonly jitter?: Jitter | undefined;
}

/** `baseMs`, then `factor` times as long each time, up to `maxMs`. */
export interface ExponentialBackoff {
  readonly type: 'exponential';
  /** Above 0. */
  readonly baseMs: number;
  /** At least 1. @default 2 */
  readonly factor?: number | undefined;
  /** At least `baseMs`. @default 30_000, or baseMs if that is more */
  readonly maxMs?: number | undefined;
  /** @default 'full' */
  readonly jitter?: Jitter | undefined;
}

/**
 * Grows as the exponential one does with factor 2, but the delays of many callers spread evenly, with no
 * heap of them at any time: about `baseMs` in the median at first, up to `maxMs`.
 * @see https://github.com/Polly-Contrib/Polly.Contrib.WaitAndRetry#new-jitter-recommendation
 */
export interface DecorrelatedBackoff {
  readonly type: 'decorrelated-jitter';
  /** Above 0. @default 128 */
  readonly baseMs?: number | undefined;
  /** At least `baseMs`. @default 30_000, or baseMs if that is more */
  readonly maxMs?: number | undefined;
}

export type BackoffOptions = ConstantBackoff | ExponentialBackoff | DecorrelatedBackoff;

const jitter: Rule<Jitter> = {
  expected: "'none', 'full' or 'equal'",
  accepts: (v): v is Jitter => v === 'none' || v === 'full' || v === 'equal',
};

const type = <T extends string>(name: T): Rule<T> => ({
  expected: `'${name}'`,
  accepts: (v): v is T => v === name,
});

const longest = (given: { readonly baseMs: number }): number => Math.max(30_000, given.baseMs);

/** With every default filled in. */
type Filled<O> = { readonly [K in keyof O]-?: Exclude<O[K], undefined> };

interface Resolved {
  readonly constant: Filled<ConstantBackoff>;
  readonly exponential: Filled<ExponentialBackoff>;
  readonly 'decorrelated-jitter': Filled<DecorrelatedBackoff>;
}

const rules: { readonly [T in keyof Resolved]: OptionRules<Resolved[T]> } = {
  constant: {
    type: required(type('constant')),
    delayMs: required(above(0)),
    jitter: optional(jitter, () => 'none'),
  },
  exponential: {
    type: required(type('exponential')),
    baseMs: required(above(0)),
    factor: optional(atLeast(1), () => 2),
    maxMs: optional(above(0), longest),
    jitter: optional(jitter, () => 'full'),
  },
  'decorrelated-jitter': {
    type: required(type('decorrelated-jitter')),
    baseMs: optional(above(0), () => 128),
    maxMs: optional(above(0), longest),
  },
};

type ResolvedBackoff = Resolved[keyof Resolved];

/** For an option that is a {@link BackoffOptions}. */
export const aBackoff: Rule<BackoffOptions> = {
  expected: `an object with type ${Object.keys(rules).join(', ')}`,
  accepts: (v): v is BackoffOptions => isBackoff(v) && problemsOf(v).length === 0,
  inside: (v) => (isBackoff(v) ? problemsOf(v) : []),
  resolve: (v) => resolve(v as BackoffOptions),
};

function isBackoff(value: unknown): value is BackoffOptions {
  const named = (value as BackoffOptions | undefined | null)?.type;
  return typeof named === 'string' && Object.hasOwn(rules, named);
}

function problemsOf(options: BackoffOptions): ReturnType<typeof findProblems> {
  const problems = findProblems(options, rules[options.type] as OptionRules<BackoffOptions>);
  if (problems.length > 0 || options.type === 'constant') return problems;
  const { baseMs, maxMs } = resolve(options) as Resolved['exponential'];
  const expected = `at least baseMs (${baseMs})`;
  return maxMs < baseMs ? [{ option: 'maxMs', expected, got: String(maxMs) }] : [];
}

function resolve(options: BackoffOptions): ResolvedBackoff {
  const its = rules[options.type] as OptionRules<ResolvedBackoff>;
  return resolveOptions<ResolvedBackoff>('backoff', options, its);
}

/**
 * How long to wait before each of the tries of one call, or between the recoveries of one breaker. Made
 * when the first is needed; O(1) a delay.
 */
export class Backoff {
  readonly #options: ResolvedBackoff;
  readonly #random: Random;
  #delays = 0;
  /** Where the last delay of the decorrelated kind ended, in units of its base. */
  #last = 0;

  /** @throws InvalidOptionsError when an option is wrong. */
  constructor(options: BackoffOptions, random: Random) {
    this.#options = resolve(options);
    this.#random = random;
  }

  /** Delays handed out since the start or the last `reset`. */
  get delays(): number {
    return this.#delays;
  }

  /** The next delay, in ms. */
  nextMs(): number {
    const options = this.#options;
    const retry = this.#delays++;
    if (options.type === 'constant') return this.#jittered(options.delayMs, options.jitter);
    if (options.type === 'exponential') {
      const fullMs = Math.min(options.maxMs, options.baseMs * options.factor ** retry);
      return this.#jittered(fullMs, options.jitter);
    }
    return Math.min(options.maxMs, options.baseMs * this.#decorrelated(retry));
  }

  /** Begins anew, or as if so many delays had been handed out. */
  reset(delays = 0): void {
    this.#delays = delays;
    this.#last = delays === 0 ? 0 : spread(delays - 0.5);
  }

  #jittered(fullMs: number, kind: Jitter): number {
    if (kind === 'none') return fullMs;
    const chance = this.#random.next();
    return kind === 'full' ? fullMs * chance : (fullMs / 2) * (1 + chance);
  }

  #decorrelated(retry: number): number {
    if (retry > 1000) return Infinity;
    const next = spread(retry + this.#random.next());
    const delay = (next - this.#last) * MEDIAN;
    this.#last = next;
    return delay;
  }
}

/** Brings the median of the first delays near the base. */
const MEDIAN = 1 / 1.4;

/** 2^t once t is above 1; below that it falls to 0, where 2^t would not. */
function spread(t: number): number {
  return 2 ** t * Math.tanh(Math.sqrt(4 * t));
}
