/** What the autoscaler reads of a pool's `stats()`. Counters count since the pool's start. */
export interface ScalablePoolStats {
  /** Anything but 'running' (paused, stopping, stopped) is left alone. @default 'running' */
  readonly state?: string;
  /** Workers or lanes that the pool aims at. */
  readonly size: number;
  /** Tasks that run now. */
  readonly active: number;
  /** Tasks that wait now. */
  readonly queued: number;
  /** Tasks that ended well. Those that failed buy nobody anything, so they are no throughput. */
  readonly completed: number;
  /** Tasks that never ran. Tells a full pool from an idle one where there is no queue. */
  readonly rejected?: number;
}

/** What the workers have done since the pool's start, summed over all of them, those that left included. */
export interface WorkTotals {
  /** Time with a task in hand, in ms. */
  readonly busyMs: number;
  /** CPU time, in ms, where it is known. Never take event-loop utilisation for it: a thread asleep reads as busy. */
  readonly cpuMs?: number;
}

/** A pool whose size can be changed while it works: WorkerPool, ThreadPool, or your own. */
export interface ScalablePool {
  readonly name: string;
  /** More workers take waiting tasks at once; fewer never end a running task. */
  resize(size: number): void;
  stats(): ScalablePoolStats;
  /** Exact work done. Without it the autoscaler looks at `active` ten times an interval. */
  workTotals?(): WorkTotals;
  /**
   * Calls `listener` once, when next a task finds no free worker, unless the returned function was
   * called before. With it an autoscaler whose pool is idle at its smallest size needs no timer.
   */
  whenPressed?(listener: () => void): () => void;
}
