import {
  optional,
  ratio,
  resolveOptions,
  type CrossCheck,
  type OptionRules,
} from '../core/index.ts';
import type { LoadSample, ScalingStrategy } from './load-sample.ts';

export interface ThresholdStrategyOptions {
  /** Busy share above which the size doubles. @default 0.8 */
  readonly growAbove?: number;
  /** Busy share below which it halves; below half of `growAbove`, or it would flap. @default 0.3 */
  readonly shrinkBelow?: number;
}

const rules: OptionRules<Required<ThresholdStrategyOptions>> = {
  growAbove: optional(ratio, () => 0.8),
  shrinkBelow: optional(ratio, ({ growAbove }) => Math.min(0.3, 0.49 * growAbove)),
};

const cannotFlap: CrossCheck<Required<ThresholdStrategyOptions>> = (options) =>
  options.shrinkBelow < options.growAbove / 2
    ? undefined
    : {
        option: 'shrinkBelow',
        expected: 'below half of growAbove, for halving doubles the busy share',
        got: String(options.shrinkBelow),
      };

/** Weight of the last interval in the mean that halves: a pause must last to be one. */
const SLOW = 1 / 5;

/**
 * Doubles when more than 80 % of the workers' time is taken, two intervals in a row, and halves when less than
 * 30 % is, for some intervals. Easy to foresee and quick, and blind to what a worker more brings: over a contended
 * resource it doubles past the peak. Take {@link ThroughputStrategy} there. O(1).
 */
export class ThresholdStrategy implements ScalingStrategy {
  readonly #options: Required<ThresholdStrategyOptions>;

  /** Busy workers, of the last interval and as a slow mean; NaN before the first interval. */
  #last = Number.NaN;
  #mean = Number.NaN;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: ThresholdStrategyOptions = {}) {
    this.#options = resolveOptions('ThresholdStrategy', options, rules, [cannotFlap]);
  }

  decide({ size, busyShare }: LoadSample): number {
    const busy = busyShare * size;
    const before = Number.isNaN(this.#last) ? busy : this.#last;
    this.#last = busy;
    this.#mean = Number.isNaN(this.#mean) ? busy : this.#mean + SLOW * (busy - this.#mean);
    if (Math.min(busy, before) > this.#options.growAbove * size) return size * 2;
    const isQuiet = Math.max(busy, this.#mean) < this.#options.shrinkBelow * size;
    return isQuiet ? size / 2 : size;
  }
}
