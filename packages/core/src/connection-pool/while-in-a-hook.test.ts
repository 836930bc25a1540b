import { expect, test } from 'vitest';
import { settlePromises } from '../testing/index.ts';
import { connectionStage as stage } from '../../test/kit/connection-stage.ts';

test('a connection that grows too old while it is reset or checked is not handed out', async () => {
  for (const hook of ['reset', 'isHealthy'] as const) {
    const answer = Promise.withResolvers<boolean>();
    const { pool, server, clock } = stage({
      max: 1,
      maxLifetimeMs: 100,
      lifetimeJitter: 0,
      validateAfterIdleMs: 0,
      [hook]: ({ id }: { id: number }) => id > 0 || answer.promise,
    });
    const lease = await pool.acquire();
    const waits = pool.acquire();
    await clock.run(60);
    lease.release();
    expect(pool.stats()).toMatchObject({ busy: 1, pending: 1 });
    await clock.run(40);
    answer.resolve(true);
    expect((await waits).value.id).toBe(1);
    expect(server.made[0]?.ended).toBe('lifetime');
    await pool.stop({ timeoutMs: 0 });
  }
});

test('a connection beyond a max that was lowered while it was reset does not come back', async () => {
  const answer = Promise.withResolvers<void>();
  const { pool, server } = stage({ reset: () => answer.promise });
  const [a, b] = [await pool.acquire(), await pool.acquire()];
  a.release();
  pool.update({ max: 1 });
  answer.resolve();
  await settlePromises();
  expect(server.made.map(({ ended }) => ended)).toEqual(['shrunk', undefined]);
  b.release();
});

test('a connection that is reset while evict is called does not come back', async () => {
  const answer = Promise.withResolvers<void>();
  const { pool, server } = stage({ max: 1, reset: () => answer.promise });
  (await pool.acquire()).release();
  const waits = pool.acquire();
  pool.evict();
  answer.resolve();
  expect((await waits).value.id).toBe(1);
  expect(server.made[0]?.ended).toBe('evicted');
});

test('the signal of a check is aborted when its connection dies, and when the pool stops', async () => {
  const signals: AbortSignal[] = [];
  const { pool, server } = stage({
    validateAfterIdleMs: 0,
    isHealthy: (_connection, signal) => {
      signals.push(signal);
      return new Promise<boolean>(() => undefined);
    },
  });
  const [a, b] = [await pool.acquire(), await pool.acquire()];
  a.release();
  b.release();
  pool.tryAcquire();
  pool.tryAcquire();
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
  server.made[1]?.die();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  await pool.stop();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
});
