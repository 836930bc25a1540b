import { Alarms } from '../collections/index.ts';
import {
  InvalidOptionsError,
  plainContext,
  shown,
  type Clock,
  type ExecuteOptions,
  type Policy,
  type PolicyTraits,
  type Task,
} from '../core/index.ts';
import {
  resolveTimeoutOptions,
  type ResolvedTimeoutOptions,
  type TimeoutOptions,
} from './options.ts';
import { TimedCall, type Allowance, type TimedCalls } from './timed-call.ts';

/** Setting a timer is dear, so it stays a little for the next call. */
const LINGER_MS = 50;

export interface TimeoutStats {
  /** Calls so far, those that were refused as too late or aborted before they began included. */
  readonly calls: number;
  /** Calls whose time was over before their task was done, whatever came of them after that. */
  readonly timedOut: number;
  /** Tasks that run on now although their caller has been answered. */
  readonly abandoned: number;
}

/**
 * Bounds how long a call may take.
 *
 * What the task gets is a part of the caller's call: it ends with it, its `deadlineMs` is the nearer of
 * both, and its `signal` is aborted with the TimeoutError when the time is over. An abort by the caller
 * rejects at once with `signal.reason`, and is no timeout.
 *
 * A task that succeeds before its caller was answered has succeeded, however late. With `'cooperative'`,
 * one that fails after its time with the TimeoutError that it was told, or an AbortError, has timed out;
 * any other error of its own is passed on.
 *
 * One timer for all calls, which stays 50 ms after the last of them; no AbortController unless the task
 * reads `signal`. O(log n) a call, n being the calls under way.
 *
 * @example
 * const timeout = new Timeout({ timeoutMs: 2000 });
 * const answer = await timeout.execute(async ({ signal }) => signal.aborted ? 'late' : 'done');
 * @see https://www.pollydocs.org/strategies/timeout
 */
export class Timeout implements Policy<TimeoutStats> {
  readonly name: string;
  readonly clock: Clock;
  #options: ResolvedTimeoutOptions;
  #allowance: Allowance;
  readonly #shared: TimedCalls;
  #calls = 0;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: TimeoutOptions) {
    this.#options = resolveTimeoutOptions(options);
    this.#allowance = allowanceOf(this.#options);
    const { name, clock } = this.#options;
    this.name = name;
    this.clock = clock;
    const alarms = new Alarms(clock, LINGER_MS);
    this.#shared = { name, clock, alarms, free: [], timedOut: 0, abandoned: 0 };
  }

  get traits(): PolicyTraits {
    return { kind: 'timeout', timeoutMs: this.#options.timeoutMs };
  }

  /** Runs `task`, and rejects with TimeoutError when it is not done in time. Never throws. */
  execute<T>(task: Task<T>, options: ExecuteOptions = plainContext): Promise<T> {
    if (typeof task !== 'function') {
      const problem = { option: 'task', expected: 'a function', got: shown(task) };
      return Promise.reject(new InvalidOptionsError(this.name, [problem]));
    }
    this.#calls++;
    try {
      const call = this.#shared.free.pop() ?? new TimedCall(this.#shared);
      return call.run(task, options, this.#allowanceFor(options));
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  /**
   * Changes options live, for calls from now on; those under way keep their time. `name` and `clock`
   * stay what they are. An option that is undefined goes back to its default.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: Partial<Omit<TimeoutOptions, 'name' | 'clock'>>): void {
    this.#options = resolveTimeoutOptions({
      ...this.#options,
      ...changes,
      name: this.name,
      clock: this.clock,
    });
    this.#allowance = allowanceOf(this.#options);
  }

  stats(): TimeoutStats {
    const { timedOut, abandoned } = this.#shared;
    return { calls: this.#calls, timedOut, abandoned };
  }

  #allowanceFor(options: ExecuteOptions): Allowance {
    if (options === plainContext) return this.#allowance;
    const { deadlineMs = Infinity } = options;
    // What is no number, the context refuses in words.
    return deadlineMs < this.#allowance.deadlineMs
      ? { ...this.#allowance, deadlineMs }
      : this.#allowance;
  }
}

function allowanceOf({ timeoutMs, strategy }: ResolvedTimeoutOptions): Allowance {
  return { deadlineMs: timeoutMs, strategy };
}
