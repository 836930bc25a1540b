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
import { HedgeBudget } from './hedge-budget.ts';
import { HedgeDelay } from './hedge-delay.ts';
import { HedgedCall, type HedgedCalls } from './hedged-call.ts';
import { resolveHedgeOptions, type HedgeOptions, type ResolvedHedgeOptions } from './options.ts';

/** Setting a timer is dear, so it stays a little for the next call. */
const LINGER_MS = 50;

export interface HedgeStats {
  /** Calls so far. */
  readonly calls: number;
  /** Tries beside the first ones. */
  readonly hedged: number;
  /** Calls that such a try answered. */
  readonly wonByHedge: number;
  /** Hedges that were due, and not made because the budget was spent. */
  readonly budgetExhausted: number;
  /** How long a try may take now before it is hedged, in ms; undefined while too few calls are known. */
  readonly delayMs: number | undefined;
}

/**
 * Begins a second try of a call that takes long, beside the first; the first success wins, and the other
 * try's `signal` is aborted with an AbortError. Cuts the tail of latencies at the price of some more load,
 * which a budget bounds. Only for work that may be done twice: reads, and writes that are idempotent.
 *
 * No retry: a call whose first try fails before it is hedged rejects at once. Once tries run side by side, the
 * call rejects when all of them have failed, with the error of the first try, so hedging never changes which
 * error a caller sees. After a failure no further try begins.
 *
 * One timer for all calls, which stays 50 ms after the last of them. 50 KB with a percentile.
 *
 * @example
 * const hedge = new Hedge({ percentile: 0.95, maxDelayMs: 500 });
 * const answer = await hedge.execute(async ({ attempt, signal }) => signal.aborted ? 0 : attempt);
 * @see https://research.google/pubs/the-tail-at-scale/
 * @see https://grpc.io/docs/guides/request-hedging/
 */
export class Hedge implements Policy<HedgeStats> {
  readonly name: string;
  readonly clock: Clock;
  #options: ResolvedHedgeOptions;
  readonly #shared: HedgedCalls;
  #calls = 0;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: HedgeOptions) {
    this.#options = resolveHedgeOptions(options);
    const { name, clock, maxHedges, budgetRatio, budgetFloor } = this.#options;
    this.name = name;
    this.clock = clock;
    this.#shared = {
      name,
      clock,
      alarms: new Alarms(clock, LINGER_MS),
      budget: new HedgeBudget(budgetRatio, budgetFloor),
      delay: new HedgeDelay(this.#options),
      maxHedges,
      hedged: 0,
      wonByHedge: 0,
      budgetExhausted: 0,
    };
  }

  get traits(): PolicyTraits {
    return { kind: 'hedge', maxAttempts: 1 + this.#options.maxHedges, budgeted: true };
  }

  /** Runs `task`, and once more beside it if it takes long. `context.attempt` says which try it is. Never throws. */
  execute<T>(task: Task<T>, options: ExecuteOptions = plainContext): Promise<T> {
    if (typeof task !== 'function') {
      const problem = { option: 'task', expected: 'a function', got: shown(task) };
      return Promise.reject(new InvalidOptionsError(this.name, [problem]));
    }
    try {
      const call = new HedgedCall(this.#shared, task, options);
      this.#calls++;
      this.#shared.budget.deposit();
      return call.start();
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  /**
   * Changes options live, for calls from now on. What is known of latencies stays while `windowMs` does.
   * `name` and `clock` stay what they are. An option that is undefined goes back to its default.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: Partial<Omit<HedgeOptions, 'name' | 'clock'>>): void {
    const { name, clock } = this;
    const options = resolveHedgeOptions({ ...this.#options, ...changes, name, clock });
    this.#options = options;
    this.#shared.maxHedges = options.maxHedges;
    this.#shared.budget.update(options.budgetRatio, options.budgetFloor);
    this.#shared.delay.update(options);
  }

  stats(): HedgeStats {
    const { hedged, wonByHedge, budgetExhausted, delay } = this.#shared;
    const delayMs = delay.msAt(this.clock.nowMs());
    return { calls: this.#calls, hedged, wonByHedge, budgetExhausted, delayMs };
  }
}
