import type { LogLinearHistogram } from '../collections/index.ts';
import {
  aDuration,
  optional,
  orUndefined,
  resolveOptions,
  type Clock,
  type ExecuteOptions,
  type Listener,
  type OptionRules,
  type Rule,
} from '../core/index.ts';

/** What may be said about one task of a pool. */
export interface SubmitOptions extends ExecuteOptions {
  /**
   * How long the task may run, in ms from its start, above 0; then its caller is answered with
   * TimeoutError. What it waited counts against `deadlineMs` alone. @default Infinity
   */
  readonly timeoutMs?: number | undefined;
}

/** What may be said about a `map`; what {@link SubmitOptions} says holds for each of its tasks. */
export interface MapOptions extends SubmitOptions {
  /**
   * Tasks under way at the same time. Integer, at least 1; never more than the pool has lanes and
   * places to wait. @default the size of the pool, also when that changes; threads have more under way
   * while their tasks are short
   */
  readonly concurrency?: number | undefined;
  /** Whether results come in the order of the source, or as they are ready. @default true */
  readonly ordered?: boolean | undefined;
}

export interface StopOptions {
  /** How long accepted work may go on, in ms. At least 0; Infinity waits for as long as it takes. @default 30_000 */
  readonly timeoutMs?: number | undefined;
  /**
   * What is done away with at once: `'queued'` refuses what waits and lets what runs go on within
   * `timeoutMs`; `'all'` ends what runs, too. @default undefined: nothing, all of it may be done within `timeoutMs`
   */
  readonly reject?: 'queued' | 'all' | undefined;
}

export interface ResolvedStopOptions {
  readonly timeoutMs: number;
  readonly reject: 'queued' | 'all' | undefined;
}

const rejects: Rule<'queued' | 'all'> = {
  expected: `'queued' or 'all'`,
  accepts: (value): value is 'queued' | 'all' => value === 'queued' || value === 'all',
};

const stopRules: OptionRules<ResolvedStopOptions> = {
  timeoutMs: optional(aDuration, () => 30_000),
  reject: optional(orUndefined(rejects), () => undefined),
};

/** @throws InvalidOptionsError naming every problem. */
export function resolveStopOptions(given: StopOptions): ResolvedStopOptions {
  return resolveOptions('stop', given, stopRules);
}

/** What `stop` left undone. All zeros: everything accepted was done. */
export interface StopResult {
  /** Waiting calls that were refused. */
  readonly refused: number;
  /** Running calls that were answered with TimeoutError. */
  readonly ended: number;
  /** Tasks that still run, and that nothing can end: those that do not heed their signal. */
  readonly running: number;
}

export type PoolState = 'running' | 'paused' | 'stopping' | 'stopped';

/**
 * At any time: submitted = completed + failed + ignored + aborted + expired + rejected + active + queued.
 * A call that still holds a lane is `active`, whether or not its caller has been answered.
 */
export interface PoolStats {
  readonly state: PoolState;
  readonly size: number;
  /** Lanes in use. */
  readonly active: number;
  readonly queued: number;
  readonly queueCapacity: number;
  /** Since the start: calls that came, and what became of them. */
  readonly submitted: number;
  readonly completed: number;
  /** Threw or rejected, or was answered with TimeoutError, whatever its task did after that. */
  readonly failed: number;
  /** Ran, and was refused further in, which proves nothing. */
  readonly ignored: number;
  /** Left by its caller, while it waited or while it ran. */
  readonly aborted: number;
  /** Never ran: its deadline passed, or could no longer be met. */
  readonly expired: number;
  /** Never ran: there was no place for it, overload control sent it away, or the pool was stopping. */
  readonly rejected: number;
}

export interface PoolEvents {
  resize: { readonly from: number; readonly to: number };
  pause: undefined;
  resume: undefined;
  stop: StopResult;
}

/**
 * What the pools have in common, whatever they take for a task: functions on the lanes of the event
 * loop, or the name of a job and its input on threads.
 */
export interface Pool<Task, Events extends PoolEvents = PoolEvents> extends AsyncDisposable {
  readonly name: string;
  readonly clock: Clock;
  /** Time from arrival to lane, and from lane to end, of the tasks that ran, in ms. */
  readonly waitTimes: LogLinearHistogram;
  readonly runTimes: LogLinearHistogram;
  /** The task's result, or its error, or a refusal. Never throws. */
  submit(task: Task, options?: SubmitOptions): Promise<unknown>;
  /** As `submit`, or undefined where that would be refused. */
  trySubmit(task: Task, options?: SubmitOptions): Promise<unknown> | undefined;
  resize(size: number): void;
  /** Begins no more tasks until `resume`. Those that run go on, calls wait. Idempotent. */
  pause(): void;
  resume(): void;
  /** Resolves when nothing runs or waits. */
  drain(): Promise<void>;
  stop(options?: StopOptions): Promise<StopResult>;
  stats(): PoolStats;
  on<K extends keyof Events>(event: K, listener: Listener<Events[K]>): () => void;
}
