import type { Alarm, Alarms } from '../collections/index.ts';
import {
  Backoff,
  CallContext,
  DeadlineExceededError,
  isThenable,
  plainContext,
  shown,
  TimeoutError,
  warn,
  type Emitter,
  type Task,
} from '../core/index.ts';
import type { ResolvedRetryOptions, RetryEvents, RetryStats } from './options.ts';
import { retryAfterMsOf } from './retry-after.ts';
import type { RetryBudget } from './retry-budget.ts';

/** What the calls of one policy have in common. */
export interface SharedState {
  options: ResolvedRetryOptions;
  budget: RetryBudget | undefined;
  readonly counts: { -readonly [K in keyof RetryStats]: number };
  readonly events: Emitter<RetryEvents>;
  readonly waits: Alarms;
  readonly timeouts: Alarms;
  /** When the listeners were last told that the budget is exhausted. */
  toldExhaustedMs: number;
}

/** How a call ends without a result. */
type Ending = 'exhausted' | 'notRetryable' | 'outOfTime' | 'budgetExhausted' | 'aborted';

/**
 * One call that may be tried again. Its tries and waits are one chain of promises, by which an error's stack
 * finds its async caller also in a later try.
 */
export class RetryCall<T> {
  readonly #shared: SharedState;
  readonly #task: Task<T>;
  /** What ends the whole call; undefined when nothing can. */
  readonly #whole: CallContext | undefined;
  /** Whether it was made for this call, and so is to be closed with it. */
  readonly #ownsWhole: boolean;
  #attempt = 1;
  #backoff: Backoff | undefined;
  #lastError: unknown;
  /** Of the try under way. */
  #context: CallContext | undefined;
  #alarm: Alarm | undefined;
  #answer: ((reason: unknown) => void) | undefined;

  constructor(shared: SharedState, task: Task<T>, whole?: CallContext, ownsWhole = false) {
    this.#shared = shared;
    this.#task = task;
    this.#whole = whole;
    this.#ownsWhole = ownsWhole;
  }

  /** The first try of a call that can be ended early. Throws what it cannot begin for. */
  start(): Promise<T> {
    const { options, counts, budget } = this.#shared;
    counts.calls++;
    if (this.#whole?.aborted) this.#end('aborted', this.#whole.reason);
    if (this.#isOver()) {
      const message = `${options.name}: the deadline passed before the first try`;
      this.#end('outOfTime', new DeadlineExceededError(options.name, message));
    }
    budget?.recordFirstTry();
    return this.#try();
  }

  /** Goes on after a try that has failed; throws when that was the last. */
  goOn(error: unknown): Promise<T> {
    const { events } = this.#shared;
    if (this.#whole?.aborted) this.#end('aborted', this.#whole.reason);
    const delayMs = this.#delayAfter(error);
    if (typeof delayMs === 'string') this.#end(delayMs, error);
    this.#lastError = error;
    const attempt = this.#attempt++;
    events.emit('retry', { attempt, error, delayMs });
    return this.#tryAgainAfter(delayMs);
  }

  #delayAfter(error: unknown): number | Ending {
    const { options, budget } = this.#shared;
    if (this.#attempt >= options.maxAttempts) return 'exhausted';
    const askedMs = this.#askedMs(error);
    if (askedMs === undefined) return 'notRetryable';
    if (askedMs > options.maxRetryAfterMs || askedMs === Infinity) return 'outOfTime';
    this.#backoff ??= new Backoff(options.backoff, options.random);
    const delayMs = Math.max(askedMs, this.#backoff.nextMs());
    if (this.#isOver(delayMs)) return 'outOfTime';
    if (budget === undefined || budget.tryRetry()) return delayMs;
    this.#tellExhausted(error, budget);
    return 'budgetExhausted';
  }

  /** How long the error asks to wait; undefined when it is not worth another try. */
  #askedMs(error: unknown): number | undefined {
    const { when, clock } = this.#shared.options;
    try {
      const isWorthIt: unknown = when(error);
      if (typeof isWorthIt !== 'boolean') {
        throw new TypeError(`when must answer true or false, got ${shown(isWorthIt)}`);
      }
      return isWorthIt ? (retryAfterMsOf(error, clock.wallTimeMs()) ?? 0) : undefined;
    } catch (mistake) {
      warn(mistake);
      return undefined;
    }
  }

  #tellExhausted(error: unknown, budget: RetryBudget): void {
    const atMs = this.#shared.options.clock.nowMs();
    if (atMs - this.#shared.toldExhaustedMs < budget.windowMs) return;
    this.#shared.toldExhaustedMs = atMs;
    this.#shared.events.emit('budgetExhausted', { error, atMs });
  }

  /** Whether the deadline will have passed in so many ms. */
  #isOver(inMs = 0): boolean {
    const deadlineAtMs = this.#whole?.deadlineAtMs ?? Infinity;
    return deadlineAtMs < Infinity && this.#shared.options.clock.nowMs() + inMs >= deadlineAtMs;
  }

  #wait(delayMs: number): Promise<void> {
    const { waits, options } = this.#shared;
    const dueMs = options.clock.nowMs() + delayMs;
    const whole = this.#whole;
    return new Promise((resolve, reject) => {
      const onAbort = (reason: unknown): void => {
        waits.cancel(alarm);
        reject(reason);
      };
      const alarm = waits.set(dueMs, () => {
        whole?.offAbort(onAbort);
        resolve();
      });
      whole?.onAbort(onAbort);
    });
  }

  /** Awaits the try: an error in its first turn, too, finds its async caller then. */
  async #tryAgainAfter(delayMs: number): Promise<T> {
    try {
      await this.#wait(delayMs);
    } catch (reason) {
      this.#end('aborted', reason);
    }
    return await this.#tryAgain();
  }

  #tryAgain(): Promise<T> {
    if (this.#whole?.aborted) this.#end('aborted', this.#whole.reason);
    // The timer may have come late.
    if (this.#isOver()) this.#end('outOfTime', this.#lastError);
    this.#shared.counts.retries++;
    return this.#try();
  }

  #try(): Promise<T> {
    const isEndless =
      this.#whole === undefined && this.#shared.options.attemptTimeoutMs === undefined;
    const work = isEndless ? this.#runToTheEnd() : this.#runLimited();
    return work.then(
      (value) => this.#succeed(value),
      (error: unknown) => {
        this.#leaveTry();
        return this.goOn(error);
      },
    );
  }

  #runToTheEnd(): Promise<T> {
    const { clock } = this.#shared.options;
    const context = new CallContext(clock, plainContext, { attempt: this.#attempt });
    const task = this.#task;
    try {
      return Promise.resolve(task(context));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Settles as soon as the try is ended, whatever the task does. */
  #runLimited(): Promise<T> {
    const context = this.#limitedContext();
    this.#context = context;
    const task = this.#task;
    return new Promise((resolve, reject) => {
      this.#answer = reject;
      context.onAbort(reject);
      const result = task(context);
      // The promise's own functions: by them an error's stack finds its async caller.
      if (isThenable(result)) Promise.resolve(result).then(resolve, reject);
      else resolve(result);
    });
  }

  #limitedContext(): CallContext {
    const { options, counts, timeouts } = this.#shared;
    const { attemptTimeoutMs: deadlineMs, clock } = options;
    const attempt = this.#attempt;
    const whole = this.#whole;
    const isTimed = deadlineMs !== undefined || (whole?.deadlineAtMs ?? Infinity) < Infinity;
    if (!isTimed && whole?.attempt === attempt) return whole;
    const context = new CallContext(clock, whole ?? plainContext, { attempt, deadlineMs });
    if (isTimed) {
      this.#alarm = timeouts.set(context.deadlineAtMs, () => {
        counts.timedOut++;
        context.abort(this.#timeoutError(deadlineMs));
      });
    }
    return context;
  }

  #timeoutError(attemptTimeoutMs: number | undefined): TimeoutError {
    const { name } = this.#shared.options;
    if (attemptTimeoutMs === undefined || this.#isOver()) {
      const timeoutMs = this.#whole?.budgetMs ?? Infinity;
      const message = `${name}: try ${this.#attempt} was not done by the deadline of ${timeoutMs} ms`;
      return new TimeoutError(name, message, { timeoutMs });
    }
    const message = `${name}: try ${this.#attempt} took longer than ${attemptTimeoutMs} ms`;
    return new TimeoutError(name, message, { timeoutMs: attemptTimeoutMs });
  }

  #succeed(value: T): T {
    const { counts } = this.#shared;
    if (this.#attempt === 1) counts.succeededFirst++;
    else counts.recovered++;
    this.#leaveTry();
    this.#close();
    return value;
  }

  #end(ending: Ending, error: unknown): never {
    this.#shared.counts[ending]++;
    this.#close();
    throw error;
  }

  #leaveTry(): void {
    const context = this.#context;
    if (context === undefined) return;
    this.#context = undefined;
    if (this.#alarm) this.#shared.timeouts.cancel(this.#alarm);
    this.#alarm = undefined;
    if (this.#answer) context.offAbort(this.#answer);
    if (context !== this.#whole) context.close();
  }

  #close(): void {
    if (this.#ownsWhole) this.#whole?.close();
  }
}
