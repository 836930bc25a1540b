import {
  GateChain,
  RateLimitedError,
  type Clock,
  type ExecuteOptions,
  type GatePolicy,
  type PolicyTraits,
  type Task,
} from '../core/index.ts';
import type { Algorithm, Taken } from './algorithms/index.ts';
import type { AnyKind } from './limiter-kind.ts';
import {
  checkCount,
  checkRate,
  checkWait,
  refuseFixed,
  resolveLimiter,
  stoppedError,
  timeError,
  type RateLimiterOptions,
  type Resolved,
  type WaitOptions,
} from './limiter-options.ts';
import { quotaOf, wholePermits, type Quota } from './quota.ts';
import type { Reservation } from './reservation.ts';
import { WaitingRoom, Watchers, type WaitingLine } from './waiting/index.ts';

export interface RateLimiterStats {
  /** The most that can pass at once. */
  readonly capacity: number;
  /** Permits a second in the long run. */
  readonly ratePerSecond: number;
  /** Whole permits that could be taken now. */
  readonly available: number;
  /** Calls let in and refused since the start. Those that wait are in neither. */
  readonly allowed: number;
  readonly rejected: number;
  /** Callers who wait. */
  readonly waiting: number;
}

/** Places in the array of numbers that change with every call. */
const NOW = 0;
const ALLOWED = 1;
const REJECTED = 2;

/** Cannot be changed by `update`. */
const FIXED = ['name', 'clock', 'initialTokens'];

/**
 * A limit with one state, whatever its algorithm: decides, reserves, lets wait, guards. See
 * {@link TokenBucket} for the one to start with, {@link KeyedLimiter} for a limit per client.
 *
 * A decision is O(1) and allocates nothing. A clock that steps back earns nothing. A limiter owns a
 * timer only while somebody waits.
 */
export abstract class RateLimiter<
  Options extends RateLimiterOptions = RateLimiterOptions,
> implements GatePolicy<RateLimiterStats> {
  readonly timed = true;
  readonly timedExit = false;
  readonly name: string;
  readonly clock: Clock;
  readonly #kind: AnyKind;
  #given: object;
  #options: Readonly<Resolved<object>>;
  #algorithm: Algorithm;
  readonly #numbers: Float64Array = new Float64Array(3);
  /** Counts the changes after which a mark says nothing any more. */
  #era = 0;
  #chain: GateChain | undefined;
  #room: WaitingRoom | undefined;
  #line: WaitingLine | undefined;
  #stopped = false;
  readonly #watchers = new Watchers();

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(kind: AnyKind, options: Options) {
    this.#kind = kind;
    this.#options = resolveLimiter(kind, options);
    this.#given = { ...options, initialTokens: undefined };
    this.name = this.#options.name;
    this.clock = this.#options.clock;
    const nowMs = this.clock.nowMs();
    this.#algorithm = kind.create(this.#options, { nowMs });
    this.#algorithm.state = new Float64Array(this.#algorithm.stride);
    this.#algorithm.reset(0);
    this.#numbers[NOW] = -Infinity;
    const missing = kind.missingAtFirst?.(this.#options) ?? 0;
    if (missing > 0) this.#algorithm.take(0, nowMs, missing);
  }

  get traits(): PolicyTraits {
    return { kind: 'rate-limiter' };
  }

  /**
   * Takes `n` permits if they are there. For a reason or a time to come back, use `retryAfterMs`.
   * @throws RangeError unless `n` is an integer from 1 to the capacity.
   */
  allow(n = 1): boolean {
    if (n !== 1) this.#checkCount(n);
    this.#readClock();
    return this.#decide(n) === 0;
  }

  /**
   * Takes `n` permits for the time at which they are there: the caller acts after `waitMs`, or cancels.
   * Callers who wait already keep their turns before it. O(1); O(n) in the callers who wait.
   * @throws RangeError as `allow`
   */
  reserve(n = 1): Reservation {
    this.#checkCount(n);
    const nowMs = this.#readClock();
    this.#serveLine();
    this.#line?.fix(nowMs);
    const waitMs = this.#algorithm.reserve(0, nowMs, n);
    this.#serveLine();
    this.#count(ALLOWED);
    const taken = { n, mark: this.#algorithm.mark(0), dueMs: nowMs + waitMs };
    const era = this.#era;
    let cancelled = false;
    return {
      waitMs,
      cancel: () => {
        if (cancelled) return 0;
        cancelled = true;
        return era === this.#era ? this.#giveBack(taken) : 0;
      },
    };
  }

  /**
   * Resolves when `n` permits are taken: at once, or when it is the caller's turn. Callers of equal
   * priority are served in the order in which they came; one timer serves them all.
   * Rejects with RateLimitedError, having taken nothing, as soon as it is known that the wait cannot
   * end within `maxWaitMs`, or when too many wait already; with `signal.reason` at an abort; with
   * PoolStoppedError once the limiter is stopped; with RangeError or InvalidOptionsError for misuse.
   * O(1), O(log n) with `maxWaitMs`.
   */
  wait(n = 1, options: WaitOptions = {}): Promise<void> {
    try {
      return this.#wait(n, options);
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  /** Runs `task` if a permit is there, else rejects at once with RateLimitedError. */
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T> {
    this.#chain ??= new GateChain(this.name, [this], this.clock);
    return this.#chain.execute(task, options);
  }

  /** How long until `n` permits are there, in ms; 0 when they are. Takes nothing. @throws RangeError as `allow` */
  retryAfterMs(n = 1): number {
    this.#checkCount(n);
    this.#readClock();
    return this.#waitMs(n);
  }

  /** Whole permits that could be taken now. O(1); a SlidingLog needs O(log limit). */
  available(): number {
    const nowMs = this.#readClock();
    this.#serveLine();
    return this.#line?.size ? 0 : wholePermits(this.#algorithm, 0, nowMs);
  }

  /** Changes the rate; what was earned so far was earned at the old one. A window changes its length. */
  setRate(ratePerSecond: number): void {
    checkRate(this.#kind.subject, ratePerSecond);
    this.update(this.#kind.withRate(this.#options, ratePerSecond));
  }

  /** Changes what can pass at once; a level above it is cut, a level below it stays. */
  setCapacity(capacity: number): void {
    this.update(this.#kind.withCapacity(capacity));
  }

  /**
   * Changes options live and keeps the level. An option that is undefined goes back to its default.
   * Callers who wait get their new turns at once; those who cannot be served in time any more are
   * refused. O(1), O(n) in the callers who wait.
   * @throws InvalidOptionsError and changes nothing when an option is wrong or cannot be changed.
   */
  update(changes: Partial<Options>): void {
    refuseFixed(this.#kind.subject, changes, { given: this.#given, fixed: FIXED });
    const given = { ...this.#given, ...changes };
    const options = resolveLimiter(this.#kind, given);
    this.#readClock();
    this.#serveLine();
    this.#given = given;
    this.#options = options;
    this.#succeed();
    this.#serveLine();
    this.#watchers.tell();
  }

  stats(): RateLimiterStats {
    const available = this.available();
    const { capacity } = this.#algorithm;
    return {
      capacity,
      ratePerSecond: this.#kind.rateOf(this.#options),
      available,
      allowed: this.#numbers[ALLOWED] as number,
      rejected: this.#numbers[REJECTED] as number,
      waiting: this.#line?.size ?? 0,
    };
  }

  /** Refuses all who wait, and every wait from now on, with PoolStoppedError. Decisions go on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#line?.refuseAll(stoppedError(this.name));
    this.#serveLine();
    this.#watchers.tell();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /**
   * The decision itself, for callers who hold the time: takes `n` permits at `nowMs` and returns 0, or
   * takes none and returns how long until they are due, in ms (Infinity when `n` exceeds the capacity).
   * A `nowMs` in the past counts as the latest one seen.
   * @throws RangeError and takes nothing when `n` is not an integer of at least 1.
   */
  takeAt(nowMs: number, n = 1): number {
    this.#tellTime(nowMs);
    return this.#decide(n);
  }

  /** The gate's entry: see {@link takeAt}. */
  enter(nowMs: number, cost = 1): number {
    this.#tellTime(nowMs);
    return this.#decide(cost);
  }

  peek(nowMs: number, cost = 1): number {
    this.#tellTime(nowMs);
    if (cost > this.#algorithm.capacity) return Infinity;
    this.#checkCount(cost);
    return this.#waitMs(cost);
  }

  /** A permit taken is spent, whatever becomes of the call. */
  exit(): void {}

  refuse(waitMs: number): RateLimitedError {
    const message = `${this.name}: the limit of ${this.#algorithm.limit} is reached`;
    return new RateLimitedError(this.name, message, waitMs);
  }

  /**
   * How long until it is the turn of a caller for `n` behind `ahead` permits of others, in ms: for what
   * waits at several limits at once, see `all`. Takes nothing.
   */
  turnMs(nowMs: number, ahead: number, n: number): number {
    this.#tellTime(nowMs);
    if (this.#line?.size) return this.#waitMs(n, ahead);
    return this.#algorithm.turnMs(0, this.#numbers[NOW] as number, ahead, n);
  }

  /**
   * Calls `watcher` when a turn may come sooner or later than `turnMs` said, for another reason than that
   * permits were taken: other options, a reservation given back, a caller who left the line. For what
   * waits at several limits at once, see `all`. Returns what ends it. O(1).
   */
  watch(watcher: () => void): () => void {
    return this.#watchers.add(watcher);
  }

  /** What a client may be told about the limit and what is left of it. */
  quota(): Quota {
    return quotaOf(this.#algorithm, 0, this.#readClock(), this.available());
  }

  #decide(n: number): number {
    const algorithm = this.#algorithm;
    if (n !== 1) {
      if (n > algorithm.capacity) {
        this.#count(REJECTED);
        return Infinity;
      }
      this.#checkCount(n);
    }
    if (this.#line !== undefined && this.#line.size > 0) {
      this.#serveLine();
      if (this.#line.size > 0) {
        this.#count(REJECTED);
        return this.#waitMs(n);
      }
    }
    const waitMs = algorithm.tryTake(0, this.#numbers[NOW] as number, n);
    this.#count(waitMs > 0 ? REJECTED : ALLOWED);
    return waitMs;
  }

  /** How long until `n` are there behind `ahead` of others, and nobody waits any more. */
  #waitMs(n: number, ahead = 0): number {
    const nowMs = this.#numbers[NOW] as number;
    this.#serveLine();
    const line = this.#line;
    if (line === undefined || line.size === 0) return this.#algorithm.waitMs(0, nowMs, n, ahead);
    const waitMs = this.#algorithm.waitMs(0, nowMs, n, line.permits + ahead);
    return Math.max(waitMs, line.lastTurnMs(nowMs));
  }

  #wait(n: number, options: WaitOptions): Promise<void> {
    this.#checkCount(n);
    checkWait(this.name, options);
    if (this.#stopped) return Promise.reject(stoppedError(this.name));
    this.#room ??= new WaitingRoom(
      this.clock,
      () => this.#readClock(),
      () => this.#watchers.tell(),
    );
    this.#line ??= this.#room.openLine({
      turnMs: (nowMs, ahead, permits) => this.#algorithm.turnMs(0, nowMs, ahead, permits),
      take: (nowMs, permits) => {
        this.#algorithm.take(0, nowMs, permits);
        this.#count(ALLOWED);
      },
      reserve: (nowMs, permits) => {
        const dueMs = nowMs + this.#algorithm.reserve(0, nowMs, permits);
        return { n: permits, mark: this.#algorithm.mark(0), dueMs };
      },
      giveBack: (taken) => void this.#algorithm.giveBack(0, this.#numbers[NOW] as number, taken),
      admit: () => this.#count(ALLOWED),
      refuse: (waitMs) => {
        this.#count(REJECTED);
        return this.refuse(waitMs);
      },
    });
    return this.#room.join(this.#line, n, options, this.#options.maxWaiting);
  }

  /** Lets those go whose turn it is: their timer may be late. */
  #serveLine(): void {
    const line = this.#line;
    if (line !== undefined && (line.size > 0 || line.nextMs < Infinity)) {
      this.#room?.serve(line, this.#numbers[NOW] as number);
    }
  }

  #giveBack(taken: Taken): number {
    const back = this.#algorithm.giveBack(0, this.#readClock(), taken);
    if (back > 0) this.#numbers[ALLOWED] = (this.#numbers[ALLOWED] as number) - 1;
    this.#serveLine();
    if (back > 0) this.#watchers.tell();
    return back;
  }

  /** Puts an algorithm of today's options in the place of the one before. */
  #succeed(): void {
    const nowMs = this.#numbers[NOW] as number;
    const before = this.#algorithm;
    const next = this.#kind.create(this.#options, { nowMs, before });
    if (next.constructor !== before.constructor) this.#era++;
    next.state = next.stride === before.stride ? before.state : new Float64Array(next.stride);
    next.adopt(0, nowMs, before, 0);
    this.#algorithm = next;
    this.#line?.reckonAnew(
      nowMs,
      (next.windowMs * before.capacity) / (next.capacity * before.windowMs),
    );
  }

  #readClock(): number {
    this.#tellTime(this.clock.nowMs());
    return this.#numbers[NOW] as number;
  }

  #tellTime(nowMs: number): void {
    const numbers = this.#numbers;
    if (nowMs > (numbers[NOW] as number)) {
      if (nowMs === Infinity) throw timeError(this.name, nowMs);
      numbers[NOW] = nowMs;
      if (nowMs >= this.#algorithm.renewAtMs) this.#succeed();
    } else if (!(nowMs <= (numbers[NOW] as number)) || nowMs === -Infinity) {
      throw timeError(this.name, nowMs);
    }
  }

  #count(what: number): void {
    this.#numbers[what] = (this.#numbers[what] as number) + 1;
  }

  #checkCount(n: number): void {
    checkCount(this.name, n, this.#algorithm.capacity);
  }
}
