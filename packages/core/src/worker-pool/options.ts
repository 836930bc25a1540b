import {
  above,
  aDuration,
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

export interface StopOptions {
  /** How long accepted work may go on, in ms. At least 0; Infinity waits for as long as it takes. @default 30_000 */
  readonly timeoutMs?: number;
}

const stopRules: OptionRules<Required<StopOptions>> = {
  timeoutMs: optional(aDuration, () => 30_000),
};

/** @throws InvalidOptionsError naming every problem. */
export function resolveStopOptions(given: StopOptions): Required<StopOptions> {
  return resolveOptions('stop', given, stopRules);
}

/** What `stop` had to leave undone. All zeros: everything accepted was done. */
export interface StopResult {
  /** Waiting calls that were refused. */
  readonly refused: number;
  /** Running calls that were answered with TimeoutError. */
  readonly ended: number;
  /** Tasks that still run, and that nothing can end: those that do not heed their signal. */
  readonly running: number;
}

export interface WorkerPoolStats {
  readonly size: number;
  /** Lanes in use. */
  readonly active: number;
  readonly queued: number;
  readonly queueCapacity: number;
  /** Since the start: calls that came, and what became of them. */
  readonly submitted: number;
  readonly completed: number;
  /** Threw or rejected, or was answered with TimeoutError, whatever its task did after that. */
  readonly failed: number;
  /** Ran, and proved nothing: refused further in, or aborted by the caller. */
  readonly ignored: number;
  /** Never ran: no place, aborted or too late while waiting, or the pool was stopping. */
  readonly rejected: number;
  /** Tasks that outlived their answered callers by `abandonAfterMs`, or the pool. */
  readonly abandoned: number;
}

export interface WorkerPoolEvents {
  resize: { readonly from: number; readonly to: number };
  /** A task would not end after its caller had been answered; its lane is free again. */
  abandoned: { readonly afterMs: number };
  stop: StopResult;
}
