import type { CallContext } from '../core/index.ts';
import type { Connection } from './connection.ts';
import { Dialler, type DeadOnArrival, type DiallerOwner } from './dialler.ts';
import { Lease, type Lessor } from './lease.ts';
import { Maintenance } from './maintenance.ts';
import { contextOf, endsOf, type AcquireOptions } from './acquire-options.ts';
import { full, stopped, tooLate } from './refusals.ts';
import type { Setup } from './setup.ts';
import type { DestroyReason } from './stats.ts';
import { Stock, type StockOwner } from './stock.ts';
import { Waiter, WaitingLine } from './waiting-line.ts';

/** The stack of whoever takes a connection. */
export type Trace = { stack?: string } | undefined;

/** Brings connections and callers together. */
export class Broker<T> implements Lessor<T>, StockOwner<T>, DiallerOwner<T> {
  readonly name: string;
  readonly line: WaitingLine<T> = new WaitingLine();
  readonly stock: Stock<T>;
  readonly dialler: Dialler<T>;
  readonly maintenance: Maintenance<T>;
  state: 'running' | 'stopping' = 'running';
  readonly #setup: Setup<T>;
  #quiet: (() => void)[] = [];
  #whenEmpty: (() => void) | undefined;
  #isMatching = false;
  #mustMatch = false;

  constructor(setup: Setup<T>) {
    this.name = setup.name;
    this.#setup = setup;
    this.stock = new Stock(setup, this);
    this.dialler = new Dialler(setup, this);
    this.maintenance = new Maintenance(setup, this.stock);
  }

  get room(): number {
    return this.#setup.options.max - this.stock.open;
  }

  /** A connection that can be had without waiting, for one who comes before nobody else. */
  take(takenBy: Trace): Lease<T> | undefined {
    const { stock } = this;
    const { idle } = stock;
    if (this.line.size > 0) return undefined;
    let connection = idle.first;
    if (connection === undefined) return undefined;
    const nowMs = this.#setup.clock.nowMs();
    for (; connection !== undefined; connection = idle.first) {
      idle.remove(connection);
      const readiness = stock.makeReady(connection, nowMs);
      if (readiness === 'pending') return undefined;
      if (readiness === 'ready') {
        this.#setup.tally.acquiredAtOnce();
        return this.#lend(connection, nowMs, takenBy);
      }
    }
    return undefined;
  }

  /** One more is wanted by somebody who does not wait for it. */
  order(): void {
    if (this.state === 'running' && this.stock.checks.countedOn === 0) this.dialler.want(1);
  }

  /**
   * @param options known to be right
   * @param hasLooked `take` found nothing right before; to call it again could have another one checked
   */
  acquire(options: AcquireOptions, takenBy: Trace, hasLooked = false): Promise<Lease<T>> {
    const { signal, deadlineMs = Infinity } = endsOf(options);
    const { tally, options: limits } = this.#setup;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const limitMs = Math.min(deadlineMs, options.timeoutMs ?? limits.acquireTimeoutMs);
    if (deadlineMs <= 0) {
      tally.count('timedOut');
      return Promise.reject(this.#tooLate(limitMs));
    }
    const lease = hasLooked ? undefined : this.take(takenBy);
    if (lease !== undefined) return Promise.resolve(lease);
    // Not before, as the hooks that were called just now may have stopped the pool.
    if (this.state !== 'running') return this.#turnAway(stopped(this.name));
    const waiter = this.#isFull ? undefined : this.#waiterFor(options, limitMs, takenBy);
    return waiter === undefined ? this.#refuseOneMore(limitMs) : this.#wait(waiter);
  }

  giveBack(connection: Connection<T>): void {
    const nowMs = this.#returned(connection);
    const reason = this.#retirement(connection, nowMs);
    if (reason !== undefined) return this.stock.remove(connection, reason, connection.doomError);
    if (this.#setup.options.reset === undefined || this.stock.reset(connection) === 'ready') {
      this.#comeBack(connection, nowMs);
    }
  }

  giveUp(connection: Connection<T>, error: unknown): void {
    this.#returned(connection);
    this.stock.remove(connection, error === undefined ? 'caller' : 'error', error);
  }

  /** Takes a leased connection away from whoever holds it. */
  revoke(connection: Connection<T>): void {
    connection.hold++;
    this.#returned(connection);
    this.stock.remove(connection, 'stopped');
  }

  offer(connection: Connection<T>, after: 'check' | 'reset'): void {
    const nowMs = this.#setup.clock.nowMs();
    const reason = this.#retirement(connection, nowMs);
    if (reason !== undefined) this.stock.remove(connection, reason, connection.doomError);
    else if (after === 'reset') this.#comeBack(connection, nowMs);
    else if (this.stock.isStillOpen(connection)) {
      this.dialler.proved();
      this.#hand(connection, nowMs, 'bottom');
    }
  }

  arrived(value: T): DeadOnArrival | undefined {
    const connection = this.stock.add(value);
    if (connection.isClosing) return { error: connection.doomError };
    const nowMs = connection.createdMs;
    connection.idleSinceMs = nowMs;
    this.stock.checks.forgive();
    const { min, max } = this.#setup.options;
    if (this.stock.kept > max) this.stock.remove(connection, 'shrunk');
    else this.#hand(connection, nowMs, 'top');
    // Those that stayed for being few may go now.
    if (this.stock.kept === min + 1) this.maintenance.replan();
    return undefined;
  }

  diedUnused(connection: Connection<T>, reason: unknown): void {
    this.dialler.diedUnused(connection.createdMs, reason);
  }

  keptAlive(): void {
    this.maintenance.keptAlive();
  }

  cameLate(value: T): void {
    this.stock.discard(value);
  }

  /** Nobody is kept waiting who could only be told in the end that dials fail. */
  dialFailed(): void {
    for (const waiter of this.line) if (this.#isHopeless(waiter.giveUpAtMs)) this.#giveUp(waiter);
    this.freed();
  }

  /** Ends what there is, as soon as nobody holds it. */
  evict(): void {
    const { stock, dialler } = this;
    stock.generation++;
    // Not before all is over: what is dialled meanwhile would be given up, or find no place.
    const wasMatching = this.#isMatching;
    this.#isMatching = true;
    try {
      dialler.abandon(new Error(`${this.name}: the connections were evicted`));
      for (const connection of [...stock.idle, ...stock.busy]) stock.remove(connection, 'evicted');
    } finally {
      this.#isMatching = wasMatching;
    }
    this.freed();
  }

  optionsChanged(isNewBackoff: boolean): void {
    if (this.state !== 'running') return;
    const { stock } = this;
    const { max, maxLifetimeMs, lifetimeJitter } = this.#setup.options;
    if (isNewBackoff) this.dialler.renewBackoff();
    for (const connection of stock) connection.live(maxLifetimeMs, lifetimeJitter);
    while (stock.kept > max && stock.idle.last) stock.remove(stock.idle.last, 'shrunk');
    this.maintenance.replan();
    this.freed();
  }

  /** Serves who waits, and keeps `min` open. */
  freed(): void {
    this.#mustMatch = true;
    if (this.#isMatching) return;
    this.#isMatching = true;
    try {
      while (this.#mustMatch) {
        this.#mustMatch = false;
        this.#match();
      }
    } finally {
      this.#isMatching = false;
    }
    this.#tellQuiet();
    if (this.stock.open === 0) this.#whenEmpty?.();
  }

  /** Resolves when no lease is out, nobody waits, and no connection is being reset. */
  untilQuiet(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#quiet.push(resolve);
    this.#tellQuiet();
    return promise;
  }

  /** Resolves when no connection is open. */
  untilEmpty(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#whenEmpty = resolve;
    this.freed();
    return promise;
  }

  refuseAll(): number {
    const refused = this.line.size;
    for (const waiter of this.line) {
      this.#leave(waiter);
      this.#setup.tally.count('refused');
      waiter.refuse(stopped(this.name));
    }
    return refused;
  }

  #turnAway(error: Error): Promise<never> {
    this.#setup.tally.count('refused');
    return Promise.reject(error);
  }

  #refuseOneMore(limitMs: number): Promise<never> {
    const { dialler, stock, line } = this;
    // Not too many callers are the cause, but that no connection can be made.
    if (this.#isHopeless(this.#setup.clock.nowMs() + limitMs)) {
      this.#setup.tally.count('timedOut');
      return Promise.reject(this.#tooLate(limitMs));
    }
    const failure = dialler.isFailing ? { error: dialler.lastError } : undefined;
    return this.#turnAway(full(this.name, line.size, failure, stock.kept));
  }

  get #isFull(): boolean {
    const coming = this.stock.checks.underWay + this.dialler.creating + this.dialler.mayBegin;
    return this.line.size - coming >= this.#setup.options.maxPending;
  }

  #waiterFor(options: AcquireOptions, limitMs: number, takenBy: Trace): Waiter<T> {
    const { clock } = this.#setup;
    const context = contextOf(options, clock);
    const waiter = new Waiter<T>(clock.nowMs(), limitMs, context);
    waiter.takenBy = takenBy;
    return waiter;
  }

  #wait(waiter: Waiter<T>): Promise<Lease<T>> {
    const { alarms } = this.#setup;
    this.line.add(waiter);
    if (this.line.size === 1) this.dialler.waitedFor(true);
    this.freed();
    if (waiter.list === undefined) return waiter.promise;
    if (waiter.limitMs === 0 || this.#isHopeless(waiter.giveUpAtMs)) {
      this.#giveUp(waiter);
      return waiter.promise;
    }
    if (waiter.limitMs < Infinity) {
      waiter.alarm = alarms.set(waiter.giveUpAtMs, () => this.#giveUp(waiter));
    }
    if (waiter.context) this.#heedAbort(waiter, waiter.context);
    return waiter.promise;
  }

  #heedAbort(waiter: Waiter<T>, context: CallContext): void {
    const end = (reason: unknown): void => {
      this.#leave(waiter);
      this.#setup.tally.count('aborted');
      waiter.refuse(reason);
      this.#tellQuiet();
    };
    waiter.onAbort = end;
    context.onAbort(end);
  }

  /** Whether no connection can come by then, as none is there and dials fail. */
  #isHopeless(giveUpAtMs: number): boolean {
    const { retryAtMs, creating } = this.dialler;
    if (retryAtMs === undefined || creating > 0 || this.stock.kept > 0) return false;
    return giveUpAtMs < retryAtMs;
  }

  #giveUp(waiter: Waiter<T>): void {
    this.#leave(waiter);
    this.#setup.tally.count('timedOut');
    waiter.refuse(this.#tooLate(waiter.limitMs, waiter.sinceMs));
    this.#tellQuiet();
  }

  #leave(waiter: Waiter<T>): void {
    this.line.remove(waiter);
    if (this.line.size === 0) this.dialler.waitedFor(false);
    if (waiter.alarm !== undefined) this.#setup.alarms.cancel(waiter.alarm);
    waiter.close();
  }

  #tooLate(limitMs: number, sinceMs = Infinity): Error {
    const { dialler, stock } = this;
    const failure = dialler.isFailing
      ? { error: dialler.lastError }
      : stock.checkFailureSince(sinceMs);
    return tooLate(this.name, limitMs, failure, stock.kept);
  }

  #lend(connection: Connection<T>, nowMs: number, takenBy: Trace): Lease<T> {
    connection.hold++;
    connection.takenMs = nowMs;
    this.stock.leased.append(connection);
    if (takenBy !== undefined) {
      connection.takenBy = takenBy;
      this.maintenance.wasTaken(connection);
    }
    return new Lease(this, connection);
  }

  /** A leased connection is nobody's. Returns the time. */
  #returned(connection: Connection<T>): number {
    const nowMs = this.#setup.clock.nowMs();
    this.stock.leased.remove(connection);
    connection.uses++;
    connection.takenBy = undefined;
    connection.isLeaking = false;
    this.#setup.tally.uses.record(Math.max(0, nowMs - connection.takenMs));
    return nowMs;
  }

  /** Why a connection must not stay; undefined: it may. */
  #retirement(connection: Connection<T>, nowMs: number): DestroyReason | undefined {
    const { max, maxUses } = this.#setup.options;
    const reason = this.stock.retirement(connection);
    if (reason !== undefined) return reason;
    if (connection.uses >= maxUses) return 'uses';
    if (connection.expiresMs <= nowMs) return 'lifetime';
    return this.stock.kept > max ? 'shrunk' : undefined;
  }

  #comeBack(connection: Connection<T>, nowMs: number): void {
    this.dialler.proved();
    connection.aliveMs = nowMs;
    connection.idleSinceMs = nowMs;
    if (this.line.size === 0) this.#shelve(connection, 'top');
    else if (this.stock.makeReady(connection, nowMs) === 'ready') {
      this.#hand(connection, nowMs, 'top');
    }
  }

  #hand(connection: Connection<T>, nowMs: number, place: 'top' | 'bottom'): void {
    const waiter = this.line.first;
    if (waiter === undefined) return this.#shelve(connection, place);
    this.#leave(waiter);
    this.#setup.tally.acquiredAfter(nowMs - waiter.sinceMs);
    waiter.admit(this.#lend(connection, nowMs, waiter.takenBy));
  }

  #shelve(connection: Connection<T>, place: 'top' | 'bottom'): void {
    if (place === 'top') this.stock.idle.prepend(connection);
    else this.stock.idle.append(connection);
    this.maintenance.becameIdle(connection);
    if (this.#quiet.length > 0) this.#tellQuiet();
  }

  #match(): void {
    if (this.state !== 'running') return;
    const { stock, line } = this;
    const { idle, checks } = stock;
    if (line.size > checks.forCallers && idle.size > 0) {
      const nowMs = this.#setup.clock.nowMs();
      let connection = idle.first;
      for (; connection && line.size > checks.forCallers; connection = idle.first) {
        idle.remove(connection);
        const isReady = stock.makeReady(connection, nowMs) === 'ready';
        if (isReady) this.#hand(connection, nowMs, 'top');
      }
    }
    const { min } = this.#setup.options;
    this.dialler.want(Math.max(line.size - checks.countedOn, min - stock.open));
  }

  #tellQuiet(): void {
    if (this.#quiet.length === 0) return;
    const { leased, busy, checks } = this.stock;
    if (leased.size > 0 || this.line.size > 0 || busy.size > checks.underWay) return;
    const quiet = this.#quiet;
    this.#quiet = [];
    for (const resolve of quiet) resolve();
  }
}
