import { isThenable, TimeoutError } from '../core/index.ts';
import { follow } from './follow.ts';
import { hookFailed, type Setup } from './setup.ts';
import type { DestroyReason } from './stats.ts';

/** What a hook thinks of a connection, or the way to take the question back, as it needs time. */
export type Verdict = true | Refusal | (() => void);

export interface Refusal {
  readonly error: unknown;
}

/** Told once of an answer that needed time. */
export type Answer = (verdict: true | Refusal) => void;

interface Question {
  readonly hook: string;
  readonly ask: () => unknown;
  /** Which results are a yes. */
  readonly accepts: (result: unknown) => boolean;
  /** Is told that nobody waits for the answer any more. */
  readonly drop?: (reason: unknown) => void;
}

/** Calls the hooks of the pool's user, bounded in time, and lets none of their errors out. */
export class Hooks<T> {
  readonly #setup: Setup<T>;

  constructor(setup: Setup<T>) {
    this.#setup = setup;
  }

  watch(value: T, died: (reason?: unknown) => void): void {
    try {
      this.#setup.options.watch?.(value, died);
    } catch (error) {
      hookFailed(this.#setup, 'watch', error);
      died(error);
    }
  }

  isOpen(value: T): boolean {
    try {
      return this.#setup.options.isOpen?.(value) !== false;
    } catch (error) {
      hookFailed(this.#setup, 'isOpen', error);
      return false;
    }
  }

  isFatal(error: unknown, value: T): boolean {
    try {
      return this.#setup.options.isFatal?.(error, value) !== false;
    } catch (mistake) {
      hookFailed(this.#setup, 'isFatal', mistake);
      return true;
    }
  }

  isHealthy(value: T, answer: Answer): Verdict {
    const { options } = this.#setup;
    const controller = new AbortController();
    const question: Question = {
      hook: 'isHealthy',
      ask: () => options.isHealthy?.(value, controller.signal),
      accepts: (result) => result === true,
      drop: (reason) => controller.abort(reason),
    };
    return this.#put(question, answer);
  }

  reset(value: T, answer: Answer): Verdict {
    const { options } = this.#setup;
    const question: Question = {
      hook: 'reset',
      ask: () => options.reset?.(value),
      accepts: (result) => result !== false,
    };
    return this.#put(question, answer);
  }

  /** Calls `done` once: when the hook has ended the connection, or when it should have. */
  destroy(value: T, reason: DestroyReason, done: () => void): void {
    const { options } = this.#setup;
    const question: Question = {
      hook: 'destroy',
      ask: () => options.destroy?.(value, reason),
      accepts: () => true,
    };
    const told = (verdict: true | Refusal): void => {
      if (verdict !== true) hookFailed(this.#setup, 'destroy', verdict.error);
      done();
    };
    const verdict = this.#put(question, told);
    if (typeof verdict !== 'function') told(verdict);
  }

  #put({ hook, ask, accepts, drop }: Question, answer: Answer): Verdict {
    const judge = (result: unknown): true | Refusal => accepts(result) || { error: undefined };
    const { clock, alarms, options, name } = this.#setup;
    const limitMs = options.hookTimeoutMs;
    try {
      const result = ask();
      if (!isThenable(result)) return judge(result);
      const leave = follow(
        result,
        { clock, alarms, limitMs },
        {
          done: (value) => answer(judge(value)),
          failed: (error) => answer({ error }),
          overdue: () => {
            const message = `${name}: ${hook} took longer than ${limitMs} ms`;
            const error = new TimeoutError(name, message, { timeoutMs: limitMs });
            drop?.(error);
            answer({ error });
          },
        },
      );
      return () => {
        leave();
        drop?.(new Error(`${name}: the connection was ended before ${hook} was done`));
      };
    } catch (error) {
      return { error };
    }
  }
}
