import { LinkedList, type Alarm, type Alarms, type ListNode } from '../collections/index.ts';
import { DeadlineExceededError, type CallContext } from '../core/index.ts';

/** A call that waits for a place to run. */
export class WaitingJob implements ListNode<WaitingJob> {
  prev: WaitingJob | undefined = undefined;
  next: WaitingJob | undefined = undefined;
  list: LinkedList<WaitingJob> | undefined = undefined;
  readonly context: CallContext;
  readonly sinceMs: number;
  /** Lets the call in, with its ticket. */
  readonly admit: (ticket: number) => void;
  readonly refuse: (error: unknown) => void;
  alarm: Alarm | undefined = undefined;
  onAbort: ((reason: unknown) => void) | undefined = undefined;

  constructor(
    context: CallContext,
    sinceMs: number,
    settle: { admit: (ticket: number) => void; refuse: (error: unknown) => void },
  ) {
    this.context = context;
    this.sinceMs = sinceMs;
    this.admit = settle.admit;
    this.refuse = settle.refuse;
  }
}

/**
 * The bounded queue in front of a pool: first come, first served. A job whose call is aborted leaves
 * at once, wherever it stands, and one whose deadline passes leaves then. O(1) an operation whatever
 * its length; O(log n) for jobs that have a deadline.
 */
export class JobQueue {
  readonly #name: string;
  readonly #alarms: Alarms;
  readonly #jobs = new LinkedList<WaitingJob>();
  /** Places to wait. Lowering it below `size` sends nobody away. */
  capacity: number;

  constructor(name: string, capacity: number, alarms: Alarms) {
    this.#name = name;
    this.capacity = capacity;
    this.#alarms = alarms;
  }

  get size(): number {
    return this.#jobs.size;
  }

  get full(): boolean {
    return this.#jobs.size >= this.capacity;
  }

  /** Adds a call at the end. Resolves with its ticket; rejects with the reason of its abort. */
  wait(context: CallContext, nowMs: number): Promise<number> {
    return new Promise((admit, refuse) => {
      const job = new WaitingJob(context, nowMs, { admit, refuse });
      this.#jobs.append(job);
      if (context.deadlineAtMs < Infinity) {
        job.alarm = this.#alarms.set(context.deadlineAtMs, () =>
          this.#refuse(job, this.#tooLate()),
        );
      }
      job.onAbort = (reason): void => this.#refuse(job, reason);
      context.onAbort(job.onAbort);
    });
  }

  /** Takes the job that is next, for the caller to admit. Those whose deadline has passed are refused. */
  shift(nowMs: number): WaitingJob | undefined {
    for (let job = this.#jobs.first; job; job = this.#jobs.first) {
      if (job.context.deadlineAtMs > nowMs) {
        this.#remove(job);
        return job;
      }
      this.#refuse(job, this.#tooLate());
    }
    return undefined;
  }

  /** Refuses every job that waits. Returns how many. */
  refuseAll(error: unknown): number {
    const refused = this.size;
    for (let job = this.#jobs.first; job; job = this.#jobs.first) this.#refuse(job, error);
    return refused;
  }

  #refuse(job: WaitingJob, reason: unknown): void {
    if (job.list === undefined) return;
    this.#remove(job);
    job.refuse(reason);
  }

  #remove(job: WaitingJob): void {
    this.#jobs.remove(job);
    if (job.alarm) this.#alarms.cancel(job.alarm);
    if (job.onAbort) job.context.offAbort(job.onAbort);
  }

  #tooLate(): DeadlineExceededError {
    const message = `${this.#name}: the deadline passed while the call waited in the queue`;
    return new DeadlineExceededError(this.#name, message);
  }
}
