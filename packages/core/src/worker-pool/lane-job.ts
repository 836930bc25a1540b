import type { CallContext } from '../core/index.ts';
import { QueuedJob, type JobQueue } from '../job-queue/index.ts';

/** A call that waits for a lane. */
export class LaneJob extends QueuedJob {
  readonly context: CallContext;
  readonly #settle: PromiseWithResolvers<number>;
  readonly #onAbort: (reason: unknown) => void;

  constructor(context: CallContext, sinceMs: number, queue: JobQueue<LaneJob>) {
    super();
    this.context = context;
    this.sinceMs = sinceMs;
    this.deadlineAtMs = context.deadlineAtMs;
    this.priority = context.priority;
    this.key = context.key;
    this.#settle = Promise.withResolvers();
    this.#onAbort = (reason): void => void queue.drop(this, reason);
  }

  /** Waits in the queue. Resolves with the ticket; rejects when the queue sends it away, or on abort. */
  wait(queue: JobQueue<LaneJob>): Promise<number> {
    queue.add(this, this.sinceMs);
    this.context.onAbort(this.#onAbort);
    return this.#settle.promise;
  }

  /** Lets the call in, with its ticket. */
  admit(ticket: number): void {
    this.context.offAbort(this.#onAbort);
    this.#settle.resolve(ticket);
  }

  override drop(error: unknown): void {
    this.context.offAbort(this.#onAbort);
    this.#settle.reject(error);
  }
}
