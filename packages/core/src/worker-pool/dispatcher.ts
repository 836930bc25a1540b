import type { Alarms } from '../collections/index.ts';
import {
  DeadlineExceededError,
  isThenable,
  warn,
  PoolStoppedError,
  type Clock,
  type Outcome,
  type RejectedError,
  type TimeoutError,
} from '../core/index.ts';
import { JobQueue, type Newcomer } from '../job-queue/index.ts';
import { CallTimes } from './call-times.ts';
import { LaneContext } from './lane-context.ts';
import type { JobOwner, LaneJob } from './lane-job.ts';
import { Lane } from './lane.ts';
import { Lanes, type LaneKeeper } from './lanes.ts';
import type { ResolvedPoolOptions } from './options.ts';
import { fateOf, Tally, toldFate, waitingFate, type Fate } from './tally.ts';
import { Waiters } from './waiters.ts';

/**
 * Gives lanes to calls: who comes, who waits, who is next, and what has become of each. A job is in the queue,
 * on a lane, or gone, and settled exactly once. It starts nothing but the tasks and the timer of its alarms.
 */
export class Dispatcher implements JobOwner, LaneKeeper {
  readonly name: string;
  readonly clock: Clock;
  readonly tally: Tally = new Tally();
  readonly times: CallTimes = new CallTimes();
  readonly queue: JobQueue<LaneJob>;
  readonly lanes: Lanes;
  /** Those who wait until nothing runs or waits, and those who wait for a place. */
  readonly idlers: Waiters = new Waiters();
  readonly seekers: Waiters = new Waiters();
  /** Those who want to know when a call finds no lane. */
  readonly watchers: Waiters = new Waiters();
  readonly #onAbandoned: (afterMs: number) => void;
  readonly #freeLanes: Lane[] = [];
  #options: ResolvedPoolOptions;
  #active = 0;
  #state: 'running' | 'paused' | 'stopping' = 'running';
  /** Lanes that a newcomer may find free. */
  #open: number;
  #isDispatching = false;
  readonly #run = (job: LaneJob): void =>
    this.#runOn(this.#freeLanes.pop() ?? this.#newLane(), job);

  constructor(
    options: ResolvedPoolOptions,
    alarms: Alarms,
    onAbandoned: (afterMs: number) => void,
  ) {
    const { name, clock, size, queue } = options;
    this.name = name;
    this.clock = clock;
    this.#options = options;
    this.#open = size;
    this.#onAbandoned = onAbandoned;
    this.queue = new JobQueue({ name, alarms, lanes: size }, queue);
    this.lanes = new Lanes(name, alarms, this);
  }

  get options(): ResolvedPoolOptions {
    return this.#options;
  }

  /** New lanes go to waiting calls at once. */
  set options(options: ResolvedPoolOptions) {
    // First, as a discipline that cannot be made throws.
    this.queue.update(options.queue);
    this.queue.lanes = options.size;
    this.#options = options;
    this.#reopen();
  }

  get state(): 'running' | 'paused' | 'stopping' {
    return this.#state;
  }

  set state(state: 'running' | 'paused' | 'stopping') {
    this.#state = state;
    this.#reopen();
  }

  /** Lanes in use. */
  get active(): number {
    return this.#active;
  }

  /** Nobody waits while a lane is free, so whoever finds one overtakes nobody. */
  get hasLane(): boolean {
    return this.#active < this.#open;
  }

  /** Whether a call would find neither a lane nor a place. */
  get isFull(): boolean {
    return !this.hasLane && (this.queue.full || this.#state === 'stopping');
  }

  /** Whether a call would be taken, or refused for what waiting for a place does not change. */
  get mayTake(): boolean {
    return !this.isFull || this.#state === 'stopping';
  }

  get isIdle(): boolean {
    return this.#active === 0 && this.queue.size === 0;
  }

  untilIdle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => void this.idlers.add(resolve));
  }

  /** When the call came, on the clock; NaN for one that is not to be timed. */
  timeOf(job: LaneJob): number {
    if (job.context === undefined && !this.times.isDue()) {
      return this.queue.timed ? this.clock.nowMs() : Number.NaN;
    }
    const nowMs = this.clock.nowMs();
    if (job.context === undefined) this.times.came(nowMs);
    return nowMs;
  }

  /** Why the call need not begin: its caller has left, or its time is over. It takes no place then, nor counts. */
  tooLate(job: LaneJob, nowMs: number): { readonly reason: unknown } | undefined {
    const { context } = job;
    if (context === undefined) return undefined;
    if (context.aborted) return { reason: context.reason };
    if (context.deadlineAtMs > nowMs) return undefined;
    job.close();
    const message = `${this.name}: the deadline passed before the work began`;
    return { reason: new DeadlineExceededError(this.name, message) };
  }

  /** A call has found no lane. */
  tellPressed(): void {
    if (this.watchers.any) this.watchers.wakeAll();
  }

  /** Whether a call may wait: 0, or the ms until one like it may. */
  door(newcomer?: Newcomer, nowMs?: number): number {
    if (this.#state === 'stopping') return Infinity;
    const waitMs = this.queue.door(newcomer, nowMs);
    // Nobody knows when a pause ends.
    return waitMs > 0 && this.#state === 'paused' ? Infinity : waitMs;
  }

  /** The error for the refusal that `door` answered last, with what it answered. */
  refuse(waitMs: number): RejectedError {
    if (this.#state === 'stopping') return this.stoppedError();
    return this.queue.refuse(waitMs);
  }

  stoppedError(): PoolStoppedError {
    return new PoolStoppedError(this.name, `${this.name}: the pool is stopping and takes no calls`);
  }

  /** Counts a refusal by `door`, and returns its error. */
  turnAway(waitMs: number): RejectedError {
    const error = this.refuse(waitMs);
    this.tally.count(refusalFate(error));
    return error;
  }

  /** A call that needs no job takes a lane. */
  occupy(): void {
    this.#active++;
    this.tally.submitted();
    this.times.hadLane();
  }

  /** A call without a job has ended. */
  vacate(fate: Fate, runMs: number, nowMs: number): void {
    this.tally.count(fate);
    this.#learn(undefined, runMs);
    this.#free(nowMs);
  }

  /** The same for one that went well and was not timed. */
  vacateWell(): void {
    this.tally.completed();
    this.times.ranUntimed();
    this.#free(Number.NaN);
  }

  /** The job takes a lane, or waits, or is refused; then the error is returned. */
  send(job: LaneJob, nowMs: number): RejectedError | undefined {
    this.tally.submitted();
    if (this.hasLane) {
      this.times.hadLane();
      if (job.context) job.heedAbort();
      this.#begin(job, nowMs);
      return undefined;
    }
    this.tellPressed();
    const waitMs = this.door(job.context, nowMs);
    if (waitMs > 0) return this.turnAway(waitMs);
    job.keepScope();
    this.enqueue(job, nowMs);
    return undefined;
  }

  enqueue(job: LaneJob, nowMs: number): void {
    job.sinceMs = nowMs;
    try {
      this.queue.add(job, nowMs);
    } catch (mistake) {
      this.tally.count('rejected');
      job.close();
      throw mistake;
    }
    if (job.context) job.heedAbort();
  }

  /** Gives a lane to the job. */
  place(job: LaneJob, nowMs: number): void {
    this.#active++;
    this.lanes.add(job, nowMs);
  }

  #begin(job: LaneJob, nowMs: number): void {
    this.place(job, nowMs);
    if (job.task === undefined) job.resolve(job.ticket);
    else job.runIn(this.#run);
  }

  /** The task of a job has ended, unless it had been given up before. */
  end(job: LaneJob, outcome: Outcome, nowMs: number, runMs: number = ranFor(job, nowMs)): void {
    if (job.state === 'gone') return;
    // What became of a call is what its caller was told, whatever its task did after that.
    const wasTold = job.state === 'overdue' || (job.task === undefined && job.context?.aborted);
    this.tally.count(wasTold ? toldFate(job.context?.reason) : fateOf(outcome));
    if (outcome === 'success' && !Number.isNaN(runMs)) this.lanes.learn(runMs);
    this.#leave(job);
    this.#learn(job, runMs);
    this.#free(nowMs);
  }

  /** The caller was answered, the task goes on: it keeps its lane, but not for ever. */
  keepFor(job: LaneJob, nowMs: number): void {
    this.lanes.waitFor(job, nowMs, this.#options.abandonAfterMs);
  }

  endEarly(job: LaneJob, error: TimeoutError): void {
    if (job.task !== undefined) this.#answer(job, error);
    job.context?.abort(error);
  }

  abandon(job: LaneJob, afterMs: number): void {
    this.giveUp(job);
    this.#onAbandoned(afterMs);
  }

  /** Takes the lane from a job whose task does not end. */
  giveUp(job: LaneJob): void {
    this.tally.abandoned();
    this.tally.count(toldFate(job.context?.reason));
    this.#leave(job);
    this.#free(Number.NaN);
  }

  dropped(job: LaneJob, error: unknown): void {
    this.tally.count(refusalFate(error));
    this.#sendAway(job, error);
  }

  aborted(job: LaneJob, reason: unknown): void {
    if (job.state === 'running') {
      // A call of a pipeline is answered by that.
      if (job.task !== undefined) this.#answer(job, reason);
    } else if (job.state === 'waiting' && this.queue.remove(job)) {
      this.tally.count(waitingFate(reason));
      this.#sendAway(job, reason);
    }
  }

  #reopen(): void {
    this.#open = this.#state === 'running' ? this.#options.size : 0;
    this.#dispatch(Number.NaN);
    this.#tellWaiters();
  }

  #newLane(): Lane {
    return new Lane((lane, outcome) => this.#ended(lane, outcome));
  }

  #runOn(lane: Lane, job: LaneJob): void {
    lane.job = job;
    const context = (job.context ??= new LaneContext(this.clock, job));
    let result;
    try {
      result = (job.task as NonNullable<LaneJob['task']>)(context);
      if (isThenable(result)) {
        // The second `then` is of the promise's own functions: by them an error's stack finds its async caller.
        Promise.resolve(result).then(lane.succeed, lane.fail).then(job.resolve, job.reject);
        return;
      }
    } catch (error) {
      lane.threw(error);
      job.reject(error);
      return;
    }
    lane.succeed(result);
    job.resolve(result);
  }

  #ended(lane: Lane, outcome: Outcome): void {
    const job = lane.job as LaneJob;
    lane.job = undefined;
    // A lane whose job was abandoned is not used again before that has ended.
    if (this.#freeLanes.length < this.#options.size) this.#freeLanes.push(lane);
    this.end(job, outcome, isTimed(job) ? this.clock.nowMs() : Number.NaN);
  }

  /** Answers the caller of a job that runs. */
  #answer(job: LaneJob, reason: unknown): void {
    if (job.state !== 'running') return;
    this.keepFor(job, this.clock.nowMs());
    job.close();
    job.reject(reason);
  }

  #sendAway(job: LaneJob, error: unknown): void {
    job.state = 'gone';
    job.close();
    job.reject(error);
    this.#tellWaiters();
  }

  #leave(job: LaneJob): void {
    this.lanes.remove(job);
    job.close();
  }

  #learn(job: LaneJob | undefined, runMs: number): void {
    this.times.ran(runMs);
    if (Number.isNaN(runMs)) return;
    try {
      this.queue.learn(job, runMs);
    } catch (mistake) {
      warn(mistake);
    }
  }

  #free(nowMs: number): void {
    this.#active--;
    if (this.queue.size > 0) this.#dispatch(nowMs);
    this.#tellWaiters();
  }

  /** Gives the free lanes to those who wait. */
  #dispatch(knownMs: number): void {
    // A task that ends at once comes by here again: its lane is for the loop under way.
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    const { queue } = this;
    let nowMs = knownMs;
    try {
      while (queue.size > 0 && this.#state !== 'paused' && this.#active < this.#options.size) {
        if (Number.isNaN(nowMs) && queue.timed) nowMs = this.clock.nowMs();
        const job = queue.take(nowMs);
        if (job === undefined) break;
        const wasTimed = !Number.isNaN(job.sinceMs);
        if (wasTimed && Number.isNaN(nowMs)) nowMs = this.clock.nowMs();
        this.times.waited(wasTimed ? nowMs - job.sinceMs : Number.NaN);
        this.#begin(job, wasTimed ? nowMs : Number.NaN);
        // The task may have taken its time before it went on asynchronously.
        nowMs = Number.NaN;
      }
    } catch (mistake) {
      // Of a discipline. It belongs to nobody's call: least of all to the one that freed the lane.
      warn(mistake);
    } finally {
      this.#isDispatching = false;
    }
  }

  #tellWaiters(): void {
    if (this.idlers.any && this.isIdle) this.idlers.wakeAll();
    if (this.seekers.any && this.mayTake) this.seekers.wakeAll();
  }
}

function isTimed({ startMs = Number.NaN }: LaneJob): boolean {
  return !Number.isNaN(startMs);
}

function ranFor({ startMs = Number.NaN }: LaneJob, nowMs: number): number {
  return nowMs - startMs;
}

function refusalFate(error: unknown): Fate {
  return error instanceof DeadlineExceededError ? 'expired' : 'rejected';
}
