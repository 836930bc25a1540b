/** What a pool did in one interval: means over it, as a look at one moment is mostly chance. */
export interface LoadSample {
  /** End of the interval, monotonic ms. */
  readonly atMs: number;
  /** Its length, in ms. */
  readonly durationMs: number;
  /** Workers at its end. The autoscaler resizes between intervals only. */
  readonly size: number;
  /** Tasks that ran, on average. */
  readonly active: number;
  /** Tasks that waited, on average. */
  readonly queued: number;
  /** Tasks that ended well. */
  readonly completed: number;
  /** Share of the interval in which all workers were taken and somebody wanted one more, 0 to 1. */
  readonly pressedShare: number;
  /** Share of the workers' time with a task in hand, 0 to 1. */
  readonly busyShare: number;
  /** Whether the pool tells its `workTotals`, as threads do; else `active` is from looks at it. */
  readonly hasTotals: boolean;
  /** CPU time of all workers, in CPUs: 1.5 is 1.5 s of CPU time each second. Undefined where it is unknown. */
  readonly cpus: number | undefined;
}

export interface SizeBounds {
  readonly min: number;
  readonly max: number;
}

/**
 * Decides how large a pool should be. Synchronous and told everything, so that a simulator can run it.
 * Called once for each interval in which there was work.
 */
export interface ScalingStrategy {
  /**
   * The size to have from now on; `sample.size` leaves it. Fractions are rounded up, and what lies beyond
   * the bounds is brought within. The answer may not be followed at once: a cool-down may run, or a new
   * worker cost more than it saves.
   */
  decide(sample: LoadSample, bounds: SizeBounds): number;
}

/**
 * Mean wait of the tasks, in ms, by Little's law: as many tasks wait as came in the time that one waits.
 * Infinity where tasks wait and none is done.
 */
export function waitMsOf({ queued, completed, durationMs }: LoadSample): number {
  return queued === 0 ? 0 : (queued * durationMs) / completed;
}
