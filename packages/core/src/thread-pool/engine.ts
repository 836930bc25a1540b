import {
  Emitter,
  PoolStoppedError,
  usableCpus,
  WorkerCrashedError,
  type Clock,
} from '../core/index.ts';
import { changedQueue, type ResolvedStopOptions, type StopResult } from '../job-queue/index.ts';
import { Crew } from './crew.ts';
import { Desk } from './desk.ts';
import { JobKinds, type JobKind } from './job-kinds.ts';
import { Ledger } from './ledger.ts';
import {
  resolveThreadPoolOptions,
  type ResolvedThreadPoolOptions,
  type RunOptions,
  type ThreadPoolChanges,
  type ThreadPoolEvents,
  type ThreadPoolStats,
} from './options.ts';
import { poisonedError, PoisonList } from './poison.ts';
import { Readiness } from './readiness.ts';
import { Reception } from './reception.ts';
import { Lobby } from './shared/lobby.ts';
import { statsOf, workTotalsOf, type WorkTotals } from './stats.ts';
import { Stopping } from './stopping.ts';
import { Supervisor } from './supervisor.ts';
import { specify, type Specifier } from './task-options.ts';
import { ThreadJob, type JobOwner, type JobWorker } from './thread-job.ts';
import { workerMaker } from './worker-maker.ts';

/** Work that a `map` has waiting for each lane, in ms: enough to outlast a turn of the main thread. */
const AHEAD_OF_MAP_MS = 2;

/** Tasks of that work at most, however short they are. */
const MOST_AHEAD = 63;

/**
 * What a thread pool is made of, put together: the desk that hands tasks out, the reception that fetches
 * results, the supervisor that ends tasks early, and the crew of workers.
 */
export class Engine implements Specifier, JobOwner {
  readonly name: string;
  readonly clock: Clock;
  readonly kinds: JobKinds;
  readonly ledger: Ledger = new Ledger();
  readonly events: Emitter<ThreadPoolEvents> = new Emitter();
  #options: ResolvedThreadPoolOptions;
  readonly #poison = new PoisonList();
  readonly #desk: Desk;
  readonly #reception: Reception;
  readonly #supervisor: Supervisor;
  readonly #crew: Crew;
  readonly #readiness: Readiness;
  readonly #roomWaiters = new Set<() => void>();
  readonly #pressWaiters = new Set<() => void>();
  #stopping: Stopping | undefined;
  #stopped: Promise<StopResult> | undefined;
  #hasStopped = false;
  #whenIdle: (() => void)[] = [];

  /** @param makerOf for tests: how workers are made */
  constructor(
    module: string | undefined,
    options: ResolvedThreadPoolOptions,
    makerOf: typeof workerMaker = workerMaker,
  ) {
    const { name, clock, random } = options;
    const { ledger } = this;
    this.#options = options;
    this.name = name;
    this.clock = clock;
    this.kinds = new JobKinds(name);
    this.#desk = this.#makeDesk();
    const desk = this.#desk;
    const lobby = new Lobby();
    const cpus = usableCpus();
    this.#reception = new Reception({
      clock,
      lobby,
      desk,
      // The results of processes come with the event loop: not while it waits for them.
      cpus: () => (this.#options.isolation === 'process' ? 0 : cpus),
      keepAlive: options.keepAlive,
      live: () => ledger.live,
      onIdle: () => this.#tellIfIdle(),
    });
    const graceMs = (): number => this.#options.graceMs;
    const onStubborn = (worker: JobWorker): void => this.#crew.condemn(worker);
    this.#supervisor = new Supervisor({ name, clock, desk, ledger, graceMs, onStubborn });
    const { onNews: onResults } = this.#reception;
    const make = makerOf({ clock, lobby, kinds: this.kinds, cpus, module, onResults });
    const setting = {
      name,
      clock,
      random,
      desk,
      ledger,
      poison: this.#poison,
      create: (its: string, events: Parameters<typeof make>[2]) => make(its, this.#options, events),
      onReady: (exports: readonly string[]) => this.kinds.learnExports(exports),
      onCrash: (worker: string, cause: unknown) => {
        this.#readiness.noteDeath(cause);
        this.events.emit('crash', { worker, cause });
      },
      onChange: () => this.#onChange(),
    };
    this.#crew = new Crew(setting, options);
    const crew = this.#crew;
    const size = (): number => this.#options.size;
    this.#readiness = new Readiness({ name, size, workers: () => crew.all });
    this.#crew.fill();
  }

  get carry(): (() => unknown) | undefined {
    return this.#options.carry;
  }

  /** Tasks that can run at the same time. */
  get lanes(): number {
    return this.#options.size * this.#options.concurrencyPerThread;
  }

  /** Tasks of a `map` under way, by how long tasks took lately: so many that no worker waits for the next one. */
  get mapLanes(): number {
    const ahead = Math.min(MOST_AHEAD, Math.floor(AHEAD_OF_MAP_MS / this.#desk.recentRunMs));
    return this.lanes + Math.min(this.lanes * ahead, Math.floor(this.queueCapacity / 2));
  }

  get queueCapacity(): number {
    return this.#options.queue.capacity;
  }

  /** Whether a task would find a worker or a place. */
  get hasRoom(): boolean {
    return !this.#stopping && this.#desk.door(undefined, this.clock.nowMs()) === 0;
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** Calls `wake` once, when there may be room again. Returns the way to take that back. */
  onRoom(wake: () => void): () => void {
    this.#roomWaiters.add(wake);
    return () => void this.#roomWaiters.delete(wake);
  }

  /** Calls `listener` once, when a task finds no free worker. Returns the way to take that back. */
  whenPressed(listener: () => void): () => void {
    this.#pressWaiters.add(listener);
    return () => void this.#pressWaiters.delete(listener);
  }

  /** What the workers have done since the start, those that have left included, in ms. */
  workTotals(): WorkTotals {
    return workTotalsOf(this.ledger, this.#crew.all);
  }

  /**
   * Takes a task on, or refuses it. Never throws. One whose options are wrong, whose caller has left or whose time
   * is over already did not come: it is not counted.
   */
  submit(kind: JobKind, input: unknown, options: RunOptions | undefined): Promise<unknown> {
    const job = this.#newJob(kind, input);
    try {
      const refusal = this.#send(job, options);
      if (refusal !== undefined) job.refuse(refusal);
      return job.promise;
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  /** As `submit`, or undefined where that would refuse the task. */
  trySubmit(
    kind: JobKind,
    input: unknown,
    options: RunOptions | undefined,
  ): Promise<unknown> | undefined {
    if (this.isStopping || this.#desk.isFull) {
      this.ledger.submitted++;
      this.ledger.rejected++;
      this.#tell(this.#pressWaiters);
      return undefined;
    }
    const job = this.#newJob(kind, input);
    try {
      if (this.#send(job, options) === undefined) return job.promise;
      job.leave?.();
      return undefined;
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  /** One task for each worker. */
  broadcast(kind: JobKind, input: unknown): Promise<unknown>[] {
    if (this.#stopping) throw this.#stoppedError();
    const workers = this.#crew.all.filter(({ duty }) => duty === 'serving' || duty === 'outgoing');
    return workers.map((worker) => {
      const job = this.#newJob(kind, input);
      job.only = worker;
      this.ledger.submitted++;
      const refusal = this.#desk.acceptFor(worker, job);
      if (refusal !== undefined) {
        this.ledger.countRefusal(refusal);
        job.refuse(refusal);
      }
      return job.promise;
    });
  }

  /** @throws InvalidOptionsError and changes nothing when an option is wrong. */
  update(changes: ThreadPoolChanges): void {
    const { size: from, queue: before } = this.#options;
    const queue = 'queue' in changes ? changedQueue(before, changes.queue) : before;
    const { name, clock, random } = this.#options;
    const whole = { ...this.#options, ...changes, queue, name, clock, random };
    const changed = resolveThreadPoolOptions(whole);
    // First, as a discipline that cannot be made throws.
    this.#desk.update(changed.queue);
    this.#options = changed;
    if (!this.#stopping) this.#reception.keep(changed.keepAlive);
    this.#desk.concurrency = this.#options.concurrencyPerThread;
    this.#desk.queue.lanes = this.lanes;
    this.#crew.update(this.#options);
    this.#onChange();
    if (changed.size !== from) this.events.emit('resize', { from, to: changed.size });
  }

  pause(): void {
    if (this.#desk.isPaused || this.#stopping) return;
    this.#desk.isPaused = true;
    for (const worker of this.#crew.all) this.#desk.takeBackFrom(worker);
    this.events.emit('pause', undefined);
  }

  resume(): void {
    if (!this.#desk.isPaused) return;
    this.#desk.isPaused = false;
    this.#onChange();
    this.events.emit('resume', undefined);
  }

  /** See `ThreadPool.ready`. */
  ready(): Promise<void> {
    return this.isStopping ? Promise.reject(this.#stoppedError()) : this.#readiness.wait();
  }

  drain(): Promise<void> {
    if (this.ledger.live === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  stop(options: ResolvedStopOptions): Promise<StopResult> {
    if (this.#stopped !== undefined) {
      this.#stopping?.hurry(options);
      return this.#stopped;
    }
    const { promise, resolve } = Promise.withResolvers<StopResult>();
    // Before anything else: whoever hears of it may ask again.
    this.#stopped = promise;
    const setting = {
      name: this.name,
      clock: this.clock,
      crew: this.#crew,
      supervisor: this.#supervisor,
      refuseQueued: () => this.#refuseQueued(),
      resume: () => this.resume(),
      drain: () => this.drain(),
    };
    this.#stopping = new Stopping(setting, options);
    resolve(this.#end(this.#stopping, options));
    return promise;
  }

  stats(): ThreadPoolStats {
    const { size, queue } = this.#options;
    const { concurrency } = this.#desk;
    const workers = this.#crew.all;
    return statsOf({ state: this.#state, size, concurrency, queue, workers, ledger: this.ledger });
  }

  onAbort(job: ThreadJob, reason: unknown): void {
    this.#supervisor.leave(job, reason);
  }

  /** A queue has sent a task away: it came too late, or was shed, or no worker can start, or the pool stops. */
  onDropped(job: ThreadJob, error: unknown): void {
    if (job.watch !== undefined) this.#desk.alarms.cancel(job.watch);
    if (job.answer === 'aborted') this.ledger.aborted++;
    else if (job.answer === 'timeout') this.ledger.failed++;
    else this.ledger.countRefusal(error);
    job.refuse(error);
    this.#reception.flushSoon();
    this.#tell(this.#roomWaiters);
  }

  get #state(): ThreadPoolStats['state'] {
    if (this.#hasStopped) return 'stopped';
    if (this.#stopping) return 'stopping';
    return this.#desk.isPaused ? 'paused' : 'running';
  }

  #makeDesk(): Desk {
    const { name, clock, queue, concurrencyPerThread: concurrency } = this.#options;
    const { ledger, lanes } = this;
    const setting = { name, clock, ledger, poison: this.#poison, concurrency, lanes };
    return new Desk(setting, queue, {
      onHanded: () => this.#reception.flushSoon(),
      onWatched: (job) => this.#supervisor.watch(job),
      onPressed: () => this.#tell(this.#pressWaiters),
      onCollected: (worker) => this.#onCollected(worker),
      onHung: (worker) => this.#crew.condemn(worker),
      onLost: (job) => this.#onLost(job),
      onIdle: () => this.#onChange(),
    });
  }

  #newJob(kind: JobKind, input: unknown): ThreadJob {
    return new ThreadJob(this, kind, input, this.#reception.tickMs());
  }

  /** Takes a task on and counts it, or returns the refusal, which is counted and of which nobody was told. */
  #send(job: ThreadJob, options: RunOptions | undefined): Error | undefined {
    if (options !== undefined || this.#options.carry !== undefined)
      specify(job, options ?? {}, this);
    this.ledger.submitted++;
    try {
      if (!this.isStopping && this.#poison.isPoisoned(job)) {
        this.ledger.rejected++;
        return poisonedError(this.name, job);
      }
      const refusal = this.isStopping ? this.#stoppedError() : this.#desk.accept(job);
      if (refusal !== undefined) this.ledger.countRefusal(refusal);
      return refusal;
    } catch (mistake) {
      // Of a discipline.
      this.ledger.rejected++;
      job.leave?.();
      throw mistake;
    }
  }

  /** There may be room for tasks, or tasks for workers. */
  #onChange(): void {
    this.#desk.refill(this.clock.nowMs());
    this.#readiness.check();
    this.#reception.flushSoon();
    this.#tell(this.#roomWaiters);
    this.#tellIfIdle();
  }

  #onCollected(worker: JobWorker): void {
    this.#crew.check(worker);
    this.#tell(this.#roomWaiters);
    this.#tellIfIdle();
  }

  #onLost(job: ThreadJob): void {
    this.ledger.failed++;
    const message = `${this.name}: the worker that was to run ${job.kind.definition.name} has ended`;
    job.refuse(new WorkerCrashedError(this.name, message));
  }

  #tell(waiters: Set<() => void>): void {
    if (waiters.size === 0) return;
    const all = [...waiters];
    waiters.clear();
    for (const wake of all) wake();
  }

  #tellIfIdle(): void {
    if (this.#whenIdle.length === 0 || this.ledger.live > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  async #end(stopping: Stopping, options: ResolvedStopOptions): Promise<StopResult> {
    // They wait for nothing now.
    this.#tell(this.#roomWaiters);
    this.#readiness.fail(this.#stoppedError());
    this.#reception.keep(true);
    const result = await stopping.run(options);
    this.#hasStopped = true;
    this.#reception.close();
    this.#desk.alarms.rest();
    this.events.emit('stop', result);
    return result;
  }

  #refuseQueued(): number {
    for (const worker of this.#crew.all) this.#desk.takeBackFrom(worker);
    return this.#desk.dropAll(this.#stoppedError());
  }

  #stoppedError(): PoolStoppedError {
    return new PoolStoppedError(this.name, `${this.name}: the pool is stopping and takes no calls`);
  }
}
