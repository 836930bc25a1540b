import type { Alarm, Alarms } from '../collections/index.ts';
import {
  CallContext,
  DeadlineExceededError,
  plainContext,
  type Clock,
  type ExecuteOptions,
  type Task,
} from '../core/index.ts';
import type { HedgeBudget } from './hedge-budget.ts';
import type { HedgeDelay } from './hedge-delay.ts';

/** What all calls through one hedge share. */
export interface HedgedCalls {
  readonly name: string;
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly budget: HedgeBudget;
  readonly delay: HedgeDelay;
  maxHedges: number;
  hedged: number;
  wonByHedge: number;
  budgetExhausted: number;
}

/**
 * One call and its tries. It settles exactly once: with the first success, with the end of the call, or when
 * all tries under way have failed.
 */
export class HedgedCall<T> {
  readonly #shared: HedgedCalls;
  readonly #task: Task<T>;
  readonly #maxHedges: number;
  /** The caller's call; undefined when nothing but a try's own task can end it. */
  readonly #call: CallContext | undefined;
  readonly #startMs: number;
  readonly #delayMs: number | undefined;
  /** The tries under way. */
  readonly #running = new Set<CallContext>();
  #first: CallContext | undefined;
  #begun = 0;
  readonly #promise: Promise<T>;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;
  #isSettled = false;
  #hasFailed = false;
  /** What the first try failed with. */
  #firstError: unknown;
  #alarm: Alarm | undefined;

  /** @throws InvalidOptionsError for an option that is not what {@link ExecuteOptions} says. */
  constructor(shared: HedgedCalls, task: Task<T>, options: ExecuteOptions) {
    const { clock, delay, maxHedges } = shared;
    this.#shared = shared;
    this.#task = task;
    this.#maxHedges = maxHedges;
    this.#call = options === plainContext ? undefined : new CallContext(clock, options);
    this.#startMs = clock.nowMs();
    this.#delayMs = delay.msAt(this.#startMs);
    this.#promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  start(): Promise<T> {
    const call = this.#call;
    if (call?.aborted) this.#end(call.reason);
    else if (call && call.deadlineAtMs <= this.#startMs) this.#end(this.#tooLate());
    else {
      // Before the tries listen, so that the caller's reason is what the call rejects with.
      call?.onAbort((reason) => this.#end(reason));
      this.#try();
      if (this.#delayMs !== undefined) this.#hedgeAt(this.#startMs + this.#delayMs);
    }
    return this.#promise;
  }

  #try(): void {
    const attempt = (this.#call?.attempt ?? 1) + this.#begun++;
    const context = new CallContext(this.#shared.clock, this.#call ?? plainContext, { attempt });
    this.#first ??= context;
    this.#running.add(context);
    // A second `then`, of the promise's own functions: by them an error's stack finds its async caller.
    begin(this.#task, context)
      .then(
        (value) => this.#succeed(value, context),
        (error: unknown) => this.#fail(error, context),
      )
      .then(this.#resolve, this.#reject);
  }

  #hedgeAt(dueMs: number): void {
    const isOver = this.#isSettled || this.#hasFailed || this.#begun > this.#maxHedges;
    if (!isOver) this.#alarm = this.#shared.alarms.set(dueMs, () => this.#hedge(dueMs));
  }

  #hedge(dueMs: number): void {
    const shared = this.#shared;
    if (!shared.budget.withdraw()) {
      shared.budgetExhausted++;
      return;
    }
    shared.hedged++;
    this.#try();
    this.#hedgeAt(dueMs + (this.#delayMs as number));
  }

  #succeed(value: T, winner: CallContext): T {
    if (this.#isSettled) return value;
    const { clock, delay } = this.#shared;
    if (winner !== this.#first) this.#shared.wonByHedge++;
    if (delay.learns) {
      const nowMs = clock.nowMs();
      delay.learn(nowMs - this.#startMs, nowMs);
    }
    this.#settle();
    winner.close();
    this.#running.delete(winner);
    this.#endLosers();
    return value;
  }

  #fail(error: unknown, loser: CallContext): Promise<T> | T {
    loser.close();
    this.#running.delete(loser);
    if (loser === this.#first) this.#firstError = error;
    this.#hasFailed = true;
    this.#cancelHedge();
    // It is not this try that the call ends with.
    if (this.#isSettled || this.#running.size > 0) return this.#promise;
    this.#settle();
    throw this.#firstError;
  }

  #endLosers(): void {
    if (this.#running.size === 0) return;
    const { name } = this.#shared;
    const reason = new DOMException(`${name}: another try was faster`, 'AbortError');
    for (const loser of this.#running) loser.abort(reason);
    this.#running.clear();
  }

  /** The caller is answered before any try has settled the call. */
  #end(error: unknown): void {
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.#isSettled = true;
    this.#cancelHedge();
    this.#call?.close();
  }

  #cancelHedge(): void {
    if (this.#alarm) this.#shared.alarms.cancel(this.#alarm);
    this.#alarm = undefined;
  }

  #tooLate(): DeadlineExceededError {
    const { name } = this.#shared;
    return new DeadlineExceededError(name, `${name}: the deadline passed before the work began`);
  }
}

function begin<T>(task: Task<T>, context: CallContext): Promise<T> {
  try {
    return Promise.resolve(task(context));
  } catch (error) {
    return Promise.reject(error);
  }
}
