import type { Alarm, Alarms } from '../collections/index.ts';
import {
  CallContext,
  DeadlineExceededError,
  plainContext,
  TimeoutError,
  type CallPart,
  type Clock,
  type ExecuteOptions,
  type Task,
} from '../core/index.ts';
import type { TimeoutStrategy } from './options.ts';

/** Finished calls kept for reuse; a burst above it is left to the garbage collector. */
const KEPT_CALLS = 1024;

/** What all calls through one timeout share. */
export interface TimedCalls {
  readonly name: string;
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly free: TimedCall[];
  timedOut: number;
  abandoned: number;
}

/** What one call is given. */
export interface Allowance extends CallPart {
  readonly deadlineMs: number;
  readonly strategy: TimeoutStrategy;
}

const nothing = (): void => undefined;
const noTime: Allowance = { deadlineMs: 0, strategy: 'abandon' };

/**
 * The state of one call at a time. Its handlers are made once and serve one call after the other, so
 * that a call allocates its promises, its context and its alarm, and little else.
 */
export class TimedCall {
  readonly #shared: TimedCalls;
  #allowance = noTime;
  #options: ExecuteOptions = plainContext;
  #context: CallContext | undefined;
  #alarm: Alarm | undefined;
  /** What the task was told when its time was over. */
  #timeout: TimeoutError | undefined;
  /** Hears the caller's abort after that, while a cooperative task settles. */
  #afterwards: CallContext | undefined;
  #answered = false;
  #resolve: (value: never) => void = nothing;
  #reject: (error: unknown) => void = nothing;

  readonly #capture = (resolve: (value: never) => void, reject: (error: unknown) => void): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };
  readonly #ring = (): void => this.#timeOut();
  readonly #onAbort = (reason: unknown): void => {
    if (this.#timeout !== undefined || this.#answered) return;
    this.#countIfLate(reason);
    this.#answerEarly(reason);
  };
  readonly #succeed = <T>(value: T): T => {
    this.#leave();
    return value;
  };
  readonly #fail = (error: unknown): undefined => {
    const late = this.#answered;
    const shown = late ? undefined : this.#judge(error);
    this.#leave();
    if (!late) throw shown;
  };

  constructor(shared: TimedCalls) {
    this.#shared = shared;
  }

  /** @throws InvalidOptionsError for an option that is not what {@link ExecuteOptions} says. */
  run<T>(task: Task<T>, options: ExecuteOptions, allowance: Allowance): Promise<T> {
    const context = new CallContext(this.#shared.clock, options, allowance);
    if (context.aborted) return this.#refuse(context.reason);
    if (allowance.deadlineMs <= 0) return this.#refuse(this.#tooLate());
    this.#allowance = allowance;
    this.#options = options;
    this.#context = context;
    // Without options, only this timeout and what is further in can end the call.
    if (options !== plainContext) context.onAbort(this.#onAbort);
    const promise = new Promise<T>(this.#capture);
    try {
      this.#follow(Promise.resolve(task(context)), context);
    } catch (error) {
      this.#reject(error);
      this.#leave();
    }
    return promise;
  }

  #follow<T>(work: Promise<T>, context: CallContext): void {
    if (!this.#answered) {
      this.#alarm = this.#shared.alarms.set(context.deadlineAtMs, this.#ring);
    }
    // A second `then`, of the promise's own functions: by them an error's stack finds its async caller.
    work
      .then(this.#succeed<T>, this.#fail)
      .then(this.#resolve as (value: T | undefined) => void, this.#reject);
  }

  #timeOut(): void {
    const { name } = this.#shared;
    const { deadlineMs: timeoutMs, strategy } = this.#allowance;
    const error = new TimeoutError(name, `${name}: not done within ${timeoutMs} ms`, { timeoutMs });
    this.#shared.timedOut++;
    this.#timeout = error;
    if (strategy === 'abandon') this.#answerEarly(error);
    else this.#hearAfterwards();
    this.#context?.abort(error);
  }

  /** An ended context no longer follows the caller's signal. */
  #hearAfterwards(): void {
    if (this.#options === plainContext) return;
    this.#afterwards = new CallContext(this.#shared.clock, this.#options);
    this.#afterwards.onAbort((reason) => this.#answerEarly(reason));
  }

  #answerEarly(error: unknown): void {
    this.#answered = true;
    this.#shared.abandoned++;
    this.#reject(error);
    this.#release();
  }

  /** What the caller is told of a task that failed. */
  #judge(error: unknown): unknown {
    if (this.#timeout === undefined) this.#countIfLate(error);
    else if (isAbortError(error)) {
      const { name } = this.#shared;
      const { message, timeoutMs } = this.#timeout;
      return new TimeoutError(name, message, { timeoutMs, cause: error });
    }
    return error;
  }

  /** A policy further in watches the same deadline, and may be the first to find that it has passed. */
  #countIfLate(error: unknown): void {
    if (!(error instanceof TimeoutError || error instanceof DeadlineExceededError)) return;
    const { clock } = this.#shared;
    if ((this.#context as CallContext).deadlineAtMs <= clock.nowMs()) this.#shared.timedOut++;
  }

  /** The task has settled. */
  #leave(): void {
    if (this.#answered) this.#shared.abandoned--;
    this.#release();
    this.#answered = false;
    this.#timeout = undefined;
    this.#context = undefined;
    this.#options = plainContext;
    this.#resolve = nothing;
    this.#reject = nothing;
    this.#recycle();
  }

  #recycle(): void {
    const { free } = this.#shared;
    if (free.length < KEPT_CALLS) free.push(this);
  }

  /** Lets go of the timer, and of the caller's signal. */
  #release(): void {
    if (this.#alarm) this.#shared.alarms.cancel(this.#alarm);
    this.#alarm = undefined;
    if (this.#options !== plainContext) {
      // Someone further in may hold the context, and end it when this serves another call.
      this.#context?.offAbort(this.#onAbort);
      this.#context?.close();
    }
    this.#afterwards?.close();
    this.#afterwards = undefined;
  }

  #refuse(error: unknown): Promise<never> {
    this.#recycle();
    return Promise.reject(error);
  }

  #tooLate(): DeadlineExceededError {
    const { name } = this.#shared;
    return new DeadlineExceededError(name, `${name}: the deadline passed before the work began`);
  }
}

function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
