import { expect, test } from 'vitest';
import { PoolStoppedError } from '../core/index.ts';
import { connectionStage as stage, failureOf } from '../../test/kit/connection-stage.ts';
import type { FakeConnection } from '../../test/kit/fake-connections.ts';
import type { Lease } from './lease.ts';

// Hooks and listeners are called in the middle of the pool's work, and may call the pool.

test('a caller for whom the pool was stopped while it looked for a connection is refused', async () => {
  const { pool, clock } = stage({ isOpen: ({ isAlive }) => isAlive });
  const lease = await pool.acquire();
  lease.value.isAlive = false;
  lease.release();
  pool.on('destroyed', () => void pool.stop());
  const outcome = failureOf(pool.acquire({ timeoutMs: 1000 }));
  await clock.run(0);
  expect(pool.stats()).toMatchObject({ state: 'stopped', pending: 0, refused: 1 });
  expect(await outcome).toBeInstanceOf(PoolStoppedError);
  expect(clock.pending).toBe(0);
});

test('stop takes away what is held, also where the end of one has another given back', async () => {
  const leases: Lease<FakeConnection>[] = [];
  const { pool } = stage({ max: 3, destroy: () => leases.pop()?.release() });
  for (let i = 0; i < 3; i++) leases.push(await pool.acquire());
  expect(await pool.stop({ timeoutMs: 0 })).toEqual({ refused: 0, revoked: 1 });
  expect(pool.stats()).toMatchObject({ state: 'stopped', open: 0, leased: 0 });
});

test('what is given back while stop ends the idle ones is ended, too', async () => {
  const leases: Lease<FakeConnection>[] = [];
  const { pool } = stage({ reset: undefined, destroy: () => leases.pop()?.release() });
  const idle = await pool.acquire();
  leases.push(await pool.acquire());
  idle.release();
  expect(await pool.stop()).toEqual({ refused: 0, revoked: 0 });
  expect(pool.stats()).toMatchObject({ open: 0, destroyed: { stopped: 2 } });
});

test('a stop within a stop is the same stop', async () => {
  const inner: Promise<unknown>[] = [];
  const { pool, clock } = stage({
    destroy: () => {
      inner.push(pool.stop({ timeoutMs: 0 }));
      return new Promise<void>((resolve) => void clock.schedule(20, resolve));
    },
  });
  let stops = 0;
  pool.on('stop', () => stops++);
  (await pool.acquire()).release();
  const outer = pool.stop({ timeoutMs: 0 });
  await clock.run(20);
  expect(inner).toEqual([outer]);
  expect(inner[0]).toBe(outer);
  expect(await outer).toEqual({ refused: 0, revoked: 0 });
  expect(stops).toBe(1);
});

test('evict ends none that was taken meanwhile, and none that it is to end is taken', async () => {
  const { pool, server } = stage();
  const [a, b] = [await pool.acquire(), await pool.acquire()];
  a.release();
  b.release();
  const taken: unknown[] = [];
  pool.on('destroyed', () => taken.push(pool.tryAcquire()));
  pool.evict();
  expect(server.made.slice(0, 2).map(({ ended }) => ended)).toEqual(['evicted', 'evicted']);
  expect(taken).toEqual([undefined, undefined]);
  expect(pool.stats()).toMatchObject({ open: 0, leased: 0 });
});

test('evict within a hook ends the connection for which that was called, too', async () => {
  let isTime = false;
  const { pool, server } = stage({
    isOpen: () => {
      if (isTime) pool.evict();
      isTime = false;
      return true;
    },
  });
  (await pool.acquire()).release();
  isTime = true;
  expect((await pool.acquire()).value.id).toBe(1);
  expect(server.made[0]?.ended).toBe('evicted');
});

test('evict gives up no dial that it has caused itself', async () => {
  const { pool, server, clock } = stage({ min: 2 });
  await clock.run(0);
  server.isSlow = true;
  pool.evict();
  expect(server.signals.map(({ aborted }) => aborted)).toEqual([false, false, false, false]);
  expect(pool.stats()).toMatchObject({ open: 0, creating: 2 });
});
