import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { TimeoutError, type RunOptions } from '../src/index.ts';
import { expectBalanced, outcomes, readyPool, until } from './kit/threads/pools.ts';
import { Stage } from './kit/threads/stage.ts';

/** So long that a job that hears its signal is never ended by force. */
const PATIENT = { graceMs: 60_000 };

describe('an endless loop', () => {
  test.each([{ timeoutMs: 20 }, { deadlineMs: 20 }])(
    'ends by %o, its worker is replaced, and the next task is served',
    async (options) => {
      await using pool = await readyPool({ size: 1 });
      const stage = new Stage();
      const stuck = pool.run('spin', stage.buffer, options);
      const next = pool.run('workerName');
      await expect(stuck).rejects.toThrow(TimeoutError);
      expect(await next).toBe('thread-pool-2');
      expect(pool.stats()).toMatchObject({ restarts: 1, crashes: 0, failed: 1, completed: 1 });
      expectBalanced(pool);
    },
  );

  test('ends by an abort: the caller is answered at once, with its reason', async () => {
    await using pool = await readyPool({ size: 1 });
    const stage = new Stage();
    const controller = new AbortController();
    const stuck = pool.run('spin', stage.buffer, { signal: controller.signal });
    await until(() => stage.started === 1);
    const reason = new Error('no longer wanted');
    controller.abort(reason);
    await expect(stuck).rejects.toBe(reason);
    expect(await pool.run('workerName')).toBe('thread-pool-2');
    expect(pool.stats()).toMatchObject({ restarts: 1, crashes: 0, aborted: 1, completed: 1 });
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  test('leaves the tasks that were handed to its worker to others', async () => {
    await using pool = await readyPool({ size: 2, queue: 100 });
    const quick = new Stage();
    const slow = new Stage();
    const visit = { what: 'visit', buffer: quick.buffer } as const;
    await Promise.all(Array.from({ length: 50 }, () => pool.run('act', visit)));
    const stuck = [1, 2].map(() =>
      pool.run('act', { what: 'hold', buffer: slow.buffer }, { timeoutMs: 30 }),
    );
    const others = Array.from({ length: 50 }, () => pool.run('act', visit));
    expect(await outcomes(stuck)).toEqual(['TimeoutError', 'TimeoutError']);
    await Promise.all(others);
    expect(quick.ended).toBe(100);
    expect(pool.stats()).toMatchObject({ restarts: 2, completed: 100, failed: 2 });
  });
});

describe('a job that heeds its signal ends by itself, and its worker stays', () => {
  const ways: readonly { job: 'heed' | 'listen'; by: string; options: RunOptions }[] = [
    { job: 'heed', by: 'a timeout', options: { timeoutMs: 20 } },
    { job: 'heed', by: 'a deadline', options: { deadlineMs: 20 } },
    { job: 'listen', by: 'a timeout', options: { timeoutMs: 20 } },
    { job: 'listen', by: 'a deadline', options: { deadlineMs: 20 } },
  ];

  test.each(ways)('$job, by $by', async ({ job, options }) => {
    await using pool = await readyPool({ size: 1, ...PATIENT });
    const stage = new Stage();
    await expect(pool.run(job, stage.buffer, options)).rejects.toThrow(TimeoutError);
    expect(await pool.run('workerName')).toBe('thread-pool-1');
    expect(stage.heard).toBe(1);
    expect(pool.stats()).toMatchObject({ restarts: 0, failed: 1, completed: 1, active: 0 });
  });

  test.each(['heed', 'listen'] as const)('%s, by an abort', async (job) => {
    await using pool = await readyPool({ size: 1, ...PATIENT });
    const stage = new Stage();
    const controller = new AbortController();
    const run = pool.run(job, stage.buffer, { signal: controller.signal });
    await until(() => stage.started === 1);
    controller.abort();
    await expect(run).rejects.toBe(controller.signal.reason);
    expect(await pool.run('workerName')).toBe('thread-pool-1');
    expect(stage.heard).toBe(1);
    expect(pool.stats()).toMatchObject({ restarts: 0, aborted: 1, completed: 1 });
  });

  test('and the next task in the same place hears nothing of it', async () => {
    await using pool = await readyPool({ size: 1, ...PATIENT });
    for (let round = 0; round < 20; round++) {
      const stage = new Stage();
      const run = pool.run('heed', stage.buffer, { timeoutMs: 2 });
      await expect(run).rejects.toThrow(TimeoutError);
      const held = pool.run('told');
      expect(await held).toMatchObject({ attempt: 1 });
    }
    expect(pool.stats()).toMatchObject({ restarts: 0, completed: 20, failed: 20 });
  });
});

describe('a task that has not begun', () => {
  test('leaves at once when it is aborted, and never runs', async () => {
    await using pool = await readyPool({ size: 1 });
    const stage = new Stage();
    const held = pool.run('hold', stage.buffer);
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = Array.from({ length: 20 }, () => pool.run('visit', stage.buffer, { signal }));
    controller.abort(new Error('gone'));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(new Set(await outcomes(waiting))).toEqual(new Set(['Error']));
    stage.open();
    await held;
    await pool.drain();
    expect(stage.started).toBe(1);
    expect(pool.stats()).toMatchObject({ submitted: 21, completed: 1, aborted: 20 });
  });

  test('that was aborted before it came is not taken', async () => {
    await using pool = await readyPool({ size: 1 });
    const reason = new Error('gone');
    const run = pool.run('echo', 1, { signal: AbortSignal.abort(reason) });
    await expect(run).rejects.toBe(reason);
    expect(pool.stats()).toMatchObject({ submitted: 0, completed: 0, active: 0, queued: 0 });
    expectBalanced(pool);
  });

  test('by its deadline never begins, and is answered when that has passed', async () => {
    await using pool = await readyPool({ size: 1 });
    const stage = new Stage();
    const held = pool.run('hold', stage.buffer);
    const late = Array.from({ length: 5 }, () =>
      pool.run('visit', stage.buffer, { deadlineMs: 20 }),
    );
    expect(new Set(await outcomes(late))).toEqual(new Set(['DeadlineExceededError']));
    stage.open();
    await held;
    await pool.drain();
    expect(stage.started).toBe(1);
    const { expired, rejected } = pool.stats();
    expect(expired + rejected).toBe(5);
  });

  test('does not begin after its deadline, even where the main thread is too busy to say so', async () => {
    await using pool = await readyPool({ size: 1 });
    const stage = new Stage();
    const { buffer } = stage;
    await Promise.all(Array.from({ length: 50 }, () => pool.run('act', { what: 'visit', buffer })));
    const burning = pool.run('act', { what: 'burn', buffer });
    const late = Array.from({ length: 5 }, () =>
      pool.run('act', { what: 'visit', buffer }, { deadlineMs: 10 }),
    );
    await Promise.resolve();
    // So the whole main thread stands still until long after the worker has burnt its time.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120);
    expect(new Set(await outcomes(late))).toEqual(new Set(['DeadlineExceededError']));
    await burning;
    expect(stage.started).toBe(50);
    expect(pool.stats()).toMatchObject({ completed: 51, active: 0, queued: 0, failed: 0 });
    expectBalanced(pool);
  });

  test('has a timeout that counts from its start, however long it waits', async () => {
    await using pool = await readyPool({ size: 1 });
    const stage = new Stage();
    const held = pool.run('hold', stage.buffer);
    let isAnswered = false;
    const patient = pool.run('echo', 'in time', { timeoutMs: 10_000 });
    const brief = pool.run('echo', 'in time too', { timeoutMs: 30 });
    void Promise.allSettled([brief, patient]).then(() => (isAnswered = true));
    await new Promise((resolve) => pool.clock.schedule(100, () => resolve(undefined)));
    expect(isAnswered).toBe(false);
    stage.open();
    expect(await Promise.all([held, patient, brief])).toHaveLength(3);
    expect(pool.waitTimes.max).toBeGreaterThan(90);
    expect(pool.runTimes.max).toBeGreaterThan(90);
  });
});

test('a task that ends before its timeout leaves nothing that could end another one', async () => {
  await using pool = await readyPool({ size: 1 });
  const controller = new AbortController();
  const { signal } = controller;
  for (let i = 0; i < 50; i++) await pool.run('echo', i, { signal, timeoutMs: 60_000 });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  const stage = new Stage();
  const held = pool.run('hold', stage.buffer);
  await until(() => stage.started === 1);
  controller.abort();
  stage.open();
  await held;
  expect(pool.stats()).toMatchObject({ completed: 51, aborted: 0, failed: 0, restarts: 0 });
});
