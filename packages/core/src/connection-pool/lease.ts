import type { Connection } from './connection.ts';

/** Who takes a connection back. */
export interface Lessor<T> {
  readonly name: string;
  giveBack(connection: Connection<T>): void;
  giveUp(connection: Connection<T>, error: unknown): void;
}

/**
 * One connection in the hands of one caller. End it once, by `release` or `destroy`. `using` releases it at
 * the end of the block unless that has been done.
 */
export class Lease<T> implements Disposable, AsyncDisposable {
  readonly #lessor: Lessor<T>;
  readonly #hold: number;
  #connection: Connection<T> | undefined;

  constructor(lessor: Lessor<T>, connection: Connection<T>) {
    this.#lessor = lessor;
    this.#connection = connection;
    this.#hold = connection.hold;
  }

  /**
   * The connection. Nobody else has it until the lease ends.
   * @throws Error after that, and when the pool has stopped and taken it away.
   */
  get value(): T {
    const connection = this.#connection;
    if (connection === undefined) {
      throw new Error(`${this.#lessor.name}: the lease has ended; its connection may be another's`);
    }
    if (connection.hold !== this.#hold) {
      throw new Error(`${this.#lessor.name}: the pool has stopped and ended this connection`);
    }
    return connection.value;
  }

  /**
   * Gives the connection back, to be reset and used by others. Without effect where the pool has stopped
   * and taken it away.
   * @throws Error when the lease has ended.
   */
  release(): void {
    const connection = this.#end('release');
    if (connection.hold === this.#hold) this.#lessor.giveBack(connection);
  }

  /**
   * Ends the connection, which nobody is to use again; the pool makes another where it is wanted. `error`
   * says why, for the event.
   * @throws Error when the lease has ended.
   */
  destroy(error?: unknown): void {
    const connection = this.#end('destroy');
    if (connection.hold === this.#hold) this.#lessor.giveUp(connection, error);
  }

  /** As `release`, but without effect on a lease that has ended. */
  [Symbol.dispose](): void {
    if (this.#connection !== undefined) this.release();
  }

  /** As `[Symbol.dispose]`. Does not wait for `reset`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
  }

  #end(verb: string): Connection<T> {
    const connection = this.#connection;
    if (connection === undefined) {
      const { name } = this.#lessor;
      throw new Error(`${name}: cannot ${verb} a lease that has ended; each is ended exactly once`);
    }
    this.#connection = undefined;
    return connection;
  }
}
