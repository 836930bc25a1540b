import {
  aDuration,
  atLeast,
  above,
  integer,
  label,
  objectWith,
  optional,
  orUndefined,
  ratio,
  resolveOptions,
  systemClock,
  type Clock,
  type CrossCheck,
  type OptionRules,
  type Rule,
} from '../core/index.ts';

export interface HedgeOptions {
  /**
   * How long a try may take before the next one begins beside it, in ms. 0 or more. With `percentile` it
   * holds until enough calls are known. One of the two must be given. @default undefined
   */
  readonly delayMs?: number | undefined;
  /**
   * Waits as long as this share of the calls takes at most, measured live. Above 0, below 1; 0.95 hedges
   * about one call in twenty. @default undefined
   */
  readonly percentile?: number | undefined;
  /** How far back the percentile looks, in ms. Above 0. @default 30_000 */
  readonly windowMs?: number;
  /** The percentile means nothing below so many successful calls in the window. @default 100 */
  readonly minimumCalls?: number;
  /** The percentile never makes the delay shorter, in ms. @default 1 */
  readonly minDelayMs?: number;
  /** Nor longer, in ms. At least `minDelayMs`. @default Infinity */
  readonly maxDelayMs?: number;
  /** Tries beside the first one that a call may become. Integer, 1 to 10. @default 1 */
  readonly maxHedges?: number;
  /** Hedges that may be made for each call, on average. Above 0, at most 1. @default 0.1 */
  readonly budgetRatio?: number;
  /**
   * Hedges that may be made beyond that: what a quiet time can save up, and what it begins with. Of any n
   * calls in a row, no more than `budgetRatio` × n + `budgetFloor` are made. Integer, at least 1. @default 10
   */
  readonly budgetFloor?: number;
  /** @default 'hedge' */
  readonly name?: string;
  /** @default systemClock */
  readonly clock?: Clock;
}

export type ResolvedHedgeOptions = Required<HedgeOptions>;

const share: Rule<number> = {
  expected: 'a ratio above 0 and below 1',
  accepts: (v): v is number => typeof v === 'number' && v > 0 && v < 1,
};

const rules: OptionRules<ResolvedHedgeOptions> = {
  delayMs: optional(orUndefined(atLeast(0)), () => undefined),
  percentile: optional(orUndefined(share), () => undefined),
  windowMs: optional(above(0), () => 30_000),
  minimumCalls: optional(integer(1), () => 100),
  minDelayMs: optional(atLeast(0), () => 1),
  maxDelayMs: optional(aDuration, () => Infinity),
  maxHedges: optional(integer(1, 10), () => 1),
  budgetRatio: optional(ratio, () => 0.1),
  budgetFloor: optional(integer(1), () => 10),
  name: optional(label, () => 'hedge'),
  clock: optional(objectWith<Clock>('a Clock', 'nowMs', 'schedule'), () => systemClock),
};

const checks: readonly CrossCheck<ResolvedHedgeOptions>[] = [
  (o) =>
    o.delayMs === undefined && o.percentile === undefined
      ? { option: 'delayMs', expected: 'given, or percentile', got: 'undefined' }
      : undefined,
  (o) =>
    o.maxDelayMs < o.minDelayMs
      ? {
          option: 'maxDelayMs',
          expected: `at least minDelayMs (${o.minDelayMs})`,
          got: `${o.maxDelayMs}`,
        }
      : undefined,
];

/** @throws InvalidOptionsError naming every problem. */
export function resolveHedgeOptions(given: HedgeOptions): ResolvedHedgeOptions {
  return resolveOptions('Hedge', given, rules, checks);
}
