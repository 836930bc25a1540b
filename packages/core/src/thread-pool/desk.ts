import { Alarms, type TimerSource } from '../collections/index.ts';
import { QueueFullError, type Clock, type RejectedError } from '../core/index.ts';
import { JobQueue, type ResolvedQueueOptions } from '../job-queue/index.ts';
import { Affinities } from './affinity.ts';
import { mayTake, pickWorker, STUCK_MS } from './handing-ahead.ts';
import type { Ledger } from './ledger.ts';
import { PinnedTasks } from './pinned-tasks.ts';
import { poisonedError, type PoisonList } from './poison.ts';
import { lateError, type JobWorker, type ResultSink, type ThreadJob } from './thread-job.ts';

/** A worker that has tasks and begins none for so long, in ms, is held up by what an earlier one left behind. */
const HUNG_MS = 1000;

/** How long the timer of the alarms stays for the next one, in ms. */
const LINGER_MS = 50;

export interface DeskSetting {
  readonly name: string;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly poison: PoisonList;
  readonly concurrency: number;
  readonly lanes: number;
}

/** What the desk tells the others. */
export interface DeskEvents {
  /** Something was handed to a worker: its results are to be fetched. */
  onHanded(): void;
  /** A task that can end early now has a worker. */
  onWatched(job: ThreadJob): void;
  /** A task was accepted that found no free worker. */
  onPressed(): void;
  /** A worker has answered something. */
  onCollected(worker: JobWorker): void;
  /** The only worker that was to run it is gone. */
  onLost(job: ThreadJob): void;
  /** A worker has been handed tasks and begins none of them. */
  onHung(worker: JobWorker): void;
  /** There are fewer tasks than before. */
  onIdle(): void;
}

/**
 * Decides which worker gets which task, and what waits. A worker that has nothing to do gets the next
 * task at once. One that is busy gets tasks ahead, but no more than a millisecond's worth by what such tasks
 * usually take: so that short ones need not wait for a wake-up, and never long behind long ones. When one
 * does, those that have not begun are taken back.
 */
export class Desk implements ResultSink {
  readonly queue: JobQueue<ThreadJob>;
  readonly alarms: Alarms;
  workers: readonly JobWorker[] = [];
  concurrency: number;
  isPaused = false;
  /** How long tasks took lately, in ms: a moving average over about the last eight. */
  recentRunMs: number = Infinity;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #ledger: Ledger;
  readonly #events: DeskEvents;
  readonly #poison: PoisonList;
  readonly #affinities = new Affinities();
  readonly #pinned = new PinnedTasks(() => this.#makeQueue(this.concurrency));
  #queueOptions: ResolvedQueueOptions;
  #pinnedIsNext = true;

  constructor(setting: DeskSetting, queue: ResolvedQueueOptions, events: DeskEvents) {
    this.#name = setting.name;
    this.#clock = setting.clock;
    this.#ledger = setting.ledger;
    this.#poison = setting.poison;
    this.#events = events;
    this.#queueOptions = queue;
    this.concurrency = setting.concurrency;
    const { clock } = setting;
    // What keeps the process alive is the work, not its timeouts.
    const source: TimerSource = {
      nowMs: () => clock.nowMs(),
      schedule: (delayMs, task) => clock.schedule(delayMs, task, { keepAlive: false }),
    };
    this.alarms = new Alarms(source, LINGER_MS);
    this.queue = this.#makeQueue(setting.lanes);
  }

  /** Tasks that wait here, and not with a worker. */
  get waiting(): number {
    return this.queue.size + this.#pinned.size;
  }

  /** Changes nothing when it throws, as for a discipline that cannot be made. */
  update(options: ResolvedQueueOptions): void {
    const changed: JobQueue<ThreadJob>[] = [];
    try {
      for (const queue of [this.queue, ...this.#pinned.all()]) {
        queue.update(options);
        changed.push(queue);
      }
    } catch (mistake) {
      for (const queue of changed) queue.update(this.#queueOptions);
      throw mistake;
    }
    this.#queueOptions = options;
  }

  /**
   * Whether a task would be refused, as the ms until it may be let in; 0: it would not. Without a place to wait
   * only a free worker counts: which tasks may be handed ahead depends on what they are.
   */
  door(job: ThreadJob | undefined, nowMs: number): number {
    if (this.queue.size === 0 && !this.isPaused && this.#pick(Infinity) !== undefined) return 0;
    return this.waiting >= this.queue.capacity ? Infinity : this.queue.door(job, nowMs);
  }

  /**
   * Whether there is neither a place to wait nor a free worker: which tasks may be handed ahead depends on what
   * they are.
   */
  get isFull(): boolean {
    if (this.waiting < this.queue.capacity) return false;
    return this.isPaused || this.#pick(Infinity) === undefined;
  }

  /** Hands a new task to a worker, or has it wait. Returns the refusal where there is no place for it. */
  accept(job: ThreadJob): RejectedError | undefined {
    const worker = this.#workerFor(job);
    if (worker !== undefined) {
      if (worker.outstanding >= this.concurrency) this.#events.onPressed();
      this.#hand(worker, job);
      return undefined;
    }
    this.#events.onPressed();
    const queue = this.#queueFor(job);
    const nowMs = job.deadlineAtMs < Infinity ? this.#clock.nowMs() : job.sinceMs;
    if (this.waiting >= this.queue.capacity) return this.#fullError();
    const waitMs = queue.door(job, nowMs);
    if (waitMs > 0) return queue.refuse(waitMs);
    queue.add(job, nowMs);
    return undefined;
  }

  /** Has a task wait for this worker, even while it starts. Returns the refusal where there is no place for it. */
  acceptFor(worker: JobWorker, job: ThreadJob): RejectedError | undefined {
    if (this.#mayTake(worker, job.kind.costMs) && !this.isPaused) this.#hand(worker, job);
    else if (this.waiting >= this.queue.capacity) return this.#fullError();
    else this.#pinned.of(worker).add(job, job.sinceMs);
    return undefined;
  }

  /** A task that was accepted is to be run by another worker: it goes before those that wait. */
  putBack(job: ThreadJob): void {
    if (job.watch !== undefined) this.alarms.cancel(job.watch);
    this.#queueFor(job).putBack(job);
  }

  /** Takes out a task that waits. False when it does not wait here. */
  remove(job: ThreadJob): boolean {
    return this.queue.remove(job) || this.#pinned.remove(job);
  }

  /** Sends all that wait away. Returns how many. */
  dropAll(error: unknown): number {
    return this.queue.dropAll(error) + this.#pinned.dropAll(error);
  }

  /** The worker takes no more tasks: what it has not begun and what waits for it go to others, in their order. */
  release(worker: JobWorker): void {
    this.#unpin(worker);
    this.takeBackFrom(worker);
    // What this worker alone was to run.
    this.#unpin(worker);
  }

  /** What waited for this worker may go to any. */
  #unpin(worker: JobWorker): void {
    for (const job of this.#pinned.release(worker)) {
      if (job.only === undefined) this.putBack(job);
      else this.#events.onLost(job);
    }
  }

  /** Fetches what the workers have answered, and hands out what waits. Returns how many answers there were. */
  collect(): number {
    let count = 0;
    let nowMs = Number.NaN;
    for (const worker of this.workers) {
      if (worker.outstanding === 0) continue;
      if (Number.isNaN(nowMs)) nowMs = this.#clock.nowMs();
      count += this.#collectFrom(worker, nowMs);
    }
    if (this.waiting > 0) this.refill(Number.isNaN(nowMs) ? this.#clock.nowMs() : nowMs);
    return count;
  }

  /** Finds workers that have begun nothing for so long that something else must hold them up. */
  checkHung(): void {
    const nowMs = this.#clock.nowMs();
    for (const worker of this.workers) {
      const isLate = worker.outstanding > 0 && nowMs - worker.progressMs > HUNG_MS;
      if (isLate && !worker.hasResults() && worker.waiting().length === worker.outstanding)
        this.#events.onHung(worker);
    }
  }

  /** The same of one that has ended. */
  collectLast(worker: JobWorker): void {
    worker.collect(this);
  }

  hasResults(): boolean {
    for (const worker of this.workers) if (worker.hasResults()) return true;
    return false;
  }

  publish(): void {
    for (const worker of this.workers) worker.publish();
  }

  /** Whether some task waits behind another one at a worker, which nobody knows yet to take long. */
  get hasAhead(): boolean {
    return this.workers.some((worker) => worker.outstanding > this.concurrency && !worker.isStuck);
  }

  /** Hands out what waits, as far as there are workers for it. */
  refill(nowMs: number): void {
    if (this.isPaused) return;
    if (!this.#pinned.isEmpty) this.#refillPinned(nowMs);
    while (this.queue.size > 0) {
      if (this.#pick(0) === undefined) return;
      const job = this.queue.take(nowMs);
      if (job === undefined) return;
      const worker = this.#workerFor(job, true);
      if (worker !== undefined) this.#hand(worker, job);
      else if (this.#queueFor(job) !== this.queue) this.#queueFor(job).add(job, nowMs);
      else {
        this.queue.putBack(job);
        return;
      }
    }
  }

  /** A task has left that waited, or that a worker had not begun. */
  onLeft(): void {
    this.refill(this.#clock.nowMs());
    this.#events.onIdle();
  }

  /** Gives up what the worker has not begun, to be run by others. */
  takeBackFrom(worker: JobWorker): void {
    for (const job of worker.waiting().reverse()) {
      if (worker.takeBack(job)) this.putBack(job);
    }
  }

  onResult(job: ThreadJob, value: unknown): void {
    this.#settle(job, true);
    if (job.answer === undefined) {
      this.#ledger.completed++;
      job.resolve(value);
    }
  }

  onFailure(job: ThreadJob, failure: () => unknown): void {
    this.#settle(job, false);
    if (job.answer !== undefined) return;
    this.#ledger.failed++;
    // The error is made in a reaction, where its stack shows who awaits it: in the second one, as the
    // caller's promise follows this one only after the first.
    const later = Promise.resolve().then(() => undefined);
    job.resolve(
      later.then(() => {
        throw failure();
      }),
    );
  }

  #settle(job: ThreadJob, isSuccess: boolean): void {
    const { runMs } = job;
    job.leave?.();
    if (job.watch !== undefined) this.alarms.cancel(job.watch);
    this.#ledger.runTimes.record(runMs);
    this.recentRunMs =
      this.recentRunMs === Infinity ? runMs : this.recentRunMs + (runMs - this.recentRunMs) / 8;
    this.#ledger.waitTimes.record(Math.max(0, job.startedMs - job.sinceMs));
    this.#poison.clear(job);
    if (isSuccess) {
      job.kind.learn(runMs);
      this.queue.learn(job.arrival === 0 ? undefined : job, runMs);
    }
    if (job.answer === 'timeout') this.#ledger.failed++;
    else if (job.answer === 'aborted') this.#ledger.aborted++;
  }

  #collectFrom(worker: JobWorker, nowMs: number): number {
    const count = worker.hasResults() ? worker.collect(this) : 0;
    if (count > 0) {
      worker.progressMs = nowMs;
      worker.isStuck = false;
      this.#events.onCollected(worker);
    } else if (!worker.isStuck && nowMs - worker.progressMs > STUCK_MS) {
      // One that has not begun at all is only waking up.
      worker.isStuck = worker.waiting().length < worker.outstanding;
      if (worker.isStuck && this.workers.length > 1) this.takeBackFrom(worker);
    }
    return count;
  }

  #hand(worker: JobWorker, job: ThreadJob): void {
    if (worker.outstanding === 0) {
      worker.progressMs = job.sinceMs > worker.progressMs ? job.sinceMs : worker.progressMs;
      worker.isStuck = false;
    }
    if (this.#poison.isPoisoned(job)) {
      // Since it was submitted.
      this.#ledger.rejected++;
      job.refuse(poisonedError(this.#name, job));
      return;
    }
    // Since the queue looked: whoever came before may have taken long to read.
    if (job.deadlineAtMs < Infinity && this.#clock.nowMs() >= job.deadlineAtMs)
      return job.drop(lateError(worker));
    try {
      worker.hand(job);
    } catch (error) {
      this.#ledger.failed++;
      job.refuse(error);
      return;
    }
    this.#events.onHanded();
    if (job.isTimed) this.#events.onWatched(job);
  }

  /** The worker that takes this task now. */
  #workerFor(job: ThreadJob, isNext = false): JobWorker | undefined {
    if (this.isPaused) return undefined;
    if (job.affinity !== undefined) return this.#ownerOf(job);
    return isNext || this.queue.size === 0 ? this.#pick(job.kind.costMs) : undefined;
  }

  #ownerOf(job: ThreadJob): JobWorker | undefined {
    const owner = this.#affinities.workerOf(job.affinity as string, this.workers, job.sinceMs);
    if (owner === undefined || this.#pinned.sizeOf(owner) > 0) return undefined;
    return this.#mayTake(owner, job.kind.costMs) ? owner : undefined;
  }

  #queueFor(job: ThreadJob): JobQueue<ThreadJob> {
    if (job.only !== undefined) return this.#pinned.of(job.only);
    if (job.affinity === undefined) return this.queue;
    const owner = this.#affinities.workerOf(job.affinity, this.workers, job.sinceMs);
    if (owner === undefined) return this.queue;
    return this.#pinned.of(owner);
  }

  #pick(costMs: number): JobWorker | undefined {
    return pickWorker(this.workers, this.concurrency, costMs);
  }

  #mayTake(worker: JobWorker, costMs: number): boolean {
    return mayTake(worker, this.concurrency, costMs);
  }

  #refillPinned(nowMs: number): void {
    for (const [worker, pinned] of this.#pinned.queues()) {
      while (pinned.size > 0 && this.#mayTake(worker, 0)) {
        // Neither may keep the other from this worker for ever.
        this.#pinnedIsNext = !this.#pinnedIsNext;
        const queue = this.queue.size === 0 || this.#pinnedIsNext ? pinned : this.queue;
        const job = queue.take(nowMs);
        if (job === undefined) continue;
        if (queue !== pinned && job.affinity !== undefined) this.#queueFor(job).add(job, nowMs);
        else if (this.#mayTake(worker, job.kind.costMs)) this.#hand(worker, job);
        else {
          queue.putBack(job);
          break;
        }
      }
    }
  }

  /** The places to wait are counted over all queues. */
  #fullError(): RejectedError {
    const { capacity, lanes, meanRunMs } = this.queue;
    const waitMs = Number.isNaN(meanRunMs) ? Infinity : Math.max(1, meanRunMs / lanes);
    const hasOne = this.workers.some(({ isReady }) => isReady);
    const why = hasOne ? `all ${lanes} lanes are busy` : 'no worker has started yet';
    const message = `${this.#name}: ${why} and all ${capacity} places to wait are taken`;
    return new QueueFullError(this.#name, message, waitMs);
  }

  #makeQueue(lanes: number): JobQueue<ThreadJob> {
    return new JobQueue({ name: this.#name, alarms: this.alarms, lanes }, this.#queueOptions);
  }
}
