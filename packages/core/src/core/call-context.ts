import type { Clock } from './clock.ts';
import { InvalidOptionsError, type OptionProblem } from './errors.ts';
import { integer, shown } from './options.ts';

/** Bounds of a priority: few enough for a queue to look at all classes at each step. */
export const PRIORITIES = { lowest: -8, highest: 7 } as const;

/** What a caller may say about one call. Every policy's `execute` takes it. */
export interface ExecuteOptions {
  /** Ends the call early: its promise rejects with `signal.reason` at once, and the task is told. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long from now the result is of use, in ms. Work that has not begun by then never begins
   * (DeadlineExceededError); work under way in a pool is ended (TimeoutError). @default Infinity
   */
  readonly deadlineMs?: number | undefined;
  /** Higher goes first, where something queues. Integer from -8 to 7. @default 0 */
  readonly priority?: number | undefined;
  /** Client, tenant or API key: what limits and fair shares are counted by. */
  readonly key?: string | undefined;
}

/**
 * What a task is told about its call. Can be handed on, as it is, as the options of an inner call,
 * which then ends with this one. To change something, name what is to go on: `{ signal: context.signal,
 * deadlineMs: context.deadlineMs, priority: 1 }`; a spread copies none of the two.
 */
export interface TaskContext extends ExecuteOptions {
  /** Aborted when the call ends early. Made when first read. */
  readonly signal: AbortSignal;
  /** What is left of the deadline now, in ms; Infinity without one. */
  readonly deadlineMs: number;
  readonly priority: number;
  /** 1 for the first try. */
  readonly attempt: number;
}

export type Task<T> = (context: TaskContext) => PromiseLike<T> | T;

/** The context of a call that nothing can end early, shared by all of them. */
export const plainContext: TaskContext = Object.freeze({
  // A new one each time: listeners on a shared signal would pile up for ever.
  get signal(): AbortSignal {
    return new AbortController().signal;
  },
  deadlineMs: Infinity,
  priority: 0,
  key: undefined,
  attempt: 1,
});

/**
 * The context of one call, and the way to end it early. Costs no AbortController and no listener on
 * a signal of its own until the task reads `signal`. Whoever makes one calls `close()` when the call
 * has settled.
 */
export class CallContext implements TaskContext {
  readonly priority: number;
  readonly key: string | undefined;
  readonly attempt: number;
  /** The deadline as it was given: ms from the start of the call, Infinity without one. */
  readonly budgetMs: number;
  /** When the deadline is, on `clock`; Infinity without one. */
  readonly deadlineAtMs: number;
  readonly #clock: Clock;
  readonly #parent: AbortSignal | CallContext | undefined;
  #controller: AbortController | undefined;
  #onParentAbort: (() => void) | undefined;
  #listeners: ((reason: unknown) => void)[] | undefined;
  #aborted = false;
  #reason: unknown;

  /**
   * A context of its own for a call with these options, or, where they are the context of a call, for a
   * part of it: that ends with the call, and no later than its deadline, and can be ended without it.
   * @throws InvalidOptionsError for an option that is not what {@link ExecuteOptions} says.
   */
  constructor(clock: Clock, options?: ExecuteOptions, part?: CallPart) {
    const whole = options instanceof CallContext ? options : undefined;
    const isGiven = options !== undefined && options !== plainContext;
    if (isGiven && whole === undefined) checkOptions(options);
    const deadlineMs = part?.deadlineMs ?? options?.deadlineMs ?? Infinity;
    this.#clock = clock;
    this.priority = options?.priority ?? 0;
    this.key = options?.key;
    this.attempt = part?.attempt ?? whole?.attempt ?? 1;
    this.budgetMs = deadlineMs;
    // Not from what is left of it: that would be rounded.
    const lastMs = whole?.deadlineAtMs ?? Infinity;
    const isNew = deadlineMs < Infinity && (whole === undefined || part?.deadlineMs !== undefined);
    this.deadlineAtMs = isNew ? Math.min(lastMs, clock.nowMs() + deadlineMs) : lastMs;
    // The plain context would make a signal that nobody else knows.
    this.#parent = whole ?? (isGiven ? options.signal : undefined);
    if (this.#parent) this.#follow(this.#parent);
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  /** What `abort` was told. */
  get reason(): unknown {
    return this.#reason;
  }

  get deadlineMs(): number {
    if (this.deadlineAtMs === Infinity) return Infinity;
    return Math.max(0, this.deadlineAtMs - this.#clock.nowMs());
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Ends the call: tells the listeners in order, then the task's signal. The first reason stands. */
  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const listener of listeners) listener(reason);
    this.#controller?.abort(reason);
    this.close();
  }

  /** Calls `listener` once when the call is ended early; at once if it has been. */
  onAbort(listener: (reason: unknown) => void): void {
    if (this.#aborted) listener(this.#reason);
    else if (this.#listeners) this.#listeners.push(listener);
    else this.#listeners = [listener];
  }

  /** Takes back an `onAbort`. */
  offAbort(listener: (reason: unknown) => void): void {
    const listeners = this.#listeners;
    if (listeners === undefined) return;
    // Calls are nested: the last one to listen is nearly always the first to leave.
    if (listeners.at(-1) === listener) listeners.pop();
    else if (listeners.includes(listener)) listeners.splice(listeners.indexOf(listener), 1);
  }

  /** Lets go of the caller's signal, or of the whole call. Idempotent. */
  close(): void {
    const listener = this.#onParentAbort;
    if (listener === undefined) return;
    this.#onParentAbort = undefined;
    if (this.#parent instanceof CallContext) this.#parent.offAbort(listener);
    else this.#parent?.removeEventListener('abort', listener);
  }

  #follow(parent: AbortSignal | CallContext): void {
    if (parent.aborted) return this.abort(parent.reason);
    // V8 takes a function that is assigned to a property where it is written for one that stays, and puts it
    // into the old generation, where it keeps the whole call alive until the next full collection.
    const end = (): void => this.abort(parent.reason);
    this.#onParentAbort = end;
    if (parent instanceof CallContext) parent.onAbort(end);
    else parent.addEventListener('abort', end);
  }
}

/** What is different for a part of a call. */
export interface CallPart {
  /** Which try it is. @default that of the call */
  readonly attempt?: number | undefined;
  /** From now, in ms; the deadline of the call holds too. @default that of the call */
  readonly deadlineMs?: number | undefined;
}

const aPriority = integer(PRIORITIES.lowest, PRIORITIES.highest);

const OPTIONS: ReadonlySet<string> = new Set(['signal', 'deadlineMs', 'priority', 'key']);

function checkOptions(options: ExecuteOptions): void {
  const { deadlineMs = Infinity, priority = 0, signal } = options as Record<string, unknown>;
  const problems: OptionProblem[] = [];
  if (typeof deadlineMs !== 'number' || Number.isNaN(deadlineMs)) {
    problems.push({ option: 'deadlineMs', expected: 'a number of ms', got: shown(deadlineMs) });
  }
  if (!aPriority.accepts(priority)) {
    const { expected } = aPriority;
    problems.push({ option: 'priority', expected, got: shown(priority) });
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    problems.push({ option: 'signal', expected: 'an AbortSignal', got: shown(signal) });
  }
  const named = options instanceof CallContext ? [] : Object.keys(options);
  for (const option of named) {
    if (OPTIONS.has(option)) continue;
    const expected = `left out: there is no such option, only ${[...OPTIONS].join(', ')}`;
    problems.push({ option, expected, got: shown(options[option as keyof ExecuteOptions]) });
  }
  if (problems.length > 0) throw new InvalidOptionsError('execute', problems);
}
