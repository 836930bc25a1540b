import { isThenable, plainContext, type Task } from '../core/index.ts';
import { RetryCall, type SharedState } from './retry-call.ts';

/** Finished ones kept for reuse; a burst above it is left to the garbage collector. */
const KEPT = 1024;

/**
 * The first try of one call at a time that nothing can end early. Its handlers are made once and serve one
 * call after the other, so that a call that succeeds at once allocates the promise and little else.
 */
export class FirstTry {
  readonly #free: FirstTry[];
  #task: Task<unknown> | undefined;
  readonly #succeed: <T>(value: T) => T;
  readonly #fail: <T>(error: unknown) => Promise<T>;

  constructor(shared: SharedState, free: FirstTry[]) {
    this.#free = free;
    const { counts } = shared;
    this.#succeed = (value) => {
      counts.succeededFirst++;
      this.#release();
      return value;
    };
    this.#fail = <T>(error: unknown) => {
      const call = new RetryCall<T>(shared, this.#task as Task<T>);
      this.#release();
      return call.goOn(error);
    };
  }

  run<T>(task: Task<T>): Promise<T> {
    this.#task = task;
    let result;
    try {
      result = task(plainContext);
      if (isThenable(result)) return Promise.resolve(result).then(this.#succeed<T>, this.#fail<T>);
    } catch (error) {
      return this.#failAtOnce(error);
    }
    return Promise.resolve(this.#succeed(result));
  }

  #failAtOnce<T>(error: unknown): Promise<T> {
    try {
      return this.#fail(error);
    } catch (last) {
      return Promise.reject(last);
    }
  }

  #release(): void {
    this.#task = undefined;
    if (this.#free.length < KEPT) this.#free.push(this);
  }
}
