import type { JobQueue } from '../job-queue/index.ts';
import type { JobWorker, ThreadJob } from './thread-job.ts';

/** Tasks that wait for one worker each: a queue for every worker that some wait for. */
export class PinnedTasks {
  readonly #makeQueue: () => JobQueue<ThreadJob>;
  readonly #queues = new Map<JobWorker, JobQueue<ThreadJob>>();

  constructor(makeQueue: () => JobQueue<ThreadJob>) {
    this.#makeQueue = makeQueue;
  }

  /** Tasks that wait, for all workers. */
  get size(): number {
    let size = 0;
    for (const queue of this.#queues.values()) size += queue.size;
    return size;
  }

  get isEmpty(): boolean {
    return this.#queues.size === 0;
  }

  queues(): IterableIterator<[JobWorker, JobQueue<ThreadJob>]> {
    return this.#queues.entries();
  }

  all(): IterableIterator<JobQueue<ThreadJob>> {
    return this.#queues.values();
  }

  /** Tasks that wait for this worker. */
  sizeOf(worker: JobWorker): number {
    return this.#queues.get(worker)?.size ?? 0;
  }

  /** The queue of a worker, made when first asked for. */
  of(worker: JobWorker): JobQueue<ThreadJob> {
    const queue = this.#queues.get(worker) ?? this.#makeQueue();
    this.#queues.set(worker, queue);
    return queue;
  }

  /** False when it does not wait here. */
  remove(job: ThreadJob): boolean {
    for (const queue of this.#queues.values()) if (queue.remove(job)) return true;
    return false;
  }

  /** Sends all away. Returns how many. */
  dropAll(error: unknown): number {
    let count = 0;
    for (const queue of this.#queues.values()) count += queue.dropAll(error);
    return count;
  }

  /** What waited for a worker that takes no more, last first. */
  release(worker: JobWorker): ThreadJob[] {
    const queue = this.#queues.get(worker);
    if (queue === undefined) return [];
    this.#queues.delete(worker);
    const jobs = [...queue].reverse();
    for (const job of jobs) queue.remove(job);
    return jobs;
  }
}
