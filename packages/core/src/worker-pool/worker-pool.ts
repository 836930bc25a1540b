import { Alarms, LogLinearHistogram } from '../collections/index.ts';
import {
  CallContext,
  Emitter,
  GateChain,
  MUST_WAIT,
  PoolStoppedError,
  TimeoutError,
  type Clock,
  type ExecuteOptions,
  type GatePolicy,
  type Listener,
  type Outcome,
  type PolicyTraits,
  type RejectedError,
  type Task,
  type WaitingGate,
} from '../core/index.ts';
import { changedQueue, JobQueue, type Newcomer } from '../job-queue/index.ts';
import { LaneJob } from './lane-job.ts';
import {
  resolvePoolOptions,
  resolveStopOptions,
  type ResolvedPoolOptions,
  type StopOptions,
  type StopResult,
  type WorkerPoolEvents,
  type WorkerPoolOptions,
  type WorkerPoolStats,
} from './options.ts';
import { RunningCalls } from './running-calls.ts';

/** The ticket of a direct call, which nothing can end early, so that nothing is remembered of it. */
const DIRECT = 0;

/** How long the timer of the deadlines stays for the next one, in ms. */
const LINGER_MS = 50;

/**
 * Runs tasks on a fixed number of lanes of the event loop, with a bounded queue before them: for work
 * that waits (upstreams, databases). CPU work blocks the loop on any lane. As a policy in a pipeline
 * it is the bulkhead.
 *
 * A call finds a lane, or waits its turn, or is refused at once. `submit` answers its caller on time
 * whatever the task does; `execute` without options hands over the task's own promise, and costs less.
 * O(1) a call (O(log n) with a deadline).
 */
export class WorkerPool implements GatePolicy<WorkerPoolStats>, WaitingGate {
  readonly timed = true;
  readonly name: string;
  readonly clock: Clock;
  /** Time from arrival to lane, and from lane to end, of the calls that ran, in ms. */
  readonly waitTimes: LogLinearHistogram = new LogLinearHistogram();
  readonly runTimes: LogLinearHistogram = new LogLinearHistogram();
  #options: ResolvedPoolOptions;
  readonly #events = new Emitter<WorkerPoolEvents>();
  readonly #chain: GateChain;
  readonly #alarms: Alarms;
  readonly #queue: JobQueue<LaneJob>;
  readonly #running: RunningCalls;
  #active = 0;
  #stopping: Promise<StopResult> | undefined;
  #whenIdle: (() => void)[] = [];

  #submitted = 0;
  #completed = 0;
  #failed = 0;
  #ignored = 0;
  #abandoned = 0;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: WorkerPoolOptions = {}) {
    this.#options = resolvePoolOptions(options);
    this.name = this.#options.name;
    this.clock = this.#options.clock;
    this.#alarms = new Alarms(this.clock, LINGER_MS);
    const { size: lanes, queue } = this.#options;
    this.#queue = new JobQueue({ name: this.name, alarms: this.#alarms, lanes }, queue);
    this.#running = new RunningCalls(this.name, this.#alarms);
    this.#chain = new GateChain(this.name, [this], this.clock);
  }

  get traits(): PolicyTraits {
    return { kind: 'pool' };
  }

  /**
   * Runs `task` when a lane is free. Rejects with the task's error; at once with QueueFullError or
   * PoolStoppedError; with `signal.reason` on abort; and when the deadline passes, with
   * DeadlineExceededError before the task began and TimeoutError after.
   */
  submit<T>(task: Task<T>, options?: ExecuteOptions): Promise<T> {
    return this.#chain.manage(task, options);
  }

  /** As `submit`, or undefined when there is no place or the pool is stopping. Cheaper than a rejection. */
  trySubmit<T>(task: Task<T>, options?: ExecuteOptions): Promise<T> | undefined {
    if (this.#hasLane() || this.#door() === 0) return this.submit(task, options);
    this.#submitted++;
    return undefined;
  }

  /** Runs `task` as a policy: the bulkhead. Without options the promise settles when the task does. */
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T> {
    return this.#chain.execute(task, options);
  }

  /** Changes the number of lanes. More lanes take waiting calls at once; fewer never end a running task. */
  resize(size: number): void {
    this.update({ size });
  }

  /**
   * Changes options live; running and waiting calls stay. `name` and `clock` stay what they are.
   * An option that is undefined goes back to its default.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: Partial<Omit<WorkerPoolOptions, 'name' | 'clock'>>): void {
    const { size: from } = this.#options;
    const { name, clock } = this;
    const changed = { ...this.#options, ...changes, name, clock };
    if ('queue' in changes) changed.queue = changedQueue(this.#options.queue, changes.queue);
    this.#options = resolvePoolOptions(changed);
    this.#queue.lanes = this.#options.size;
    this.#queue.update(this.#options.queue);
    this.#dispatch(this.clock.nowMs());
    const { size: to } = this.#options;
    if (to !== from) this.#events.emit('resize', { from, to });
  }

  /** Resolves when nothing runs or waits. The pool goes on taking calls meanwhile. */
  drain(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /**
   * Refuses new calls from now on, and lets those accepted finish within `timeoutMs`. Then refuses the
   * waiting ones with PoolStoppedError and answers the running ones with TimeoutError, aborting their
   * signals; tasks that do not end by that are given up. No timer and no listener is left.
   * Never rejects; asked again, it answers the same. @throws InvalidOptionsError
   */
  stop(options: StopOptions = {}): Promise<StopResult> {
    const { timeoutMs } = resolveStopOptions(options);
    this.#stopping ??= this.#stop(timeoutMs);
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  on<K extends keyof WorkerPoolEvents>(
    event: K,
    listener: Listener<WorkerPoolEvents[K]>,
  ): () => void {
    return this.#events.on(event, listener);
  }

  stats(): WorkerPoolStats {
    const ran = this.#completed + this.#failed + this.#ignored + this.#abandoned;
    return {
      size: this.#options.size,
      active: this.#active,
      queued: this.#queue.size,
      queueCapacity: this.#queue.capacity,
      submitted: this.#submitted,
      completed: this.#completed,
      failed: this.#failed,
      ignored: this.#ignored,
      rejected: this.#submitted - ran - this.#active - this.#queue.size,
      abandoned: this.#abandoned,
    };
  }

  /** The gate's entry: a lane, a place in the queue, or the ms until one is likely to be free. */
  enter(nowMs: number, _cost = 1, options?: ExecuteOptions): number {
    this.#submitted++;
    if (this.#hasLane()) {
      this.waitTimes.record(0);
      return this.#occupy(options instanceof CallContext ? options : undefined, nowMs);
    }
    return this.#door(options, nowMs) || MUST_WAIT;
  }

  peek(): number {
    return this.#hasLane() ? 0 : this.#door() || MUST_WAIT;
  }

  wait(context: CallContext): Promise<number> {
    return new LaneJob(context, this.clock.nowMs(), this.#queue).wait(this.#queue);
  }

  exit(ticket: number, outcome: Outcome, nowMs: number, durationMs: number): void {
    if (ticket === DIRECT) {
      this.#count(outcome);
    } else {
      const context = this.#running.remove(ticket);
      if (context === undefined) return;
      // What became of a call is what its caller was told, whatever its task did after that.
      this.#count(context.aborted ? toldOutcome(context.reason) : outcome);
    }
    if (outcome === 'success') this.#running.learn(durationMs);
    this.#queue.learn(undefined, durationMs);
    this.runTimes.record(durationMs);
    this.#free(nowMs);
  }

  refuse(waitMs: number): RejectedError {
    if (this.#stopping) return this.#stoppedError();
    return this.#queue.refuse(waitMs);
  }

  /** The caller was answered, the task goes on: it keeps its lane, but not for ever. */
  overdue(ticket: number, nowMs: number): number {
    const { abandonAfterMs: afterMs } = this.#options;
    this.#running.waitFor(ticket, nowMs + afterMs, () => this.#abandon(afterMs));
    return ticket;
  }

  /** Nobody waits while a lane is free, so whoever finds one overtakes nobody. */
  #hasLane(): boolean {
    return this.#active < this.#options.size && !this.#stopping;
  }

  /** Whether a call may wait: 0, or the ms until one may. */
  #door(call?: Newcomer, nowMs?: number): number {
    return this.#stopping ? Infinity : this.#queue.door(call, nowMs);
  }

  #occupy(context: CallContext | undefined, nowMs: number): number {
    this.#active++;
    return context === undefined ? DIRECT : this.#running.add(context, nowMs);
  }

  #count(outcome: Outcome): void {
    if (outcome === 'success') this.#completed++;
    else if (outcome === 'failure') this.#failed++;
    else this.#ignored++;
  }

  #abandon(afterMs: number): void {
    this.#abandoned++;
    this.#free(this.clock.nowMs());
    this.#events.emit('abandoned', { afterMs });
  }

  #free(nowMs: number): void {
    this.#active--;
    this.#dispatch(nowMs);
    this.#tellIfIdle();
  }

  #dispatch(nowMs: number): void {
    while (this.#queue.size > 0 && this.#active < this.#options.size) {
      const job = this.#queue.take(nowMs);
      if (job === undefined) return;
      this.waitTimes.record(Math.max(0, nowMs - job.sinceMs));
      job.admit(this.#occupy(job.context, nowMs));
    }
  }

  #isIdle(): boolean {
    return this.#active === 0 && this.#queue.size === 0;
  }

  #tellIfIdle(): void {
    if (this.#whenIdle.length === 0 || !this.#isIdle()) return;
    const waiters = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of waiters) resolve();
  }

  async #stop(timeoutMs: number): Promise<StopResult> {
    const isDone = await this.#drainWithin(timeoutMs);
    const result = isDone ? { refused: 0, ended: 0, running: 0 } : await this.#endAll(timeoutMs);
    this.#alarms.rest();
    this.#events.emit('stop', result);
    return result;
  }

  /** Whether all was done in time. */
  #drainWithin(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel =
        timeoutMs === Infinity
          ? () => undefined
          : this.clock.schedule(timeoutMs, () => resolve(false));
      void this.drain().then(() => {
        cancel();
        resolve(true);
      });
    });
  }

  /** Does away with what is not done. */
  async #endAll(timeoutMs: number): Promise<StopResult> {
    const refused = this.#queue.dropAll(this.#stoppedError());
    const message = `${this.name}: the pool stopped before the task was done`;
    const ended = this.#running.endAll(message, timeoutMs);
    // A turn of the event loop for the tasks that heed their signal.
    await new Promise<void>((resolve) => this.clock.schedule(0, resolve));
    const running = this.#active;
    const givenUp = this.#running.clear();
    this.#abandoned += givenUp;
    this.#active -= givenUp;
    this.#tellIfIdle();
    return { refused, ended, running };
  }

  #stoppedError(): PoolStoppedError {
    return new PoolStoppedError(this.name, `${this.name}: the pool is stopping and takes no calls`);
  }
}

/** What a caller was told who was answered before the task ended. */
function toldOutcome(reason: unknown): Outcome {
  return reason instanceof TimeoutError ? 'failure' : 'ignored';
}
