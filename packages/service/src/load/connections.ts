import type { Clock } from '@sluice/core';
import { Connection, type ConnectionOwner, type Target } from './connection.ts';
import { errorKind, TIMEOUT } from './error-kind.ts';

/** Hears once about each request that was sent. */
export interface Settlements {
  /** `latencyMs` counts from when the request was due. */
  answered(status: number, latencyMs: number, atMs: number): void;
  failed(kind: string): void;
}

export interface ConnectionsOptions {
  readonly target: Target;
  readonly clock: Clock;
  /** Most requests outstanding at once, and so most connections. */
  readonly maxInFlight: number;
  /** What a request may take from its sending to the end of its answer, in ms. */
  readonly timeoutMs: number;
  readonly settlements: Settlements;
}

/**
 * A connection for every request in flight: the one that was free last is taken first, so a light
 * load keeps few open and a heavy one opens more, up to the bound. undici's own Pool looks for a free
 * connection from the start of its list, which costs O(connections) a request; this is O(1).
 */
export class Connections implements ConnectionOwner {
  readonly #options: ConnectionsOptions;
  readonly #free: Connection[] = [];
  /** In the order of sending, which is the order in which time runs out. */
  readonly #busy = new Set<Connection>();
  readonly #closing = new Set<Promise<void>>();
  #peakInFlight = 0;
  #cancelSweep: (() => void) | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#busy.size;
  }

  get peakInFlight(): number {
    return this.#peakInFlight;
  }

  /** Sends a request, or returns false when as many are outstanding as may be. */
  send(dueMs: number, nowMs: number): boolean {
    if (this.#busy.size >= this.#options.maxInFlight) return false;
    const connection = this.#free.pop() ?? new Connection(this.#options.target, this);
    this.#busy.add(connection);
    this.#peakInFlight = Math.max(this.#peakInFlight, this.#busy.size);
    if (!this.#cancelSweep) this.#sweepIn(this.#options.timeoutMs);
    connection.send(dueMs, nowMs);
    return true;
  }

  answered(connection: Connection, status: number): void {
    const nowMs = this.#options.clock.nowMs();
    const { dueMs } = connection;
    this.#release(connection);
    this.#options.settlements.answered(status, nowMs - dueMs, nowMs);
  }

  failed(connection: Connection, error: Error): void {
    this.#release(connection);
    this.#options.settlements.failed(errorKind(error));
  }

  /** Resolves as soon as nothing is in flight; `timeoutMs` after the last send at the latest. */
  idle(): Promise<void> {
    if (this.#busy.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  /** Gives up all requests in flight, without reporting them, and returns how many they were. */
  abandon(): number {
    const abandoned = this.#busy.size;
    for (const connection of this.#busy) this.#discard(connection);
    this.#noteIdle();
    return abandoned;
  }

  /** Closes every connection; call it when nothing is in flight. */
  async close(): Promise<void> {
    this.#cancelSweep?.();
    for (const connection of this.#free.splice(0)) this.#discard(connection);
    await Promise.all(this.#closing);
    this.#options.target.close();
  }

  #release(connection: Connection): void {
    this.#busy.delete(connection);
    this.#free.push(connection);
    this.#noteIdle();
  }

  #noteIdle(): void {
    if (this.#busy.size > 0) return;
    this.#whenIdle?.();
    this.#whenIdle = undefined;
  }

  #discard(connection: Connection): void {
    this.#busy.delete(connection);
    const closed = connection.discard().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  #sweepIn(delayMs: number): void {
    this.#cancelSweep = this.#options.clock.schedule(delayMs, () => this.#sweep());
  }

  /** One timer for all requests: it looks at the oldest, and comes again when that one's time is over. */
  #sweep(): void {
    const { clock, timeoutMs, settlements } = this.#options;
    const leftMs = (connection: Connection): number => connection.sentMs + timeoutMs - nowMs;
    const nowMs = clock.nowMs();
    let expired = 0;
    for (const connection of this.#busy) {
      if (leftMs(connection) > 0) break;
      this.#discard(connection);
      expired += 1;
    }
    this.#cancelSweep = undefined;
    const [oldest] = this.#busy;
    if (oldest) this.#sweepIn(leftMs(oldest));
    for (; expired > 0; expired -= 1) settlements.failed(TIMEOUT);
    this.#noteIdle();
  }
}
