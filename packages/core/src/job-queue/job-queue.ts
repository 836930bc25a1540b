import { LinkedList, type Alarms } from '../collections/index.ts';
import {
  DeadlineExceededError,
  PRIORITIES,
  QueueFullError,
  ShedError,
  type RejectedError,
} from '../core/index.ts';
import type { Newcomer, QueueDiscipline, QueueHost } from './discipline.ts';
import { Fair } from './fair.ts';
import { Fifo, Lifo } from './line.ts';
import type { ResolvedQueueOptions } from './options.ts';
import type { QueuedJob } from './queued-job.ts';
import { RunEstimate } from './run-estimate.ts';

/** What a queue is part of. */
export interface QueueSetting {
  /** The name of the pool, for errors. */
  readonly name: string;
  /** Ring for the deadlines of jobs. */
  readonly alarms: Alarms;
  /** Jobs that the pool runs at the same time. */
  readonly lanes: number;
}

const ANYONE: Newcomer = Object.freeze({});

/**
 * The bounded queue in front of a pool. Its discipline says who is next; the queue itself keeps to its
 * capacity, sends away at once what can no longer be done in time, and lets any job leave from anywhere.
 * It starts nothing and promises nothing: the pool asks at the {@link door}, then adds, then takes.
 *
 * O(1) an operation whatever its length; O(log n) for jobs that have a deadline. Allocates for these only.
 */
export class JobQueue<J extends QueuedJob> implements QueueHost, Iterable<J> {
  readonly name: string;
  /** Jobs that the pool runs at the same time. The pool keeps it up to date. */
  lanes: number;
  readonly #alarms: Alarms;
  readonly #runs = new RunEstimate();
  /** Taken, not begun, and given back: they go before all others. */
  readonly #returned = new LinkedList<QueuedJob>();
  #options: ResolvedQueueOptions;
  #discipline: QueueDiscipline;
  #size = 0;
  #withDeadline = 0;
  #arrivals = 0;
  #lastRefusal: 'full' | 'late' | 'shed' = 'full';

  constructor({ name, alarms, lanes }: QueueSetting, options: ResolvedQueueOptions) {
    this.name = name;
    this.lanes = lanes;
    this.#alarms = alarms;
    this.#options = options;
    this.#discipline = this.#makeDiscipline(options);
  }

  /** Jobs that wait. */
  get size(): number {
    return this.#size;
  }

  /** Places to wait. Lowering it below `size` sends nobody away. */
  get capacity(): number {
    return this.#options.capacity;
  }

  get full(): boolean {
    return this.#size >= this.#options.capacity;
  }

  /**
   * Whether the queue needs to know the time now: read the clock for `sinceMs` of whatever is added and
   * for `nowMs` of `take`. While false both may be NaN for jobs of priority 0 without a deadline. A job
   * with a deadline or another priority needs them always.
   */
  get timed(): boolean {
    return this.#withDeadline > 0 || this.#discipline.timed;
  }

  /** What a run takes, in ms, as a moving average. NaN while nothing is known. */
  get meanRunMs(): number {
    return this.#runs.meanMs;
  }

  /**
   * Whether a call may wait here: 0, or the ms until one like it may, Infinity when that is unknown. It
   * is refused when the queue is full, when it would hardly be done by its deadline, or when the
   * discipline sheds it. {@link refuse} makes the error. Takes nothing, counts nothing, allocates nothing.
   */
  door(newcomer: Newcomer = ANYONE, nowMs: number = Number.NaN): number {
    if (this.full) return this.#turnAway('full', this.#nextPlaceMs());
    const { deadlineAtMs = Infinity } = newcomer;
    if (deadlineAtMs < Infinity) {
      const ahead = this.#returned.size + this.#discipline.ahead(newcomer);
      const lateMs = this.#runs.lateBy(deadlineAtMs - nowMs, ahead, this.lanes, nowMs);
      if (lateMs > 0) return this.#turnAway('late', lateMs);
    }
    const shedMs = this.#discipline.door?.(newcomer, nowMs) ?? 0;
    return shedMs > 0 ? this.#turnAway('shed', shedMs) : 0;
  }

  /** The error for the refusal that `door` answered last, with what it answered. */
  refuse(waitMs: number): RejectedError {
    const { name } = this;
    if (this.#lastRefusal === 'late') {
      const message = `${name}: the call would not be done by its deadline`;
      return new DeadlineExceededError(name, message, waitMs);
    }
    if (this.#lastRefusal === 'shed') {
      return new ShedError(name, `${name}: overload control refused the call`, waitMs);
    }
    const message = `${name}: all ${this.lanes} lanes are busy and all ${this.capacity} places to wait are taken`;
    return new QueueFullError(name, message, waitMs);
  }

  /**
   * Adds a job, whether the door would let it in or not.
   * @throws Error when it waits already.
   * @throws RangeError when its priority is out of bounds, or is not 0 and it does not say since when it waits.
   */
  add(job: J, nowMs: number = Number.NaN): void {
    requireFree(job);
    if (job.priority !== 0) requireOrdered(job);
    job.tag = 0;
    job.origin = undefined;
    this.#discipline.add(job, nowMs);
    job.arrival = this.#arrivals = (this.#arrivals + 1) | 0;
    this.#enlist(job);
  }

  /** Takes the next job, to be run now. Those that cannot be done in time any more are sent away. */
  take(nowMs: number = Number.NaN): J | undefined {
    while (this.#size > 0) {
      const job = this.#returned.shift() ?? this.#discipline.take(nowMs);
      if (job === undefined) return undefined;
      this.#delist(job);
      if (job.deadlineAtMs === Infinity || !this.#isLate(job, nowMs)) return job as J;
      job.drop(this.#tooLate());
    }
    return undefined;
  }

  /**
   * Gives back a job that was taken and has not begun: it is next, before those given back earlier. So
   * give back several in the reverse of the order in which they were taken. The capacity does not count.
   * @throws Error when it waits already.
   */
  putBack(job: J): void {
    requireFree(job);
    this.#returned.prepend(job);
    this.#enlist(job);
  }

  /** Takes out a job wherever it stands, as when its caller has left. False when it does not wait here. */
  remove(job: QueuedJob): boolean {
    if (job.queue !== this) return false;
    if (job.list === this.#returned) this.#returned.remove(job);
    else this.#discipline.remove(job);
    this.#delist(job);
    return true;
  }

  /** Takes out a job and tells it why. False when it does not wait here. */
  drop(job: QueuedJob, error: unknown): boolean {
    const isHere = this.remove(job);
    if (isHere) job.drop(error);
    return isHere;
  }

  /** Sends every job away. Returns how many. O(n). */
  dropAll(error: unknown): number {
    return [...this].filter((job) => this.drop(job, error)).length;
  }

  /**
   * A job has ended, `runMs` after it began: estimates and fair shares learn from it.
   * @param job undefined for one that found a free lane and never waited here.
   */
  learn(job: J | undefined, runMs: number): void {
    this.#runs.learn(runMs);
    if (job !== undefined) this.#discipline.learn?.(job, runMs);
  }

  /** Changes options live. A new order files the waiting jobs anew, in the order in which they came: O(n log n). */
  update(options: ResolvedQueueOptions): void {
    const { order, ageingMs } = this.#options;
    if (order !== options.order || ageingMs !== options.ageingMs) this.#refile(options);
    this.#options = options;
  }

  /** Those that were given back first, then as the discipline has them: not always in the order of service. */
  *[Symbol.iterator](): Generator<J, void, undefined> {
    for (const job of this.#returned) yield job as J;
    for (const job of this.#discipline) yield job as J;
  }

  #refile(options: ResolvedQueueOptions): void {
    const next = this.#makeDiscipline(options);
    const waiting = [...this.#discipline].sort((a, b) => (a.arrival - b.arrival) | 0);
    for (const job of waiting) this.#discipline.remove(job);
    this.#discipline = next;
    for (const job of waiting) this.#discipline.add(job, job.sinceMs);
  }

  #enlist(job: QueuedJob): void {
    job.queue = this;
    this.#size++;
    if (job.deadlineAtMs < Infinity) this.#watch(job);
  }

  #delist(job: QueuedJob): void {
    job.queue = undefined;
    this.#size--;
    if (job.alarm === undefined) return;
    this.#alarms.cancel(job.alarm);
    job.alarm = undefined;
    this.#withDeadline--;
  }

  #watch(job: QueuedJob): void {
    this.#withDeadline++;
    job.alarm = this.#setAlarm(job);
  }

  #setAlarm(job: QueuedJob): NonNullable<QueuedJob['alarm']> {
    const dueMs = job.deadlineAtMs - this.#runs.leastMs;
    return this.#alarms.set(dueMs, () => this.#giveUp(job, dueMs));
  }

  /** What a run takes at least may have become less since the alarm was set. */
  #giveUp(job: QueuedJob, nowMs: number): void {
    if (this.#isLate(job, nowMs)) this.drop(job, this.#tooLate());
    else job.alarm = this.#setAlarm(job);
  }

  #isLate(job: QueuedJob, nowMs: number): boolean {
    return nowMs >= job.deadlineAtMs - this.#runs.leastMs;
  }

  #turnAway(why: 'full' | 'late' | 'shed', waitMs: number): number {
    this.#lastRefusal = why;
    return waitMs;
  }

  /** A lane falls free about so often. */
  #nextPlaceMs(): number {
    const { meanMs } = this.#runs;
    return Number.isNaN(meanMs) ? Infinity : Math.max(1, meanMs / this.lanes);
  }

  #tooLate(): DeadlineExceededError {
    const message = `${this.name}: the deadline passed while the call waited in the queue`;
    return new DeadlineExceededError(this.name, message);
  }

  #makeDiscipline({ order, ageingMs }: ResolvedQueueOptions): QueueDiscipline {
    if (typeof order === 'function') return order(this);
    if (order === 'fair') return new Fair(this, ageingMs);
    return order === 'lifo' ? new Lifo() : new Fifo();
  }
}

function requireFree(job: QueuedJob): void {
  if (job.queue !== undefined)
    throw new Error('JobQueue: the job to add waits in a queue already.');
}

/** Whatever the order: it may change while the job waits. */
function requireOrdered({ priority, sinceMs }: QueuedJob): void {
  const { lowest, highest } = PRIORITIES;
  if (!Number.isInteger(priority) || priority < lowest || priority > highest) {
    const bounds = `an integer from ${lowest} to ${highest}`;
    throw new RangeError(`JobQueue: the priority of a job must be ${bounds}, got ${priority}.`);
  }
  if (Number.isNaN(sinceMs)) {
    throw new RangeError(
      'JobQueue: a job of a priority other than 0 must say since when it waits.',
    );
  }
}
