import {
  GateChain,
  InvalidOptionsError,
  RateLimitedError,
  shown,
  type Clock,
  type ExecuteOptions,
  type GatePolicy,
  type PolicyTraits,
  type Task,
} from '../../core/index.ts';
import type { KeyedRequest } from '../key-functions/index.ts';
import {
  checkRate,
  checkWait,
  refuseFixed,
  stoppedError,
  type WaitOptions,
} from '../limiter-options.ts';
import { quotaOf, wholePermits, type Quota } from '../quota.ts';
import type { Reservation } from '../reservation.ts';
import { ALLOWED, Keys, OVERFLOWED, REJECTED } from './keys.ts';
import { OVERFLOW } from './key-table.ts';
import { resolveKeyed, type KeyedLimiterOptions } from './keyed-options.ts';
import { topKeys, type KeyUse } from './top-keys.ts';

export interface KeyedLimiterStats {
  /** Keys remembered, and the most there can be. */
  readonly keys: number;
  readonly maxKeys: number;
  /** Calls let in and refused since the start. */
  readonly allowed: number;
  readonly rejected: number;
  /** Calls among them that were decided by the shared limit, as there was no room for their key. */
  readonly overflowed: number;
  /** Keys forgotten because there was nothing left to remember. */
  readonly evicted: number;
  /** Callers who wait. */
  readonly waiting: number;
}

/** Cannot be changed by `update`. */
const FIXED = ['name', 'clock', 'algorithm'];

/**
 * One limit for each client, tenant or API key, by any of the algorithms. The numbers of all keys lie in
 * typed arrays: a key costs at most 70 bytes beside its text (of a sliding-log 8 more for each permit of its
 * limit), and no timer and no closure.
 *
 * A key whose limit is whole again is like one never seen, so it is forgotten: that changes no decision.
 * When `maxKeys` keys really are in use, those that come then share one limit, `overflow`, until there
 * is room: memory is bounded under an attack with millions of addresses, and the door is not open.
 * A newcomer looks at 32 keys then, so that room is found within maxKeys / 32 newcomers.
 *
 * O(1); a decision on a known key does not allocate. Keys should be short: they are kept as they are.
 */
export class KeyedLimiter<Request = KeyedRequest> implements GatePolicy<KeyedLimiterStats> {
  readonly timed = true;
  readonly timedExit = false;
  readonly name: string;
  readonly clock: Clock;
  #given: KeyedLimiterOptions<Request>;
  readonly #keys: Keys;
  #chain: GateChain | undefined;
  #stopped = false;

  /** @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: KeyedLimiterOptions<Request>) {
    const resolved = resolveKeyed(options);
    this.#given = { ...options };
    this.name = resolved.name;
    this.clock = resolved.clock;
    this.#keys = new Keys(resolved, (waitMs) => this.refuse(waitMs));
  }

  get traits(): PolicyTraits {
    return { kind: 'rate-limiter' };
  }

  /** The key of a request, by the option `key`. @throws InvalidOptionsError without that option. */
  keyOf(request: Request): string {
    const { key } = this.#given;
    if (key !== undefined) return key(request);
    const expected = 'a function from a request to a key, such as clientAddress()';
    throw new InvalidOptionsError(this.name, [{ option: 'key', expected, got: 'undefined' }]);
  }

  /** Takes `n` permits of `key` if they are there. @throws RangeError unless `n` is an integer from 1 to the key's capacity. */
  allow(key: string, n = 1): boolean {
    this.#keys.tick();
    const slot = this.#keys.slotFor(key);
    if (n !== 1) this.#keys.checkCount(slot, n);
    return this.#keys.decide(slot, n) === 0;
  }

  /** As {@link RateLimiter.reserve}, for `key`. */
  reserve(key: string, n = 1): Reservation {
    const nowMs = this.#keys.readClock();
    const slot = this.#keys.slotFor(key);
    this.#keys.checkCount(slot, n);
    this.#keys.serveLine(slot);
    this.#keys.lines.get(slot)?.fix(nowMs);
    if (slot === OVERFLOW) this.#keys.count(OVERFLOWED);
    const reserved = this.#keys.reserve(slot, nowMs, n);
    const { waitMs } = reserved;
    this.#keys.serveLine(slot);
    this.#keys.count(ALLOWED);
    let cancelled = false;
    return {
      waitMs,
      cancel: () => {
        if (cancelled) return 0;
        cancelled = true;
        return this.#keys.cancel(key, reserved);
      },
    };
  }

  /** As {@link RateLimiter.wait}, for `key`: in the line of that key, by the timer of all. */
  wait(key: string, n = 1, options: WaitOptions = {}): Promise<void> {
    try {
      this.#keys.readClock();
      const slot = this.#keys.slotFor(key);
      this.#keys.checkCount(slot, n);
      checkWait(this.name, options);
      if (this.#stopped) return Promise.reject(stoppedError(this.name));
      if (slot === OVERFLOW) this.#keys.count(OVERFLOWED);
      return this.#keys.lines.join(slot, n, options, this.#keys.options.maxWaiting);
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  /** Runs `task` if `options.key` has a permit, else rejects at once with RateLimitedError. */
  execute<T>(task: Task<T>, options: ExecuteOptions & { readonly key: string }): Promise<T> {
    this.#chain ??= new GateChain(this.name, [this], this.clock);
    return this.#chain.execute(task, options);
  }

  /** How long until `n` permits of `key` are there, in ms; 0 when they are. Takes nothing. */
  retryAfterMs(key: string, n = 1): number {
    this.#keys.readClock();
    const slot = this.#keys.slotFor(key);
    this.#keys.checkCount(slot, n);
    return this.#keys.waitMs(slot, n);
  }

  /** @see RateLimiter.turnMs */
  turnMs(nowMs: number, ahead: number, n: number, key?: string): number {
    this.#keys.tellTime(nowMs);
    const slot = this.#keys.slotFor(this.#keys.requireKey({ key }));
    if (this.#keys.lines.get(slot)) return this.#keys.waitMs(slot, n, ahead);
    return this.#keys.turnsOf(slot).turnMs(this.#keys.nowMs, ahead, n);
  }

  /** @see RateLimiter.watch: of any key. */
  watch(watcher: () => void): () => void {
    return this.#keys.lines.watch(watcher);
  }

  /** Whole permits of `key` that could be taken now. */
  available(key: string): number {
    const nowMs = this.#keys.readClock();
    const slot = this.#keys.slotFor(key);
    this.#keys.serveLine(slot);
    if (this.#keys.lines.get(slot) || this.#keys.states.blockedMs(slot, nowMs) > 0) return 0;
    return wholePermits(
      this.#keys.states.algorithmOf(slot),
      this.#keys.states.placeOf(slot),
      nowMs,
    );
  }

  /** What the client behind `key` may be told about his limit. */
  quota(key: string): Quota {
    const remaining = this.available(key);
    const slot = this.#keys.slotFor(key);
    const nowMs = this.#keys.nowMs;
    const { states } = this.#keys;
    const quota = quotaOf(states.algorithmOf(slot), states.placeOf(slot), nowMs, remaining);
    return { ...quota, resetMs: Math.max(quota.resetMs, states.blockedMs(slot, nowMs)) };
  }

  /**
   * Refuses `key` for `ms` from now, whatever its level; 0 ends a block. A blocked key is not forgotten.
   * @returns false when there is no room to remember it; it shares the limit of all such keys then.
   */
  block(key: string, ms: number): boolean {
    if (typeof ms !== 'number' || !(ms >= 0)) {
      throw new RangeError(
        `${this.name}: a block must last a number of ms, 0 or more, got ${shown(ms)}`,
      );
    }
    const nowMs = this.#keys.readClock();
    const slot = this.#keys.slotFor(key);
    if (slot === OVERFLOW) return false;
    const { states, lines } = this.#keys;
    lines.get(slot)?.postpone(nowMs + ms);
    lines.change(nowMs, () => states.block(slot, nowMs + ms), slot);
    return true;
  }

  /** Takes `n` permits of `key` though they may not be there. @returns false as `block`; @throws RangeError as `allow` */
  penalty(key: string, n = 1): boolean {
    const nowMs = this.#keys.readClock();
    const slot = this.#keys.slotFor(key);
    this.#keys.checkCount(slot, n);
    if (slot === OVERFLOW) return false;
    const { states, lines } = this.#keys;
    lines.change(nowMs, () => states.algorithmOf(slot).take(states.placeOf(slot), nowMs, n), slot);
    states.use(slot, n);
    return true;
  }

  /** Gives `key` up to `n` permits back, never above its capacity. Returns how many. @throws RangeError as `allow` */
  reward(key: string, n = 1): number {
    const nowMs = this.#keys.readClock();
    const slot = this.#keys.slotFor(key);
    this.#keys.checkCount(slot, n);
    if (slot === OVERFLOW) return 0;
    const { states } = this.#keys;
    const given = states.algorithmOf(slot).reward(states.placeOf(slot), nowMs, n);
    this.#keys.lines.gained(slot, nowMs);
    return given;
  }

  /** Forgets what `key` has used, and its block. Those who wait for it go on waiting. Returns whether it was known. */
  delete(key: string): boolean {
    const nowMs = this.#keys.readClock();
    const { table, states, lines } = this.#keys;
    const slot = table.slotOf(key);
    if (slot === OVERFLOW) return false;
    states.beginEra(slot);
    states.reset(slot, this.#keys.planOf(key));
    if (lines.get(slot) === undefined) table.delete(slot);
    lines.gained(slot, nowMs);
    return true;
  }

  /**
   * Puts `key` on a plan, from now on and until told otherwise; undefined: back to what `planOf` says. It
   * keeps its level. Kept outside of `maxKeys`: it is for keys that the operator knows, not for what
   * clients send. @throws InvalidOptionsError for a plan that there is not.
   */
  setPlan(key: string, plan?: string): void {
    if (plan !== undefined) this.#keys.requirePlan(plan);
    const nowMs = this.#keys.readClock();
    if (plan === undefined) this.#keys.assigned.delete(key);
    else this.#keys.assigned.set(key, plan);
    const slot = this.#keys.table.slotOf(key);
    if (slot === OVERFLOW) return;
    const next = this.#keys.planOf(key);
    this.#keys.lines.change(nowMs, () => this.#keys.states.changePlan(slot, nowMs, next), slot);
  }

  /**
   * The keys that took the most permits since each was last new, most first. Looks at a thousand keys at
   * a time and lets the event loop go on in between. Rejects with RangeError unless `n` is 1 to 1000.
   */
  top(n = 10): Promise<readonly KeyUse[]> {
    return topKeys(this.#keys.table.slots(), n, {
      clock: this.clock,
      look: (slot) => this.#keys.useOf(slot),
    });
  }

  /** @see RateLimiter.setRate: for the common limit. */
  setRate(ratePerSecond: number): void {
    checkRate('KeyedLimiter', ratePerSecond);
    const { kind, limits } = this.#keys.options;
    this.update(kind.withRate(limits[0] as object, ratePerSecond));
  }

  setCapacity(capacity: number): void {
    this.update(this.#keys.options.kind.withCapacity(capacity));
  }

  /**
   * Changes options live; every key keeps its level, and one that is whole, as if new, is so under the new limit. O(keys): some 100 ms for a million.
   * @throws InvalidOptionsError and changes nothing when an option is wrong or cannot be changed.
   */
  update(changes: Partial<KeyedLimiterOptions<Request>>): void {
    refuseFixed('KeyedLimiter', changes, { given: this.#given, fixed: FIXED });
    const given = { ...this.#given, ...changes };
    const options = resolveKeyed(given);
    const nowMs = this.#keys.readClock();
    this.#given = given;
    this.#keys.lines.change(nowMs, () => this.#keys.update(options, nowMs));
  }

  stats(): KeyedLimiterStats {
    const numbers = this.#keys.numbers;
    return {
      keys: this.#keys.table.size,
      maxKeys: this.#keys.options.maxKeys,
      allowed: numbers[ALLOWED] as number,
      rejected: numbers[REJECTED] as number,
      overflowed: numbers[OVERFLOWED] as number,
      evicted: this.#keys.table.evicted,
      waiting: this.#keys.lines.waiting,
    };
  }

  /** Refuses all who wait, and every wait from now on, with PoolStoppedError. Decisions go on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#keys.lines.refuseAll(stoppedError(this.name), this.#keys.readClock());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** The decision itself, for callers who hold the time. See {@link RateLimiter.takeAt}. */
  takeAt(nowMs: number, key: string, n = 1): number {
    this.#keys.tellTime(nowMs);
    return this.#keys.decide(this.#keys.slotFor(key), n);
  }

  /** The gate's entry. @throws InvalidOptionsError when the call has no key. */
  enter(nowMs: number, cost = 1, options?: ExecuteOptions): number {
    return this.takeAt(nowMs, this.#keys.requireKey(options), cost);
  }

  peek(nowMs: number, cost = 1, options?: ExecuteOptions): number {
    this.#keys.tellTime(nowMs);
    const slot = this.#keys.slotFor(this.#keys.requireKey(options));
    if (cost > this.#keys.states.algorithmOf(slot).capacity) return Infinity;
    this.#keys.checkCount(slot, cost);
    return this.#keys.waitMs(slot, cost);
  }

  /** A permit taken is spent, whatever becomes of the call. */
  exit(): void {}

  /** Does not name the key: it may be a secret, or an address. */
  refuse(waitMs: number): RateLimitedError {
    return new RateLimitedError(
      this.name,
      `${this.name}: the limit of this key is reached`,
      waitMs,
    );
  }
}
