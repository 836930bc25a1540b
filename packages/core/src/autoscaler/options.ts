import {
  aDuration,
  above,
  atLeast,
  integer,
  label,
  objectWith,
  optional,
  required,
  resolveOptions,
  systemClock,
  systemRandom,
  type Clock,
  type CrossCheck,
  type OptionRules,
  type Random,
  type Rule,
} from '../core/index.ts';
import type { LoadSample, ScalingStrategy, SizeBounds } from './load-sample.ts';

/** The strategies that have a name. */
export type StrategyName = 'utilisation' | 'throughput' | 'threshold';

/** A strategy of your own that needs no memory. */
export type ScalingFunction = (sample: LoadSample, bounds: SizeBounds) => number;

export interface AutoscalerOptions {
  /** The pool never gets smaller. Integer, at least 1. @default 1 */
  readonly min?: number;
  /** The pool never gets larger. Integer, at least `min`. */
  readonly max: number;
  /**
   * Who decides: a name, an object that holds options and memory, or a function.
   * @default 'utilisation' for a pool that tells its workTotals (threads), else 'throughput'
   */
  readonly strategy?: StrategyName | ScalingStrategy | ScalingFunction;
  /** From one decision to the next, in ms. Above 0; best ten times the time of a task or more. @default 1000 */
  readonly intervalMs?: number;
  /** How long after a change of size workers may be added, in ms. 0 or more. @default 0 */
  readonly growCooldownMs?: number;
  /**
   * How long after a change of size workers may be given back, in ms. 0 or more.
   * @default 10_000; 0 for 'throughput', which takes its time by itself and must be free to probe
   */
  readonly shrinkCooldownMs?: number;
  /** After so long without any task the pool goes to `min`, in ms. Infinity: never. @default 60_000 */
  readonly idleMs?: number;
  /**
   * What a new worker costs, in ms of CPU time: about 50 for a thread, 0 for a lane. Workers are not added for
   * less waiting than that. 0 or more. @default 50 for a pool that tells its workTotals, else 0
   */
  readonly spawnCostMs?: number;
  /** In which time a new worker must have saved what it cost, in ms. Above 0. @default 10_000 */
  readonly paybackMs?: number;
  /** @default the pool's name */
  readonly name?: string;
  /** @default systemClock */
  readonly clock?: Clock;
  /** Spreads the looks at the pool, so that they do not fall in step with its tasks. @default systemRandom */
  readonly random?: Random;
}

export type ResolvedAutoscalerOptions = Required<AutoscalerOptions>;

/** What the defaults depend on. */
export interface PoolTraits {
  readonly name: string;
  readonly hasTotals: boolean;
}

const NAMES: readonly unknown[] = [
  'utilisation',
  'throughput',
  'threshold',
] satisfies StrategyName[];

const aStrategy: Rule<StrategyName | ScalingStrategy | ScalingFunction> = {
  expected: "'utilisation', 'throughput', 'threshold', an object with decide, or a function",
  accepts: (v): v is StrategyName | ScalingStrategy | ScalingFunction =>
    NAMES.includes(v) ||
    typeof v === 'function' ||
    objectWith<ScalingStrategy>('a strategy', 'decide').accepts(v),
};

const inOrder: CrossCheck<ResolvedAutoscalerOptions> = ({ min, max }) =>
  min <= max ? undefined : { option: 'max', expected: `at least min (${min})`, got: String(max) };

const rulesFor = ({ name, hasTotals }: PoolTraits): OptionRules<ResolvedAutoscalerOptions> => {
  const strategy = hasTotals ? 'utilisation' : 'throughput';
  return {
    min: optional(integer(1), () => 1),
    max: required(integer(1)),
    strategy: optional(aStrategy, () => strategy),
    intervalMs: optional(above(0), () => 1000),
    growCooldownMs: optional(aDuration, () => 0),
    shrinkCooldownMs: optional(aDuration, (given) =>
      (given.strategy ?? strategy) === 'throughput' ? 0 : 10_000,
    ),
    idleMs: optional(aDuration, () => 60_000),
    spawnCostMs: optional(atLeast(0), () => (hasTotals ? 50 : 0)),
    paybackMs: optional(above(0), () => 10_000),
    name: optional(label, () => name),
    clock: optional(objectWith<Clock>('a Clock', 'nowMs', 'schedule'), () => systemClock),
    random: optional(objectWith<Random>('a Random', 'next'), () => systemRandom),
  };
};

/** @throws InvalidOptionsError naming every problem. */
export function resolveAutoscalerOptions(
  given: AutoscalerOptions,
  pool: PoolTraits,
): ResolvedAutoscalerOptions {
  return resolveOptions('Autoscaler', given, rulesFor(pool), [inOrder]);
}
