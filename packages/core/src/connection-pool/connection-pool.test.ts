import { expect, test } from 'vitest';
import {
  CallContext,
  DeadlineExceededError,
  InvalidOptionsError,
  PoolStoppedError,
  QueueFullError,
  TimeoutError,
} from '../core/index.ts';
import { settlePromises } from '../testing/index.ts';
import { connectionStage as stage, failureOf } from '../../test/kit/connection-stage.ts';
import { ConnectionPool } from './connection-pool.ts';

test('the connection that was used last is handed out first', async () => {
  const { pool } = stage();
  const [a, b] = [await pool.acquire(), await pool.acquire()];
  const last = b.value;
  a.release();
  b.release();
  expect((await pool.acquire()).value).toBe(last);
});

test('no more than max connections are made, and callers are served in their order', async () => {
  const { pool, server } = stage({ max: 1 });
  const first = await pool.acquire();
  const order: string[] = [];
  const calls = ['a', 'b', 'c'].map(async (name) => {
    const lease = await pool.acquire();
    order.push(name);
    lease.release();
  });
  expect(pool.stats()).toMatchObject({ open: 1, leased: 1, pending: 3 });
  first.release();
  await Promise.all(calls);
  expect(order).toEqual(['a', 'b', 'c']);
  expect(server.made).toHaveLength(1);
});

test('of those who wait the highest priority is served first', async () => {
  const { pool } = stage({ max: 1 });
  const first = await pool.acquire();
  const order: number[] = [];
  const calls = [0, -8, 7, 3, 7].map(async (priority, i) => {
    const lease = await pool.acquire({ priority });
    order.push(i);
    lease.release();
  });
  first.release();
  await Promise.all(calls);
  expect(order).toEqual([2, 4, 3, 0, 1]);
});

test('a lease ends once: releasing it twice, or after destroy, throws a sentence', async () => {
  const { pool } = stage();
  const lease = await pool.acquire();
  lease.release();
  expect(() => lease.release()).toThrow(
    'connection-pool: cannot release a lease that has ended; each is ended exactly once',
  );
  expect(() => lease.destroy()).toThrow('cannot destroy a lease that has ended');
  expect(() => lease.value).toThrow('the lease has ended; its connection may be another');
  const other = await pool.acquire();
  other.destroy(new Error('broken'));
  expect(() => other.release()).toThrow('cannot release a lease that has ended');
  expect(pool.stats().destroyed).toMatchObject({ error: 1 });
});

test('using releases at the end of the block, and tolerates a lease that has ended', async () => {
  const { pool } = stage();
  {
    using lease = await pool.acquire();
    expect(lease.value.id).toBe(0);
  }
  {
    await using lease = await pool.acquire();
    lease.destroy();
  }
  expect(pool.stats()).toMatchObject({ leased: 0, open: 0, destroyed: { caller: 1 } });
});

test('tryAcquire gives an idle connection or nothing, and has one made meanwhile', async () => {
  const { pool } = stage({ max: 1 });
  expect(pool.tryAcquire()).toBeUndefined();
  await settlePromises();
  const lease = pool.tryAcquire();
  expect(lease?.value.id).toBe(0);
  expect(pool.tryAcquire()).toBeUndefined();
  const waits = pool.acquire();
  lease?.release();
  expect(pool.tryAcquire()).toBeUndefined();
  (await waits).release();
  expect(pool.stats()).toMatchObject({ acquired: 2, refused: 3, open: 1 });
});

test('use gives the connection back on success and ends it on an error', async () => {
  const { pool } = stage();
  expect(await pool.use(({ id }) => id)).toBe(0);
  await expect(pool.use(() => Promise.reject(new Error('half-way')))).rejects.toThrow('half-way');
  expect(pool.stats()).toMatchObject({ open: 0, leased: 0, destroyed: { error: 1 } });
});

test('isFatal decides which errors of use end the connection', async () => {
  const { pool } = stage({ isFatal: (error) => (error as Error).message !== 'no such row' });
  const failing = (message: string) =>
    pool.use(() => {
      throw new Error(message);
    });
  await expect(failing('no such row')).rejects.toThrow('no such row');
  expect(pool.stats()).toMatchObject({ open: 1, idle: 1 });
  await expect(failing('protocol')).rejects.toThrow('protocol');
  expect(pool.stats()).toMatchObject({ open: 0 });
});

test('one caller more than may wait is refused at once', async () => {
  const { pool } = stage({ max: 1, maxPending: 1 });
  const lease = await pool.acquire();
  const waits = pool.acquire();
  await expect(pool.acquire()).rejects.toThrow(QueueFullError);
  lease.release();
  (await waits).release();
});

test('where nobody may wait, callers for whom a connection can be made still wait for that', async () => {
  const { pool } = stage({ max: 2, maxPending: 0 });
  const [a, b] = await Promise.all([pool.acquire(), pool.acquire()]);
  await expect(pool.acquire()).rejects.toThrow(QueueFullError);
  a.release();
  b.release();
});

test('a caller who waits too long is refused, and told that all were in use', async () => {
  const { pool, clock } = stage({ max: 1, acquireTimeoutMs: 100 });
  const lease = await pool.acquire();
  const waits = failureOf(pool.acquire());
  await clock.run(100);
  expect(await waits).toEqual(
    new DeadlineExceededError(
      'connection-pool',
      'connection-pool: no connection was free within 100 ms',
    ),
  );
  lease.release();
  expect(pool.stats()).toMatchObject({ timedOut: 1, pending: 0 });
});

test('timeoutMs and deadlineMs both bound the waiting, and 0 does not wait', async () => {
  const { pool, clock } = stage({ max: 1 });
  const lease = await pool.acquire({ timeoutMs: 10 });
  await expect(pool.acquire({ timeoutMs: 0 })).rejects.toThrow(DeadlineExceededError);
  await expect(pool.acquire({ deadlineMs: 0 })).rejects.toThrow(DeadlineExceededError);
  const waits = Promise.allSettled([
    pool.acquire({ timeoutMs: 10 }),
    pool.acquire({ deadlineMs: 20 }),
    pool.acquire({ timeoutMs: 30, deadlineMs: 15 }),
  ]);
  await clock.run(9);
  expect(pool.stats().pending).toBe(3);
  await clock.run(1);
  expect(pool.stats().pending).toBe(2);
  await clock.run(10);
  expect(pool.stats().pending).toBe(0);
  await waits;
  lease.release();
  expect((await pool.acquire({ timeoutMs: 0 })).value.id).toBe(0);
});

test('an abort takes a waiting caller out of the line, with the reason of the signal', async () => {
  const { pool } = stage({ max: 1 });
  const lease = await pool.acquire();
  const controller = new AbortController();
  const gone = failureOf(pool.acquire({ signal: controller.signal }));
  const next = pool.acquire();
  controller.abort(new Error('gone'));
  expect(await gone).toHaveProperty('message', 'gone');
  await expect(pool.acquire({ signal: controller.signal })).rejects.toThrow('gone');
  lease.release();
  (await next).release();
  expect(pool.stats()).toMatchObject({ aborted: 1, acquired: 2, pending: 0 });
});

test('the context of a call can be handed on: its end, deadline and priority hold', async () => {
  const { pool, clock } = stage({ max: 1 });
  const lease = await pool.acquire();
  const context = new CallContext(clock, { priority: 2, deadlineMs: 50 });
  const urgent = pool.acquire(context);
  const ended = failureOf(urgent);
  context.abort(new Error('over'));
  expect(await ended).toHaveProperty('message', 'over');
  const late = failureOf(pool.acquire(new CallContext(clock, { deadlineMs: 50 })));
  await clock.run(50);
  expect(await late).toBeInstanceOf(DeadlineExceededError);
  lease.release();
});

test('wrong options are named, all of them', async () => {
  const { pool } = stage();
  const wrong = { timeoutMs: -1, priority: 9, wait: 3 };
  await expect(pool.acquire(wrong)).rejects.toThrow(
    'acquire: timeoutMs must be a number of ms, 0 or more, got -1; ' +
      'priority must be an integer from -8 to 7, got 9; wait must be left out',
  );
  expect(() => stage({ min: 3, lifetimeJitter: 2, maxUses: 0 })).toThrow(InvalidOptionsError);
  expect(() => stage({ min: 3 })).toThrow('ConnectionPool: min must be at most max (2), got 3');
  expect(() => pool.stop({ timeoutMs: -1 })).toThrow(InvalidOptionsError);
});

test('min connections are made at the start, and made again when they are lost', async () => {
  const { pool, server, clock } = stage({ min: 2 });
  await clock.run(1000);
  expect(pool.stats()).toMatchObject({ open: 2, idle: 2 });
  server.made[0]?.die();
  await settlePromises();
  expect(pool.stats()).toMatchObject({ open: 2, idle: 2, created: 3, destroyed: { closed: 1 } });
});

test('update raises max and serves those who wait, and lowers it as connections come back', async () => {
  const { pool } = stage({ max: 1 });
  const a = await pool.acquire();
  const waits = pool.acquire();
  pool.update({ max: 3 });
  const b = await waits;
  const c = await pool.acquire();
  c.release();
  pool.update({ max: 1 });
  expect(pool.stats()).toMatchObject({ open: 2, idle: 0 });
  a.release();
  expect(pool.stats()).toMatchObject({ open: 1, leased: 1 });
  b.release();
  expect(pool.stats()).toMatchObject({ open: 1, idle: 1, destroyed: { shrunk: 2 } });
  expect(() => pool.update({ max: 0 })).toThrow(InvalidOptionsError);
  expect(pool.stats().max).toBe(1);
});

test('update raises min and dials', async () => {
  const { pool } = stage();
  pool.update({ min: 1 });
  await settlePromises();
  expect(pool.stats()).toMatchObject({ open: 1, idle: 1 });
});

test('evict ends idle connections at once, and leased ones when they come back', async () => {
  const { pool, server } = stage();
  const [held, other] = [await pool.acquire(), await pool.acquire()];
  other.release();
  pool.evict();
  expect(server.made.map(({ ended }) => ended)).toEqual([undefined, 'evicted']);
  held.release();
  expect(server.made.map(({ ended }) => ended)).toEqual(['evicted', 'evicted']);
});

test('evict gives up dials under way, and who waits for them gets a connection made after it', async () => {
  const { pool, server } = stage();
  server.isSlow = true;
  const waits = pool.acquire();
  pool.evict();
  expect(server.signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  const [late, fresh] = [server.accept(), server.accept()];
  expect((await waits).value).toBe(fresh);
  expect(late.ended).toBe('late');
});

test('drain resolves when nobody holds or waits for a connection', async () => {
  const { pool } = stage({ max: 1 });
  const lease = await pool.acquire();
  const waits = pool.acquire();
  let isDrained = false;
  const drained = pool.drain().then(() => (isDrained = true));
  lease.release();
  const second = await waits;
  await settlePromises();
  expect(isDrained).toBe(false);
  second.release();
  await drained;
  await pool.drain();
});

test('stop refuses who waits and comes, and resolves when every connection is back and ended', async () => {
  const { pool, server, clock } = stage({ max: 2 });
  const [a, b] = [await pool.acquire(), await pool.acquire()];
  a.release();
  const c = await pool.acquire();
  const refused = failureOf(pool.acquire());
  const stopped = pool.stop();
  expect(pool.stop()).toBe(stopped);
  expect(await refused).toBeInstanceOf(PoolStoppedError);
  await expect(pool.acquire()).rejects.toThrow(PoolStoppedError);
  expect(pool.tryAcquire()).toBeUndefined();
  expect(pool.stats()).toMatchObject({ state: 'stopping', leased: 2 });
  b.release();
  c.destroy();
  expect(await stopped).toEqual({ refused: 1, revoked: 0 });
  expect(server.open).toEqual([]);
  expect(pool.stats()).toMatchObject({ state: 'stopped', open: 0, refused: 3 });
  expect(clock.pending).toBe(0);
});

test('after its time stop takes away what is still held, and its holder may release in peace', async () => {
  const { pool, server, clock } = stage();
  const lease = await pool.acquire();
  const stopped = pool.stop({ timeoutMs: 50 });
  await clock.run(50);
  expect(await stopped).toEqual({ refused: 0, revoked: 1 });
  expect(server.made[0]?.ended).toBe('stopped');
  expect(() => lease.value).toThrow('the pool has stopped and ended this connection');
  lease.release();
  expect(() => lease.release()).toThrow('cannot release a lease that has ended');
  expect(clock.pending).toBe(0);
});

test('a dial that outlives stop is aborted, and its connection ended when it comes', async () => {
  const { pool, server, clock } = stage();
  server.isSlow = true;
  const refused = failureOf(pool.acquire());
  await pool.stop();
  expect(await refused).toBeInstanceOf(PoolStoppedError);
  expect(server.signals[0]?.aborted).toBe(true);
  expect(server.accept().ended).toBeUndefined();
  await settlePromises();
  expect(server.open).toEqual([]);
  expect(pool.stats()).toMatchObject({ created: 1, open: 0, destroyed: { late: 1 } });
  expect(clock.pending).toBe(0);
});

test('await using stops the pool', async () => {
  const { server } = stage();
  {
    await using pool = new ConnectionPool({ ...server.hooks });
    await pool.use(() => undefined);
  }
  expect(server.open).toEqual([]);
});

test('the histograms tell how long callers waited, connections were held, and dials took', async () => {
  const { pool, server, clock } = stage({ max: 1 });
  server.isSlow = true;
  const waits = pool.acquire();
  clock.advance(30);
  server.accept();
  const lease = await waits;
  clock.advance(12);
  lease.release();
  (await pool.acquire()).release();
  expect(pool.createTimes.max).toBe(30);
  expect([pool.waitTimes.count, pool.waitTimes.min, pool.waitTimes.max]).toEqual([2, 0, 30]);
  expect([pool.useTimes.count, pool.useTimes.max]).toEqual([2, 12]);
});

test('a lease that is held too long is reported once, with who took it and how many there are', async () => {
  const { pool, clock } = stage({ leakDetectionMs: 100 });
  const leaks: { heldMs: number; stack: string; leaking: number }[] = [];
  pool.on('leak', (leak) => leaks.push(leak));
  async function takesAndForgets() {
    return pool.acquire();
  }
  const lease = await takesAndForgets();
  const other = await pool.acquire();
  await clock.run(99);
  expect(leaks).toEqual([]);
  other.release();
  await clock.run(500);
  expect(leaks).toHaveLength(1);
  expect(leaks[0]).toMatchObject({ heldMs: 100, leaking: 1 });
  expect(leaks[0]?.stack).toContain('takesAndForgets');
  expect(leaks[0]?.stack).not.toContain('connection-pool.ts');
  expect(pool.stats()).toMatchObject({ leaks: 1, leaking: 1 });
  lease.release();
  expect(pool.stats()).toMatchObject({ leaks: 1, leaking: 0 });
});

test('a connection that is held too long once more is reported once more', async () => {
  const { pool, clock } = stage({ leakDetectionMs: 100, maxLifetimeMs: Infinity });
  for (let round = 1; round <= 2; round++) {
    const lease = await pool.acquire();
    await clock.run(100);
    expect(pool.stats()).toMatchObject({ created: 1, leaks: round, leaking: 1 });
    lease.release();
    expect(pool.stats().leaking).toBe(0);
  }
});

test('TimeoutError is for callers whom dials kept waiting', async () => {
  const { pool, server, clock } = stage({ createTimeoutMs: 1000 });
  server.isSlow = true;
  const waits = failureOf(pool.acquire({ timeoutMs: 20 }));
  await clock.run(20);
  expect(await waits).toBeInstanceOf(TimeoutError);
});
