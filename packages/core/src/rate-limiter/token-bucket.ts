import {
  GateChain,
  RateLimitedError,
  above,
  integer,
  label,
  objectWith,
  optional,
  required,
  resolveOptions,
  shown,
  systemClock,
  type Clock,
  type ExecuteOptions,
  type GatePolicy,
  type OptionRules,
  type Task,
} from '../core/index.ts';

export interface TokenBucketOptions {
  /** Steady refill, tokens per second. Above 0. */
  readonly ratePerSecond: number;
  /** Largest burst, in tokens. Integer, at least 1. @default ratePerSecond, rounded up */
  readonly capacity?: number;
  /** @default 'token-bucket' */
  readonly name?: string;
  /** @default systemClock */
  readonly clock?: Clock;
}

export interface TokenBucketStats {
  readonly ratePerSecond: number;
  readonly capacity: number;
  /** Whole tokens that could be taken now. */
  readonly available: number;
  /** Calls let in and refused since the start. */
  readonly allowed: number;
  readonly rejected: number;
}

type Resolved = Required<TokenBucketOptions>;

const rules: OptionRules<Resolved> = {
  ratePerSecond: required(above(0)),
  capacity: optional(integer(1), (given) => Math.max(1, Math.ceil(given.ratePerSecond))),
  name: optional(label, () => 'token-bucket'),
  clock: optional(objectWith<Clock>('a Clock', 'nowMs', 'schedule'), () => systemClock),
};

/** Places in the state array. */
const BASE = 0;
const SPENT = 1;
const LATEST = 2;

/**
 * Rate limiter that admits bursts of up to `capacity`, then holds a steady rate. In any window of t
 * seconds it lets in at most capacity + ratePerSecond × t tokens, and no fewer than the rate allows,
 * however often it is asked. O(1); a decision does not allocate.
 *
 * The level is not stored but computed, from the moment at which the bucket was last full and the
 * tokens spent since: rounding does not add up, however long it runs. What falls due sooner than the
 * clock can tell from now is due now, so that after exactly `retryAfterMs` a call is let in.
 * A clock that steps back refills nothing.
 * @see https://en.wikipedia.org/wiki/Token_bucket
 */
export class TokenBucket implements GatePolicy<TokenBucketStats> {
  readonly timed = true;
  readonly name: string;
  readonly clock: Clock;
  #given: TokenBucketOptions;
  #options: Resolved;
  /** When the bucket was last known full, the tokens spent since, and the latest time it was told. */
  readonly #state: Float64Array = new Float64Array(3);
  #allowed = 0;
  #rejected = 0;
  #chain: GateChain | undefined;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: TokenBucketOptions) {
    this.#options = resolve(options);
    this.#given = { ...options };
    this.name = this.#options.name;
    this.clock = this.#options.clock;
    this.#state.fill(-Infinity);
    this.#state[SPENT] = 0;
  }

  /**
   * Takes `n` tokens if they are there. For a reason or a time to come back, use {@link retryAfterMs}.
   * @throws RangeError unless `n` is an integer from 1 to the capacity.
   */
  allow(n = 1): boolean {
    this.#checkCount(n);
    return this.takeAt(this.clock.nowMs(), n) === 0;
  }

  /** How long until `n` tokens are there, in ms; 0 when they are. Takes nothing. @throws RangeError as `allow` */
  retryAfterMs(n = 1): number {
    this.#checkCount(n);
    this.#settle(this.clock.nowMs());
    return this.#waitMs(n);
  }

  /** Whole tokens that could be taken now. O(1). */
  available(): number {
    this.#settle(this.clock.nowMs());
    const { capacity } = this.#options;
    const level = Math.floor(this.#level() + this.#rounding());
    const near = Math.min(Math.max(0, level), capacity);
    // Rounding may put it one off from what a call would be told.
    if (near < capacity && this.#waitMs(near + 1) === 0) return near + 1;
    return near > 0 && this.#waitMs(near) > 0 ? near - 1 : near;
  }

  /** Runs `task` if a token is there, else rejects at once with RateLimitedError. */
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T> {
    this.#chain ??= new GateChain(this.name, [this], this.clock);
    return this.#chain.execute(task, options);
  }

  /** Changes the rate; what was earned so far was earned at the old one. */
  setRate(ratePerSecond: number): void {
    this.update({ ratePerSecond });
  }

  /** Changes the largest burst; a level above it is cut, a level below it stays. */
  setCapacity(capacity: number): void {
    this.update({ capacity });
  }

  /**
   * Changes options live and keeps the level. `name` and `clock` stay what they are.
   * An option that is undefined goes back to its default.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: Partial<Omit<TokenBucketOptions, 'name' | 'clock'>>): void {
    const given = { ...this.#given, ...changes, name: this.name, clock: this.clock };
    const options = resolve(given);
    this.#settle(this.clock.nowMs());
    const level = Math.min(this.#level(), options.capacity);
    this.#given = given;
    this.#options = options;
    this.#state[BASE] = this.#latestMs;
    this.#state[SPENT] = options.capacity - level;
  }

  stats(): TokenBucketStats {
    const { ratePerSecond, capacity } = this.#options;
    const [allowed, rejected] = [this.#allowed, this.#rejected];
    return { ratePerSecond, capacity, available: this.available(), allowed, rejected };
  }

  /**
   * The decision itself, for callers who hold the time: takes `n` tokens at `nowMs` and returns 0, or
   * takes none and returns how long until they are due, in ms (Infinity when `n` exceeds the capacity).
   * A `nowMs` in the past counts as the latest one seen.
   * @throws RangeError and takes nothing when `n` is not an integer of at least 1.
   */
  takeAt(nowMs: number, n = 1): number {
    this.#settle(nowMs);
    const waitMs = this.#waitMs(n);
    if (waitMs > 0) {
      this.#rejected++;
      return waitMs;
    }
    this.#state[SPENT] = (this.#state[SPENT] as number) + n;
    this.#allowed++;
    return 0;
  }

  /** The gate's entry: see {@link takeAt}. */
  enter(nowMs: number, cost = 1): number {
    return this.takeAt(nowMs, cost);
  }

  peek(nowMs: number, cost = 1): number {
    this.#settle(nowMs);
    return this.#waitMs(cost);
  }

  /** A token taken is spent, whatever becomes of the call. */
  exit(): void {}

  refuse(waitMs: number): RateLimitedError {
    const { ratePerSecond, capacity } = this.#options;
    const message = `${this.name}: the limit of ${ratePerSecond} per second (burst ${capacity}) is reached`;
    return new RateLimitedError(this.name, message, waitMs);
  }

  get #latestMs(): number {
    return this.#state[LATEST] as number;
  }

  /** Moves on to `nowMs`; a bucket that has refilled by then starts over, and forgets what was spent. */
  #settle(nowMs: number): void {
    const state = this.#state;
    if (Number.isNaN(nowMs))
      throw new RangeError(`${this.name}: the time must be a number, got NaN`);
    if (!(nowMs > this.#latestMs)) return;
    state[LATEST] = nowMs;
    // Not in the very moment in which it is full: the rounding of that moment would add up.
    if (this.#fullAtMs() + this.#resolutionMs() < nowMs) {
      state[BASE] = nowMs;
      state[SPENT] = 0;
    }
  }

  #fullAtMs(): number {
    const spentMs = ((this.#state[SPENT] as number) * 1000) / this.#options.ratePerSecond;
    return (this.#state[BASE] as number) + spentMs;
  }

  #waitMs(n: number): number {
    const { capacity, ratePerSecond } = this.#options;
    if (n > capacity) return Infinity;
    this.#checkCount(n);
    const short = (this.#state[SPENT] as number) + n - capacity;
    const waitMs = (this.#state[BASE] as number) + (short * 1000) / ratePerSecond - this.#latestMs;
    return waitMs > this.#resolutionMs() ? waitMs : 0;
  }

  /** Below 0 by a rounding after a call that was let in so much early: it is owed, also by `update`. */
  #level(): number {
    const missing = ((this.#fullAtMs() - this.#latestMs) * this.#options.ratePerSecond) / 1000;
    return this.#options.capacity - Math.max(0, missing);
  }

  /** Times closer together than this are one: rounding of sums of this size, four times over. */
  #resolutionMs(): number {
    return Math.max(1, Math.abs(this.#latestMs)) * 4 * Number.EPSILON;
  }

  /** The same in tokens. */
  #rounding(): number {
    return (this.#resolutionMs() * this.#options.ratePerSecond) / 1000;
  }

  #checkCount(n: number): void {
    const { capacity } = this.#options;
    if (Number.isSafeInteger(n) && n >= 1 && n <= capacity) return;
    const never = n > capacity ? ' (a cost above the capacity can never pass)' : '';
    throw new RangeError(
      `${this.name}: the number of tokens must be an integer from 1 to the capacity of ${capacity}, got ${shown(n)}${never}`,
    );
  }
}

function resolve(options: TokenBucketOptions): Resolved {
  return resolveOptions('TokenBucket', options, rules);
}
