import { Alarms } from '../collections/index.ts';
import {
  CallContext,
  Emitter,
  InvalidOptionsError,
  plainContext,
  shown,
  type ExecuteOptions,
  type Listener,
  type Policy,
  type PolicyTraits,
  type Task,
} from '../core/index.ts';
import { FirstTry } from './first-try.ts';
import {
  resolveRetryOptions,
  type ResolvedRetryOptions,
  type RetryEvents,
  type RetryOptions,
  type RetryStats,
} from './options.ts';
import { RetryBudget } from './retry-budget.ts';
import { RetryCall, type SharedState } from './retry-call.ts';

/** How long the timer of the time limits stays for the next call. */
const LINGER_MS = 250;

/**
 * Tries a call again when it fails with an error that may pass: after a backoff with jitter, never earlier
 * than the error itself asks for, never past the deadline, never when the caller has aborted, and only
 * while the {@link RetryBudget} has a retry left. What ends a call is the error of its last try, as it is.
 *
 * The task must be idempotent. Retry in one layer of the system only; where most calls fail, a circuit
 * breaker within the retry ends the tries at once.
 *
 * A call that succeeds at once costs a promise hop, and starts no timer. All waits share one timer, all
 * time limits another.
 * @see https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
 *
 * @example
 * const retry = new Retry({ maxAttempts: 4, attemptTimeoutMs: 500, deadlineMs: 2000 });
 * const answer = await retry.execute(async ({ attempt, signal }) => `try ${attempt}, ${signal.aborted}`);
 */
export class Retry implements Policy<RetryStats> {
  readonly name: string;
  #given: RetryOptions;
  readonly #shared: SharedState;
  #ownBudget: RetryBudget | undefined;
  readonly #free: FirstTry[] = [];

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: RetryOptions = {}) {
    const resolved = resolveRetryOptions(options);
    const { clock } = resolved;
    this.#given = { ...options };
    this.#shared = {
      options: resolved,
      budget: this.#budgetOf(resolved),
      counts: noCounts(),
      events: new Emitter(),
      waits: new Alarms(clock),
      timeouts: new Alarms(clock, LINGER_MS),
      toldExhaustedMs: -Infinity,
    };
    this.name = resolved.name;
  }

  /**
   * Runs `task`, up to `maxAttempts` times. Rejects with the error of the last try; with `signal.reason`
   * as soon as the caller aborts; with DeadlineExceededError if there is no time for the first try.
   */
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T> {
    if (typeof task !== 'function') return this.#refuseTask(task);
    const { attemptTimeoutMs, deadlineMs, clock } = this.#shared.options;
    const isPlain = options === undefined || options === plainContext;
    const isOpen = isPlain && deadlineMs === undefined;
    if (isOpen && attemptTimeoutMs === undefined) return this.#direct(task);
    try {
      if (isOpen) return new RetryCall(this.#shared, task).start();
      if (options instanceof CallContext && deadlineMs === undefined) {
        return new RetryCall(this.#shared, task, options).start();
      }
      const lastMs = Math.min(deadlineMs ?? Infinity, options?.deadlineMs ?? Infinity);
      const whole = new CallContext(clock, options, { deadlineMs: lastMs, attempt: 1 });
      return new RetryCall(this.#shared, task, whole, true).start();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** What bounds the retries; false when nothing does. */
  get budget(): RetryBudget | false {
    return this.#shared.budget ?? false;
  }

  get traits(): PolicyTraits {
    const { maxAttempts, attemptTimeoutMs } = this.#shared.options;
    const budgeted = this.#shared.budget !== undefined;
    return { kind: 'retry', maxAttempts, timeoutMs: attemptTimeoutMs, budgeted };
  }

  /**
   * Changes options live, also for the next decision of the calls under way (not their deadline, nor a
   * backoff that has begun). `name` and `clock` stay what they are. An option that is undefined goes
   * back to its default.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: Partial<Omit<RetryOptions, 'name' | 'clock'>>): void {
    const { clock } = this.#shared.options;
    const given = { ...this.#given, ...changes, name: this.name, clock };
    const options = resolveRetryOptions(given);
    this.#given = given;
    this.#shared.options = options;
    this.#shared.budget = this.#budgetOf(options);
  }

  on<K extends keyof RetryEvents>(event: K, listener: Listener<RetryEvents[K]>): () => void {
    return this.#shared.events.on(event, listener);
  }

  stats(): RetryStats {
    return { ...this.#shared.counts };
  }

  #direct<T>(task: Task<T>): Promise<T> {
    const { counts, budget } = this.#shared;
    counts.calls++;
    budget?.recordFirstTry();
    const first = this.#free.pop() ?? new FirstTry(this.#shared, this.#free);
    return first.run(task);
  }

  #budgetOf({ budget, clock }: ResolvedRetryOptions): RetryBudget | undefined {
    if (budget === false) return undefined;
    if (budget) return budget;
    this.#ownBudget ??= new RetryBudget({ clock });
    return this.#ownBudget;
  }

  #refuseTask(task: unknown): Promise<never> {
    const problem = { option: 'task', expected: 'a function', got: shown(task) };
    return Promise.reject(new InvalidOptionsError(this.name, [problem]));
  }
}

function noCounts(): SharedState['counts'] {
  return {
    calls: 0,
    succeededFirst: 0,
    recovered: 0,
    exhausted: 0,
    notRetryable: 0,
    outOfTime: 0,
    budgetExhausted: 0,
    aborted: 0,
    retries: 0,
    timedOut: 0,
  };
}
