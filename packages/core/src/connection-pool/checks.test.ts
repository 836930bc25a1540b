import { expect, test } from 'vitest';
import { connectionStage as stage, failureOf } from '../../test/kit/connection-stage.ts';

const silence = (): Promise<boolean> => new Promise(() => undefined);

test('after a check without an answer, who waits has a connection made, not the next one checked alone', async () => {
  const { pool, clock } = stage({
    max: 20,
    hookTimeoutMs: 100,
    isHealthy: ({ id }) => id >= 10 || silence(),
    validateAfterIdleMs: 50,
  });
  const leases = await Promise.all(Array.from({ length: 10 }, () => pool.acquire()));
  for (const lease of leases) lease.release();
  await clock.run(1000);
  const first = pool.acquire({ timeoutMs: 150 });
  await clock.run(60);
  const second = pool.acquire({ timeoutMs: 150 });
  await clock.run(40);
  expect((await first).value.id).toBe(10);
  expect((await second).value.id).toBe(11);
  expect((await pool.acquire({ timeoutMs: 1 })).value.id).toBe(12);
});

test('after a check without an answer, the others are checked before a hand-out, however short they were idle', async () => {
  const { pool, server, clock } = stage({
    validateAfterIdleMs: 50,
    keepAliveIntervalMs: 60,
    hookTimeoutMs: 30,
    isHealthy: (connection) => {
      connection.checks++;
      return connection.id !== 0 || silence();
    },
  });
  const [a, b] = [await pool.acquire(), await pool.acquire()];
  a.release();
  await clock.run(50);
  b.release();
  await clock.run(45);
  expect(server.made[0]?.ended).toBe('unhealthy');
  const lease = await pool.acquire();
  expect(lease.value).toMatchObject({ id: 1, checks: 1 });
  lease.release();
  expect((await pool.acquire()).value).toMatchObject({ id: 1, checks: 1 });
});

test('connections that are kept alive keep nobody waiting while there is room', async () => {
  const { pool, clock } = stage({
    max: 10,
    validateAfterIdleMs: Infinity,
    keepAliveIntervalMs: 1000,
    isHealthy: silence,
  });
  const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
  for (const lease of leases) lease.release();
  await clock.run(1000);
  expect(pool.stats()).toMatchObject({ idle: 2, busy: 1 });
  expect([pool.tryAcquire(), pool.tryAcquire()]).not.toContain(undefined);
  expect(pool.tryAcquire()).toBeUndefined();
  expect((await pool.acquire({ timeoutMs: 500 })).value.id).toBe(3);
});

test('idle connections are kept alive one after the other, a tenth of many at a time', async () => {
  const answers: (() => void)[] = [];
  const { pool, clock } = stage({
    max: 30,
    keepAliveIntervalMs: 1000,
    isHealthy: () => new Promise((resolve) => answers.push(() => resolve(true))),
  });
  const leases = await Promise.all(Array.from({ length: 30 }, () => pool.acquire()));
  for (const lease of leases) lease.release();
  await clock.run(1000);
  expect([pool.stats().busy, answers.length]).toEqual([3, 3]);
  for (let asked = 0; asked < answers.length; asked++) {
    answers[asked]?.();
    await clock.run(0);
  }
  expect([pool.stats().idle, answers.length]).toEqual([30, 30]);
});

test('who waited for checks without an answer is told so, and a breaker counts it', async () => {
  const { pool, clock } = stage({
    max: 1,
    validateAfterIdleMs: 50,
    hookTimeoutMs: 100,
    isHealthy: silence,
    destroy: silence,
  });
  (await pool.acquire()).release();
  await clock.run(50);
  const during = failureOf(pool.acquire({ timeoutMs: 60 }));
  const after = failureOf(pool.acquire({ timeoutMs: 120 }));
  await clock.run(120);
  expect(await during).toMatchObject({
    code: 'SLUICE_TIMEOUT',
    cause: { message: 'connection-pool: isHealthy has had no answer yet' },
  });
  expect(await after).toMatchObject({
    code: 'SLUICE_TIMEOUT',
    cause: { message: 'connection-pool: isHealthy took longer than 100 ms' },
  });
});
