import { ConnectionPool, type ConnectionPoolOptions } from '../../src/connection-pool/index.ts';
import { ManualClock, SeededRandom } from '../../src/testing/index.ts';
import { FakeServer, type FakeConnection } from './fake-connections.ts';

/** A pool of connections to nowhere, on a clock that stands still. */
export interface ConnectionStage {
  readonly clock: ManualClock;
  readonly server: FakeServer;
  readonly pool: ConnectionPool<FakeConnection>;
}

export function connectionStage(
  options: Partial<ConnectionPoolOptions<FakeConnection>> = {},
): ConnectionStage {
  const clock = new ManualClock();
  const server = new FakeServer();
  const random = new SeededRandom(1);
  const pool = new ConnectionPool({ ...server.hooks, clock, random, max: 2, ...options });
  return { clock, server, pool };
}

/** What a promise rejects with; taken note of at once, whenever it is looked at. */
export function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );
}
