import { expect, test } from 'vitest';
import { settlePromises } from '../testing/index.ts';
import { connectionStage as stage } from '../../test/kit/connection-stage.ts';

test('a connection that dies while it is idle leaves the pool at once', async () => {
  const { pool, server } = stage();
  (await pool.acquire()).release();
  const ends: unknown[] = [];
  pool.on('destroyed', (end) => ends.push(end));
  const reset = new Error('ECONNRESET');
  server.made[0]?.die(reset);
  expect(pool.stats()).toMatchObject({ open: 0, idle: 0, destroyed: { closed: 1 } });
  expect(ends).toEqual([{ reason: 'closed', error: reset, ageMs: 0, uses: 1 }]);
  expect((await pool.acquire()).value.id).toBe(1);
});

test('a connection that dies in somebody’s hands is ended when it comes back', async () => {
  const { pool, server } = stage({ max: 1 });
  const lease = await pool.acquire();
  const waits = pool.acquire();
  server.made[0]?.die();
  expect(pool.stats()).toMatchObject({ open: 1, leased: 1 });
  lease.release();
  expect((await waits).value.id).toBe(1);
  expect(server.made[0]).toMatchObject({ ended: 'closed', resets: 0 });
});

test('isOpen is looked at before every hand-out', async () => {
  const { pool, server } = stage({ isOpen: ({ isAlive }) => isAlive, isHealthy: undefined });
  (await pool.acquire()).release();
  const [first] = server.made;
  if (first) first.isAlive = false;
  expect((await pool.acquire()).value.id).toBe(1);
  expect(first?.ended).toBe('closed');
});

test('a new connection that is not open is a failed dial, and never handed out', async () => {
  let isOpen = false;
  const { pool, server, clock } = stage({
    retryBackoff: { type: 'constant', delayMs: 100 },
    isOpen: () => isOpen,
  });
  const waits = pool.acquire();
  await settlePromises();
  expect(server.made[0]?.ended).toBe('closed');
  expect(pool.stats()).toMatchObject({ open: 0, pending: 1 });
  isOpen = true;
  await clock.run(99);
  expect(server.made).toHaveLength(1);
  await clock.run(1);
  expect((await waits).value.id).toBe(1);
});

test('a connection that is no longer open when its check says yes is not handed out', async () => {
  const checked = Promise.withResolvers<boolean>();
  const { pool, server } = stage({
    validateAfterIdleMs: 0,
    isOpen: ({ isAlive }) => isAlive,
    isHealthy: () => checked.promise,
  });
  (await pool.acquire()).release();
  const waits = pool.acquire();
  const [first] = server.made;
  if (first) first.isAlive = false;
  checked.resolve(true);
  expect((await waits).value.id).toBe(1);
  expect(first?.ended).toBe('closed');
});

test('isHealthy is asked after so much idleness, not before', async () => {
  const { pool, server, clock } = stage({ validateAfterIdleMs: 100 });
  (await pool.acquire()).release();
  clock.advance(99);
  (await pool.acquire()).release();
  expect(server.made[0]?.checks).toBe(0);
  clock.advance(100);
  (await pool.acquire()).release();
  expect(server.made[0]?.checks).toBe(1);
});

test('with validateAfterIdleMs 0 a connection is reset, then checked, then given to the next', async () => {
  const steps: string[] = [];
  const { pool } = stage({
    max: 1,
    validateAfterIdleMs: 0,
    reset: () => void steps.push('reset'),
    isHealthy: () => steps.push('check') > 0,
  });
  const lease = await pool.acquire();
  const next = pool.acquire().then(() => steps.push('next'));
  lease.release();
  await next;
  expect(steps).toEqual(['reset', 'check', 'next']);
});

const badChecks: readonly (readonly [string, () => PromiseLike<boolean> | boolean])[] = [
  ['is false', () => false],
  ['throws', () => expect.unreachable()],
  ['rejects', () => Promise.reject(new Error('no answer'))],
  ['resolves to false', () => Promise.resolve(false)],
  ['never answers', () => new Promise<boolean>(() => undefined)],
];

test.for(badChecks)(
  'a connection whose check %s is ended, and another takes its place',
  async ([, check]) => {
    const { pool, server, clock } = stage({
      validateAfterIdleMs: 100,
      hookTimeoutMs: 40,
      isHealthy: ({ id }) => id > 0 || check(),
    });
    (await pool.acquire()).release();
    clock.advance(100);
    const waits = pool.acquire();
    await clock.run(40);
    expect((await waits).value.id).toBe(1);
    expect(server.made[0]?.ended).toBe('unhealthy');
    expect(pool.stats()).toMatchObject({ open: 1, leased: 1, destroyed: { unhealthy: 1 } });
  },
);

test('a check that takes too long is told so by its signal', async () => {
  const signals: AbortSignal[] = [];
  const { pool, clock } = stage({
    hookTimeoutMs: 40,
    validateAfterIdleMs: 0,
    isHealthy: (_connection, signal) => {
      signals.push(signal);
      return new Promise<boolean>(() => undefined);
    },
  });
  (await pool.acquire()).release();
  const waits = pool.acquire();
  await clock.run(40);
  expect(signals[0]?.reason).toMatchObject({ code: 'SLUICE_TIMEOUT', timeoutMs: 40 });
  await waits;
});

test('who waits for a check is served by whatever comes first', async () => {
  const { pool, clock } = stage({
    validateAfterIdleMs: 100,
    isHealthy: () => new Promise<boolean>(() => undefined),
  });
  const [a, b] = [await pool.acquire(), await pool.acquire()];
  a.release();
  clock.advance(100);
  const waits = pool.acquire();
  expect(pool.stats()).toMatchObject({ busy: 1, leased: 1, pending: 1 });
  b.release();
  expect((await waits).value.id).toBe(1);
  await pool.stop({ timeoutMs: 0 });
});

test('a connection that dies while it is checked is ended at once, and its check ignored', async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const { pool, server, clock } = stage({ validateAfterIdleMs: 0, isHealthy: () => promise });
  (await pool.acquire()).release();
  const waits = pool.acquire();
  server.made[0]?.die();
  expect(server.made[0]?.ended).toBe('closed');
  expect((await waits).value.id).toBe(1);
  resolve(true);
  await settlePromises();
  expect(pool.stats()).toMatchObject({ open: 1, leased: 1, busy: 0 });
  (await pool.acquire()).release();
  await pool.stop({ timeoutMs: 0 });
  expect(clock.pending).toBe(0);
});

const badResets: readonly (readonly [string, () => unknown])[] = [
  ['is false', () => false],
  ['rejects', () => Promise.reject(new Error('rollback failed'))],
  ['never ends', () => new Promise(() => undefined)],
];

test.for(badResets)(
  'a connection whose reset %s is ended, and never given to another',
  async ([, reset]) => {
    const { pool, server, clock } = stage({ max: 1, hookTimeoutMs: 40, reset });
    (await pool.acquire()).release();
    const waits = pool.acquire();
    await clock.run(40);
    expect((await waits).value.id).toBe(1);
    expect(server.made[0]?.ended).toBe('reset');
  },
);

test('an idle connection is asked now and then whether it lives', async () => {
  const { pool, server, clock } = stage({
    min: 1,
    keepAliveIntervalMs: 1000,
    maxLifetimeMs: Infinity,
  });
  await clock.run(2500);
  expect(server.made[0]?.checks).toBe(2);
  if (server.made[0]) server.made[0].isAlive = false;
  await clock.run(500);
  expect(pool.stats()).toMatchObject({ open: 1, idle: 1, destroyed: { unhealthy: 1 } });
});

test('a check that shows that it lives saves the one before the hand-out', async () => {
  const { pool, server, clock } = stage({
    min: 1,
    keepAliveIntervalMs: 1000,
    validateAfterIdleMs: 500,
  });
  await clock.run(1400);
  (await pool.acquire()).release();
  expect(server.made[0]?.checks).toBe(1);
});

test('idle connections above min end when their time is over, the one used least recently first', async () => {
  const { pool, server, clock } = stage({ min: 1, max: 3, idleTimeoutMs: 100 });
  const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
  for (const lease of leases) {
    lease.release();
    clock.advance(10);
  }
  await clock.run(69);
  expect(pool.stats().idle).toBe(3);
  await clock.run(1);
  expect(server.made.map(({ ended }) => ended)).toEqual(['idle', undefined, undefined]);
  await clock.run(10_000);
  expect(server.made.map(({ ended }) => ended)).toEqual(['idle', 'idle', undefined]);
});

test('one that stayed for min alone ends in its time when another comes', async () => {
  const { pool, server, clock } = stage({ min: 1, idleTimeoutMs: 100, validateAfterIdleMs: 500 });
  const lease = await pool.acquire();
  server.isSlow = true;
  const waits = pool.acquire();
  lease.release();
  (await waits).release();
  await clock.run(50);
  server.accept();
  await clock.run(49);
  expect(pool.stats().idle).toBe(2);
  await clock.run(1);
  expect(server.made.map(({ ended }) => ended)).toEqual(['idle', undefined]);
});

test('no connection is handed out that is older than its lifetime, and they do not all end together', async () => {
  const { pool, server, clock } = stage({
    min: 20,
    max: 20,
    maxLifetimeMs: 1000,
    lifetimeJitter: 0.2,
    validateAfterIdleMs: Infinity,
  });
  await clock.run(799);
  expect(server.made).toHaveLength(20);
  await clock.run(100);
  const ended = pool.stats().destroyed.lifetime;
  expect(ended).toBeGreaterThan(2);
  expect(ended).toBeLessThan(18);
  await clock.run(101);
  expect(server.open.every(({ id }) => id >= 20)).toBe(true);
  expect(pool.stats().open).toBe(20);
});

test('a connection that is too old is not handed out, also where housekeeping is late', async () => {
  const { pool, server, clock } = stage({ maxLifetimeMs: 1000, lifetimeJitter: 0 });
  let next: number | undefined;
  clock.schedule(1000, () => {
    pool.tryAcquire();
    next = server.made.filter(({ ended }) => ended === 'lifetime').length;
  });
  (await pool.acquire()).release();
  await clock.run(1000);
  expect(next).toBe(1);
  expect(pool.stats()).toMatchObject({ acquired: 1, refused: 1 });
});

test('a connection that grows too old in somebody’s hands is ended when it comes back', async () => {
  const { pool, server, clock } = stage({ maxLifetimeMs: 1000, lifetimeJitter: 0 });
  const lease = await pool.acquire();
  await clock.run(1000);
  expect(server.made[0]?.ended).toBeUndefined();
  lease.release();
  expect(server.made[0]?.ended).toBe('lifetime');
});

test('a connection is ended after maxUses leases', async () => {
  const { pool, server } = stage({ maxUses: 2 });
  for (let i = 0; i < 4; i++) (await pool.acquire()).release();
  expect(server.made.map(({ ended }) => ended)).toEqual(['uses', 'uses']);
});

test('a place is free only when its connection has been ended, or should have been', async () => {
  const ends: (() => void)[] = [];
  const { pool, server, clock } = stage({
    max: 1,
    hookTimeoutMs: 60,
    destroy: () => new Promise<void>((resolve) => void ends.push(resolve)),
  });
  (await pool.acquire()).destroy();
  const waits = pool.acquire();
  expect(pool.stats()).toMatchObject({ open: 1, closing: 1, creating: 0 });
  ends[0]?.();
  const lease = await waits;
  lease.destroy();
  const next = pool.acquire();
  await clock.run(60);
  (await next).release();
  expect(server.made).toHaveLength(3);
  expect(pool.stats().hookFailures).toBe(1);
});

test('hooks that throw are counted and told, and stop nothing', async () => {
  const fail = (): never => {
    throw new Error('mistake');
  };
  let isNew = true;
  const { pool } = stage({ destroy: fail, isOpen: () => isNew || fail(), isFatal: fail });
  const failed: string[] = [];
  pool.on('created', () => (isNew = false));
  pool.on('destroyed', () => (isNew = true));
  pool.on('hookFailed', ({ hook }) => failed.push(hook));
  (await pool.acquire()).release();
  await pool.use(() => undefined);
  await expect(pool.use(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(failed).toEqual(['isOpen', 'destroy', 'isOpen', 'destroy', 'isFatal', 'destroy']);
  expect(pool.stats()).toMatchObject({ open: 0, hookFailures: 6 });
});

test('a pool whose connections are all at rest has one timer at most, and without times none', async () => {
  const { pool, clock } = stage({ max: 3 });
  const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
  for (const lease of leases) lease.release();
  await clock.run(60);
  expect(clock.pending).toBe(1);
  const times = { idleTimeoutMs: Infinity, keepAliveIntervalMs: Infinity, maxLifetimeMs: Infinity };
  pool.update(times);
  expect(clock.pending).toBe(0);
});
