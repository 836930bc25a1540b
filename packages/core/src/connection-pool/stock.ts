import { LinkedList } from '../collections/index.ts';
import { Checks, type Failure } from './checks.ts';
import { Connection } from './connection.ts';
import { Hooks, type Answer, type Refusal, type Verdict } from './hooks.ts';
import type { Setup } from './setup.ts';
import type { DestroyReason } from './stats.ts';

/** Who is told of what becomes of connections. */
export interface StockOwner<T> {
  /** Its check or its reset went well; it is on no list. */
  offer(connection: Connection<T>, after: 'check' | 'reset'): void;
  /** It has died while it was idle, and nobody has ever had it. */
  diedUnused(connection: Connection<T>, reason: unknown): void;
  /** The check of one that nobody waits for is over: there may be another to be checked. */
  keptAlive(): void;
  /** There may be a place more, or one less on the way to a caller. */
  freed(): void;
}

/** Whether a connection may be handed out: if not, it has been ended, or will be offered when it may. */
export type Readiness = 'ready' | 'ended' | 'pending';

/** The connections that are open, each on one list or on none. A hook may call the pool again at any time. */
export class Stock<T> {
  /** The most recently used first, so that those that are not needed grow old. */
  readonly idle: LinkedList<Connection<T>> = new LinkedList();
  /** In the order in which they were taken. */
  readonly leased: LinkedList<Connection<T>> = new LinkedList();
  /** Those that are being checked or reset. */
  readonly busy: LinkedList<Connection<T>> = new LinkedList();
  readonly hooks: Hooks<T>;
  readonly checks: Checks<T> = new Checks();
  open = 0;
  /** Those of the open ones that are being ended. */
  closing = 0;
  /** How often it was evicted: those that were made before are ended, whatever is done with them just now. */
  generation = 0;
  /** From then on nothing is handed out. */
  isStopped = false;
  readonly #setup: Setup<T>;
  readonly #owner: StockOwner<T>;

  constructor(setup: Setup<T>, owner: StockOwner<T>) {
    this.#setup = setup;
    this.#owner = owner;
    this.hooks = new Hooks(setup);
  }

  /** Those that are not being ended. */
  get kept(): number {
    return this.open - this.closing;
  }

  /** Whether another may be checked that nobody waits for: at most a tenth is kept from callers by that. */
  get mayKeepAlive(): boolean {
    const { keepingAlive } = this.checks;
    return keepingAlive < Math.max(1, (this.idle.size + keepingAlive) / 10);
  }

  /** Why idle ones were of no use to a caller since then: a check for one has failed, or has no answer yet. */
  checkFailureSince(sinceMs: number): Failure | undefined {
    const failure = this.checks.failureSince(sinceMs);
    if (failure !== undefined || this.checks.forCallers === 0) return failure;
    for (const { check, checkedMs } of this.busy) {
      if (check === undefined || check === 'keep-alive') continue;
      if (checkedMs > sinceMs) break; // The others began later.
      return { error: new Error(`${this.#setup.name}: isHealthy has had no answer yet`) };
    }
    return undefined;
  }

  /** Leases that were reported as held too long, and still are. */
  get leaking(): number {
    let leaking = 0;
    for (const { isLeaking } of this.leased) if (isLeaking) leaking++;
    return leaking;
  }

  /** Takes in a new one, on no list; when it has died at once, it is being ended. */
  add(value: T): Connection<T> {
    const { clock, random, options } = this.#setup;
    const connection = new Connection(value, clock.nowMs(), random.next(), this.generation);
    connection.live(options.maxLifetimeMs, options.lifetimeJitter);
    this.open++;
    this.hooks.watch(value, (reason) => this.#died(connection, reason));
    // Its end may have come before anybody listened for it.
    this.isStillOpen(connection);
    return connection;
  }

  /** Looks at a connection, on no list; what has died is ended. */
  isStillOpen(connection: Connection<T>): boolean {
    const isKept = connection.doom === undefined;
    if (isKept && !this.hooks.isOpen(connection.value)) connection.condemn('closed');
    return this.#outlives(connection) === 'ready';
  }

  /** Why the pool, or the connection's end, does not let it stay; undefined: it may. */
  retirement(connection: Connection<T>): DestroyReason | undefined {
    if (connection.doom !== undefined) return connection.doom;
    if (this.isStopped) return 'stopped';
    return connection.generation === this.generation ? undefined : 'evicted';
  }

  /** Looks at a connection, on no list, that is to be handed out. */
  makeReady(connection: Connection<T>, nowMs: number): Readiness {
    const { isOpen, isHealthy, validateAfterIdleMs } = this.#setup.options;
    if (connection.expiresMs <= nowMs) connection.condemn('lifetime');
    else if (isOpen !== undefined && !this.hooks.isOpen(connection.value)) {
      connection.condemn('closed');
    }
    if (this.retirement(connection) !== undefined) return this.#outlives(connection);
    if (isHealthy === undefined || validateAfterIdleMs === Infinity) return 'ready';
    const isDue = nowMs - connection.aliveMs >= validateAfterIdleMs;
    return isDue || this.checks.isDoubted(connection)
      ? this.#check(connection, nowMs, true)
      : 'ready';
  }

  /** Asks whether a connection, on no list, is healthy, while nobody waits for this one. */
  keepAlive(connection: Connection<T>, nowMs: number): void {
    if (this.#check(connection, nowMs, false) === 'ready') this.#owner.offer(connection, 'check');
  }

  /** Makes a connection, on no list, fit for another caller. */
  reset(connection: Connection<T>): Readiness {
    const verdict = this.hooks.reset(connection.value, this.#answerOf(connection, 'reset'));
    return this.#judge(connection, verdict, 'reset');
  }

  /** Takes a connection from wherever it is, and ends it. Idempotent. */
  remove(connection: Connection<T>, reason: DestroyReason, error?: unknown): void {
    if (connection.isClosing) return;
    connection.list?.remove(connection);
    connection.isClosing = true;
    this.closing++;
    connection.condemn(reason, error);
    this.#leaveHook(connection);
    this.hooks.destroy(connection.value, reason, () => this.#closed(connection, reason, error));
    this.#owner.freed();
  }

  /** Ends one that came when nobody wanted it any more. */
  discard(value: T): void {
    const { tally, events } = this.#setup;
    tally.count('created');
    tally.destroyed('late');
    const told = { reason: 'late', error: undefined, ageMs: 0, uses: 0 } as const;
    this.hooks.destroy(value, 'late', () => events.emit('destroyed', told));
  }

  *[Symbol.iterator](): Generator<Connection<T>, void, undefined> {
    for (const list of [this.idle, this.busy, this.leased]) yield* list;
  }

  #check(connection: Connection<T>, nowMs: number, isForCaller: boolean): Readiness {
    const answer = this.#answerOf(connection, 'check');
    const verdict = this.hooks.isHealthy(connection.value, (late) => {
      this.#learn(late, nowMs);
      answer(late);
    });
    if (typeof verdict === 'function') {
      connection.checkedMs = nowMs;
      this.checks.begin(connection, isForCaller);
    } else {
      connection.aliveMs = nowMs;
      this.#learn(verdict, nowMs);
    }
    return this.#judge(connection, verdict, 'unhealthy');
  }

  /** What the check of one connection, begun at `beganMs`, says about the others. */
  #learn(verdict: true | Refusal, beganMs: number): void {
    if (verdict === true) this.checks.forgive();
    // A plain no is an answer: the other side is there.
    else if (verdict.error !== undefined) {
      this.checks.failed(verdict.error, beganMs, this.#setup.clock.nowMs(), this.busy);
    }
  }

  #judge(connection: Connection<T>, verdict: Verdict, reason: DestroyReason): Readiness {
    if (verdict === true) return this.#outlives(connection);
    if (typeof verdict !== 'function') {
      connection.condemn(reason, verdict.error);
      return this.#outlives(connection);
    }
    connection.abandon = verdict;
    // What it is for may be over since the hook was called.
    if (this.retirement(connection) !== undefined) return this.#outlives(connection);
    this.busy.append(connection);
    return 'pending';
  }

  #answerOf(connection: Connection<T>, after: 'check' | 'reset'): Answer {
    return (verdict) => {
      connection.abandon = undefined;
      if (verdict !== true) {
        return this.remove(connection, after === 'check' ? 'unhealthy' : 'reset', verdict.error);
      }
      this.#leaveHook(connection);
      this.busy.remove(connection);
      connection.aliveMs = this.#setup.clock.nowMs();
      this.#owner.offer(connection, after);
    };
  }

  #leaveHook(connection: Connection<T>): void {
    const { abandon } = connection;
    connection.abandon = undefined;
    const wasFor = this.checks.end(connection);
    abandon?.();
    if (wasFor === 'keep-alive') this.#owner.keptAlive();
  }

  /** What a hook, which may have done anything, left of a connection on no list. */
  #outlives(connection: Connection<T>): Readiness {
    const reason = this.retirement(connection);
    if (reason === undefined) return 'ready';
    this.remove(connection, reason, connection.doomError);
    return 'ended';
  }

  #died(connection: Connection<T>, reason: unknown): void {
    const { list } = connection;
    // Whoever holds it, or the hook that is being called, comes back with it.
    if (list === undefined || list === this.leased) return connection.condemn('closed', reason);
    // Before its place is free, or another would be dialled at once.
    if (connection.hold === 0) this.#owner.diedUnused(connection, reason);
    this.remove(connection, 'closed', reason);
  }

  #closed(connection: Connection<T>, reason: DestroyReason, error: unknown): void {
    const { clock, tally, events } = this.#setup;
    this.open--;
    this.closing--;
    tally.destroyed(reason);
    this.#owner.freed();
    const ageMs = clock.nowMs() - connection.createdMs;
    events.emit('destroyed', { reason, error, ageMs, uses: connection.uses });
  }
}
