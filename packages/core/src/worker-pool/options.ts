import {
  above,
  integer,
  label,
  objectWith,
  optional,
  resolveOptions,
  systemClock,
  type Clock,
  type OptionRules,
} from '../core/index.ts';
import {
  aQueue,
  resolveQueueOptions,
  type PoolEvents,
  type PoolStats,
  type QueueOptions,
  type ResolvedQueueOptions,
} from '../job-queue/index.ts';

export interface WorkerPoolOptions {
  /** Lanes: tasks that run at the same time. Integer, at least 1. @default 10 */
  readonly size?: number;
  /** The queue before the lanes: its options, or its places alone, 0 or more. @default 1000 */
  readonly queue?: number | QueueOptions;
  /**
   * A task that goes on after its caller was answered (abort, deadline) keeps its lane for so long, in
   * ms, above 0. Then the lane is given to the next one and the task is reported as abandoned. @default 5000
   */
  readonly abandonAfterMs?: number;
  /** @default 'worker-pool' */
  readonly name?: string;
  /** @default systemClock */
  readonly clock?: Clock;
}

export interface ResolvedPoolOptions extends Required<WorkerPoolOptions> {
  readonly queue: ResolvedQueueOptions;
}

const rules: OptionRules<ResolvedPoolOptions> = {
  size: optional(integer(1), () => 10),
  queue: optional(aQueue, () => resolveQueueOptions()),
  abandonAfterMs: optional(above(0), () => 5000),
  name: optional(label, () => 'worker-pool'),
  clock: optional(objectWith<Clock>('a Clock', 'nowMs', 'schedule'), () => systemClock),
};

/** @throws InvalidOptionsError naming every problem. */
export function resolvePoolOptions(given: WorkerPoolOptions): ResolvedPoolOptions {
  return resolveOptions('WorkerPool', given, rules);
}

export interface WorkerPoolStats extends PoolStats {
  /**
   * Tasks that outlived their answered callers by `abandonAfterMs`, or the pool. What their callers were
   * told is counted besides, as failed or aborted.
   */
  readonly abandoned: number;
}

export interface WorkerPoolEvents extends PoolEvents {
  /** A task would not end after its caller had been answered; its lane is free again. */
  abandoned: { readonly afterMs: number };
}
