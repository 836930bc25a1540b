import {
  CircuitBreaker,
  CircuitOpenError,
  Fallback,
  pipeline,
  Retry,
  RetryBudget,
  Timeout,
  TimeoutError,
  TokenBucket,
  WorkerPool,
  type CircuitBreakerOptions,
  type Outcome,
  type Pipeline,
  type StateChange,
} from '../../src/index.ts';
import { ManualClock, SeededRandom } from '../../src/testing/index.ts';

/** What a fallback answers with where it has a case. */
export const FALLBACK = 'fallback';
/** How long a lane is kept for a task whose caller has been answered. */
export const ABANDON_AFTER_MS = 60;
/** Longer than the total time limit, the lanes of what hangs, and every timer that stays for the next call. */
export const ALL_OVER_MS = 2000;

/** A breaker that notes its probes, and whether each call that came in also leaves. */
export class WatchedBreaker extends CircuitBreaker {
  readonly mistakes: string[] = [];
  readonly changes: StateChange[] = [];
  /** Calls under way whose callers wait for them, by the generation of the breaker. */
  readonly #inside = new Map<number, number>();
  /** Tickets of probes under way whose callers gave them up. */
  readonly #kept = new Set<number>();
  #permitted: number;

  constructor(options: CircuitBreakerOptions & { readonly permittedCallsInHalfOpen: number }) {
    super(options);
    this.#permitted = options.permittedCallsInHalfOpen;
    this.on('stateChange', (change) => this.changes.push(change));
  }

  get inside(): number {
    return [...this.#inside.values()].reduce((sum, calls) => sum + calls, 0);
  }

  permit(permittedCallsInHalfOpen: number): void {
    this.update({ permittedCallsInHalfOpen });
    this.#permitted = permittedCallsInHalfOpen;
  }

  override enter(nowMs: number): number {
    const ticket = super.enter(nowMs);
    if (ticket > 0) return ticket;
    const generation = Math.floor(0 - ticket);
    const calls = (this.#inside.get(generation) ?? 0) + 1;
    this.#inside.set(generation, calls);
    const kept = [...this.#kept].filter((each) => Math.floor(0 - each) === generation);
    if (this.state === 'half-open' && calls + kept.length > this.#permitted) {
      this.mistakes.push(`${calls} probes at once, and ${this.#permitted} are permitted`);
    }
    return ticket;
  }

  override overdue(ticket: number, nowMs: number, outcome: Outcome): number {
    const kept = super.overdue(ticket, nowMs, outcome);
    if (Number.isNaN(kept)) return kept;
    this.#leave(ticket);
    this.#kept.add(kept);
    return kept;
  }

  override exit(ticket: number, outcome: Outcome, nowMs: number, durationMs: number): void {
    if (!this.#kept.delete(ticket)) this.#leave(ticket);
    super.exit(ticket, outcome, nowMs, durationMs);
  }

  #leave(ticket: number): void {
    const generation = Math.floor(0 - ticket);
    const calls = (this.#inside.get(generation) ?? 0) - 1;
    if (calls < 0) this.mistakes.push('a call left that was not inside');
    this.#inside.set(generation, calls);
  }
}

/** Every policy in the order of the docs, on one clock that stands still until it is told to move. */
export class WholeRow {
  readonly clock: ManualClock = new ManualClock();
  readonly fallback: Fallback<string>;
  readonly timeout: Timeout;
  readonly budget: RetryBudget;
  readonly retry: Retry;
  readonly limiter: TokenBucket;
  readonly breaker: WatchedBreaker;
  readonly pool: WorkerPool;
  readonly pipeline: Pipeline<string>;

  constructor(seed: number, { ratePerSecond = 200, capacity = 40 } = {}) {
    const { clock } = this;
    const random = new SeededRandom(seed);
    this.fallback = new Fallback({ on: [CircuitOpenError, TimeoutError], value: FALLBACK, clock });
    this.timeout = new Timeout({ timeoutMs: 400, clock });
    this.budget = new RetryBudget({ ratio: 0.2, minRetriesPerSecond: 10, windowMs: 1000, clock });
    this.retry = new Retry({
      attemptTimeoutMs: 60,
      backoff: { type: 'decorrelated-jitter', baseMs: 10, maxMs: 80 },
      budget: this.budget,
      clock,
      random,
    });
    this.limiter = new TokenBucket({ ratePerSecond, capacity, clock });
    this.breaker = new WatchedBreaker({
      slidingWindow: { type: 'time', durationMs: 500, buckets: 5 },
      minimumCalls: 5,
      openMs: 40,
      maxOpenMs: 150,
      permittedCallsInHalfOpen: 2,
      maxHalfOpenMs: 100,
      clock,
      random,
    });
    this.pool = new WorkerPool({ size: 4, queue: 4, abandonAfterMs: ABANDON_AFTER_MS, clock });
    this.pipeline = pipeline('whole', [
      this.fallback,
      this.timeout,
      this.retry,
      this.limiter,
      this.breaker,
      this.pool,
    ]);
  }

  /** What is still held when every call has settled and time has passed. */
  leftovers(): readonly string[] {
    const { clock, breaker, pool, limiter } = this;
    const { permitted, succeeded, failed, ignored, lost } = breaker.stats();
    const { active, queued } = pool.stats();
    const left = {
      'timers on the clock': clock.pending,
      'calls in the breaker': breaker.inside,
      'permits of the breaker that came to nothing':
        permitted - succeeded - failed - ignored - lost,
      'lanes taken': active,
      'calls queued for a lane': queued,
      'callers that wait at the limiter': limiter.stats().waiting,
    };
    const held = Object.entries(left).filter(([, count]) => count !== 0);
    return [...breaker.mistakes, ...held.map(([what, count]) => `${count} ${what}`)];
  }
}
