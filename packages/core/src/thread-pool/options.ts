import {
  aBackoff,
  aFunction,
  atLeast,
  integer,
  label,
  objectWith,
  optional,
  orUndefined,
  resolveOptions,
  systemClock,
  systemRandom,
  usableCpus,
  type BackoffOptions,
  type Clock,
  type OptionRules,
  type Random,
  type Rule,
} from '../core/index.ts';
import {
  aQueue,
  resolveQueueOptions,
  type PoolEvents,
  type PoolStats,
  type QueueOptions,
  type ResolvedQueueOptions,
  type SubmitOptions,
} from '../job-queue/index.ts';
import type { Transferable } from './job-types.ts';

export interface ThreadPoolOptions {
  /** Workers. Integer, at least 1. @default the CPUs that the process really has */
  readonly size?: number;
  /** Places to wait for a worker, or more about the queue. @default 1000 */
  readonly queue?: number | QueueOptions;
  /** Tasks that one worker runs at the same time: above 1 for jobs that also wait. @default 1 */
  readonly concurrencyPerThread?: number;
  /**
   * Whether workers are threads, or processes: dearer, and what they cannot survive ends only them (one huge
   * allocation, a crash in native code). Shared memory and objects of the platform do not get to a process.
   * @default 'thread'
   */
  readonly isolation?: 'thread' | 'process';
  /** How long a task may go on after its call was ended, in ms, before its worker is replaced. @default 10 */
  readonly graceMs?: number;
  /**
   * Heap of one worker, in MiB. Give it where the pool may grow beyond both its size at the start and the CPUs:
   * `heapPerWorkerMb(max)`.
   * @default its share of the memory that the process may use, among `size` workers or as many as CPUs, if that is more
   */
  readonly maxHeapMb?: number | undefined;
  /** A worker is replaced after so many tasks. @default Infinity */
  readonly maxTasks?: number;
  /** A worker is replaced at this age, in ms. @default Infinity */
  readonly maxAgeMs?: number;
  /** A worker is replaced when it uses so much of its heap, in bytes. @default Infinity */
  readonly maxHeapBytes?: number;
  /** Between the replacements of workers that crash, one after the other. @default exponential from 100 ms to 10 s */
  readonly restartBackoff?: BackoffOptions;
  /** How long a worker may take to load its module and to run `onStart`, in ms. @default 30_000 */
  readonly startTimeoutMs?: number;
  /** Asked at each submission for what goes along with it; the module's `withCarried` gets it. Must be cloneable. */
  readonly carry?: (() => unknown) | undefined;
  /** Whether the pool keeps the process alive while it has nothing to do. @default false */
  readonly keepAlive?: boolean;
  /** For the workers. @default those of this process */
  readonly execArgv?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** @default 'thread-pool' */
  readonly name?: string;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default systemRandom */
  readonly random?: Random;
}

export interface ResolvedThreadPoolOptions extends Required<
  Omit<ThreadPoolOptions, 'queue' | 'maxHeapMb' | 'carry' | 'execArgv' | 'env'>
> {
  readonly queue: ResolvedQueueOptions;
  readonly maxHeapMb: number | undefined;
  readonly carry: (() => unknown) | undefined;
  readonly execArgv: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>> | undefined;
}

const endless = (least: number): Rule<number> => ({
  expected: `an integer of at least ${least}, or Infinity`,
  accepts: (v): v is number =>
    v === Infinity || (Number.isSafeInteger(v) && (v as number) >= least),
});

const endlessMs: Rule<number> = {
  expected: 'a number of ms above 0, or Infinity',
  accepts: (v): v is number => typeof v === 'number' && v > 0,
};

const anIsolation: Rule<'thread' | 'process'> = {
  expected: `'thread' or 'process'`,
  accepts: (v): v is 'thread' | 'process' => v === 'thread' || v === 'process',
};

const aBoolean: Rule<boolean> = {
  expected: 'true or false',
  accepts: (v): v is boolean => typeof v === 'boolean',
};

const texts: Rule<readonly string[]> = {
  expected: 'an array of texts',
  accepts: (v): v is readonly string[] => Array.isArray(v) && v.every((t) => typeof t === 'string'),
};

const variables: Rule<Readonly<Record<string, string>>> = {
  expected: 'an object of texts',
  accepts: (v): v is Readonly<Record<string, string>> =>
    typeof v === 'object' && v !== null && Object.values(v).every((t) => typeof t === 'string'),
};

const rules: OptionRules<ResolvedThreadPoolOptions> = {
  size: optional(integer(1, 1024), () => usableCpus()),
  queue: optional(aQueue, () => resolveQueueOptions()),
  concurrencyPerThread: optional(integer(1, 1024), () => 1),
  isolation: optional(anIsolation, () => 'thread'),
  graceMs: optional(atLeast(0), () => 10),
  startTimeoutMs: optional(endlessMs, () => 30_000),
  maxHeapMb: optional(orUndefined(integer(8)), () => undefined),
  maxTasks: optional(endless(1), () => Infinity),
  maxAgeMs: optional(endlessMs, () => Infinity),
  maxHeapBytes: optional(endless(1), () => Infinity),
  restartBackoff: optional(aBackoff, () => ({ type: 'exponential', baseMs: 100, maxMs: 10_000 })),
  carry: optional(orUndefined(aFunction('a function')), () => undefined),
  keepAlive: optional(aBoolean, () => false),
  execArgv: optional(orUndefined(texts), () => undefined),
  env: optional(orUndefined(variables), () => undefined),
  name: optional(label, () => 'thread-pool'),
  clock: optional(objectWith<Clock>('a Clock', 'nowMs', 'schedule'), () => systemClock),
  random: optional(objectWith<Random>('a Random', 'next'), () => systemRandom),
};

/** @throws InvalidOptionsError naming every problem. */
export function resolveThreadPoolOptions(given: ThreadPoolOptions): ResolvedThreadPoolOptions {
  return resolveOptions('ThreadPool', given as ResolvedThreadPoolOptions, rules);
}

/** What can be changed while the pool works: all but its name and its sources of time and chance. */
export type ThreadPoolChanges = Partial<Omit<ThreadPoolOptions, 'name' | 'clock' | 'random'>>;

/** What may be said about one task on a worker. */
export interface RunOptions extends SubmitOptions {
  /** What is moved to the worker, or copied to a process. Whoever submits can use it no more, either way. */
  readonly transfer?: readonly Transferable[] | undefined;
  /** Tasks with the same affinity run on the same worker while that lives. */
  readonly affinity?: string | undefined;
  /**
   * Whether it may be run again: then it is, once, when its worker dies under it. Otherwise its caller is
   * told with WorkerCrashedError. @default false
   */
  readonly idempotent?: boolean | undefined;
}

export interface ThreadPoolStats extends PoolStats {
  /** Workers that died. */
  readonly crashes: number;
  /** Workers that were replaced because their tasks would not end. */
  readonly restarts: number;
  readonly workers: readonly WorkerStats[];
}

export interface WorkerStats {
  readonly name: string;
  readonly state: 'starting' | 'idle' | 'busy' | 'ending';
  /** Tasks that it was given since it began. */
  readonly tasks: number;
  /** Time in which it ran at least one task, in ms, since it began. */
  readonly busyMs: number;
  /** CPU time, in ms, as of the last tenth of a second; NaN where the runtime does not tell. */
  readonly cpuMs: number;
  /** Heap in use, in bytes, as of then. */
  readonly heapBytes: number;
}

export interface ThreadPoolEvents extends PoolEvents {
  /** A worker died: of what its task did, or of what an earlier one left behind. */
  crash: { readonly worker: string; readonly cause: unknown };
}
