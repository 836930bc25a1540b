import type { AcquireOptions, ConnectionPool, Lease, Random } from '../../../src/index.ts';
import type { ManualClock } from '../../../src/testing/index.ts';
import type { FakeConnection } from './fake-server.ts';

/** What the callers were told, one of them for each call. */
export interface Told {
  acquired: number;
  timedOut: number;
  aborted: number;
  refused: number;
}

/** What must never happen, and how often it did. */
export interface Violations {
  heldTwice: number;
  dead: number;
  expired: number;
  dirty: number;
  unexpected: number;
}

export interface PoolLoadOptions {
  readonly pool: ConnectionPool<FakeConnection>;
  readonly clock: ManualClock;
  readonly random: Random;
  readonly callers: number;
  readonly maxLifetimeMs: number;
  readonly hasReset: boolean;
}

/** Callers who take connections and give them back in every way there is, on a clock that the load moves. */
export class PoolLoad {
  readonly told: Told = { acquired: 0, timedOut: 0, aborted: 0, refused: 0 };
  readonly violations: Violations = { heldTwice: 0, dead: 0, expired: 0, dirty: 0, unexpected: 0 };
  readonly surprises: unknown[] = [];
  readonly #options: PoolLoadOptions;
  readonly #gone = new Error('the caller has gone');
  readonly #mistake = new Error('a mistake of the caller');
  #calls = 0;
  #busy = 0;

  constructor(options: PoolLoadOptions) {
    this.#options = options;
  }

  /** Calls of all kinds so far. */
  get calls(): number {
    return this.#calls;
  }

  /** Until so many calls have got a connection; `disturb` is called at every ms, when nothing else happens. */
  async run(acquires: number, disturb: () => void): Promise<void> {
    const { clock, callers } = this.#options;
    const caller = async (): Promise<void> => {
      this.#busy++;
      while (this.told.acquired < acquires) await this.#call(this.#calls++);
      this.#busy--;
    };
    const all = Promise.all(Array.from({ length: callers }, caller));
    while (this.#busy > 0) {
      // When everybody waits for the clock: what was handed out has been taken by then.
      await new Promise<void>((resolve) => {
        process.nextTick(resolve);
      });
      if (Number.isInteger(clock.nowMs())) disturb();
      // From one event to the next, so that nobody is late for what he was given.
      clock.advanceTo(Math.min(clock.nextDueMs, Math.floor(clock.nowMs()) + 1));
    }
    await all;
  }

  async #call(call: number): Promise<void> {
    const { random } = this.#options;
    const before = this.told.acquired;
    try {
      await this.#oneOfManyWays(call);
    } catch (error) {
      this.#hear(error);
    }
    // Who got nothing does not come again at once, and now and then nobody has anything to do.
    if (this.told.acquired === before) await this.#sleep(1 + Math.floor(random.next() * 3));
    const sinceSecondMs = this.#options.clock.nowMs() % 1000;
    if (sinceSecondMs > 900) await this.#sleep(1000 - sinceSecondMs);
  }

  async #oneOfManyWays(call: number): Promise<void> {
    const { pool } = this.#options;
    const chance = this.#options.random.next();
    if (chance < 0.1) {
      const lease = pool.tryAcquire();
      if (lease) await this.#hold(lease, call);
      else this.told.refused++;
      return;
    }
    if (chance < 0.3) return this.#use(call);
    if (chance < 0.35) return this.#leave(call);
    await this.#hold(await pool.acquire(this.#choose()), call);
  }

  async #use(call: number): Promise<void> {
    const { pool, random } = this.#options;
    const isMistaken = random.next() < 0.02;
    try {
      await pool.use(async (connection) => {
        this.#take(connection, call);
        await this.#dwell();
        this.#putDown(connection);
        if (isMistaken) throw this.#mistake;
      }, this.#choose());
    } catch (error) {
      if (error !== this.#mistake) throw error;
    }
  }

  /** The caller goes while he waits, or before, or too late. */
  async #leave(call: number): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    const wait = this.#options.pool.acquire({ ...this.#choose(), signal });
    const goes = this.#dwell().then(() => controller.abort(this.#gone));
    try {
      await this.#hold(await wait, call);
    } finally {
      await goes;
    }
  }

  #choose(): AcquireOptions | undefined {
    const chance = this.#options.random.next();
    if (chance < 0.5) return undefined;
    if (chance < 0.6) return { deadlineMs: Math.floor(chance * 40) };
    if (chance < 0.7) return { timeoutMs: Math.floor(chance * 20) };
    return { priority: Math.floor(chance * 16) - 8 };
  }

  async #hold(lease: Lease<FakeConnection>, call: number): Promise<void> {
    const { random } = this.#options;
    const connection = lease.value;
    this.#take(connection, call);
    await this.#dwell();
    this.#putDown(connection);
    const chance = random.next();
    if (chance < 0.8) lease.release();
    else if (chance < 0.805) lease.destroy();
    else if (chance < 0.81) lease.destroy(this.#mistake);
    else if (chance < 0.9) lease[Symbol.dispose]();
    else await lease[Symbol.asyncDispose]();
  }

  #take(connection: FakeConnection, call: number): void {
    const { clock, maxLifetimeMs, hasReset } = this.#options;
    this.told.acquired++;
    if (connection.holder !== undefined) this.violations.heldTwice++;
    if (!connection.isOpen) this.violations.dead++;
    if (clock.nowMs() - connection.madeMs >= maxLifetimeMs) this.violations.expired++;
    if (hasReset && connection.isDirty) this.violations.dirty++;
    connection.holder = call;
    connection.isDirty = true;
  }

  #putDown(connection: FakeConnection): void {
    connection.holder = undefined;
  }

  /** Not at all, for a hop, or for a few ms. */
  async #dwell(): Promise<void> {
    const { random } = this.#options;
    const chance = random.next();
    if (chance < 0.6) return;
    if (chance < 0.8) await Promise.resolve();
    else await this.#sleep(Math.ceil(random.next() * 3));
  }

  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#options.clock.schedule(ms, resolve);
    });
  }

  #hear(error: unknown): void {
    const { name } = error as Error;
    if (error === this.#gone) this.told.aborted++;
    else if (name === 'TimeoutError' || name === 'DeadlineExceededError') this.told.timedOut++;
    else if (name === 'QueueFullError' || name === 'PoolStoppedError') this.told.refused++;
    else {
      this.violations.unexpected++;
      if (this.surprises.length < 5) this.surprises.push(error);
    }
  }
}
