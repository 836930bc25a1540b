import { Alarms, type LogLinearHistogram } from '../collections/index.ts';
import {
  Emitter,
  InvalidOptionsError,
  MUST_WAIT,
  plainContext,
  shown,
  type CallContext,
  type Clock,
  type ExecuteOptions,
  type GatePolicy,
  type Listener,
  type Outcome,
  type PolicyTraits,
  type RejectedError,
  type Task,
  type TaskContext,
  type WaitingGate,
} from '../core/index.ts';
import {
  changedQueue,
  PoolMap,
  resolveStopOptions,
  type MapOptions,
  type MapPort,
  type MapSource,
  type Pool,
  type StopOptions,
  type StopResult,
  type SubmitOptions,
} from '../job-queue/index.ts';
import { jobWith } from './call-options.ts';
import { DirectCalls } from './direct-calls.ts';
import { Dispatcher } from './dispatcher.ts';
import { GateCalls } from './gate-calls.ts';
import { LaneJob } from './lane-job.ts';
import {
  resolvePoolOptions,
  type WorkerPoolEvents,
  type WorkerPoolOptions,
  type WorkerPoolStats,
} from './options.ts';
import { Stopping } from './stopping.ts';

/** How long the timer of the deadlines stays for the next one, in ms. */
const LINGER_MS = 50;

/**
 * Runs tasks on a number of lanes of the event loop, with a bounded queue before them: for work that waits
 * (upstreams, databases). CPU work blocks the loop on any lane. As a policy in a pipeline it is the
 * bulkhead.
 *
 * A call finds a lane, or waits its turn, or is refused at once. `submit` answers its caller on time
 * whatever the task does; `execute` without options that finds a lane hands over the task's own promise, and
 * costs less. O(1) a call (O(log n) with a deadline or a timeout).
 *
 * @example
 * const pool = new WorkerPool({ size: 10, queue: 1000 });
 * const answer = await pool.submit(async ({ signal }) => 'done', { timeoutMs: 500 });
 */
export class WorkerPool
  implements Pool<Task<unknown>, WorkerPoolEvents>, GatePolicy<WorkerPoolStats>, WaitingGate
{
  readonly timed = true;
  readonly name: string;
  readonly clock: Clock;
  readonly #events = new Emitter<WorkerPoolEvents>();
  readonly #alarms: Alarms;
  readonly #lanes: Dispatcher;
  readonly #direct: DirectCalls;
  readonly #gates: GateCalls;
  #stopping: Stopping | undefined;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: WorkerPoolOptions = {}) {
    const resolved = resolvePoolOptions(options);
    this.name = resolved.name;
    this.clock = resolved.clock;
    this.#alarms = new Alarms(this.clock, LINGER_MS);
    this.#lanes = new Dispatcher(resolved, this.#alarms, (afterMs) =>
      this.#events.emit('abandoned', { afterMs }),
    );
    this.#direct = new DirectCalls(this.#lanes);
    this.#gates = new GateCalls(this.#lanes);
  }

  get traits(): PolicyTraits {
    return { kind: 'pool' };
  }

  /**
   * Time from arrival to lane of the calls that got one, in ms. Where calls come very densely a sample stands for
   * all, see {@link WorkerPool.runTimes}.
   */
  get waitTimes(): LogLinearHistogram {
    return this.#lanes.times.waits;
  }

  /**
   * Time from lane to end of the calls that ran, in ms. Up to 100,000 calls a second each is timed; above that one
   * in 31 of those without options, which counts for the others. The first 1000 are timed in any case.
   */
  get runTimes(): LogLinearHistogram {
    return this.#lanes.times.runs;
  }

  /**
   * Runs `task` when a lane is free. Rejects with the task's error; at once with QueueFullError or another
   * refusal, that says when to come back where it is known; with `signal.reason` on abort; when the deadline
   * passes, with DeadlineExceededError before the task began and TimeoutError after; and with TimeoutError when
   * the task has run for `timeoutMs`.
   */
  submit<T>(task: Task<T>, options?: SubmitOptions): Promise<T> {
    return this.#call(task, options, 'rejects') as Promise<T>;
  }

  /** As `submit`, or undefined where the call would be refused. Cheaper than a rejection. */
  trySubmit<T>(task: Task<T>, options?: SubmitOptions): Promise<T> | undefined {
    return this.#call(task, options, 'answers') as Promise<T> | undefined;
  }

  /**
   * Runs `task` for each item of `source`, and gives the results: in the order of the source, unless
   * `ordered` is false. Pulls items only as lanes and places allow, and waits where others fill the pool. The
   * first error ends it, and so does leaving the loop: no more is pulled, what runs is aborted, the source is closed.
   * @throws InvalidOptionsError
   */
  map<I, T>(
    source: MapSource<I>,
    task: (item: I, context: TaskContext) => PromiseLike<T> | T,
    options?: MapOptions,
  ): AsyncIterableIterator<T, undefined> {
    const taskFor =
      typeof task === 'function' &&
      ((item: I): Task<T> =>
        (context) =>
          task(item, context));
    return new PoolMap<I, Task<T>, T>(
      this.#mapPort(),
      source,
      taskFor as (item: I) => Task<T>,
      options,
    );
  }

  /** Runs `task` as a policy: the bulkhead. Without options and on a free lane the promise settles when the task does. */
  execute<T>(task: Task<T>, options?: SubmitOptions): Promise<T> {
    const isPlain = options === undefined || options === plainContext;
    if (isPlain && this.#lanes.hasLane && typeof task === 'function') return this.#direct.run(task);
    return this.#call(task, options, 'rejects') as Promise<T>;
  }

  /**
   * Calls `listener` once, when next a call finds no lane, unless the returned function was called
   * before. For the autoscaler.
   */
  whenPressed(listener: () => void): () => void {
    return this.#lanes.watchers.add(listener);
  }

  /** Changes the number of lanes. More lanes take waiting calls at once; fewer never end a running task. */
  resize(size: number): void {
    this.update({ size });
  }

  /**
   * Begins no more tasks until `resume`: those that run go on, calls wait as far as there is room, and their
   * deadlines and signals hold. Idempotent; without effect on a pool that is stopping.
   */
  pause(): void {
    if (this.#lanes.state !== 'running') return;
    this.#lanes.state = 'paused';
    this.#events.emit('pause', undefined);
  }

  /** Gives the free lanes to those who wait, at once. Idempotent. */
  resume(): void {
    if (this.#lanes.state !== 'paused') return;
    this.#lanes.state = 'running';
    this.#events.emit('resume', undefined);
  }

  /**
   * Changes options live; running and waiting calls stay. `name` and `clock` stay what they are.
   * An option that is undefined goes back to its default; a number as `queue` changes its places alone.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: Partial<Omit<WorkerPoolOptions, 'name' | 'clock'>>): void {
    const { name, clock } = this;
    const { size: from, queue } = this.#lanes.options;
    const changed = { ...this.#lanes.options, ...changes, name, clock };
    if ('queue' in changes) changed.queue = changedQueue(queue, changes.queue);
    this.#lanes.options = resolvePoolOptions(changed);
    const { size: to } = this.#lanes.options;
    if (to !== from) this.#events.emit('resize', { from, to });
  }

  /**
   * Resolves when nothing runs or waits. The pool goes on taking calls meanwhile. While it is paused, what
   * waits keeps it waiting.
   */
  drain(): Promise<void> {
    return this.#lanes.untilIdle();
  }

  /**
   * Refuses new calls from now on, and lets those accepted finish within `timeoutMs`. Then refuses the
   * waiting ones with PoolStoppedError and answers the running ones with TimeoutError, aborting their
   * signals; tasks that do not end by that are given up. No timer and no listener is left. `reject` does
   * away with what waits, or with all, at once. A paused pool goes on, to be done.
   * Never rejects; asked again, it answers the same, and `reject` may hurry it. @throws InvalidOptionsError
   */
  stop(options: StopOptions = {}): Promise<StopResult> {
    const { timeoutMs, reject } = resolveStopOptions(options);
    if (this.#stopping === undefined) {
      this.#stopping = new Stopping(this.#lanes, (result) => {
        this.#alarms.rest();
        this.#events.emit('stop', result);
      });
      this.#stopping.begin(timeoutMs, reject);
    } else {
      this.#stopping.hurry(reject);
    }
    return this.#stopping.result;
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
    const { state, options, active, queue, tally } = this.#lanes;
    return {
      state: this.#stopping?.isDone === true ? 'stopped' : state,
      size: options.size,
      active,
      queued: queue.size,
      queueCapacity: queue.capacity,
      ...tally.read(),
    };
  }

  /** The gate's entry: a lane, a place in the queue, or the ms until one is likely to be free. */
  enter(nowMs: number, _cost = 1, options?: ExecuteOptions): number {
    if (this.#lanes.hasLane) return this.#gates.enter(nowMs, options);
    this.#lanes.tellPressed();
    const waitMs = this.#lanes.door(options, nowMs);
    if (waitMs === 0) return MUST_WAIT;
    this.#lanes.tally.submitted();
    this.#lanes.turnAway(waitMs);
    return waitMs;
  }

  peek(nowMs: number = Number.NaN, _cost = 1, options?: ExecuteOptions): number {
    return this.#lanes.hasLane ? 0 : this.#lanes.door(options, nowMs) || MUST_WAIT;
  }

  wait(context: CallContext): Promise<number> {
    return this.#gates.wait(context);
  }

  exit(ticket: number, outcome: Outcome, nowMs: number, durationMs: number): void {
    this.#gates.exit(ticket, outcome, nowMs, durationMs);
  }

  refuse(waitMs: number): RejectedError {
    return this.#lanes.refuse(waitMs);
  }

  /** The caller was answered, the task goes on: it keeps its lane, but not for ever. */
  overdue(ticket: number, nowMs: number): number {
    return this.#gates.overdue(ticket, nowMs);
  }

  #call(
    task: Task<unknown>,
    options: SubmitOptions | undefined,
    refusal: 'rejects' | 'answers',
  ): Promise<unknown> | undefined {
    const lanes = this.#lanes;
    if (refusal === 'answers' && lanes.isFull) {
      lanes.tellPressed();
      lanes.tally.submitted();
      lanes.tally.count('rejected');
      return undefined;
    }
    try {
      if (typeof task !== 'function') throw noTask(this.name, task);
      const isPlain = options === undefined || options === plainContext;
      const job = isPlain ? new LaneJob(lanes, task, undefined) : jobWith(lanes, task, options);
      const nowMs = lanes.timeOf(job);
      const told = lanes.tooLate(job, nowMs);
      if (told !== undefined) return Promise.reject(told.reason);
      const promise = job.promise();
      const refused = lanes.send(job, nowMs);
      if (refused === undefined) return promise;
      job.close();
      return refusal === 'answers' ? undefined : Promise.reject(refused);
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  #mapPort(): MapPort<Task<unknown>> {
    const lanes = this.#lanes;
    const submit = this.submit.bind(this);
    return {
      name: this.name,
      get size() {
        return lanes.options.size;
      },
      get concurrency() {
        return lanes.options.size;
      },
      get queueCapacity() {
        return lanes.queue.capacity;
      },
      get hasRoom() {
        return lanes.mayTake;
      },
      onRoom: (wake) => lanes.seekers.add(wake),
      submit,
    };
  }
}

function noTask(name: string, task: unknown): InvalidOptionsError {
  const problem = { option: 'task', expected: 'a function', got: shown(task) };
  return new InvalidOptionsError(name, [problem]);
}
