import { expect } from 'vitest';
import type { ConnectionPool, ConnectionPoolStats } from '../../../src/index.ts';
import type { ManualClock } from '../../../src/testing/index.ts';

export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

/** What holds of the counts of a pool at any time. */
export function expectBalanced(stats: ConnectionPoolStats): void {
  expect(stats.open).toBe(stats.idle + stats.leased + stats.busy + stats.closing);
  expect(stats.created).toBe(stats.open + sum(stats.destroyed));
}

/** Stops a pool whose callers have given back everything, and sees to it that nothing is left of it. */
export async function expectCleanStop<T>(
  pool: ConnectionPool<T>,
  clock: ManualClock,
): Promise<void> {
  const stopped = pool.stop({ timeoutMs: 0 });
  clock.advance(0);
  expect(await stopped).toEqual({ refused: 0, revoked: 0 });
  const stats = pool.stats();
  expect(stats).toMatchObject({ state: 'stopped', open: 0, creating: 0, pending: 0 });
  expectBalanced(stats);
  expect(clock.pending).toBe(0);
}

/** For what real sockets bring about: looks until it is so. */
export const SOON = { timeout: 30_000, interval: 2 } as const;
