import type { Connection } from './connection.ts';
import type { Setup } from './setup.ts';
import type { Stock } from './stock.ts';

/**
 * Ends idle connections whose time is over, keeps the others alive, and reports leases that are held too
 * long. One timer for all, none while nothing can fall due, and none that keeps the process alive.
 */
export class Maintenance<T> {
  readonly #setup: Setup<T>;
  readonly #stock: Stock<T>;
  #dueMs = Infinity;
  #cancelTimer: (() => void) | undefined;
  #isStopped = false;

  constructor(setup: Setup<T>, stock: Stock<T>) {
    this.#setup = setup;
    this.#stock = stock;
  }

  /** A connection has become idle. */
  becameIdle(connection: Connection<T>): void {
    const { idleTimeoutMs, keepAliveIntervalMs } = this.#setup.options;
    const soonestMs = connection.idleSinceMs + Math.min(idleTimeoutMs, keepAliveIntervalMs);
    // A timer for what is due before that is nearly always set.
    if (this.#dueMs <= soonestMs && this.#dueMs <= connection.expiresMs) return;
    const dueMs = this.#dueOf(connection);
    if (dueMs < this.#dueMs) this.#arm(dueMs);
  }

  /** A connection has been leased, while leaks are looked for. */
  wasTaken(connection: Connection<T>): void {
    const dueMs = connection.takenMs + this.#setup.options.leakDetectionMs;
    if (dueMs < this.#dueMs) this.#arm(dueMs);
  }

  /** A check for nobody is over. */
  keptAlive(): void {
    // At the end of a sweep that is done anyway.
    if (this.#dueMs !== -Infinity) this.replan();
  }

  /** Finds out anew what is due next: after a change of options, or of how many are to stay. O(connections). */
  replan(): void {
    const { leakDetectionMs } = this.#setup.options;
    let dueMs = Infinity;
    for (const connection of this.#stock.idle) dueMs = Math.min(dueMs, this.#dueOf(connection));
    for (const connection of this.#stock.leased) {
      if (connection.takenBy === undefined || connection.isLeaking) continue;
      dueMs = Math.min(dueMs, connection.takenMs + leakDetectionMs);
      break; // The others were taken later.
    }
    this.#arm(dueMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#arm(Infinity);
  }

  #arm(dueMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#dueMs = this.#isStopped ? Infinity : dueMs;
    if (this.#dueMs === Infinity) return;
    const { clock } = this.#setup;
    const delayMs = Math.max(0, dueMs - clock.nowMs());
    this.#cancelTimer = clock.schedule(delayMs, () => this.#sweep(), { keepAlive: false });
  }

  #dueOf(connection: Connection<T>): number {
    const { options } = this.#setup;
    const idleMs =
      this.#stock.kept > options.min ? connection.idleSinceMs + options.idleTimeoutMs : Infinity;
    const mayCheck = options.isHealthy !== undefined && this.#stock.mayKeepAlive;
    const aliveMs = mayCheck ? connection.aliveMs + options.keepAliveIntervalMs : Infinity;
    return Math.min(connection.expiresMs, idleMs, aliveMs);
  }

  #sweep(): void {
    this.#cancelTimer = undefined;
    // Nothing that the hooks do meanwhile sets a timer: it would be set anew right after.
    this.#dueMs = -Infinity;
    const nowMs = this.#setup.clock.nowMs();
    try {
      this.#endOld(nowMs);
      this.#keepAlive(nowMs);
      this.#reportLeaks(nowMs);
    } finally {
      this.replan();
    }
  }

  /** The one that was used least recently first. */
  #endOld(nowMs: number): void {
    const { options } = this.#setup;
    for (const connection of [...this.#stock.idle].reverse()) {
      if (connection.list !== this.#stock.idle) continue;
      if (connection.expiresMs <= nowMs) this.#stock.remove(connection, 'lifetime');
      else if (
        this.#stock.kept > options.min &&
        connection.idleSinceMs + options.idleTimeoutMs <= nowMs
      ) {
        this.#stock.remove(connection, 'idle');
      }
    }
  }

  /** In the order in which they are, as each goes to the end of the list after its check. */
  #keepAlive(nowMs: number): void {
    const { options } = this.#setup;
    const { idle } = this.#stock;
    if (options.isHealthy === undefined) return;
    // A copy, as those that were looked at go to the end.
    for (const connection of Array.from(idle)) {
      if (!this.#stock.mayKeepAlive) return;
      if (connection.list !== idle) continue;
      if (connection.aliveMs + options.keepAliveIntervalMs > nowMs) continue;
      idle.remove(connection);
      this.#stock.keepAlive(connection, nowMs);
    }
  }

  #reportLeaks(nowMs: number): void {
    const { events, options, tally } = this.#setup;
    for (const connection of this.#stock.leased) {
      const { takenBy, takenMs } = connection;
      if (takenBy === undefined || connection.isLeaking) continue;
      if (takenMs + options.leakDetectionMs > nowMs) break;
      connection.isLeaking = true;
      tally.count('leaks');
      const stack = takenBy.stack ?? '';
      events.emit('leak', { heldMs: nowMs - takenMs, stack, leaking: this.#stock.leaking });
    }
  }
}
