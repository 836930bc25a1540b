import { AsyncLocalStorage } from 'node:async_hooks';
import { Alarms, type LogLinearHistogram } from '../collections/index.ts';
import {
  aDuration,
  Emitter,
  optional,
  resolveOptions,
  type Clock,
  type Listener,
  type OptionRules,
} from '../core/index.ts';
import { checkAcquireOptions, type AcquireOptions } from './acquire-options.ts';
import { Broker, type Trace } from './broker.ts';
import type { Lease } from './lease.ts';
import {
  resolveConnectionPoolOptions,
  type ConnectionPoolChanges,
  type ConnectionPoolOptions,
} from './options.ts';
import type { Setup } from './setup.ts';
import type {
  ConnectionPoolEvents,
  ConnectionPoolStats,
  ConnectionPoolStopResult,
} from './stats.ts';
import { Stopping } from './stopping.ts';
import { Tally } from './tally.ts';

/** How long the timer of those who wait stays for the next one, in ms. */
const LINGER_MS = 50;

const NO_OPTIONS: AcquireOptions = Object.freeze({});

const stopRules: OptionRules<{ readonly timeoutMs: number }> = {
  timeoutMs: optional(aDuration, () => 30_000),
};

/**
 * Holds connections that are dear to make, and lends each to one caller at a time: those of a protocol of
 * your own, of a driver without a pool. For TCP and TLS there is {@link tcpPool}; for objects that cost
 * memory alone, an object pool is faster.
 *
 * A caller gets the idle connection that was used last, or waits for one to come back or to be made, first
 * come, first served within a priority. One that has died, is too old or fails its check is never handed
 * out. O(1) a call (O(log n) with n waiting, for their timeouts), O(connections) at housekeeping.
 *
 * @example
 * const pool = new ConnectionPool({
 *   create: async () => ({ query: async (sql: string) => sql.length }),
 *   max: 20,
 * });
 * const rows = await pool.use((connection) => connection.query('select 1'), { timeoutMs: 500 });
 * await pool.stop();
 */
export class ConnectionPool<T> implements AsyncDisposable {
  readonly name: string;
  readonly clock: Clock;
  readonly #setup: Setup<T>;
  readonly #broker: Broker<T>;
  #stopping: Stopping<T> | undefined;

  /** Begins to make `min` connections right after. @throws InvalidOptionsError naming every option that is wrong. */
  constructor(options: ConnectionPoolOptions<T>) {
    const resolved = resolveConnectionPoolOptions(options);
    this.name = resolved.name;
    this.clock = resolved.clock;
    this.#setup = {
      name: resolved.name,
      clock: resolved.clock,
      random: resolved.random,
      alarms: new Alarms(resolved.clock, LINGER_MS),
      events: new Emitter(),
      tally: new Tally(),
      apart: AsyncLocalStorage.snapshot(),
      options: resolved,
    };
    this.#broker = new Broker(this.#setup);
    // Not before somebody can listen to what becomes of it.
    if (resolved.min > 0) queueMicrotask(() => this.#broker.freed());
  }

  /** Time from `acquire` to the lease, of the calls that got one, in ms. */
  get waitTimes(): LogLinearHistogram {
    return this.#setup.tally.waits;
  }

  /** Time from the lease to its end, in ms. */
  get useTimes(): LogLinearHistogram {
    return this.#setup.tally.uses;
  }

  /** Time that `create` took where it succeeded, in ms. */
  get createTimes(): LogLinearHistogram {
    return this.#setup.tally.creates;
  }

  /**
   * A connection, as soon as there is one. Rejects with QueueFullError at once when too many wait; with
   * `signal.reason` on abort; and when its time is over, with DeadlineExceededError if all connections
   * were in use, with TimeoutError if none could be made or checks failed (`cause` says why). The latter also
   * at once, when there is no connection and no dial is due in time. With PoolStoppedError from `stop` on. Never
   * throws.
   */
  acquire(options?: AcquireOptions): Promise<Lease<T>> {
    const takenBy = this.#detectsLeaks ? traceOf(this, 'acquire') : undefined;
    return this.#acquire(options, takenBy);
  }

  /**
   * A connection that is idle, or undefined: when there is none, when others wait, and when the idle one
   * has to be checked first, which begins then. One is made meanwhile if there is room.
   */
  tryAcquire(): Lease<T> | undefined {
    const takenBy = this.#detectsLeaks ? traceOf(this, 'tryAcquire') : undefined;
    const lease = this.#broker.take(takenBy);
    if (lease !== undefined) return lease;
    this.#setup.tally.count('refused');
    this.#broker.order();
    return undefined;
  }

  /**
   * Runs `work` with a connection, and gives that back. When `work` throws or rejects, the connection is
   * ended, unless `isFatal` says that the error leaves it usable. Rejects with the error of `work`, or as
   * `acquire` does. The options are for the waiting: `work` has to heed a signal itself.
   */
  async use<R>(work: (connection: T) => PromiseLike<R> | R, options?: AcquireOptions): Promise<R> {
    const takenBy = this.#detectsLeaks ? traceOf(this, 'use') : undefined;
    const lease = await this.#acquire(options, takenBy);
    const connection = lease.value;
    let result;
    try {
      result = await work(connection);
    } catch (error) {
      if (this.#broker.stock.hooks.isFatal(error, connection)) lease.destroy(error);
      else lease.release();
      throw error;
    }
    lease.release();
    return result;
  }

  /**
   * Changes options live; connections, leases and those who wait stay. More places serve who waits at once;
   * fewer end idle connections at once and leased ones when they come back. Hooks and times hold from now
   * on, those of `maxLifetimeMs` for existing connections, too. After a change of `create`, `evict` ends
   * those that were made the old way. An option that is undefined goes back to its default.
   * @throws InvalidOptionsError and changes nothing when an option is wrong.
   */
  update(changes: ConnectionPoolChanges<T>): void {
    const { name, clock, random, options: before } = this.#setup;
    const options = resolveConnectionPoolOptions({ ...before, ...changes, name, clock, random });
    this.#setup.options = options;
    this.#broker.optionsChanged('retryBackoff' in changes);
  }

  /**
   * Ends every connection that there is: idle ones at once, leased ones when they come back, dials under
   * way. After a failover, or a change of address or password.
   */
  evict(): void {
    this.#broker.evict();
  }

  /** Resolves when no lease is out and nobody waits. The pool goes on taking calls meanwhile; `stop` does not. */
  drain(): Promise<void> {
    return this.#broker.untilQuiet();
  }

  /**
   * Refuses those who wait and who come from now on, ends idle connections and dials, and gives those who
   * hold a connection `timeoutMs` to give it back; then ends theirs, too. When it resolves, every
   * connection has been ended, and no timer and no listener is left. What a `create` that does not heed its
   * signal makes after that is ended as it comes.
   * @param options `timeoutMs`: at least 0; Infinity waits for as long as it takes. Default 30,000
   * @returns the same promise when called again. Never rejects. @throws InvalidOptionsError
   */
  stop(
    options: { readonly timeoutMs?: number | undefined } = {},
  ): Promise<ConnectionPoolStopResult> {
    const { timeoutMs } = resolveOptions('stop', options, stopRules);
    if (this.#stopping === undefined) {
      // Known before it begins, as the hooks that it calls may call this, too.
      this.#stopping = new Stopping(this.#setup, this.#broker);
      this.#stopping.begin(timeoutMs);
    }
    return this.#stopping.result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  on<K extends keyof ConnectionPoolEvents>(
    event: K,
    listener: Listener<ConnectionPoolEvents[K]>,
  ): () => void {
    return this.#setup.events.on(event, listener);
  }

  /** Counts and states, now. The times are in `waitTimes`, `useTimes` and `createTimes`. O(leases held). */
  stats(): ConnectionPoolStats {
    const { stock, dialler, line, state } = this.#broker;
    const { min, max, maxPending } = this.#setup.options;
    const { open, closing } = stock;
    const [idle, leased] = [stock.idle.size, stock.leased.size];
    return {
      state: this.#stopping?.isDone === true ? 'stopped' : state,
      min,
      max,
      open,
      idle,
      leased,
      busy: open - idle - leased - closing,
      closing,
      creating: dialler.creating,
      pending: line.size,
      maxPending,
      leaking: stock.leaking,
      ...this.#setup.tally.read(),
    };
  }

  get #detectsLeaks(): boolean {
    return this.#setup.options.leakDetectionMs < Infinity;
  }

  #acquire(options: AcquireOptions | undefined, takenBy: Trace): Promise<Lease<T>> {
    if (options === undefined) {
      const lease = this.#broker.take(takenBy);
      return lease ? promised(lease) : this.#broker.acquire(NO_OPTIONS, takenBy, true);
    }
    try {
      checkAcquireOptions(options);
    } catch (mistake) {
      return Promise.reject(mistake);
    }
    return this.#broker.acquire(options, takenBy);
  }
}

/** Cheaper than `Promise.resolve`. */
async function promised<T>(lease: Lease<T>): Promise<Lease<T>> {
  return lease;
}

/** The stack of the caller of `verb`. */
function traceOf<T>(pool: ConnectionPool<T>, verb: 'acquire' | 'tryAcquire' | 'use'): Trace {
  const trace: { stack?: string } = {};
  Error.captureStackTrace(trace, pool[verb]);
  return trace;
}
