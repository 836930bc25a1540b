import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { TimeoutError, type ScheduleOptions } from '../core/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import { connectionStage as stage, failureOf } from '../../test/kit/connection-stage.ts';

const BACKOFF = { type: 'exponential', baseMs: 100, maxMs: 400, jitter: 'none' } as const;

test('a failed dial gives its place to the next: after a pause, one dial for all who wait', async () => {
  const { pool, server, clock } = stage({ max: 4, retryBackoff: BACKOFF });
  server.isSlow = true;
  const waits = [pool.acquire(), pool.acquire(), pool.acquire()];
  expect(pool.stats()).toMatchObject({ creating: 3, pending: 3 });
  for (let i = 0; i < 3; i++) server.refuse(new Error('refused'));
  await settlePromises();
  expect(pool.stats()).toMatchObject({ creating: 0, pending: 3, createFailed: 3 });
  await clock.run(99);
  expect(server.signals).toHaveLength(3);
  await clock.run(1);
  expect(pool.stats().creating).toBe(1);
  server.accept();
  await waits[0];
  expect(pool.stats()).toMatchObject({ creating: 2, leased: 1 });
  server.accept();
  server.accept();
  await Promise.all(waits);
});

test('the pauses grow with each failure, and begin anew when a connection has worked', async () => {
  const { pool, server, clock } = stage({ min: 1, retryBackoff: BACKOFF });
  const pauses: number[] = [];
  pool.on('createFailed', ({ retryInMs }) => pauses.push(retryInMs));
  server.refusal = new Error('refused');
  await clock.run(1000);
  expect(pauses).toEqual([100, 200, 400, 400]);
  server.refusal = undefined;
  await clock.run(400);
  expect(pool.stats().open).toBe(1);
  (await pool.acquire()).release();
  server.refusal = new Error('refused');
  server.made[0]?.die();
  await settlePromises();
  expect(pauses.at(-1)).toBe(100);
});

test('the pauses begin anew when an idle connection has passed its check', async () => {
  const { pool, server, clock } = stage({
    min: 2,
    retryBackoff: BACKOFF,
    keepAliveIntervalMs: 1000,
  });
  const pauses: number[] = [];
  pool.on('createFailed', ({ retryInMs }) => pauses.push(retryInMs));
  server.isSlow = true;
  await clock.run(0);
  server.accept();
  server.refusal = new Error('refused');
  server.refuse(server.refusal);
  await clock.run(1100);
  expect(server.made[0]?.checks).toBe(1);
  expect(pauses).toEqual([100, 200, 400, 400, 100]);
});

test('a server that hangs up before anybody has the connection is dialled no more often than one that refuses', async () => {
  const { pool, server, clock } = stage({ min: 1, retryBackoff: BACKOFF });
  const dials: number[] = [];
  pool.on('created', () => {
    dials.push(clock.nowMs());
    queueMicrotask(() => server.made.at(-1)?.die());
  });
  await clock.run(1500);
  expect(dials).toEqual([0, 100, 300, 700, 1100, 1500]);
  await expect(pool.acquire({ timeoutMs: 50 })).rejects.toMatchObject({
    code: 'SLUICE_TIMEOUT',
    cause: { message: expect.stringContaining('died before anybody had it') as string },
  });
});

test('unused connections that lived for longer than the pause are replaced at once', async () => {
  const { pool, server, clock } = stage({ min: 9, max: 9, retryBackoff: BACKOFF });
  await clock.run(100);
  for (const connection of server.made.slice(0, 9)) connection.die();
  await settlePromises();
  expect(pool.stats()).toMatchObject({ open: 9, created: 18 });
});

test('who waits too long while dials fail is told what they failed with', async () => {
  const { pool, server, clock } = stage({ acquireTimeoutMs: 250, retryBackoff: BACKOFF });
  server.refusal = new Error('connect ECONNREFUSED');
  const outcome = pool.acquire().catch((error: unknown) => error);
  await clock.run(250);
  expect(await outcome).toBeInstanceOf(TimeoutError);
  expect(await outcome).toMatchObject({ timeoutMs: 250, cause: server.refusal });
  expect((await outcome) as Error).not.toHaveProperty('message', expect.stringContaining('ECONN'));
});

test('who could only be told in the end that dials fail is told at once', async () => {
  const { pool, server, clock } = stage({ retryBackoff: BACKOFF });
  server.refusal = new Error('refused');
  const hopeless = pool.acquire({ timeoutMs: 50 }).catch((error: unknown) => error);
  const patient = pool.acquire({ timeoutMs: 150 });
  await settlePromises();
  expect(await hopeless).toMatchObject({ code: 'SLUICE_TIMEOUT', cause: server.refusal });
  await expect(pool.acquire({ timeoutMs: 60 })).rejects.toThrow(TimeoutError);
  server.refusal = undefined;
  await clock.run(100);
  (await patient).release();
});

test('where dials fail, one caller too many is told so, and by a TimeoutError if no dial is due in time', async () => {
  const { pool, server } = stage({ maxPending: 0, retryBackoff: BACKOFF });
  server.refusal = new Error('connect ECONNREFUSED');
  const first = failureOf(pool.acquire({ timeoutMs: 150 }));
  await settlePromises();
  await expect(pool.acquire({ timeoutMs: 50 })).rejects.toMatchObject({
    code: 'SLUICE_TIMEOUT',
    cause: server.refusal,
  });
  await expect(pool.acquire({ timeoutMs: 150 })).rejects.toMatchObject({
    code: 'SLUICE_QUEUE_FULL',
    message: 'connection-pool: 1 callers wait already for the first connection',
    cause: server.refusal,
  });
  expect(pool.stats()).toMatchObject({ pending: 1, timedOut: 1, refused: 1 });
  await pool.stop();
  await first;
});

test('a caller is not turned away while somebody holds a connection that may come back', async () => {
  const { pool, server, clock } = stage({ retryBackoff: BACKOFF });
  const lease = await pool.acquire();
  server.refusal = new Error('refused');
  const waits = pool.acquire({ timeoutMs: 50 });
  await clock.run(40);
  lease.release();
  expect((await waits).value.id).toBe(0);
});

test('a dial that takes too long is given up, and its connection ended when it comes', async () => {
  const { pool, server, clock } = stage({ createTimeoutMs: 80, retryBackoff: BACKOFF });
  server.isSlow = true;
  const waits = pool.acquire();
  await clock.run(80);
  expect(server.signals[0]?.aborted).toBe(true);
  expect(pool.stats()).toMatchObject({ creating: 0, createFailed: 1, pending: 1 });
  await clock.run(100);
  expect(pool.stats().creating).toBe(1);
  const late = server.accept(0);
  await settlePromises();
  expect(late.ended).toBe('late');
  server.accept();
  expect((await waits).value.id).toBe(1);
});

test('a create that throws counts as a failed dial, and one may return its connection at once', async () => {
  const { server } = stage();
  let isBroken = true;
  const { pool, clock } = stage({
    retryBackoff: BACKOFF,
    create: () => {
      if (isBroken) throw new Error('no route');
      return server.accept();
    },
  });
  const waits = [pool.acquire(), pool.acquire(), pool.acquire()];
  isBroken = false;
  await clock.run(100);
  const leases = await Promise.all(waits.slice(0, 2));
  expect(pool.stats()).toMatchObject({ createFailed: 1, open: 2, pending: 1 });
  for (const lease of leases) lease.release();
  (await waits[2])?.release();
});

test('a connection that dies as soon as it is made is a failed dial, not an endless loop', async () => {
  const { pool, clock } = stage({
    retryBackoff: BACKOFF,
    watch: (_connection, died) => died(new Error('reset')),
  });
  const waits = failureOf(pool.acquire({ timeoutMs: 350 }));
  await clock.run(350);
  expect(await waits).toBeInstanceOf(TimeoutError);
  expect(pool.stats()).toMatchObject({ created: 3, open: 0, destroyed: { closed: 3 } });
});

test('who waits while new connections die at once is told what they died of', async () => {
  const { pool } = stage({
    retryBackoff: BACKOFF,
    watch: (_connection, died) => died(new Error('reset by the other side')),
  });
  expect(await failureOf(pool.acquire({ timeoutMs: 50 }))).toMatchObject({
    code: 'SLUICE_TIMEOUT',
    cause: {
      message: 'connection-pool: the connection died as soon as it was made',
      cause: { message: 'reset by the other side' },
    },
  });
});

test('the pause after a failed dial keeps the process alive only while somebody waits', async () => {
  const keepsAlive: (boolean | undefined)[] = [];
  class WatchedClock extends ManualClock {
    override schedule(delayMs: number, task: () => void, options?: ScheduleOptions): () => void {
      keepsAlive.push(options?.keepAlive);
      return super.schedule(delayMs, task);
    }
  }
  const clock = new WatchedClock();
  const { pool, server } = stage({
    clock,
    min: 1,
    retryBackoff: BACKOFF,
    createTimeoutMs: Infinity,
  });
  server.refusal = new Error('refused');
  await clock.run(0);
  expect(keepsAlive).toEqual([false]);
  const controller = new AbortController();
  const waits = failureOf(pool.acquire({ timeoutMs: Infinity, signal: controller.signal }));
  expect(keepsAlive).toEqual([false, true]);
  await clock.run(100);
  expect(keepsAlive).toEqual([false, true, true]);
  controller.abort();
  await waits;
  expect(keepsAlive).toEqual([false, true, true, false]);
  expect(clock.pending).toBe(1);
  await pool.stop();
  expect(clock.pending).toBe(0);
});

test('update changes the pauses', async () => {
  const { pool, server, clock } = stage({ min: 1, retryBackoff: BACKOFF });
  server.refusal = new Error('refused');
  await clock.run(100);
  pool.update({ retryBackoff: { type: 'constant', delayMs: 7 } });
  await clock.run(200);
  expect(pool.stats().createFailed).toBe(3);
  await clock.run(14);
  expect(pool.stats().createFailed).toBe(5);
});

test('a connection is made in the async context of the pool, not of the call that caused it', async () => {
  const request = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const { pool, server } = stage({
    create: () => {
      seen.push(request.getStore());
      return server.accept();
    },
  });
  const lease = await request.run('request 1', () => pool.acquire());
  lease.release();
  expect(seen).toEqual([undefined]);
});
