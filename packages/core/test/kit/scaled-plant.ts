import { Autoscaler, type AutoscalerOptions, type ScalablePool } from '../../src/index.ts';
import { ManualClock, SeededRandom } from '../../src/testing/index.ts';

/** What moves with virtual time beside the clock. */
export interface Plant extends ScalablePool {
  advanceTo(nowMs: number): void;
}

export interface ScaledRun {
  readonly options: AutoscalerOptions;
  readonly seconds: number;
  readonly seed: number;
  /** Called before each second; changes the load or the plant. */
  readonly each?: (second: number) => void;
}

/** Runs an autoscaler over a plant. The size of the pool at the end of each second. */
export function sizesOf(plant: Plant, { options, seconds, seed, each }: ScaledRun): number[] {
  const clock = new ManualClock();
  const random = new SeededRandom(seed);
  using autoscaler = new Autoscaler(plant, { clock, random, ...options }).start();
  const sizes: number[] = [];
  for (let second = 1; second <= seconds; second++) {
    each?.(second);
    while (clock.nextDueMs <= second * 1000) {
      plant.advanceTo(clock.nextDueMs);
      clock.advanceTo(clock.nextDueMs);
    }
    plant.advanceTo(second * 1000);
    sizes.push(autoscaler.stats().size);
  }
  return sizes;
}

export function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
