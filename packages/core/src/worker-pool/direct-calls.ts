import { isThenable, outcomeOf, plainContext, type Task } from '../core/index.ts';
import type { Dispatcher } from './dispatcher.ts';
import { fateOf } from './tally.ts';

/**
 * Calls without options that find a free lane and whose caller gets the task's own promise. Nothing can end
 * them early, so that nothing need be remembered of them: two handlers serve them all, and a call costs
 * one `then`.
 */
export class DirectCalls {
  readonly #lanes: Dispatcher;
  readonly #succeed: <T>(value: T) => T;
  readonly #fail: (error: unknown) => never;

  constructor(lanes: Dispatcher) {
    this.#lanes = lanes;
    this.#succeed = (value) => {
      lanes.vacateWell();
      return value;
    };
    this.#fail = (error) => {
      this.#failed(error, Number.NaN);
      throw error;
    };
  }

  /** Runs `task` at once on a lane, which must be free. */
  run<T>(task: Task<T>): Promise<T> {
    const lanes = this.#lanes;
    lanes.occupy();
    if (lanes.times.isDue()) return this.#runTimed(task);
    let result;
    try {
      result = task(plainContext);
      // As `await` does it: whatever a foreign thenable does, the handlers are called once, and later.
      if (isThenable(result)) return Promise.resolve(result).then(this.#succeed<T>, this.#fail);
    } catch (error) {
      this.#failed(error, Number.NaN);
      return Promise.reject(error);
    }
    return Promise.resolve(this.#succeed(result));
  }

  #runTimed<T>(task: Task<T>): Promise<T> {
    const { clock, times } = this.#lanes;
    const startMs = clock.nowMs();
    times.came(startMs);
    const succeed = (value: T): T => {
      const nowMs = clock.nowMs();
      this.#lanes.vacate('completed', nowMs - startMs, nowMs);
      return value;
    };
    let result;
    try {
      result = task(plainContext);
      if (isThenable(result)) {
        const fail = (error: unknown): never => {
          this.#failed(error, startMs);
          throw error;
        };
        return Promise.resolve(result).then(succeed, fail);
      }
    } catch (error) {
      this.#failed(error, startMs);
      return Promise.reject(error);
    }
    return Promise.resolve(succeed(result));
  }

  /** The clock is read for what does not go well, as it is so much dearer. */
  #failed(error: unknown, startMs: number): void {
    const nowMs = Number.isNaN(startMs) ? Number.NaN : this.#lanes.clock.nowMs();
    this.#lanes.vacate(fateOf(outcomeOf(error)), nowMs - startMs, nowMs);
  }
}
