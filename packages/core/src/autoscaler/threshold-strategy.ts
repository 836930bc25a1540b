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

/**
 * Doubles when more than 80 % of the workers' time is taken, halves when less than 30 % is. Easy to foresee and
 * quick, and blind to what a worker more brings: over a contended resource it doubles past the peak. Take
 * {@link ThroughputStrategy} there. O(1).
 */
export class ThresholdStrategy implements ScalingStrategy {
  readonly #options: Required<ThresholdStrategyOptions>;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: ThresholdStrategyOptions = {}) {
    this.#options = resolveOptions('ThresholdStrategy', options, rules, [cannotFlap]);
  }

  decide({ size, busyShare }: LoadSample): number {
    if (busyShare > this.#options.growAbove) return size * 2;
    if (busyShare < this.#options.shrinkBelow) return size / 2;
    return size;
  }
}
