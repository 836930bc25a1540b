/** What a worker tells its pool. */
export interface EventsOf<Job> {
  onReady(worker: WorkerOf<Job>, exports: readonly string[]): void;
  /** It has ended: `cause` is what killed it, undefined when it was told to end. */
  onEnd(worker: WorkerOf<Job>, cause: unknown): void;
}

/** What becomes of a task that a worker has answered. */
export interface SinkOf<Job> {
  onResult(job: Job, value: unknown): void;
  /** `failure` makes the error, where its stack shows the caller. */
  onFailure(job: Job, failure: () => unknown): void;
}

/**
 * - `serving`: takes tasks.
 * - `outgoing`: takes tasks until its successor is ready.
 * - `retiring`: does what it has begun, then ends.
 * - `condemned`: its task would not end; it is ended as soon as it has no other.
 */
export type Duty = 'serving' | 'outgoing' | 'retiring' | 'condemned';

/** What a worker has used since it began. */
export interface WorkerUse {
  /** Time in which it ran at least one task, in ms. */
  readonly busyMs: number;
  /** CPU time of its thread or process, in ms; NaN where the runtime does not tell. */
  readonly cpuMs: number;
  readonly heapBytes: number;
}

/**
 * One worker, as its pool sees it: a thread or a process. Tasks that are handed to it run in that order,
 * as many at a time as the pool allows.
 */
export interface WorkerOf<Job> {
  readonly name: string;
  readonly bornMs: number;
  /** Whether it takes tasks, and whether it ever did. */
  readonly isReady: boolean;
  readonly wasReady: boolean;
  /** Tasks that it has, begun or not. */
  readonly outstanding: number;
  /** What they are expected to take, in ms. */
  readonly aheadMs: number;
  /** Tasks that it was ever handed, less those taken back. */
  readonly taken: number;
  /** Tasks that it can hold besides those it has. */
  readonly room: number;
  /** For the pool: when it last answered a task, or was handed one while it had none, on the pool's clock. */
  progressMs: number;
  /** For the pool: its task takes so long that nothing is to wait behind it. */
  isStuck: boolean;
  /** For the pool: what is to become of it. */
  duty: Duty;

  /** Hands a task over. @throws DataCloneError when the input cannot be cloned; the worker is as before. */
  hand(job: Job): void;
  /** Lets the worker see what it was handed. */
  publish(): void;
  hasResults(): boolean;
  /** Hands on all answers that have come. Returns how many. */
  collect(sink: SinkOf<Job>): number;
  /** Takes back a task that has not begun. False when it has, or when its input has moved. */
  takeBack(job: Job): boolean;
  /** Tasks that have not begun and can be taken back, in the order of their hand-over. */
  waiting(): Job[];
  /** Tasks that it has and that cannot be taken back. */
  begun(): Job[];
  /** When a task began, on the pool's clock, in ms; undefined when it has not. */
  startMs(job: Job): number | undefined;
  /** Tells the task that its call was ended. */
  cancel(job: Job): void;
  use(): WorkerUse;
  /** Asks it to end once it has nothing to do. */
  stop(): void;
  /** Ends it now: as a crash, when there is a cause. Resolves when it is gone. */
  kill(cause?: unknown): Promise<void>;
  /** Forgets a task, after it has ended. */
  forget(job: Job): void;
}
