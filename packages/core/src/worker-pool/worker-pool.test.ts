import { getEventListeners } from 'node:events';
import { expect, test, vi } from 'vitest';
import { InvalidOptionsError, MUST_WAIT, PoolStoppedError, QueueFullError } from '../core/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import type { WorkerPoolOptions } from './options.ts';
import { WorkerPool } from './worker-pool.ts';

function setup(options: WorkerPoolOptions = {}) {
  const clock = new ManualClock();
  const pool = new WorkerPool({ clock, name: 'io', ...options });
  const log: string[] = [];
  /** A task that notes when it begins, and ends when it is told to. */
  const held = (name = 'task') => {
    const end = Promise.withResolvers<string>();
    const task = (): Promise<string> => {
      log.push(`${name} began at ${clock.nowMs()}`);
      return end.promise;
    };
    return { ...end, task };
  };
  return { clock, pool, log, held };
}

const never = (): Promise<never> => new Promise(() => undefined);

test('WorkerPool has 10 lanes and 1000 places to wait unless told otherwise', () => {
  expect(new WorkerPool().stats()).toMatchObject({ size: 10, queueCapacity: 1000 });
  expect(new WorkerPool().name).toBe('worker-pool');
});

test('WorkerPool names every option that is wrong, at once', () => {
  const options = { size: 0, queue: -1, abandonAfterMs: 0, lanes: 3 } as WorkerPoolOptions;
  expect(() => new WorkerPool(options)).toThrow(
    'WorkerPool: size must be an integer of at least 1, got 0; ' +
      'queue must be an integer of at least 0 or the options of a queue, got -1; ' +
      'abandonAfterMs must be a finite number above 0, got 0; ' +
      'lanes must be left out: there is no such option, only size, queue, abandonAfterMs, name, clock, got 3',
  );
});

test.for(['submit', 'trySubmit', 'execute'] as const)(
  '%s answers with what the task returns, throws or rejects with',
  async (way) => {
    const { pool } = setup();
    const error = new Error('broken');
    await expect(pool[way](() => 'value')).resolves.toBe('value');
    await expect(pool[way](async () => 'promised')).resolves.toBe('promised');
    // oxlint-disable-next-line unicorn/no-thenable -- a task may return one
    const thenable = { then: (done: (value: string) => void): void => done('thenable') };
    await expect(pool[way](() => thenable as PromiseLike<string>)).resolves.toBe('thenable');
    await expect(pool[way](() => Promise.reject(error))).rejects.toBe(error);
    const thrown = pool[way](() => {
      throw error;
    });
    await expect(thrown).rejects.toBe(error);
    expect(pool.stats()).toMatchObject({ submitted: 5, completed: 3, failed: 2, active: 0 });
  },
);

test('tasks run side by side on as many lanes as the pool has, and the others wait their turn', async () => {
  const { clock, pool, log, held } = setup({ size: 2 });
  const tasks = ['a', 'b', 'c', 'd'].map((name) => held(name));
  const calls = tasks.map(({ task }) => pool.submit(task));
  await settlePromises();
  expect(log).toEqual(['a began at 0', 'b began at 0']);
  expect(pool.stats()).toMatchObject({ active: 2, queued: 2 });
  clock.advance(5);
  tasks[1]?.resolve('b');
  await settlePromises();
  expect(log.slice(2)).toEqual(['c began at 5']);
  for (const { resolve } of tasks) resolve('done');
  expect(await Promise.all(calls)).toEqual(['done', 'b', 'done', 'done']);
  expect(pool.stats()).toMatchObject({ active: 0, queued: 0, completed: 4 });
});

test('waiting calls begin in the order in which they came, whichever way they came', async () => {
  const { pool, log, held } = setup({ size: 1 });
  const first = held('first');
  void pool.submit(first.task);
  const ways = ['execute', 'submit', 'trySubmit', 'execute', 'submit'] as const;
  for (const [i, way] of ways.entries()) void pool[way](() => log.push(`${i}`));
  first.resolve('');
  await pool.drain();
  expect(log.slice(1)).toEqual(['0', '1', '2', '3', '4']);
});

test('a call that finds a free lane begins at once, before submit returns', () => {
  const { pool, log, held } = setup();
  void pool.submit(held().task);
  void pool.execute(held().task);
  expect(log).toHaveLength(2);
});

test('a call that finds no place is refused at once, and told when to come back', async () => {
  const { clock, pool } = setup({ size: 2, queue: 1 });
  await Promise.all([pool.submit(() => clock.run(300)), pool.submit(() => undefined)]);
  for (let i = 0; i < 3; i++) void pool.submit(never);
  const refused = pool.submit(() => expect.unreachable());
  await expect(refused).rejects.toBeInstanceOf(QueueFullError);
  // The two calls before took 150 ms on average, so that one of two lanes falls free every 75 ms.
  await expect(refused).rejects.toMatchObject({ policy: 'io', retryAfterMs: 75 });
  await expect(refused).rejects.toThrow(
    'io: all 2 lanes are busy and all 1 places to wait are taken',
  );
  expect(clock.pending).toBe(0);
});

test('a refusal says nothing of when to come back as long as no call has ended', async () => {
  const { pool } = setup({ size: 1, queue: 0 });
  void pool.submit(never);
  await expect(pool.submit(never)).rejects.toMatchObject({ retryAfterMs: undefined });
});

test('a refusal is never told to come back sooner than in 1 ms', async () => {
  const { pool } = setup({ size: 1, queue: 0 });
  await pool.submit(() => undefined);
  void pool.submit(never);
  await expect(pool.submit(never)).rejects.toMatchObject({ retryAfterMs: 1 });
});

test('with no place to wait, whatever finds no free lane is refused', async () => {
  const { pool, held } = setup({ size: 1, queue: 0 });
  const { task, resolve } = held();
  const running = pool.submit(task);
  await expect(pool.execute(never)).rejects.toBeInstanceOf(QueueFullError);
  resolve('done');
  await running;
  await expect(pool.execute(() => 'next')).resolves.toBe('next');
});

test('trySubmit gives a verdict as a value: undefined without a place, and after stop', async () => {
  const { pool, held } = setup({ size: 1, queue: 1 });
  const { task, resolve } = held();
  const [running, waiting] = [pool.trySubmit(task), pool.trySubmit(() => 'waited')];
  expect(pool.trySubmit(never)).toBeUndefined();
  resolve('ran');
  expect(await Promise.all([running, waiting])).toEqual(['ran', 'waited']);
  expect(pool.stats()).toMatchObject({ submitted: 3, completed: 2, rejected: 1 });
  await pool.stop();
  expect(pool.trySubmit(never)).toBeUndefined();
});

test('peek tells what enter would answer, and takes and counts nothing', async () => {
  const { pool } = setup({ size: 1, queue: 1 });
  expect(pool.peek()).toBe(0);
  void pool.submit(never);
  expect(pool.peek()).toBe(MUST_WAIT);
  void pool.submit(never);
  expect(pool.peek()).toBe(Infinity);
  expect(pool.stats()).toMatchObject({ submitted: 2, active: 1, queued: 1 });
});

test.for([
  [
    'throws',
    (): never => {
      throw new Error('broken');
    },
  ],
  ['rejects', () => Promise.reject(new Error('broken'))],
] as const)('a task that %s frees its lane for the next', async ([, task]) => {
  const { pool } = setup({ size: 1 });
  const calls = [pool.submit(task), pool.execute(task), pool.submit(() => 'next')];
  const results = await Promise.allSettled(calls);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  expect(pool.stats()).toMatchObject({ active: 0, failed: 2, completed: 1 });
});

test('wrong options of a call are a rejection, take no lane and are not counted', async () => {
  const { pool } = setup();
  for (const way of ['submit', 'trySubmit', 'execute'] as const) {
    const call = pool[way](never, { deadlineMs: Number.NaN });
    await expect(call).rejects.toBeInstanceOf(InvalidOptionsError);
  }
  expect(pool.stats()).toMatchObject({ submitted: 0, active: 0 });
});

test('raising the size gives the new lanes to waiting calls at once', async () => {
  const { pool, log, held } = setup({ size: 1 });
  for (const name of ['a', 'b', 'c', 'd']) void pool.submit(held(name).task);
  pool.resize(3);
  expect(pool.stats()).toMatchObject({ size: 3, active: 3, queued: 1 });
  await settlePromises();
  expect(log.map((line) => line[0])).toEqual(['a', 'b', 'c']);
});

test('lowering the size ends no running task, and gives out no lane until enough are free', async () => {
  const { pool, log, held } = setup({ size: 3 });
  const tasks = ['a', 'b', 'c', 'd', 'e'].map((name) => held(name));
  const calls = tasks.map(({ task }) => pool.submit(task));
  pool.resize(1);
  expect(pool.stats()).toMatchObject({ size: 1, active: 3, queued: 2 });
  for (const i of [0, 1]) {
    tasks[i]?.resolve('done');
    await settlePromises();
    expect(log, 'began').toHaveLength(3);
  }
  for (const { resolve } of tasks) resolve('done');
  expect(await Promise.all(calls)).toHaveLength(5);
  expect(log).toHaveLength(5);
});

test('lowering the queue sends no waiting call away, and raising it makes room at once', async () => {
  const { pool } = setup({ size: 1, queue: 2 });
  for (let i = 0; i < 3; i++) void pool.submit(never);
  pool.update({ queue: 1 });
  expect(pool.stats()).toMatchObject({ queued: 2, queueCapacity: 1 });
  await expect(pool.submit(never)).rejects.toBeInstanceOf(QueueFullError);
  pool.update({ queue: 3 });
  void pool.submit(never);
  expect(pool.stats().queued).toBe(3);
});

test('an update that is wrong changes nothing', () => {
  const { pool } = setup({ size: 2, queue: 5 });
  expect(() => pool.update({ size: 4, queue: 1.5 })).toThrow(InvalidOptionsError);
  expect(() => pool.resize(0)).toThrow('WorkerPool: size must be an integer of at least 1, got 0');
  expect(pool.stats()).toMatchObject({ size: 2, queueCapacity: 5 });
});

test('a resize is told to listeners once, with both sizes, and only when the size changes', () => {
  const { pool } = setup({ size: 2 });
  const events: object[] = [];
  const off = pool.on('resize', (event) => events.push(event));
  pool.resize(5);
  pool.resize(5);
  pool.update({ queue: 7 });
  off();
  pool.resize(1);
  expect(events).toEqual([{ from: 2, to: 5 }]);
});

test('drain resolves when nothing runs or waits, and goes on taking calls meanwhile', async () => {
  const { pool, held } = setup({ size: 1 });
  await pool.drain();
  const [a, b] = [held(), held()];
  void pool.submit(a.task);
  let isDrained = false;
  const drained = pool.drain().then(() => (isDrained = true));
  void pool.submit(b.task);
  a.resolve('');
  await settlePromises();
  expect(isDrained).toBe(false);
  b.resolve('');
  await drained;
  expect(pool.stats()).toMatchObject({ active: 0, queued: 0, completed: 2 });
});

test('a task may resize its own pool, and the waiting calls begin while it runs', async () => {
  const { pool, log, held } = setup({ size: 1 });
  const inner = pool.submit(async () => {
    void pool.submit(held('second').task);
    pool.resize(2);
    await settlePromises();
    return [...log];
  });
  expect(await inner).toEqual(['second began at 0']);
  expect(pool.stats()).toMatchObject({ size: 2, active: 1 });
});

test('a task may stop its own pool, and ends as if nothing had happened', async () => {
  const { clock, pool } = setup({ size: 1 });
  const stopping = pool.submit(() => ({ result: pool.stop() }));
  const waiting = pool.submit(() => 'still done');
  const { result } = await stopping;
  expect(await result).toEqual({ refused: 0, ended: 0, running: 0 });
  expect(pool.stats()).toMatchObject({ completed: 1, rejected: 1 });
  await expect(waiting).rejects.toBeInstanceOf(PoolStoppedError);
  expect(clock.pending).toBe(0);
});

test('a listener may submit, and finds the pool whole', async () => {
  const { clock, pool } = setup({ size: 1, queue: 0, abandonAfterMs: 50 });
  const answers: unknown[] = [];
  const submit = (): void => void pool.submit(() => 'heard').then((value) => answers.push(value));
  pool.on('resize', submit);
  pool.on('abandoned', submit);
  pool.resize(2);
  const late = pool.submit(never, { deadlineMs: 10 });
  await expect(Promise.all([late, clock.run(60)])).rejects.toThrow('the deadline passed');
  await settlePromises();
  expect(answers).toEqual(['heard', 'heard']);
  expect(pool.stats()).toMatchObject({ active: 0, completed: 2, abandoned: 1 });
});

test('a listener that throws neither stops the others nor the pool', async () => {
  const { pool } = setup({ size: 1 });
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const broken = new Error('a listener that is broken');
  let heard = 0;
  pool.on('resize', () => {
    throw broken;
  });
  pool.on('resize', () => heard++);
  pool.resize(2);
  expect(heard).toBe(1);
  expect(warn).toHaveBeenCalledExactlyOnceWith(broken);
  expect(await pool.submit(() => 'works')).toBe('works');
  warn.mockRestore();
});

test('waiting and running times are those of the calls that ran, on the clock of the pool', async () => {
  const { clock, pool, held } = setup({ size: 1 });
  const [a, b] = [held(), held()];
  const calls = [pool.submit(a.task), pool.execute(b.task)];
  await clock.run(30);
  a.resolve('');
  await clock.run(12);
  b.resolve('');
  await Promise.all(calls);
  expect({ min: pool.waitTimes.min, max: pool.waitTimes.max }).toEqual({ min: 0, max: 30 });
  expect({ min: pool.runTimes.min, max: pool.runTimes.max }).toEqual({ min: 12, max: 30 });
  expect([pool.waitTimes.count, pool.runTimes.count]).toEqual([2, 2]);
});

test('100,000 calls leave no timer, no listener and nothing counted as under way', async () => {
  const { clock, pool } = setup({ size: 8 });
  const { signal } = new AbortController();
  const tasks = [() => 1, async () => 1, () => Promise.reject(new Error('broken'))];
  const call = (i: number): Promise<number> => {
    const task = tasks[i % 3] as () => Promise<number>;
    if (i % 2 === 0) return pool.execute(task);
    return pool.submit(task, i % 4 === 1 ? { signal, deadlineMs: 1000 } : {});
  };
  let kept = 0;
  for (let wave = 0; wave < 100; wave++) {
    const calls = Array.from({ length: 1000 }, (_, i) => call(wave * 1000 + i));
    expect(clock.pending).toBeLessThanOrEqual(1);
    const results = await Promise.allSettled(calls);
    kept += results.filter(({ status }) => status === 'fulfilled').length;
  }
  expect(kept).toBe(66_667);
  expect(pool.stats()).toMatchObject({
    active: 0,
    queued: 0,
    submitted: 100_000,
    completed: 66_667,
    failed: 33_333,
    rejected: 0,
  });
  // The timer lingers for the next deadline.
  await clock.run(50);
  expect(clock.pending).toBe(0);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
}, 60_000);
