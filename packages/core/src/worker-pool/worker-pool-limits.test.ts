import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test, vi } from 'vitest';
import {
  DeadlineExceededError,
  InvalidOptionsError,
  PoolStoppedError,
  QueueFullError,
  TimeoutError,
} from '../core/index.ts';
import type { QueueDiscipline, QueuedJob } from '../job-queue/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import type { WorkerPoolOptions } from './options.ts';
import { WorkerPool } from './worker-pool.ts';

const never = (): Promise<never> => new Promise(() => undefined);

function setup(options: WorkerPoolOptions = {}) {
  const clock = new ManualClock();
  const pool = new WorkerPool({ clock, name: 'io', size: 1, ...options });
  const taking = (ms: number) => (): Promise<string> =>
    new Promise((resolve) => void clock.schedule(ms, () => resolve(`took ${ms}`)));
  return { clock, pool, taking };
}

/** Names of the errors, or the values. */
async function answersOf(calls: readonly Promise<unknown>[]): Promise<unknown[]> {
  const results = await Promise.allSettled(calls);
  return results.map((result) =>
    result.status === 'fulfilled' ? result.value : (result.reason as Error).name,
  );
}

test('a timeout counts from the start of the run, a deadline from the submission', async () => {
  const { clock, pool, taking } = setup();
  const calls = [
    pool.submit(taking(50)),
    pool.submit(taking(20), { timeoutMs: 30 }),
    pool.submit(taking(40), { timeoutMs: 30, deadlineMs: 1000 }),
    pool.submit(taking(40), { timeoutMs: 1000, deadlineMs: 120 }),
  ];
  const answers = answersOf(calls);
  await clock.run(1000);
  expect(await answers).toEqual(['took 50', 'took 20', 'TimeoutError', 'TimeoutError']);
  await expect(calls[2]).rejects.toMatchObject({
    timeoutMs: 30,
    cutShort: false,
    message: 'io: the task ran for the 30 ms that it was given',
  });
  await expect(calls[3]).rejects.toMatchObject({ timeoutMs: 120, cutShort: true });
});

test('a timeout tells the task, and gives its lane to the next when it heeds that', async () => {
  const { clock, pool } = setup();
  const stuck = pool.submit(
    ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('ok')))),
    { timeoutMs: 10 },
  );
  const next = pool.submit(() => clock.nowMs());
  await Promise.all([expect(stuck).rejects.toBeInstanceOf(TimeoutError), clock.run(10)]);
  expect(await next).toBe(10);
  expect(pool.stats()).toMatchObject({ failed: 1, completed: 1, abandoned: 0 });
});

test.for([0, -1, Number.NaN, '5'])('a timeout of %s is refused as none', async (timeoutMs) => {
  const { pool } = setup();
  const call = pool.submit(never, { timeoutMs: timeoutMs as number });
  await expect(call).rejects.toThrow('submit: timeoutMs must be a number of ms above 0');
  expect(pool.stats().submitted).toBe(0);
});

test('a priority that the queue does not know is refused also where nobody waits', async () => {
  const { pool } = setup();
  for (const priority of [8, -9, 0.5]) {
    await expect(pool.submit(never, { priority })).rejects.toBeInstanceOf(InvalidOptionsError);
  }
});

test('a paused pool begins nothing: calls wait, what runs goes on, and resume begins at once', async () => {
  const { clock, pool, taking } = setup({ size: 2, queue: 2 });
  const events: string[] = [];
  pool.on('pause', () => events.push('pause'));
  pool.on('resume', () => events.push('resume'));
  const running = pool.submit(taking(10));
  pool.pause();
  pool.pause();
  const waiting = [pool.submit(() => clock.nowMs()), pool.execute(() => clock.nowMs())];
  await clock.run(20);
  expect(await running).toBe('took 10');
  expect(pool.stats()).toMatchObject({ state: 'paused', active: 0, queued: 2 });
  await expect(pool.submit(never)).rejects.toMatchObject({ retryAfterMs: undefined });
  pool.resume();
  pool.resume();
  expect(pool.stats()).toMatchObject({ state: 'running', queued: 0 });
  expect(await Promise.all(waiting)).toEqual([20, 20]);
  expect(events).toEqual(['pause', 'resume']);
});

test('what waits in a paused pool may still be aborted or run out of time', async () => {
  const { clock, pool } = setup();
  pool.pause();
  const controller = new AbortController();
  const calls = [
    pool.submit(never, { signal: controller.signal }),
    pool.submit(never, { deadlineMs: 10 }),
  ];
  const answers = answersOf(calls);
  controller.abort(new RangeError('gone'));
  await clock.run(10);
  expect(await answers).toEqual(['RangeError', 'DeadlineExceededError']);
  expect(pool.stats()).toMatchObject({ aborted: 1, expired: 1, rejected: 0, queued: 0 });
});

test('raising the size of a paused pool begins nothing', () => {
  const { pool } = setup();
  pool.pause();
  void pool.submit(never);
  pool.resize(5);
  expect(pool.stats()).toMatchObject({ active: 0, queued: 1 });
});

test('drain of a paused pool waits for what waits', async () => {
  const { pool } = setup();
  pool.pause();
  await pool.drain();
  const call = pool.submit(() => 'done');
  let isDrained = false;
  const drained = pool.drain().then(() => (isDrained = true));
  await settlePromises();
  expect(isDrained).toBe(false);
  pool.resume();
  await drained;
  expect(await call).toBe('done');
});

test('stop of a paused pool lets what waits be done, and it cannot be paused again', async () => {
  const { pool } = setup();
  pool.pause();
  const call = pool.submit(() => 'done');
  const stopping = pool.stop();
  pool.pause();
  expect(await call).toBe('done');
  expect(await stopping).toEqual({ refused: 0, ended: 0, running: 0 });
  expect(pool.stats().state).toBe('stopped');
});

test("stop with reject 'queued' refuses what waits at once, and lets what runs go on", async () => {
  const { clock, pool, taking } = setup();
  const calls = [pool.submit(taking(50)), pool.submit(never), pool.execute(never)];
  const answers = answersOf(calls);
  const stopping = pool.stop({ reject: 'queued', timeoutMs: 100 });
  expect(pool.stats()).toMatchObject({ state: 'stopping', active: 1, queued: 0, rejected: 2 });
  await clock.run(50);
  expect(await answers).toEqual(['took 50', 'PoolStoppedError', 'PoolStoppedError']);
  expect(await stopping).toEqual({ refused: 2, ended: 0, running: 0 });
});

test("stop with reject 'queued' begins nothing in a paused pool", async () => {
  const { pool } = setup();
  pool.pause();
  const call = pool.submit(() => expect.unreachable());
  const stopping = pool.stop({ reject: 'queued' });
  await expect(call).rejects.toBeInstanceOf(PoolStoppedError);
  expect(await stopping).toEqual({ refused: 1, ended: 0, running: 0 });
});

test("stop with reject 'all' answers everybody at once", async () => {
  const { clock, pool } = setup();
  const answers = answersOf([pool.submit(never), pool.submit(never)]);
  const stopping = pool.stop({ reject: 'all' });
  expect(await answers).toEqual(['TimeoutError', 'PoolStoppedError']);
  await clock.run(0);
  expect(await stopping).toEqual({ refused: 1, ended: 1, running: 1 });
  expect(clock.pending).toBe(0);
});

test('stop asked again may be hurried, and gives the same answer to both', async () => {
  const { clock, pool } = setup();
  const answers = answersOf([pool.submit(never), pool.submit(never)]);
  const stopping = pool.stop({ timeoutMs: Infinity });
  expect(pool.stop({ reject: 'queued' })).toBe(stopping);
  expect(pool.stats()).toMatchObject({ active: 1, queued: 0 });
  expect(pool.stop({ reject: 'all' })).toBe(stopping);
  expect(await answers).toEqual(['TimeoutError', 'PoolStoppedError']);
  await clock.run(0);
  expect(await stopping).toEqual({ refused: 1, ended: 1, running: 1 });
});

test('trySubmit answers undefined also for a call that would not be done by its deadline', async () => {
  const { clock, pool, taking } = setup();
  const done = Array.from({ length: 30 }, () => pool.submit(taking(100)));
  await clock.run(3000);
  await Promise.all(done);
  void pool.submit(taking(100));
  expect(pool.trySubmit(never, { deadlineMs: 50 })).toBeUndefined();
  await expect(pool.submit(never, { deadlineMs: 50 })).rejects.toBeInstanceOf(
    DeadlineExceededError,
  );
  expect(pool.stats()).toMatchObject({ expired: 2, rejected: 0, submitted: 33 });
});

test('the options of the queue change live, and a number changes its places alone', async () => {
  const { pool } = setup({ queue: { capacity: 3, order: 'lifo' } });
  const order: string[] = [];
  pool.pause();
  const calls = ['a', 'b', 'c'].map((name) => pool.submit(() => order.push(name)));
  pool.update({ queue: 4 });
  expect(pool.stats().queueCapacity).toBe(4);
  pool.resume();
  await Promise.all(calls);
  expect(order).toEqual(['c', 'b', 'a']);
  pool.update({ queue: { order: 'fifo', capacity: 0 } });
  void pool.submit(never);
  await expect(pool.submit(never)).rejects.toBeInstanceOf(QueueFullError);
});

test('a higher priority goes first, and one key does not delay another', async () => {
  const { pool } = setup();
  const order: string[] = [];
  pool.pause();
  const add = (name: string, options: object): Promise<number> =>
    pool.submit(() => order.push(name), options);
  const calls = [
    add('a1', { key: 'a' }),
    add('a2', { key: 'a' }),
    add('b1', { key: 'b' }),
    add('urgent', { priority: 1 }),
  ];
  pool.resume();
  await Promise.all(calls);
  expect(order).toEqual(['urgent', 'a1', 'b1', 'a2']);
});

test('a discipline that throws is warned of, and takes no lane and no result from anybody', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
  const jobs = new Set<QueuedJob>();
  const broken = (): QueueDiscipline => ({
    timed: false,
    add: (job) => void jobs.add(job),
    take: () => {
      if (warned.mock.calls.length === 0) throw new Error('take is broken');
      const [job] = jobs;
      if (job) jobs.delete(job);
      return job;
    },
    remove: (job) => void jobs.delete(job),
    ahead: () => 0,
    learn: () => {
      throw new Error('learn is broken');
    },
    [Symbol.iterator]: () => jobs.values(),
  });
  const { pool } = setup({ queue: { order: broken } });
  const calls = [pool.submit(async () => 'first'), pool.submit(() => 'second')];
  expect(await calls[0]).toBe('first');
  pool.resize(2);
  expect(await calls[1]).toBe('second');
  expect(pool.stats()).toMatchObject({ active: 0, queued: 0, completed: 2 });
  expect(warned.mock.calls.length).toBeGreaterThan(0);
  vi.restoreAllMocks();
});

test('10,000 waiting tasks that are done at once take no stack for each other', async () => {
  const { pool } = setup({ queue: 10_000 });
  pool.pause();
  const calls = Array.from({ length: 10_000 }, (_, i) => pool.submit(() => i));
  pool.resume();
  expect(pool.stats()).toMatchObject({ active: 0, queued: 0, completed: 10_000 });
  expect((await Promise.all(calls)).at(-1)).toBe(9999);
});

test.for(['submit', 'execute'] as const)(
  'a task of %s runs in the async context of its call, whoever frees its lane',
  async (way) => {
    const { pool, clock, taking } = setup();
    const caller = new AsyncLocalStorage<string>();
    const calls = ['a', 'b', 'c'].map((name) =>
      caller.run(name, () =>
        pool[way](async () => {
          const before = caller.getStore();
          await taking(1)();
          return [before, caller.getStore()];
        }),
      ),
    );
    await clock.run(10);
    expect(await Promise.all(calls)).toEqual(['a', 'b', 'c'].map((name) => [name, name]));
  },
);

test.for(['submit', 'execute'] as const)(
  'the error of a task of %s names its async caller, whether it waited or not',
  async (way) => {
    const { pool } = setup();
    const task = async (): Promise<never> => {
      await Promise.resolve();
      throw new Error('broken');
    };
    async function theCaller(): Promise<string> {
      try {
        return await pool[way](task);
      } catch (error) {
        return String((error as Error).stack);
      }
    }
    for (const stack of await Promise.all([theCaller(), theCaller()])) {
      expect(stack).toMatch(/at (async )?theCaller/);
    }
  },
);

test('a call whose context an inner pool ends is answered, and counted as that', async () => {
  const { clock, pool } = setup();
  const inner = new WorkerPool({ clock, name: 'inner' });
  const outer = pool.submit(async (context) => {
    await inner.submit(never, context).catch(() => undefined);
    return 'went on';
  });
  void inner.stop({ reject: 'all' });
  await expect(outer).rejects.toMatchObject({ policy: 'inner' });
  await clock.run(0);
  expect(pool.stats()).toMatchObject({ active: 0, failed: 1, completed: 0 });
});

test('execute heeds a timeout of its call as submit does', async () => {
  const { clock, pool } = setup();
  const call = pool.execute(never, { timeoutMs: 30 }).catch((error: unknown) => error);
  await clock.run(30);
  expect(await call).toBeInstanceOf(TimeoutError);
});
