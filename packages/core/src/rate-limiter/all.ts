import {
  GateChain,
  InvalidOptionsError,
  RateLimitedError,
  shown,
  type Clock,
  type ExecuteOptions,
  type GatePolicy,
  type OptionProblem,
  type PolicyTraits,
  type RejectedError,
  type Task,
} from '../core/index.ts';
import { checkCount, checkWait, stoppedError, type WaitOptions } from './limiter-options.ts';
import { WaitingRoom, Watchers, type WaitingLine } from './waiting/index.ts';

/** A limiter that can be one of several: the plain ones, the keyed one, and `all` itself. */
export interface Combinable extends GatePolicy {
  peek(nowMs: number, cost?: number, options?: ExecuteOptions): number;
  turnMs(nowMs: number, ahead: number, n: number, key?: string): number;
  /** Without it, those who wait learn of a change of this limiter when the turn comes that it named before. */
  watch?(watcher: () => void): () => void;
  /** `all` has none: it is the limiters of which it is made that have a capacity. */
  quota?(key?: string): { readonly limit: number };
}

export interface AllLimiterOptions {
  /** @default the names of the limiters, joined by ' + ' */
  readonly name?: string | undefined;
  /** Permits that callers of `wait` may be waiting for at a time. @default 10000 */
  readonly maxWaiting?: number | undefined;
}

export interface AllWaitOptions extends WaitOptions {
  /** Whose call it is; for the keyed ones among the limiters. */
  readonly key?: string | undefined;
}

/**
 * Several limits at once, such as 100 per second and 1,000 per hour, each for all and for each key: a
 * call takes from all of them or from none. Every keyed limiter among them is asked for the same key.
 * O(limiters); a decision does not allocate but for the key.
 *
 * There is no `reserve`: a permit cannot be held at one limit for a time that another one names.
 */
export class AllLimiter implements GatePolicy, Combinable {
  readonly timed = true;
  readonly timedExit = false;
  readonly name: string;
  readonly clock: Clock;
  readonly limiters: readonly Combinable[];
  readonly #maxWaiting: number;
  #allowed = 0;
  #rejected = 0;
  readonly #chain: GateChain;
  readonly #room: WaitingRoom;
  /** One line for each key: no key waits behind another. */
  readonly #lines = new Map<string | undefined, WaitingLine>();
  /** What ends the watch over the limiters, which lasts as long as somebody waits. */
  #watches: readonly ((() => void) | undefined)[] = [];
  readonly #watchers = new Watchers();
  #latestMs = -Infinity;
  #stopped = false;

  /** @throws InvalidOptionsError when there are no limiters, one is there twice, or they differ in their clock. */
  constructor(limiters: readonly Combinable[], options: AllLimiterOptions = {}) {
    checkLimiters(limiters, options);
    this.limiters = Object.freeze([...limiters]);
    this.name = options.name ?? limiters.map(({ name }) => name).join(' + ');
    this.clock = (limiters[0] as Combinable).clock;
    this.#maxWaiting = options.maxWaiting ?? 10_000;
    this.#chain = new GateChain(this.name, [this], this.clock);
    this.#room = new WaitingRoom(
      this.clock,
      () => this.#nowMs(),
      () => this.#watchers.tell(),
    );
  }

  get traits(): PolicyTraits {
    return { kind: 'rate-limiter' };
  }

  /** Takes `n` permits from every limiter, or none. @throws RangeError unless `n` is an integer from 1 to the smallest capacity. */
  allow(n = 1, key?: string): boolean {
    const nowMs = this.#nowMs();
    const options = key === undefined ? undefined : { key };
    const waitMs = this.peek(nowMs, n, options);
    if (waitMs === Infinity) this.#checkCapacity(n, key);
    return this.#decide(waitMs, nowMs, n, options) === 0;
  }

  /** How long until all of them have `n` permits, in ms; 0 when they have. Takes nothing. @throws RangeError as `allow` */
  retryAfterMs(n = 1, key?: string): number {
    const waitMs = this.peek(this.#nowMs(), n, key === undefined ? undefined : { key });
    if (waitMs === Infinity) this.#checkCapacity(n, key);
    return waitMs;
  }

  /**
   * Resolves when `n` permits are taken from all of them: at once, or in turn among those who wait here
   * for the same key. Others who go to one of the limiters directly may come first. Rejects as
   * {@link RateLimiter.wait} does.
   */
  wait(n = 1, options: AllWaitOptions = {}): Promise<void> {
    try {
      const { key, ...wait } = options;
      checkWait(this.name, wait, ['key']);
      if (this.#stopped) return Promise.reject(stoppedError(this.name));
      const waitMs = this.peek(this.#nowMs(), n, { key });
      if (waitMs === Infinity) {
        this.#checkCapacity(n, key);
        return Promise.reject(this.refuse(waitMs));
      }
      const line = this.#lineOf(key);
      const turn = this.#room.join(line, n, wait, this.#maxWaiting);
      if (line.size > 0) this.#keepLine(key, line);
      return turn;
    } catch (mistake) {
      return Promise.reject(mistake);
    }
  }

  /** Runs `task` if all have a permit, else rejects at once with RateLimitedError. */
  execute<T>(task: Task<T>, options?: ExecuteOptions): Promise<T> {
    return this.#chain.execute(task, options);
  }

  /** The stats of every limiter, by its name; and what was decided and who waits here. */
  stats(): AllLimiterStats {
    let waiting = 0;
    for (const line of this.#lines.values()) waiting += line.size;
    const limiters = this.limiters.map((limiter) => [limiter.name, limiter.stats()] as const);
    return {
      allowed: this.#allowed,
      rejected: this.#rejected,
      waiting,
      limiters: Object.fromEntries(limiters),
    };
  }

  /** Refuses all who wait here, and every wait from now on. The limiters go on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const line of this.#lines.values()) {
      line.refuseAll(stoppedError(this.name));
      this.#room.serve(line, this.#nowMs());
    }
    this.#watchers.tell();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  enter(nowMs: number, cost = 1, options?: ExecuteOptions): number {
    return this.#decide(this.peek(nowMs, cost, options), nowMs, cost, options);
  }

  peek(nowMs: number, cost = 1, options?: ExecuteOptions): number {
    this.#tellTime(nowMs);
    const line = this.#lines.get(options?.key);
    // Those whose turn it is go first: their timer may be late.
    if (line) this.#room.serve(line, nowMs);
    let waitMs = 0;
    for (const limiter of this.limiters) {
      waitMs = Math.max(waitMs, limiter.peek(nowMs, cost, options));
    }
    if (!line?.size || waitMs === Infinity) return waitMs;
    const behindMs = this.#turnMs(nowMs, line.permits, cost, options?.key);
    return Math.max(waitMs, behindMs, line.lastTurnMs(nowMs));
  }

  /** As for a limiter of its own: behind those who wait here. */
  turnMs(nowMs: number, ahead: number, n: number, key?: string): number {
    this.#tellTime(nowMs);
    const line = this.#lines.get(key);
    if (line) this.#room.serve(line, nowMs);
    return this.#turnMs(nowMs, (line?.permits ?? 0) + ahead, n, key);
  }

  /** As a limiter does: for an `all` among the limiters of another. */
  watch(watcher: () => void): () => void {
    const limiters = this.limiters.map((limiter) => limiter.watch?.(watcher));
    const own = this.#watchers.add(watcher);
    return () => {
      own();
      for (const end of limiters) end?.();
    };
  }

  /** A permit taken is spent, whatever becomes of the call. */
  exit(): void {}

  refuse(waitMs: number): RejectedError {
    return new RateLimitedError(this.name, `${this.name}: one of the limits is reached`, waitMs);
  }

  #decide(waitMs: number, nowMs: number, n: number, options: ExecuteOptions | undefined): number {
    if (waitMs > 0) {
      this.#rejected++;
      // Those who refuse count it; the others are not asked.
      for (const limiter of this.limiters) {
        if (limiter.peek(nowMs, n, options) > 0) limiter.enter(nowMs, n, options);
      }
      return waitMs;
    }
    for (const limiter of this.limiters) limiter.enter(nowMs, n, options);
    this.#allowed++;
    return 0;
  }

  #turnMs(nowMs: number, ahead: number, n: number, key: string | undefined): number {
    let turnMs = 0;
    for (const limiter of this.limiters) {
      turnMs = Math.max(turnMs, limiter.turnMs(nowMs, ahead, n, key));
    }
    return turnMs;
  }

  #checkCapacity(n: number, key: string | undefined): void {
    checkCount(this.name, n, capacityOf(this.limiters, key));
  }

  #lineOf(key: string | undefined): WaitingLine {
    const open = this.#lines.get(key);
    if (open) return open;
    return this.#room.openLine({
      // A line that makes up for a late timer asks for a time gone by. One of the limiters may have
      // decided since, and answers for the latest time that it knows: so all are asked for the latest.
      turnMs: (nowMs, ahead, n) => {
        const turnMs = this.#turnMs(this.#latestMs, ahead, n, key);
        return turnMs > 0 ? turnMs + this.#latestMs - nowMs : 0;
      },
      take: (_nowMs, n) => {
        for (const limiter of this.limiters) limiter.enter(this.#latestMs, n, { key });
        this.#allowed++;
      },
      // There is no `reserve` here, so nobody's turn is ever fixed.
      reserve: (nowMs, n) => ({ n, mark: 0, dueMs: nowMs }),
      giveBack: () => undefined,
      admit: () => undefined,
      refuse: (waitMs) => {
        this.#rejected++;
        return this.refuse(waitMs);
      },
      emptied: () => this.#forgetLine(key),
    });
  }

  #keepLine(key: string | undefined, line: WaitingLine): void {
    if (this.#lines.size === 0) {
      this.#watches = this.limiters.map((limiter) => limiter.watch?.(() => this.#reckonAnew()));
    }
    this.#lines.set(key, line);
  }

  #forgetLine(key: string | undefined): void {
    if (!this.#lines.delete(key) || this.#lines.size > 0) return;
    for (const end of this.#watches) end?.();
    this.#watches = [];
  }

  /** A limiter has changed: everybody gets a new turn. */
  #reckonAnew(): void {
    const nowMs = this.#nowMs();
    for (const line of this.#lines.values()) {
      line.reckonAnew(nowMs, 1);
      this.#room.serve(line, nowMs);
    }
    this.#watchers.tell();
  }

  #nowMs(): number {
    this.#tellTime(this.clock.nowMs());
    return this.#latestMs;
  }

  #tellTime(nowMs: number): void {
    this.#latestMs = Math.max(this.#latestMs, nowMs);
  }
}

export interface AllLimiterStats {
  /** Calls that all let in, and those that one refused. */
  readonly allowed: number;
  readonly rejected: number;
  /** Callers who wait here. */
  readonly waiting: number;
  readonly limiters: Readonly<Record<string, object>>;
}

/** Several limits as one; see {@link AllLimiter}. */
export function all(limiters: readonly Combinable[], options?: AllLimiterOptions): AllLimiter {
  return new AllLimiter(limiters, options);
}

/** The smallest: what exceeds it can never pass. */
function capacityOf(limiters: readonly Combinable[], key: string | undefined): number {
  const capacities = limiters.map((limiter) =>
    limiter instanceof AllLimiter
      ? capacityOf(limiter.limiters, key)
      : (limiter.quota?.(key).limit ?? Infinity),
  );
  return Math.min(...capacities);
}

/** The limiters, and those of each `all` among them. */
function flat(limiters: readonly Combinable[]): readonly Combinable[] {
  return limiters.flatMap((limiter) =>
    limiter instanceof AllLimiter ? [limiter, ...flat(limiter.limiters)] : [limiter],
  );
}

function checkLimiters(limiters: readonly Combinable[], options: AllLimiterOptions): void {
  const problems: OptionProblem[] = [];
  const strange = limiters.filter((limiter) => typeof limiter?.turnMs !== 'function');
  if (limiters.length === 0 || strange.length > 0) {
    const got = limiters.length === 0 ? 'none' : strange.map(shown).join(', ');
    problems.push({
      option: 'limiters',
      expected: 'at least one rate limiter, and nothing else',
      got,
    });
  } else {
    const names = flat(limiters).map(({ name }) => name);
    const twice = names.filter((name, i) => names.indexOf(name) !== i);
    if (twice.length > 0) {
      const got = `${twice.map((name) => JSON.stringify(name)).join(', ')} twice`;
      problems.push({ option: 'limiters', expected: 'limiters with names of their own', got });
    }
    if (new Set(limiters.map(({ clock }) => clock)).size > 1) {
      problems.push({
        option: 'limiters',
        expected: 'limiters that share one clock',
        got: 'several',
      });
    }
  }
  const { maxWaiting = 0, name = 'all' } = options;
  if (!Number.isSafeInteger(maxWaiting) || maxWaiting < 0) {
    problems.push({
      option: 'maxWaiting',
      expected: 'an integer of at least 0',
      got: shown(maxWaiting),
    });
  }
  if (typeof name !== 'string' || name === '') {
    problems.push({ option: 'name', expected: 'text', got: shown(name) });
  }
  if (problems.length > 0) throw new InvalidOptionsError('all', problems);
}
