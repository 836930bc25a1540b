import { LinkedList } from '../collections/index.ts';
import type { QueueDiscipline } from './discipline.ts';
import type { QueuedJob } from './queued-job.ts';

/** First come, first served, whatever the jobs say. */
export class Fifo implements QueueDiscipline {
  readonly timed = false;
  readonly #jobs = new LinkedList<QueuedJob>();

  add(job: QueuedJob): void {
    this.#jobs.append(job);
  }

  take(): QueuedJob | undefined {
    return this.#jobs.shift();
  }

  remove(job: QueuedJob): void {
    this.#jobs.remove(job);
  }

  ahead(): number {
    return this.#jobs.size;
  }

  [Symbol.iterator](): Iterator<QueuedJob> {
    return this.#jobs[Symbol.iterator]();
  }
}

/** Last come, first served: under overload some are served at once, instead of all too late. */
export class Lifo implements QueueDiscipline {
  readonly timed = false;
  readonly #jobs = new LinkedList<QueuedJob>();

  add(job: QueuedJob): void {
    this.#jobs.prepend(job);
  }

  take(): QueuedJob | undefined {
    return this.#jobs.shift();
  }

  remove(job: QueuedJob): void {
    this.#jobs.remove(job);
  }

  ahead(): number {
    return 0;
  }

  [Symbol.iterator](): Iterator<QueuedJob> {
    return this.#jobs[Symbol.iterator]();
  }
}
