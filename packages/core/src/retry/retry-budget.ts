import {
  above,
  atLeast,
  objectWith,
  optional,
  resolveOptions,
  systemClock,
  type Clock,
  type OptionRules,
  type Rule,
} from '../core/index.ts';

export interface RetryBudgetOptions {
  /** Retries for each first try. 0 to 1. @default 0.2 */
  readonly ratio?: number;
  /** Retries per second that are granted besides, for those who call seldom. At least 0. @default 10 */
  readonly minRetriesPerSecond?: number;
  /** Time over which both are counted, in ms. Above 0. @default 10_000 */
  readonly windowMs?: number;
  /** @default systemClock */
  readonly clock?: Clock;
}

export interface RetryBudgetStats {
  /** In the window. */
  readonly firstTries: number;
  /** In the window. */
  readonly retries: number;
  /** Retries that would be granted now. */
  readonly available: number;
  /** Since the start. */
  readonly granted: number;
  /** Retries that were refused, since the start. */
  readonly exhausted: number;
}

type Resolved = Required<RetryBudgetOptions>;

const share: Rule<number> = {
  expected: 'a ratio from 0 to 1',
  accepts: (v): v is number => typeof v === 'number' && v >= 0 && v <= 1,
};

const rules: OptionRules<Resolved> = {
  ratio: optional(share, () => 0.2),
  minRetriesPerSecond: optional(atLeast(0), () => 10),
  windowMs: optional(above(0), () => 10_000),
  clock: optional(objectWith<Clock>('a Clock', 'nowMs', 'schedule'), () => systemClock),
};

/** More are finer: in a steady state up to 2 / BUCKETS of the budget is left unused. */
const BUCKETS = 50;
/** One more, so that a retry is remembered for the whole window whenever in its bucket it was. */
const SLOTS = BUCKETS + 1;
/** First tries that are counted between two looks at the clock. */
const MAX_BATCH = 64;
/** What a sum of thirds or tenths may lack of a whole retry. */
const ROUNDING = 1e-9;

/**
 * How many retries all those who share it may make together, so that retries cannot multiply an overload:
 * a share of the first tries, and a few per second besides. Hand one budget to every {@link Retry} that
 * calls the same service.
 *
 * Whenever a retry is granted, those granted within the last `windowMs`, itself included, are at most
 * `ratio` × the first tries recorded within the same time + `minRetriesPerSecond` × that time. So over any
 * time they are at most `ratio` × the first tries within it or within `windowMs` before it +
 * `minRetriesPerSecond` × (the time + `windowMs`).
 *
 * A first try costs an increment: the clock is looked at for one in 64 of them at most when they are many,
 * for each when they are few. Those in between count as made at the look before, so they may leave the window
 * early, never late. O(1) amortised; nothing allocates but an `update` of the window.
 * @see https://finagle.github.io/blog/2016/02/08/retry-budgets
 * @see https://sre.google/sre-book/handling-overload/
 */
export class RetryBudget {
  #options: Resolved;
  #bucketMs: number;
  /** Of each bucket, in a ring. */
  #firstTries: Float64Array = new Float64Array(SLOTS);
  #retries: Float64Array = new Float64Array(SLOTS);
  /** The bucket of the last look at the clock, and its place in the ring. */
  #tick = -Infinity;
  #newest = 0;
  #firstTriesInWindow = 0;
  #retriesInWindow = 0;
  /** First tries since the last look at the clock, and how many there may be. */
  #pending = 0;
  #batch = 1;
  #granted = 0;
  #exhausted = 0;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: RetryBudgetOptions = {}) {
    this.#options = resolveOptions('RetryBudget', options, rules);
    this.#bucketMs = this.#options.windowMs / BUCKETS;
  }

  /** Time over which it counts, in ms. */
  get windowMs(): number {
    return this.#options.windowMs;
  }

  /** Counts a call, once, however often it is retried. */
  recordFirstTry(): void {
    if (++this.#pending >= this.#batch) this.#settleBatch();
  }

  /** Takes one retry, or answers false: then do without it. */
  tryRetry(): boolean {
    this.#settle();
    if (this.#retriesInWindow >= this.#allowance()) {
      this.#exhausted++;
      return false;
    }
    this.#retries[this.#newest]! += 1;
    this.#retriesInWindow++;
    this.#granted++;
    return true;
  }

  /**
   * Changes options live; what was counted stays counted, and a longer window knows what the shorter one
   * still knew. The clock stays what it is, and an option that is undefined goes back to its default.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: Partial<Omit<RetryBudgetOptions, 'clock'>>): void {
    const { clock } = this.#options;
    const options = resolveOptions('RetryBudget', { ...this.#options, ...changes, clock }, rules);
    this.#settle();
    const { windowMs } = this.#options;
    this.#options = options;
    if (windowMs !== options.windowMs) this.#rebucket(clock.nowMs());
  }

  stats(): RetryBudgetStats {
    this.#settle();
    return {
      firstTries: this.#firstTriesInWindow,
      retries: this.#retriesInWindow,
      available: Math.max(0, this.#allowance() - this.#retriesInWindow),
      granted: this.#granted,
      exhausted: this.#exhausted,
    };
  }

  #allowance(): number {
    const { ratio, minRetriesPerSecond, windowMs } = this.#options;
    const floor = (minRetriesPerSecond * windowMs) / 1000;
    return Math.floor(ratio * this.#firstTriesInWindow + floor + ROUNDING);
  }

  #settleBatch(): void {
    // This one is made now; the others may be as old as the last look.
    this.#addFirstTries(this.#pending - 1);
    this.#pending = 0;
    const passed = this.#advance();
    this.#addFirstTries(1);
    if (passed === 0) this.#batch = Math.min(MAX_BATCH, this.#batch * 2);
  }

  #settle(): void {
    this.#addFirstTries(this.#pending);
    this.#pending = 0;
    this.#advance();
  }

  #addFirstTries(count: number): void {
    this.#firstTries[this.#newest]! += count;
    this.#firstTriesInWindow += count;
  }

  /** Returns how many buckets have passed. A time in the past changes nothing. */
  #advance(): number {
    const tick = Math.floor(this.#options.clock.nowMs() / this.#bucketMs);
    const passed = tick - this.#tick;
    if (!(passed > 0)) return 0;
    this.#tick = tick;
    if (passed >= SLOTS) this.#clear();
    else for (let step = 0; step < passed; step++) this.#advanceOne();
    // A batch that takes longer than a bucket would be dated too early.
    this.#batch = Math.max(1, Math.floor(this.#batch / passed));
    return passed;
  }

  /** First tries leave with the last bucket that may lie in the window, retries with one that no longer can. */
  #advanceOne(): void {
    this.#newest = (this.#newest + 1) % SLOTS;
    const oldest = (this.#newest + 1) % SLOTS;
    this.#retriesInWindow -= this.#retries[this.#newest]!;
    this.#retries[this.#newest] = 0;
    this.#firstTriesInWindow -= this.#firstTries[oldest]!;
    this.#firstTries[oldest] = 0;
  }

  #clear(): void {
    this.#firstTries.fill(0);
    this.#retries.fill(0);
    this.#firstTriesInWindow = 0;
    this.#retriesInWindow = 0;
  }

  /**
   * Moves what is counted into buckets of another length: first tries as if made when their bucket began,
   * retries as if when it ended, so that the promise holds for the new window too.
   */
  #rebucket(nowMs: number): void {
    const firstTries = this.#firstTries;
    const retries = this.#retries;
    const oldMs = this.#bucketMs;
    const oldTick = this.#tick;
    this.#bucketMs = this.#options.windowMs / BUCKETS;
    this.#firstTries = new Float64Array(SLOTS);
    this.#retries = new Float64Array(SLOTS);
    this.#clear();
    this.#tick = Math.floor(nowMs / this.#bucketMs);
    for (let age = 0; age < SLOTS; age++) {
      const from = (this.#newest - age + SLOTS) % SLOTS;
      const beganMs = (oldTick - age) * oldMs;
      const firstAge = this.#ageOf(beganMs);
      if (firstAge < BUCKETS) this.#put(this.#firstTries, firstAge, firstTries[from]!);
      const lastAge = this.#ageOf(Math.min(nowMs, beganMs + oldMs));
      if (lastAge < SLOTS) this.#put(this.#retries, lastAge, retries[from]!);
    }
    this.#firstTriesInWindow = sum(this.#firstTries);
    this.#retriesInWindow = sum(this.#retries);
  }

  #ageOf(atMs: number): number {
    return Math.max(0, this.#tick - Math.floor(atMs / this.#bucketMs));
  }

  #put(ring: Float64Array, age: number, count: number): void {
    ring[(this.#newest - age + SLOTS) % SLOTS]! += count;
  }
}

function sum(ring: Float64Array): number {
  return ring.reduce((total, count) => total + count, 0);
}
