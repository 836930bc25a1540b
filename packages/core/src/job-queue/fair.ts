import { PRIORITIES } from '../core/index.ts';
import type { Newcomer, QueueDiscipline, QueueHost } from './discipline.ts';
import { FairShare } from './fair-share.ts';
import type { QueuedJob } from './queued-job.ts';

/** Few enough that looking at all of them is O(1). */
const { lowest: LOWEST, highest: HIGHEST } = PRIORITIES;

/** A bit for each class that has jobs. */
const USUAL_CLASS: number = 1 << (0 - LOWEST);

/**
 * The standard order. A class for each priority; within a class a fair share for each key; for each key
 * first come, first served.
 *
 * Classes age: a job of priority p that came at t goes before one of priority q that came at u when
 * t - p × ageing < u - q × ageing, as long as both are next in their classes. So a job waits for those of
 * a higher class that come up to (difference of priorities) × ageing later, and for no others. Neither
 * side of that changes while a job waits, so nothing needs to be sorted anew. O(1), amortised.
 */
export class Fair implements QueueDiscipline {
  readonly #queue: QueueHost;
  readonly #ageingMs: number;
  readonly #classes: (FairShare | undefined)[] = Array.from({ length: HIGHEST - LOWEST + 1 });
  /** A bit for each class that has jobs. */
  #waiting = 0;
  /** When a job of another class last came to jobs of priority 0 alone: later than any of them. */
  #mixedSinceMs = Number.NaN;

  constructor(queue: QueueHost, ageingMs: number) {
    this.#queue = queue;
    this.#ageingMs = ageingMs;
  }

  /** Between classes, arrivals are compared. */
  get timed(): boolean {
    return (this.#waiting & ~USUAL_CLASS) !== 0;
  }

  add(job: QueuedJob): void {
    const { priority } = job;
    const at = priority - LOWEST;
    const share = (this.#classes[at] ??= new FairShare(this.#queue));
    if (priority !== 0 && !this.timed) this.#mixedSinceMs = job.sinceMs;
    share.add(job);
    this.#waiting |= 1 << at;
  }

  take(): QueuedJob | undefined {
    if (this.#waiting === 0) return undefined;
    const at = this.#waiting === USUAL_CLASS ? -LOWEST : this.#nextClass();
    const share = this.#classes[at]!;
    const job = share.take();
    if (share.size === 0) this.#waiting &= ~(1 << at);
    return job;
  }

  remove(job: QueuedJob): void {
    const at = job.priority - LOWEST;
    const share = this.#classes[at]!;
    share.remove(job);
    if (share.size === 0) this.#waiting &= ~(1 << at);
  }

  /** All that wait in higher classes, and those of its own before its turn. */
  ahead({ priority = 0, key }: Newcomer): number {
    let ahead = this.#classes[priority - LOWEST]?.ahead(key) ?? 0;
    for (let at = priority - LOWEST + 1; at <= HIGHEST - LOWEST; at++) {
      ahead += this.#classes[at]?.size ?? 0;
    }
    return ahead;
  }

  learn(job: QueuedJob, runMs: number): void {
    this.#classes[job.priority - LOWEST]?.learn(job, runMs);
  }

  *[Symbol.iterator](): Generator<QueuedJob, void, undefined> {
    for (const share of this.#classes.toReversed()) if (share) yield* share;
  }

  /** The class whose next job is due first. Of equals the higher. */
  #nextClass(): number {
    let next = -1;
    let nextDueMs = Infinity;
    for (let at = HIGHEST - LOWEST; at >= 0; at--) {
      if ((this.#waiting & (1 << at)) === 0) continue;
      const { sinceMs } = this.#classes[at]!.head()!;
      const knownMs = Number.isNaN(sinceMs) ? this.#mixedSinceMs : sinceMs;
      const dueMs = knownMs - (at + LOWEST) * this.#ageingMs;
      if (next !== -1 && dueMs >= nextDueMs) continue;
      next = at;
      nextDueMs = dueMs;
    }
    return next;
  }
}
