import { AsyncResource } from 'node:async_hooks';
import type { Alarm } from '../collections/index.ts';
import type { CallContext, Task } from '../core/index.ts';
import { QueuedJob } from '../job-queue/index.ts';

/** The pool, as its jobs see it. */
export interface JobOwner {
  /** The queue has sent the job away. */
  dropped(job: LaneJob, error: unknown): void;
  /** The caller has left. */
  aborted(job: LaneJob, reason: unknown): void;
}

const manual = { requireManualDestroy: true };

let nextResolve: LaneJob['resolve'] | undefined;
let nextReject: LaneJob['reject'] | undefined;
/** The one executor of all promises: a closure for each would cost more than the rest of the job. */
const capture = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
  nextResolve = resolve;
  nextReject = reject;
};

/** One call: first in the queue, where it must wait, then on a lane. */
export class LaneJob extends QueuedJob {
  readonly #owner: JobOwner;
  /** Undefined for a call of a pipeline, which runs its work itself and is told its ticket. */
  readonly task: Task<unknown> | undefined;
  /** Undefined until the task begins, for a call without options. */
  context: CallContext | undefined;
  /** Whether the context was made for this call, and so is to be closed with it. */
  ownsContext = true;
  /** Longest time that the task may run, in ms. Not Infinity: each field made for doubles allocates. */
  timeoutMs: number | undefined = undefined;
  /** When it got its lane; NaN when that was not timed, undefined before. */
  startMs: number | undefined = undefined;
  state: 'waiting' | 'running' | 'overdue' | 'gone' = 'waiting';
  /** Of a call of a pipeline that has its lane; 0 otherwise. */
  ticket = 0;
  /** Its deadline while its caller waits, the end of patience with its task after that. */
  laneAlarm: Alarm | undefined = undefined;
  resolve!: (value: unknown) => void;
  reject!: (error: unknown) => void;
  #scope: AsyncResource | undefined = undefined;
  #onAbort: ((reason: unknown) => void) | undefined = undefined;

  constructor(owner: JobOwner, task: Task<unknown> | undefined, context: CallContext | undefined) {
    super();
    this.#owner = owner;
    this.task = task;
    this.context = context;
    if (context === undefined) return;
    this.deadlineAtMs = context.deadlineAtMs;
    this.priority = context.priority;
    this.key = context.key;
  }

  /** The promise that `resolve` and `reject` settle. */
  promise(): Promise<unknown> {
    const promise = new Promise(capture);
    this.resolve = nextResolve as LaneJob['resolve'];
    this.reject = nextReject as LaneJob['reject'];
    nextResolve = nextReject = undefined;
    return promise;
  }

  /** Hears of it when the caller leaves; at once if that has happened. */
  heedAbort(): void {
    if (this.context === undefined || this.#onAbort !== undefined) return;
    const leave = (reason: unknown): void => this.leave(reason);
    this.#onAbort = leave;
    this.context.onAbort(leave);
  }

  /** The caller leaves. */
  leave(reason: unknown): void {
    this.#owner.aborted(this, reason);
  }

  /** Lets go of the caller. Idempotent. */
  close(): void {
    const { context } = this;
    if (context === undefined) return;
    if (this.#onAbort) context.offAbort(this.#onAbort);
    if (this.ownsContext) context.close();
  }

  /** Its task is to begin in the async context in which it came, not in that of whoever frees the lane. */
  keepScope(): void {
    this.#scope = new AsyncResource('SluiceLane', manual);
  }

  runIn(run: (job: LaneJob) => void): void {
    if (this.#scope === undefined) run(this);
    else this.#scope.runInAsyncScope(run, undefined, this);
  }

  override drop(error: unknown): void {
    this.#owner.dropped(this, error);
  }
}
