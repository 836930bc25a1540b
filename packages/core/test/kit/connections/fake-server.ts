import type { Random } from '../../../src/index.ts';
import type { ManualClock } from '../../../src/testing/index.ts';

/** A connection of no server at all, which knows who holds it and whether it lives. */
export class FakeConnection {
  readonly madeMs: number;
  isOpen = true;
  isDestroyed = false;
  /** Who has it in his hands. */
  holder: number | undefined;
  /** Left behind by whoever had it last, until it is reset. */
  isDirty = false;
  died: ((reason: unknown) => void) | undefined;

  constructor(madeMs: number) {
    this.madeMs = madeMs;
  }
}

/** How often each thing goes wrong: the sum of what it lists, of 1. */
export interface FaultRates {
  readonly fails: number;
  readonly throws: number;
  readonly hangs: number;
}

export interface FakeServerOptions {
  readonly clock: ManualClock;
  readonly random: Random;
  readonly dial: FaultRates;
  readonly check: FaultRates;
  readonly reset: FaultRates;
  readonly close: FaultRates;
}

/** The other side of a pool: makes connections, tries them, ends them, each at times in a wrong way. */
export class FakeServer {
  /** Connections that came to be, those that came too late among them. */
  made = 0;
  /** Connections that were ended by the pool. */
  ended = 0;
  endedTwice = 0;
  /** Those that nobody has ended yet. */
  readonly alive: Set<FakeConnection> = new Set();
  mostAlive = 0;
  readonly #options: FakeServerOptions;
  readonly #gone = new Error('the other side has gone');

  constructor(options: FakeServerOptions) {
    this.#options = options;
  }

  readonly create = (signal: AbortSignal): Promise<FakeConnection> | FakeConnection => {
    const { dial } = this.#options;
    const fate = this.#draw(dial);
    if (fate === 'throws') throw this.#gone;
    if (fate === 'fails') return this.#after(this.#pauseMs(), () => this.#refuse());
    if (fate === 'hangs') return this.#hang(signal);
    const pauseMs = this.#pauseMs();
    if (pauseMs === 0 && this.#chance(0.3)) return this.#make();
    return this.#after(pauseMs, () => (signal.aborted ? this.#makeLate() : this.#make()));
  };

  readonly watch = (connection: FakeConnection, died: (reason: unknown) => void): void => {
    connection.died = died;
  };

  readonly isOpen = (connection: FakeConnection): boolean => connection.isOpen;

  readonly isHealthy = (connection: FakeConnection): Promise<boolean> | boolean =>
    this.#answer(this.#options.check, () => connection.isOpen);

  readonly reset = (connection: FakeConnection): Promise<boolean> | boolean =>
    this.#answer(this.#options.reset, () => {
      connection.isDirty = false;
      return true;
    });

  readonly destroy = (connection: FakeConnection): Promise<boolean> | boolean => {
    if (connection.isDestroyed) this.endedTwice++;
    connection.isDestroyed = true;
    connection.isOpen = false;
    this.ended++;
    this.alive.delete(connection);
    return this.#answer(this.#options.close, () => true);
  };

  /** Ends one of the connections as the other side does; at times the pool is not told of it. */
  kill(connection: FakeConnection): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    if (this.#chance(0.8)) connection.died?.(this.#gone);
  }

  /** One of those that live. */
  any(): FakeConnection | undefined {
    const which = Math.floor(this.#options.random.next() * this.alive.size);
    return this.alive.values().drop(which).next().value;
  }

  #make(): FakeConnection {
    const connection = new FakeConnection(this.#options.clock.nowMs());
    this.made++;
    this.alive.add(connection);
    this.mostAlive = Math.max(this.mostAlive, this.alive.size);
    return connection;
  }

  /** Nobody counts it among his connections: the pool has given it up, and ends it when it comes. */
  #makeLate(): FakeConnection {
    this.made++;
    return new FakeConnection(this.#options.clock.nowMs());
  }

  #refuse(): never {
    throw this.#gone;
  }

  /** Settles when the dial is given up: with a refusal, or with a connection that nobody wants any more. */
  async #hang(signal: AbortSignal): Promise<FakeConnection> {
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    return this.#chance(0.5) ? this.#makeLate() : this.#refuse();
  }

  #answer(rates: FaultRates, answer: () => boolean): Promise<boolean> | boolean {
    const fate = this.#draw(rates);
    if (fate === 'throws') throw this.#gone;
    if (fate === 'fails') return this.#chance(0.5) ? false : Promise.reject(this.#gone);
    if (fate === 'hangs') return new Promise(() => undefined);
    if (this.#chance(0.6)) return answer();
    return this.#after(this.#pauseMs(), answer);
  }

  async #after<R>(pauseMs: number, act: () => R): Promise<R> {
    if (pauseMs > 0) {
      await new Promise<void>((resolve) => {
        this.#options.clock.schedule(pauseMs, resolve);
      });
    }
    return act();
  }

  #pauseMs(): number {
    return this.#chance(0.5) ? 0 : Math.ceil(this.#options.random.next() * 5);
  }

  #chance(share: number): boolean {
    return this.#options.random.next() < share;
  }

  #draw({ fails, throws, hangs }: FaultRates): keyof FaultRates | 'works' {
    const drawn = this.#options.random.next();
    if (drawn < fails) return 'fails';
    if (drawn < fails + throws) return 'throws';
    return drawn < fails + throws + hangs ? 'hangs' : 'works';
  }
}
