import type { LoadSample, ScalingStrategy } from './load-sample.ts';
import type { ResolvedAutoscalerOptions, ScalingFunction, StrategyName } from './options.ts';
import { ThresholdStrategy } from './threshold-strategy.ts';
import { ThroughputStrategy } from './throughput-strategy.ts';
import { UtilisationStrategy } from './utilisation-strategy.ts';

/** Why the size is what it is from now on. */
export type ScalingReason = 'load' | 'idle' | 'bounds';

/** What becomes of an interval: the size to have, and what kept the strategy from getting its own. */
export interface Verdict {
  readonly size: number;
  readonly reason: ScalingReason;
  readonly held: 'cooldown' | 'spawn-cost' | undefined;
}

/** The rules around every strategy: bounds, cool-down, cost of a worker, idleness. Synchronous, told the time. */
export class ScalingPolicy {
  #options: ResolvedAutoscalerOptions;
  #strategy: ScalingStrategy;
  #changedMs = -Infinity;
  #idleSinceMs: number | undefined;

  constructor(options: ResolvedAutoscalerOptions) {
    this.#options = options;
    this.#strategy = strategyOf(options.strategy);
  }

  /** A strategy that stays the same keeps what it has learnt. */
  update(options: ResolvedAutoscalerOptions): void {
    if (options.strategy !== this.#options.strategy) this.#strategy = strategyOf(options.strategy);
    this.#options = options;
  }

  decide(sample: LoadSample): Verdict {
    const { min, max } = this.#options;
    const size = Math.min(max, Math.max(min, sample.size));
    if (size !== sample.size) return { size, reason: 'bounds', held: undefined };
    if (this.#isIdle(sample)) {
      return { size: this.#hasBeenIdle(sample) ? min : size, reason: 'idle', held: undefined };
    }
    const answer = Math.ceil(this.#strategy.decide(sample, { min, max }));
    // What is no number decides nothing.
    const wanted = Number.isNaN(answer) ? size : Math.min(max, Math.max(min, answer));
    return this.#allowed(sample, wanted);
  }

  /** Begins the cool-down. */
  changed(nowMs: number): void {
    this.#changedMs = nowMs;
  }

  #isIdle({ active, queued, completed, atMs, durationMs }: LoadSample): boolean {
    if (active > 0 || queued > 0 || completed > 0) {
      this.#idleSinceMs = undefined;
      return false;
    }
    this.#idleSinceMs ??= atMs - durationMs;
    return true;
  }

  #hasBeenIdle({ atMs }: LoadSample): boolean {
    return atMs - (this.#idleSinceMs ?? atMs) >= this.#options.idleMs;
  }

  #allowed(sample: LoadSample, wanted: number): Verdict {
    const { size, atMs } = sample;
    const { growCooldownMs, shrinkCooldownMs } = this.#options;
    const cooldownMs = wanted > size ? growCooldownMs : shrinkCooldownMs;
    if (wanted !== size && atMs - this.#changedMs < cooldownMs) {
      return { size, reason: 'load', held: 'cooldown' };
    }
    const paid = Math.min(wanted, size + this.#affordable(sample));
    return { size: paid, reason: 'load', held: paid < wanted ? 'spawn-cost' : undefined };
  }

  /**
   * New workers of which each saves more waiting than it costs. The kth has a task that would wait only while
   * k tasks or more do: how often that is, the mean tells for a queue of geometric length, which that of a
   * pool with random arrivals has.
   */
  #affordable({ queued }: LoadSample): number {
    const { spawnCostMs, paybackMs } = this.#options;
    if (spawnCostMs === 0) return Infinity;
    const leastShare = spawnCostMs / paybackMs;
    const waiting = queued / (1 + queued);
    if (waiting < leastShare || waiting === 0) return 0;
    return Math.floor(Math.log(leastShare) / Math.log(waiting));
  }
}

function strategyOf(given: StrategyName | ScalingStrategy | ScalingFunction): ScalingStrategy {
  if (typeof given === 'function') return { decide: given };
  if (typeof given === 'object') return given;
  if (given === 'utilisation') return new UtilisationStrategy();
  return given === 'throughput' ? new ThroughputStrategy() : new ThresholdStrategy();
}
