import type { ConnectionHooks, DestroyReason } from '../../src/connection-pool/index.ts';

/** A connection to nowhere, and what became of it. */
export class FakeConnection {
  readonly id: number;
  isAlive = true;
  ended: DestroyReason | undefined;
  checks = 0;
  resets = 0;
  /** Tells the pool that it died. */
  die: (reason?: unknown) => void = () => undefined;

  constructor(id: number) {
    this.id = id;
  }
}

/** Makes connections when the test says so, or at once. */
export class FakeServer {
  readonly made: FakeConnection[] = [];
  readonly signals: AbortSignal[] = [];
  /** Dials that wait for `accept` or `refuse`; with `isSlow` alone. */
  readonly dials: PromiseWithResolvers<FakeConnection>[] = [];
  isSlow = false;
  refusal: Error | undefined;

  /** The hooks of a pool of these connections. */
  get hooks(): Required<
    Pick<ConnectionHooks<FakeConnection>, 'create' | 'destroy' | 'watch' | 'isHealthy' | 'reset'>
  > {
    return {
      create: (signal) => this.#dial(signal),
      destroy: (connection, reason) => {
        if (connection.ended !== undefined) throw new Error(`${connection.id} ended twice`);
        connection.ended = reason;
      },
      watch: (connection, died) => {
        connection.die = (reason): void => {
          connection.isAlive = false;
          died(reason);
        };
      },
      isHealthy: (connection) => {
        connection.checks++;
        return connection.isAlive;
      },
      reset: (connection) => {
        connection.resets++;
      },
    };
  }

  get open(): readonly FakeConnection[] {
    return this.made.filter(({ ended }) => ended === undefined);
  }

  accept(dial = 0): FakeConnection {
    const connection = this.#make();
    this.dials.splice(dial, 1)[0]?.resolve(connection);
    return connection;
  }

  refuse(error: Error, dial = 0): void {
    this.dials.splice(dial, 1)[0]?.reject(error);
  }

  #dial(signal: AbortSignal): Promise<FakeConnection> {
    this.signals.push(signal);
    if (this.refusal !== undefined) return Promise.reject(this.refusal);
    if (!this.isSlow) return Promise.resolve(this.#make());
    const dial = Promise.withResolvers<FakeConnection>();
    this.dials.push(dial);
    return dial.promise;
  }

  #make(): FakeConnection {
    const connection = new FakeConnection(this.made.length);
    this.made.push(connection);
    return connection;
  }
}
