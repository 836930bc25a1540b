import {
  CallContext,
  GateChain,
  InvalidOptionsError,
  plainContext,
  shown,
  type Clock,
  type ExecuteOptions,
  type Policy,
  type PolicyTraits,
  type Task,
  type TaskContext,
} from '../core/index.ts';
import {
  resolveFallbackOptions,
  type FallbackCases,
  type FallbackOptions,
  type ResolvedCase,
} from './options.ts';

export interface FallbackStats {
  /** Calls so far. */
  readonly calls: number;
  /** Calls that failed in a way that there is a case for. */
  readonly used: number;
  /** Of those, the ones whose case failed too. */
  readonly failed: number;
}

/**
 * Answers with something else when a call fails: a value, or what a function makes of the error. The first
 * case that is for the error answers; an error that no case is for is passed on.
 *
 * Never answers a call that its caller has aborted. A case that fails rejects with its own error, whose
 * `cause` is the first one.
 *
 * A call that succeeds costs one `.then`.
 *
 * @example
 * const fallback = new Fallback<string[]>({
 *   cases: [
 *     { on: [CircuitOpenError, TimeoutError], value: [] },
 *     { on: RangeError, run: (error) => [String(error)] },
 *   ],
 * });
 * const offers = await fallback.execute(async () => ['a', 'b']);
 * @see https://www.pollydocs.org/strategies/fallback
 */
export class Fallback<F> implements Policy<FallbackStats> {
  readonly name: string;
  readonly clock: Clock;
  readonly traits: PolicyTraits = Object.freeze({ kind: 'fallback' });
  #cases: readonly ResolvedCase<F>[];
  /** No gates: it answers at once when the caller of a call aborts it. */
  readonly #chain: GateChain;
  readonly #recoverPlain = (error: unknown): Promise<F> => this.recover(error);
  #calls = 0;
  #used = 0;
  #failed = 0;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: FallbackOptions<F>) {
    const { name, clock, cases } = resolveFallbackOptions(options);
    this.name = name;
    this.clock = clock;
    this.#cases = cases;
    this.#chain = new GateChain(name, [], clock);
  }

  /** Runs `task`; if it fails, answers with what the first case for its error gives. Never throws. */
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T | F>;
  /** As a {@link Policy}, which knows nothing of what else it may answer. */
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T>;
  execute<T>(task: Task<T>, options: ExecuteOptions = plainContext): Promise<T | F> {
    if (typeof task !== 'function') {
      const problem = { option: 'task', expected: 'a function', got: shown(task) };
      return Promise.reject(new InvalidOptionsError(this.name, [problem]));
    }
    this.#calls++;
    if (options === plainContext) return begin(task, plainContext).then(null, this.#recoverPlain);
    try {
      return options instanceof CallContext
        ? this.#executeWithin(options, task)
        : this.#executeFor(new CallContext(this.clock, options), task);
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  /**
   * What a call that failed with `error` is answered with; rejects with `error` if no case is for it. For
   * code that is not a function call.
   */
  async recover(error: unknown, context: TaskContext = plainContext): Promise<F> {
    const found = this.#find(error);
    if (found === undefined) throw error;
    this.#used++;
    try {
      return await found.answer(error, context);
    } catch (mistake) {
      if (context instanceof CallContext && context.aborted) throw mistake;
      this.#failed++;
      throw withCause(mistake, error);
    }
  }

  /**
   * Replaces all cases, for errors from now on.
   * @throws InvalidOptionsError and changes nothing when something is wrong.
   */
  update(cases: FallbackCases<F>): void {
    const { name, clock } = this;
    this.#cases = resolveFallbackOptions<F>({ ...cases, name, clock }).cases;
  }

  stats(): FallbackStats {
    return { calls: this.#calls, used: this.#used, failed: this.#failed };
  }

  /** A part of a call, whose maker answers its caller when it is ended. */
  #executeWithin<T>(call: CallContext, task: Task<T>): Promise<T | F> {
    const part = new CallContext(this.clock, call);
    if (part.aborted) return Promise.reject(part.reason);
    return this.#settle(call, part, begin(task, part));
  }

  /** A call of its own: answered at once when it is aborted, whatever the task or a case does. */
  #executeFor<T>(call: CallContext, task: Task<T>): Promise<T | F> {
    const part = new CallContext(this.clock, call);
    const work = this.#settle(call, part, this.#chain.execute(task, part));
    return new Promise<T | F>((resolve, reject) => {
      call.onAbort(reject);
      const left = work.finally(() => call.close());
      // By the promise's own functions an error's stack finds its async caller.
      left.then(resolve, reject);
    });
  }

  #settle<T>(call: CallContext, part: CallContext, work: Promise<T>): Promise<T | F> {
    return work.then(
      (value) => {
        part.close();
        return value;
      },
      (error: unknown) => {
        part.close();
        // Of the two, only the call tells the caller's abort from one by what is further in.
        if (call.aborted) throw error;
        return this.#recoverPart(call, error);
      },
    );
  }

  async #recoverPart(call: CallContext, error: unknown): Promise<F> {
    const part = new CallContext(this.clock, call);
    try {
      return await this.recover(error, part);
    } finally {
      part.close();
    }
  }

  /** A case whose condition throws is one that fails. */
  #find(error: unknown): ResolvedCase<F> | undefined {
    try {
      return this.#cases.find(({ matches }) => matches(error));
    } catch (mistake) {
      const answer = (): never => {
        throw mistake;
      };
      return { matches: () => true, answer };
    }
  }
}

function begin<T>(task: Task<T>, context: TaskContext): Promise<T> {
  try {
    return Promise.resolve(task(context));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** An error that says what came before it, unless it cannot, or does already. */
function withCause(error: unknown, cause: unknown): unknown {
  if (!(error instanceof Error) || error === cause || error.cause !== undefined) return error;
  if (!Object.isExtensible(error)) return error;
  return Object.defineProperty(error, 'cause', {
    value: cause,
    writable: true,
    configurable: true,
  });
}
