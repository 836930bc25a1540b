import type { Alarm, LinkedList, ListNode } from '../collections/index.ts';

/**
 * What waits in a {@link JobQueue}. A pool extends it with what it needs to run and to settle its job:
 * the queue knows of no promise. The job is its own node in the lists of the queue, so that waiting
 * allocates nothing and leaving is O(1) from wherever it stands.
 *
 * The first four fields say how the job is to be served. They are written before `add` and never while
 * the job waits.
 */
export abstract class QueuedJob implements ListNode<QueuedJob> {
  /**
   * When it came, on the clock of the pool. NaN where nobody read the clock: enough for a job without
   * deadline and of priority 0 while {@link JobQueue.timed} is false.
   */
  sinceMs: number = Number.NaN;
  /** When its result is of no more use, on the same clock. @default Infinity */
  deadlineAtMs: number = Infinity;
  /** Integer from -8 to 7; higher goes first. @default 0 */
  priority: number = 0;
  /** Whose job it is, for fair shares. @default undefined: of all those who do not say */
  key: string | undefined = undefined;

  /** The links of whoever holds the waiting job: the queue or its discipline. */
  prev: QueuedJob | undefined = undefined;
  next: QueuedJob | undefined = undefined;
  list: LinkedList<QueuedJob> | undefined = undefined;

  /** For the discipline alone: what it remembers of the job, from `add` to `learn`. Integers are cheapest. */
  tag: number = 0;
  origin: object | undefined = undefined;

  /** For the queue alone: where the job waits. */
  queue: object | undefined = undefined;
  /** For the queue alone: the place in the order of arrival. Wraps around; differences count. */
  arrival: number = 0;
  /** For the queue alone: when the job is given up. */
  alarm: Alarm | undefined = undefined;

  /**
   * The queue sends the job away: it came too late, was shed, or the pool stops. The job is out of the
   * queue when this is called. Must not throw.
   */
  abstract drop(error: unknown): void;
}
