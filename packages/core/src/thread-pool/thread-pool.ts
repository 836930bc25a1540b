import type { LogLinearHistogram } from '../collections/index.ts';
import {
  Emitter,
  InvalidOptionsError,
  PoolStoppedError,
  TimeoutError,
  WorkerCrashedError,
  shown,
  usableCpus,
  type Clock,
  type Listener,
  type Policy,
  type PolicyTraits,
} from '../core/index.ts';
import {
  changedQueue,
  PoolMap,
  resolveStopOptions,
  type MapOptions,
  type MapSource,
  type Pool,
  type ResolvedStopOptions,
  type StopOptions,
  type StopResult,
} from '../job-queue/index.ts';
import type { CallArguments, JobCall, JobCalls, ThreadTask } from './calls.ts';
import { Crew } from './crew.ts';
import { Desk } from './desk.ts';
import { InlineJobs } from './inline-jobs.ts';
import { JobKinds, type JobKind } from './job-kinds.ts';
import type { InputOf, Job, JobName, JobsOf, ResultOf } from './job-types.ts';
import type { JobWorker, WorkerEvents } from './job-worker.ts';
import { Ledger } from './ledger.ts';
import {
  resolveThreadPoolOptions,
  type ResolvedThreadPoolOptions,
  type RunOptions,
  type ThreadPoolChanges,
  type ThreadPoolEvents,
  type ThreadPoolOptions,
  type ThreadPoolStats,
} from './options.ts';
import { PoisonList } from './poison.ts';
import { Reception } from './reception.ts';
import { Lobby } from './shared/lobby.ts';
import { statsOf } from './stats.ts';
import { Supervisor } from './supervisor.ts';
import { specify, type Specifier } from './task-options.ts';
import { ThreadJob } from './thread-job.ts';
import { workerMaker } from './worker-maker.ts';

/**
 * Runs CPU work on worker threads, with a bounded queue before them. A job is a function that a module
 * exports, or an inline function that captures nothing; its input and its result cross as structured clone
 * would carry them. For work that waits take a {@link WorkerPool}.
 *
 * A task that is refused, times out, is aborted, or whose worker dies, settles as such; no other one is
 * touched. O(1) a task (O(log n) with a deadline or timeout).
 */
export class ThreadPool<Module = object>
  implements Pool<ThreadTask, ThreadPoolEvents>, Policy<ThreadPoolStats>, Specifier
{
  readonly name: string;
  readonly clock: Clock;
  /** Every job as a function: `pool.call.resize(input, options)`. */
  readonly call: JobCalls<Module>;
  #options: ResolvedThreadPoolOptions;
  readonly #module: string | undefined;
  readonly #events = new Emitter<ThreadPoolEvents>();
  readonly #ledger = new Ledger();
  readonly #kinds: JobKinds;
  readonly #inline: InlineJobs;
  readonly #poison = new PoisonList();
  readonly #desk: Desk;
  readonly #reception: Reception;
  readonly #supervisor: Supervisor;
  readonly #crew: Crew;
  readonly #roomWaiters = new Set<() => void>();
  #stopping: Promise<StopResult> | undefined;
  #hasStopped = false;
  #whenIdle: (() => void)[] = [];

  /**
   * @param module URL of the module whose functions are the jobs; none for inline jobs alone
   * @throws InvalidOptionsError naming every option that is wrong.
   */
  constructor(module?: URL | string, options?: ThreadPoolOptions);
  constructor(options?: ThreadPoolOptions);
  constructor(first?: URL | string | ThreadPoolOptions, second: ThreadPoolOptions = {}) {
    const isModule = first === undefined || first instanceof URL || typeof first === 'string';
    const options = isModule ? second : first;
    this.#options = resolveThreadPoolOptions(options);
    this.#module = isModule && first !== undefined ? hrefOf(this.#options.name, first) : undefined;
    const { name, clock, size, random, queue } = this.#options;
    this.name = name;
    this.clock = clock;
    this.#kinds = new JobKinds(name);
    this.#inline = new InlineJobs(this.#kinds);
    const ledger = this.#ledger;
    const concurrency = this.#options.concurrencyPerThread;
    const lanes = size * concurrency;
    const lobby = new Lobby();
    this.#desk = new Desk({ name, clock, ledger, concurrency, lanes }, queue, {
      onHanded: () => this.#reception.flushSoon(),
      onWatched: (job) => this.#supervisor.watch(job),
      onCollected: (worker) => this.#onCollected(worker),
      onLost: (job) => this.#onLost(job),
      onIdle: () => this.#onChange(),
    });
    const desk = this.#desk;
    this.#reception = new Reception({
      clock,
      lobby,
      desk,
      cpus: usableCpus(),
      keepAlive: this.#options.keepAlive,
      live: () => ledger.live,
      onIdle: () => this.#tellIfIdle(),
    });
    this.#supervisor = new Supervisor({
      name,
      clock,
      desk,
      ledger,
      graceMs: () => this.#options.graceMs,
      onStubborn: (worker) => this.#crew.condemn(worker),
    });
    const make = workerMaker({ clock, lobby, kinds: this.#kinds, module: this.#module });
    const create = (its: string, events: WorkerEvents): JobWorker =>
      make(its, this.#options, events);
    const poison = this.#poison;
    this.#crew = new Crew(
      {
        name, clock, random, desk, ledger, poison, create,
        onReady: (exports) => this.#kinds.learnExports(exports),
        onCrash: (worker, cause) => this.#events.emit('crash', { worker, cause }),
        onChange: () => this.#onChange(),
      },
      this.#options,
    );
    this.call = this.#calls();
    this.#crew.fill();
  }

  get traits(): PolicyTraits {
    return { kind: 'pool' };
  }

  get carry(): (() => unknown) | undefined {
    return this.#options.carry;
  }

  /** Time from arrival to start, and from start to end, of the tasks that ran, in ms. */
  get waitTimes(): LogLinearHistogram {
    return this.#ledger.waitTimes;
  }

  get runTimes(): LogLinearHistogram {
    return this.#ledger.runTimes;
  }

  /**
   * Runs a job of the module on a worker. Rejects with what the job throws, with both stacks; at once with
   * QueueFullError, PoolStoppedError or InvalidOptionsError; with `signal.reason` on abort; with
   * DeadlineExceededError or TimeoutError when it is late; with WorkerCrashedError when its worker dies.
   */
  run<K extends JobName<Module>>(
    name: K,
    ...args: CallArguments<InputOf<JobsOf<Module>[K]>>
  ): Promise<ResultOf<JobsOf<Module>[K]>> {
    return this.#start(name, args[0], args[1]) as Promise<ResultOf<JobsOf<Module>[K]>>;
  }

  /** A task for `submit`, `trySubmit`, `map` and `execute`. */
  task<K extends JobName<Module>>(
    name: K,
    ...input: undefined extends InputOf<JobsOf<Module>[K]>
      ? [input?: InputOf<JobsOf<Module>[K]>]
      : [input: InputOf<JobsOf<Module>[K]>]
  ): ThreadTask<ResultOf<JobsOf<Module>[K]>> {
    return { job: name, input: input[0] };
  }

  /**
   * Adds a job from an inline function, and returns it as one that runs on the workers. Its source is sent
   * to them: it sees its input and globals, and captures nothing.
   * @throws InvalidOptionsError for a name that is taken, and for what has no source.
   */
  define<F extends Job>(name: string, job: F): JobCall<F> {
    const kind = this.#kinds.define(name, job);
    const run = (input?: unknown, options?: RunOptions): Promise<unknown> =>
      this.#startKind(kind, input, options);
    return run as JobCall<F>;
  }

  /** Runs a task: see `run`. A function is an inline job; it is called with the context alone. */
  submit<R>(task: ThreadTask<R> | Job, options?: RunOptions): Promise<R> {
    try {
      const { kind, input } = this.#kindOf(task);
      return this.#startKind(kind, input, options) as Promise<R>;
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  /** As `submit`, or undefined when there is no place or the pool is stopping. Cheaper than a rejection. */
  trySubmit<R>(task: ThreadTask<R> | Job, options?: RunOptions): Promise<R> | undefined {
    if (!this.#hasRoom()) {
      this.#ledger.submitted++;
      this.#ledger.rejected++;
      return undefined;
    }
    return this.submit(task, options);
  }

  /** As `submit`. In a pipeline, run the pool inside: `pipeline.execute((context) => pool.run('resize', input, context))`. */
  execute<R>(task: ThreadTask<R> | Job, options?: RunOptions): Promise<R> {
    return this.submit(task, options);
  }

  /** Runs a task for each item of a source, and gives the results; pulls no more than the workers can take. */
  map<I, R>(
    source: MapSource<I>,
    taskFor: (item: I) => ThreadTask<R>,
    options: MapOptions = {},
  ): AsyncIterableIterator<R, undefined> {
    const hasRoom = (): boolean => this.#hasRoom();
    const lanes = (): number => this.#lanes;
    const capacity = (): number => this.#options.queue.capacity;
    const port = {
      name: this.name,
      get size(): number {
        return lanes();
      },
      get queueCapacity(): number {
        return capacity();
      },
      get hasRoom(): boolean {
        return hasRoom();
      },
      onRoom: (wake: () => void): (() => void) => {
        this.#roomWaiters.add(wake);
        return () => void this.#roomWaiters.delete(wake);
      },
      submit: (task: ThreadTask, each: RunOptions): Promise<unknown> => this.submit(task, each),
    };
    return new PoolMap(port, source, taskFor, options);
  }

  /** Runs a job on every worker, those that start included. Rejects with the first that fails. */
  broadcast(task: ThreadTask | Job): Promise<unknown[]> {
    try {
      const { kind, input } = this.#kindOf(task);
      if (this.#stopping) throw this.#stoppedError();
      const workers = this.#crew.all.filter(({ duty }) => duty === 'serving' || duty === 'outgoing');
      const jobs = workers.map((worker) => {
        const job = this.#newJob(kind, input);
        job.only = worker;
        this.#desk.acceptFor(worker, job);
        return job.promise;
      });
      return Promise.all(jobs);
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  /** Changes the number of workers. More take waiting tasks as soon as they are ready; fewer end no task. */
  resize(size: number): void {
    this.update({ size });
  }

  /**
   * Changes options live; tasks stay. What concerns how workers are made holds for new ones.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: ThreadPoolChanges): void {
    const from = this.#options.size;
    const queue = 'queue' in changes ? changedQueue(this.#options.queue, changes.queue) : this.#options.queue;
    this.#options = resolveThreadPoolOptions({ ...this.#options, ...changes, queue });
    this.#desk.concurrency = this.#options.concurrencyPerThread;
    this.#desk.queue.lanes = this.#lanes;
    this.#desk.update(this.#options.queue);
    this.#crew.update(this.#options);
    const to = this.#options.size;
    this.#onChange();
    if (to !== from) this.#events.emit('resize', { from, to });
  }

  /** Begins no more tasks until `resume`, but for those handed over already. */
  pause(): void {
    if (this.#desk.isPaused || this.#stopping) return;
    this.#desk.isPaused = true;
    for (const worker of this.#crew.all) this.#desk.takeBackFrom(worker);
    this.#events.emit('pause', undefined);
  }

  resume(): void {
    if (!this.#desk.isPaused) return;
    this.#desk.isPaused = false;
    this.#onChange();
    this.#events.emit('resume', undefined);
  }

  /** Resolves when nothing runs or waits. The pool goes on taking tasks meanwhile. */
  drain(): Promise<void> {
    if (this.#ledger.live === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /**
   * Refuses new tasks, lets those accepted finish within `timeoutMs`, answers the others, and ends the
   * workers. Never rejects; asked again, it answers the same. @throws InvalidOptionsError
   */
  stop(options: StopOptions = {}): Promise<StopResult> {
    const resolved = resolveStopOptions(options);
    this.#stopping ??= this.#stop(resolved);
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  on<K extends keyof ThreadPoolEvents>(
    event: K,
    listener: Listener<ThreadPoolEvents[K]>,
  ): () => void {
    return this.#events.on(event, listener);
  }

  stats(): ThreadPoolStats {
    const { size, queue } = this.#options;
    const state = this.#hasStopped
      ? 'stopped'
      : this.#stopping
        ? 'stopping'
        : this.#desk.isPaused
          ? 'paused'
          : 'running';
    const { concurrency } = this.#desk;
    const workers = this.#crew.all;
    return statsOf({ state, size, concurrency, queue, workers, ledger: this.#ledger });
  }

  onAbort(job: ThreadJob, reason: unknown): void {
    this.#supervisor.leave(job, reason);
  }

  #start(name: string, input: unknown, options: RunOptions | undefined): Promise<unknown> {
    try {
      return this.#startKind(this.#kinds.find(name), input, options);
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  #startKind(kind: JobKind, input: unknown, options: RunOptions | undefined): Promise<unknown> {
    const job = this.#newJob(kind, input);
    if (options !== undefined || this.#options.carry !== undefined) {
      try {
        specify(job, options ?? {}, this);
      } catch (mistake) {
        return this.#refuse(job, mistake);
      }
    }
    if (this.#stopping) return this.#refuse(job, this.#stoppedError());
    if (this.#poison.isPoisoned(job)) return this.#refuse(job, this.#poisonedError(job));
    const refusal = this.#desk.accept(job);
    return refusal === undefined ? job.promise : this.#refuse(job, refusal);
  }

  #newJob(kind: JobKind, input: unknown): ThreadJob {
    this.#ledger.submitted++;
    return new ThreadJob(kind, input, this.#reception.tickMs());
  }

  #refuse(job: ThreadJob, error: unknown): Promise<unknown> {
    this.#ledger.rejected++;
    job.drop(error);
    return job.promise;
  }

  #kindOf(task: ThreadTask | Job): { kind: JobKind; input: unknown } {
    if (typeof task === 'function') return { kind: this.#inline.find(task), input: undefined };
    if (typeof task !== 'object' || task === null) {
      const expected = 'a task ({ job, input }) or a function';
      throw new InvalidOptionsError(this.name, [{ option: 'task', expected, got: shown(task) }]);
    }
    return { kind: this.#kinds.find(task.job), input: task.input };
  }

  get #lanes(): number {
    return this.#options.size * this.#options.concurrencyPerThread;
  }

  #hasRoom(): boolean {
    return !this.#stopping && this.#desk.door(undefined, this.clock.nowMs()) === 0;
  }

  /** There may be room for tasks, or tasks for workers. */
  #onChange(): void {
    this.#desk.refill(this.clock.nowMs());
    this.#reception.flushSoon();
    this.#tellRoom();
    this.#tellIfIdle();
  }

  #onCollected(worker: JobWorker): void {
    this.#crew.check(worker);
    this.#tellRoom();
    this.#tellIfIdle();
  }

  #onLost(job: ThreadJob): void {
    this.#ledger.failed++;
    const message = `${this.name}: the worker that was to run ${job.kind.definition.name} has ended`;
    job.drop(new WorkerCrashedError(this.name, message));
  }

  #tellRoom(): void {
    if (this.#roomWaiters.size === 0) return;
    const waiters = [...this.#roomWaiters];
    this.#roomWaiters.clear();
    for (const wake of waiters) wake();
  }

  #tellIfIdle(): void {
    if (this.#whenIdle.length === 0 || this.#ledger.live > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  async #stop({ timeoutMs, reject }: ResolvedStopOptions): Promise<StopResult> {
    this.resume();
    let refused = 0;
    if (reject !== undefined) refused += this.#refuseQueued();
    const isDone = reject !== 'all' && (await this.#drainWithin(timeoutMs));
    let ended = 0;
    if (!isDone) {
      refused += this.#refuseQueued();
      ended = this.#endRunning(timeoutMs);
    }
    this.#reception.hold();
    await this.#crew.stop();
    this.#hasStopped = true;
    this.#reception.close();
    this.#desk.alarms.rest();
    const result = { refused, ended, running: 0 };
    this.#events.emit('stop', result);
    return result;
  }

  #refuseQueued(): number {
    for (const worker of this.#crew.all) this.#desk.takeBackFrom(worker);
    const refused = this.#desk.dropAll(this.#stoppedError());
    this.#ledger.rejected += refused;
    this.#tellIfIdle();
    return refused;
  }

  #endRunning(timeoutMs: number): number {
    const message = `${this.name}: the pool stopped before the task was done`;
    let ended = 0;
    for (const worker of this.#crew.all) {
      for (const job of worker.begun()) {
        if (job.answer !== undefined) continue;
        this.#supervisor.end(job, new TimeoutError(this.name, message, { timeoutMs }));
        ended++;
      }
    }
    return ended;
  }

  /** Whether all was done in time. */
  #drainWithin(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel =
        timeoutMs === Infinity ? undefined : this.clock.schedule(timeoutMs, () => resolve(false));
      void this.drain().then(() => {
        cancel?.();
        resolve(true);
      });
    });
  }

  #calls(): JobCalls<Module> {
    const functions = new Map<string, (input: unknown, options?: RunOptions) => Promise<unknown>>();
    return new Proxy(Object.create(null) as JobCalls<Module>, {
      get: (_target, name) => {
        // A promise that resolves with `call` asks for its `then`.
        if (typeof name !== 'string' || name === 'then') return undefined;
        let call = functions.get(name);
        if (call === undefined) {
          call = (input, options) => this.#start(name, input, options);
          if (functions.size < 1000) functions.set(name, call);
        }
        return call;
      },
    });
  }

  #stoppedError(): PoolStoppedError {
    return new PoolStoppedError(this.name, `${this.name}: the pool is stopping and takes no calls`);
  }

  #poisonedError({ kind }: ThreadJob): WorkerCrashedError {
    const message = `${this.name}: ${kind.definition.name} with this input has killed two workers and is not run again`;
    return new WorkerCrashedError(this.name, message);
  }
}

function hrefOf(pool: string, module: URL | string): string {
  try {
    return new URL(module).href;
  } catch {
    const expected = 'a URL, as of new URL(\'./jobs.ts\', import.meta.url)';
    throw new InvalidOptionsError(pool, [{ option: 'module', expected, got: shown(module) }]);
  }
}
