import type { LogLinearHistogram } from '../collections/index.ts';
import {
  InvalidOptionsError,
  shown,
  type Clock,
  type Listener,
  type Policy,
  type PolicyTraits,
  type Task,
} from '../core/index.ts';
import {
  PoolMap,
  resolveStopOptions,
  type MapPort,
  type MapSource,
  type Pool,
  type StopOptions,
  type StopResult,
} from '../job-queue/index.ts';
import type {
  CallArguments,
  DefinedJob,
  InlineTask,
  JobCalls,
  TaskArguments,
  ThreadTask,
} from './calls.ts';
import { Engine } from './engine.ts';
import { InlineJobs } from './inline-jobs.ts';
import type { JobKind } from './job-kinds.ts';
import type { InputOf, Job, JobName, JobsOf, ResultOf } from './job-types.ts';
import {
  resolveThreadPoolOptions,
  type RunOptions,
  type ThreadPoolChanges,
  type ThreadPoolEvents,
  type ThreadPoolOptions,
  type ThreadPoolStats,
} from './options.ts';
import { itemOptions, type ThreadMapOptions } from './thread-map.ts';

const itself = <T>(value: T): T => value;

/**
 * Runs CPU work on worker threads, with a bounded queue before them. A job is a function that a module
 * exports, or an inline function that captures nothing; its input and its result cross as structured clone
 * would carry them. For work that waits take a {@link WorkerPool}.
 *
 * A task that is refused, times out, is aborted, or whose worker dies, settles as such; no other one is
 * touched. O(1) a task (O(log n) with a deadline or timeout).
 */
export class ThreadPool<Module = object>
  implements Pool<ThreadTask, ThreadPoolEvents>, Policy<ThreadPoolStats>
{
  readonly name: string;
  readonly clock: Clock;
  /** Every job as a function: `pool.call.resize(input, options)`. */
  readonly call: JobCalls<Module>;
  readonly #engine: Engine;
  readonly #inline: InlineJobs;

  /**
   * @param module URL of the module whose functions are the jobs; none for inline jobs alone
   * @throws InvalidOptionsError naming every option that is wrong.
   */
  constructor(module?: URL | string, options?: ThreadPoolOptions);
  constructor(options?: ThreadPoolOptions);
  constructor(first?: URL | string | ThreadPoolOptions, second: ThreadPoolOptions = {}) {
    const isModule = first === undefined || first instanceof URL || typeof first === 'string';
    const options = resolveThreadPoolOptions(isModule ? second : first);
    const module = isModule && first !== undefined ? hrefOf(options.name, first) : undefined;
    this.name = options.name;
    this.clock = options.clock;
    this.#engine = new Engine(module, options);
    this.#inline = new InlineJobs(this.#engine.kinds);
    this.call = this.#calls();
  }

  get traits(): PolicyTraits {
    return { kind: 'pool', runsElsewhere: true };
  }

  /** Time from arrival to start, and from start to end, of the tasks that ran, in ms. */
  get waitTimes(): LogLinearHistogram {
    return this.#engine.ledger.waitTimes;
  }

  get runTimes(): LogLinearHistogram {
    return this.#engine.ledger.runTimes;
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
    ...input: TaskArguments<InputOf<JobsOf<Module>[K]>>
  ): ThreadTask<ResultOf<JobsOf<Module>[K]>> {
    return { job: name, input: input[0] };
  }

  /**
   * Adds a job from an inline function, and returns it as one that runs on the workers, and that makes tasks
   * for `map` and the others: `square.task(3)`. Its source is sent to them: it sees its input and globals, and
   * captures nothing.
   * @throws InvalidOptionsError for a name that is taken, and for what has no source.
   */
  define<F extends Job>(name: string, job: F): DefinedJob<F> {
    const kind = this.#engine.kinds.define(name, job);
    const run = (input?: unknown, options?: RunOptions): Promise<unknown> =>
      this.#engine.submit(kind, input, options);
    const task = (input?: unknown): ThreadTask => ({ job: name, input });
    return Object.assign(run, { task }) as DefinedJob<F>;
  }

  /** Runs a task: see `run`. A function is an inline job; it is called with the context alone. */
  submit<R>(task: ThreadTask<R> | InlineTask<R>, options?: RunOptions): Promise<R> {
    try {
      const { kind, input } = this.#kindOf(task);
      return this.#engine.submit(kind, input, options) as Promise<R>;
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  /** As `submit`, or undefined where the task would be refused. Cheaper than a rejection. */
  trySubmit<R>(task: ThreadTask<R> | InlineTask<R>, options?: RunOptions): Promise<R> | undefined {
    try {
      const { kind, input } = this.#kindOf(task);
      return this.#engine.trySubmit(kind, input, options) as Promise<R> | undefined;
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  /**
   * As `submit`. No pipeline takes the pool, since the closures it hands on cannot leave their thread: run the
   * pool inside, `pipeline.execute((context) => pool.run('resize', input, context))`. There it is the bulkhead.
   */
  execute<R>(task: ThreadTask<R> | InlineTask<R>, options?: RunOptions): Promise<R>;
  /** As a {@link Policy}: the function is an inline job, and gets the context of one. */
  execute<R>(task: Task<R>, options?: RunOptions): Promise<R>;
  execute<R>(task: ThreadTask<R> | InlineTask<R> | Task<R>, options?: RunOptions): Promise<R> {
    return this.submit(task as InlineTask<R>, options);
  }

  /**
   * Runs a task for each item of a source, and gives the results: in the order of the source, unless `ordered`
   * is false. Pulls no more than the pool can take, and waits where others fill it. Short tasks are handed ahead:
   * some 2 ms of them for each worker, at most 64 tasks, and never more than half of the places to wait; `concurrency`
   * says otherwise. The first error ends it, and so does leaving the loop.
   * @throws InvalidOptionsError
   */
  map<I, R>(
    source: MapSource<I>,
    taskFor: (item: I) => ThreadTask<R>,
    options: ThreadMapOptions<I> = {},
  ): AsyncIterableIterator<R, undefined> {
    const { affinity, transfer } = itemOptions(this.name, options);
    const { idempotent } = options;
    const engine = this.#engine;
    const port: MapPort<I> = {
      name: this.name,
      ownOptions: ['affinity', 'idempotent', 'transfer'],
      get size(): number {
        return engine.lanes;
      },
      get concurrency(): number {
        return engine.mapLanes;
      },
      get queueCapacity(): number {
        return engine.queueCapacity;
      },
      get hasRoom(): boolean {
        return engine.hasRoom || engine.isStopping;
      },
      onRoom: (wake) => engine.onRoom(wake),
      submit: (item, each) =>
        this.submit(taskFor(item), {
          ...each,
          idempotent,
          affinity: affinity(item),
          transfer: transfer(item),
        }),
    };
    const isRight = typeof taskFor === 'function';
    return new PoolMap(port, source, (isRight && itself) as (item: I) => I, options);
  }

  /** Runs a job on every worker, those that start included. Rejects with the first that fails. */
  broadcast<R>(task: ThreadTask<R> | InlineTask<R>): Promise<R[]> {
    try {
      const { kind, input } = this.#kindOf(task);
      return Promise.all(this.#engine.broadcast(kind, input)) as Promise<R[]>;
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  /**
   * What the workers have done since the start, those that have left included, in ms. Without CPU time where the
   * runtime does not tell. For the autoscaler.
   */
  workTotals(): { readonly busyMs: number; readonly cpuMs?: number } {
    return this.#engine.workTotals();
  }

  /**
   * Calls `listener` once, when next a task finds no free worker, unless the returned function was called
   * before. For the autoscaler.
   */
  whenPressed(listener: () => void): () => void {
    return this.#engine.whenPressed(listener);
  }

  /** Changes the number of workers. More take waiting tasks as soon as they are ready; fewer end no task. */
  resize(size: number): void {
    this.update({ size });
  }

  /**
   * Changes options live, all but `name`, `clock` and `random`; tasks stay. For another `isolation`,
   * `concurrencyPerThread`, `maxHeapMb`, `execArgv` or `env` all workers are replaced, without a gap: each takes
   * tasks until its successor is ready. `carry` is asked from the next submission on.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: ThreadPoolChanges): void {
    this.#engine.update(changes);
  }

  /** Begins no more tasks until `resume`, but for those handed over already. */
  pause(): void {
    this.#engine.pause();
  }

  resume(): void {
    this.#engine.resume();
  }

  /**
   * Resolves when as many workers as `size` are ready. One that dies before that is not waited for again, though
   * another takes its place: so it resolves when some can start, and never hangs. Tasks need not wait for it, as long
   * as there are places in the queue. Rejects with WorkerCrashedError when none can start, and with
   * PoolStoppedError when the pool stops. The process stays alive meanwhile.
   */
  ready(): Promise<void> {
    return this.#engine.ready();
  }

  /** Resolves when nothing runs or waits. The pool goes on taking tasks meanwhile. */
  drain(): Promise<void> {
    return this.#engine.drain();
  }

  /**
   * Refuses new tasks, lets those accepted finish within `timeoutMs`, answers the others, and ends the
   * workers: `onStop` has what is left of the time, from 100 ms to 5 s. What `reject` does away with does not begin,
   * also in a paused pool. Never rejects; asked again, it answers the same, and `reject` may hurry it.
   * @throws InvalidOptionsError
   */
  stop(options: StopOptions = {}): Promise<StopResult> {
    return this.#engine.stop(resolveStopOptions(options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  on<K extends keyof ThreadPoolEvents>(
    event: K,
    listener: Listener<ThreadPoolEvents[K]>,
  ): () => void {
    return this.#engine.events.on(event, listener);
  }

  stats(): ThreadPoolStats {
    return this.#engine.stats();
  }

  #start(name: string, input: unknown, options: RunOptions | undefined): Promise<unknown> {
    try {
      return this.#engine.submit(this.#engine.kinds.find(name), input, options);
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  #kindOf(task: ThreadTask | Job): { kind: JobKind; input: unknown } {
    if (typeof task === 'function') return { kind: this.#inline.find(task), input: undefined };
    if (typeof task !== 'object' || task === null) {
      const expected = 'a task ({ job, input }) or a function';
      throw new InvalidOptionsError(this.name, [{ option: 'task', expected, got: shown(task) }]);
    }
    return { kind: this.#engine.kinds.find(task.job), input: task.input };
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
}

function hrefOf(pool: string, module: URL | string): string {
  try {
    return new URL(module).href;
  } catch {
    const expected = "a URL, as of new URL('./jobs.ts', import.meta.url)";
    throw new InvalidOptionsError(pool, [{ option: 'module', expected, got: shown(module) }]);
  }
}
