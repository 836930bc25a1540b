import type { QueuedJob } from './queued-job.ts';

/** What is known of a call that asks to come in. Any options of a call or its context will do. */
export interface Newcomer {
  /** @default Infinity */
  readonly deadlineAtMs?: number | undefined;
  /** Integer from -8 to 7. @default 0 */
  readonly priority?: number | undefined;
  readonly key?: string | undefined;
}

/** What a discipline may know of its queue, and do to it. */
export interface QueueHost {
  /** The name of the pool, for errors. */
  readonly name: string;
  /** Jobs that wait. */
  readonly size: number;
  /** Places to wait. */
  readonly capacity: number;
  /** Jobs that the pool runs at the same time. */
  readonly lanes: number;
  /** What a run takes, in ms, as a moving average. NaN while nothing is known. */
  readonly meanRunMs: number;
  /**
   * Sends a waiting job away: the queue asks the discipline to `remove` it, then tells the job. So a
   * discipline must be in order before it calls this. False, and nothing done, when it does not wait.
   */
  drop(job: QueuedJob, error: unknown): boolean;
}

/**
 * The strategy of a {@link JobQueue}: which of the waiting jobs is next, and which are not worth keeping.
 * Synchronous, told the time, starts nothing. Every method should be O(1).
 *
 * The queue looks after the rest: the bound, the deadlines, jobs that are put back. A discipline holds
 * the jobs, by their own links (`LinkedList`) or otherwise; a job leaves by `take` or `remove`.
 */
export interface QueueDiscipline extends Iterable<QueuedJob> {
  /**
   * Whether it uses the time of every job, or will use that of the next one. While false, `nowMs` and
   * `sinceMs` may be NaN for jobs of priority 0 without deadline, which saves a clock read a job.
   */
  readonly timed: boolean;

  /** Holds a job that waits from now on. */
  add(job: QueuedJob, nowMs: number): void;

  /**
   * Takes the next job to run. May first `drop` jobs that it judges not worth running. Undefined when
   * none is left.
   */
  take(nowMs: number): QueuedJob | undefined;

  /** Lets go of a job that leaves before its turn. Called for jobs that it holds only. */
  remove(job: QueuedJob): void;

  /** How many of the waiting jobs would be served before this one, at least: never more than there will be. */
  ahead(newcomer: Newcomer): number;

  /**
   * Whether a job may come in: 0, or the ms until one like it may (Infinity: unknown), and it is refused
   * with ShedError. Changes nothing that a second question would notice. @default every job may
   */
  door?(newcomer: Newcomer, nowMs: number): number;

  /** A job that was taken has ended, after `runMs`. @default nobody wants to know */
  learn?(job: QueuedJob, runMs: number): void;
}

/** Makes the discipline of one queue. */
export type DisciplineFactory = (queue: QueueHost) => QueueDiscipline;
