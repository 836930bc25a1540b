import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { QueueDiscipline, QueuedJob } from '../job-queue/index.ts';
import { ScriptedPool } from '../../test/kit/threads/scripted-pool.ts';
import type { RunOptions } from './options.ts';

/** Last come, first served. */
function lastFirst(): QueueDiscipline {
  const jobs: QueuedJob[] = [];
  return {
    timed: false,
    add: (job) => void jobs.unshift(job),
    take: () => jobs.shift(),
    remove: (job) => void jobs.splice(jobs.indexOf(job), 1),
    ahead: () => jobs.length,
    [Symbol.iterator]: () => jobs[Symbol.iterator](),
  };
}

const submitAll = (pool: ScriptedPool, job: string, count: number): void => {
  for (let i = 0; i < count; i++) pool.submit(job);
};

describe('handing ahead', () => {
  test('gives a busy worker no more than a millisecond of work', async () => {
    const pool = await new ScriptedPool({ size: 1 }).ready();
    await pool.teach('short', 0.1);
    submitAll(pool, 'short', 50);
    const { outstanding, aheadMs } = pool.worker(1);
    expect(aheadMs).toBeLessThanOrEqual(1.001);
    expect(outstanding).toBeGreaterThanOrEqual(9);
    expect(outstanding).toBeLessThanOrEqual(10);
  });

  test('gives nothing ahead of what is long, or not known', async () => {
    const pool = await new ScriptedPool({ size: 2 }).ready();
    submitAll(pool, 'job', 10);
    expect(pool.workers.map(({ outstanding }) => outstanding)).toEqual([1, 1]);
  });

  test('gives one task ahead where each takes a millisecond', async () => {
    const pool = await new ScriptedPool({ size: 2 }).ready();
    await pool.teach('job', 1);
    submitAll(pool, 'job', 10);
    expect(pool.workers.map(({ outstanding }) => outstanding)).toEqual([2, 2]);
  });

  test('gives a long task to no worker that has something to do', async () => {
    const pool = await new ScriptedPool({ size: 2 }).ready();
    await pool.teach('short', 0.1);
    await pool.teach('long', 20);
    submitAll(pool, 'long', 1);
    submitAll(pool, 'short', 3);
    submitAll(pool, 'long', 3);
    expect(pool.worker(1).outstanding).toBe(1);
    expect(pool.worker(2).outstanding).toBe(3);
  });

  test('is taken back from a worker whose task turns out to be long, and goes to others', async () => {
    const pool = await new ScriptedPool({ size: 2 }).ready();
    await pool.teach('short', 0.1);
    submitAll(pool, 'short', 12);
    await pool.settle();
    pool.worker(1).begin();
    expect(pool.worker(1).outstanding).toBeGreaterThan(1);
    pool.clock.advance(5);
    await pool.settle();
    expect(pool.worker(1).outstanding).toBe(1);
    expect(pool.worker(1).waiting()).toEqual([]);
    for (let i = 0; i < 11; i++) {
      pool.worker(2).begin();
      pool.worker(2).finish();
      await pool.settle();
    }
    expect(pool.engine.stats()).toMatchObject({ active: 1, queued: 0, completed: 41 });
  });
});

test('a free worker never sits beside a task that waits: the next one goes to it at once', async () => {
  const pool = await new ScriptedPool({ size: 2 }).ready();
  submitAll(pool, 'job', 4);
  await pool.settle();
  pool.worker(2).begin();
  pool.clock.advance(3);
  pool.worker(2).finish();
  await pool.settle();
  expect(pool.worker(2).outstanding).toBe(1);
  expect(pool.engine.stats()).toMatchObject({ active: 2, queued: 1 });
});

test('higher priorities and the shares of keys decide who is next', async () => {
  const pool = await new ScriptedPool({ size: 1 }).ready();
  const order: unknown[] = [];
  pool.submit('short');
  for (const [input, options] of [
    ['low', { priority: -1 }],
    ['burst 1', { key: 'a' }],
    ['burst 2', { key: 'a' }],
    ['burst 3', { key: 'a' }],
    ['single', { key: 'b' }],
    ['high', { priority: 3 }],
  ] as const) {
    void pool.submit('job', input, options).promise.then((result) => order.push(result));
  }
  for (let i = 0; i < 7; i++) {
    await pool.settle();
    pool.worker(1).begin();
    pool.worker(1).finish();
  }
  await pool.settle();
  expect(order[0]).toBe('high');
  expect(order.at(-1)).toBe('low');
  expect(order.indexOf('single')).toBeLessThan(order.indexOf('burst 3'));
});

describe('a task that ends early', () => {
  test('is answered at its timeout, which counts from its start', async () => {
    const pool = await new ScriptedPool({ size: 1, graceMs: 10 }).ready();
    const call = pool.submit('job', 1, { timeoutMs: 50 });
    await pool.settle();
    pool.clock.advance(30);
    pool.worker(1).begin();
    pool.clock.advance(49);
    await pool.settle();
    expect(call.answer).toBeUndefined();
    pool.clock.advance(1);
    await pool.settle();
    expect(call.answer).toBe('TimeoutError');
    expect(pool.worker(1).running[0]?.isCancelled).toBe(true);
  });

  test('keeps its worker when it ends within the grace, and loses it when it does not', async () => {
    const pool = await new ScriptedPool({ size: 1, graceMs: 10 }).ready();
    for (const [lateMs, restarts] of [
      [9, 0],
      [10, 1],
    ] as const) {
      pool.submit('job', 1, { timeoutMs: 50 });
      await pool.settle();
      pool.worker(1).begin();
      pool.clock.advance(50);
      await pool.settle();
      pool.clock.advance(lateMs);
      await pool.settle();
      pool.worker(1).finish();
      await pool.settle();
      expect(pool.engine.stats()).toMatchObject({ restarts });
    }
    expect(pool.worker(1).isGone).toBe(true);
    expect(pool.engine.stats()).toMatchObject({ failed: 2, active: 0, crashes: 0 });
    expect(pool.alive).toHaveLength(1);
  });
});

describe('a task whose deadline has passed', () => {
  test.each([{ deadlineMs: 0 }, { deadlineMs: -1 }])(
    'before it came is refused, not counted, and reaches no worker, even a free one: $deadlineMs ms',
    async ({ deadlineMs }) => {
      const pool = await new ScriptedPool({ size: 1 }).ready();
      const call = pool.submit('job', 1, { deadlineMs });
      await pool.settle();
      expect(call.answer).toBe('DeadlineExceededError');
      expect(pool.worker(1).taken).toBe(0);
      expect(pool.engine.stats()).toMatchObject({ submitted: 0, expired: 0 });
    },
  );

  test('while tasks before it were handed over reaches no worker', async () => {
    const pool = await new ScriptedPool({ size: 1 }).ready();
    await pool.teach('short', 0.1);
    const { taken } = pool.worker(1);
    pool.engine.pause();
    pool.submit('short');
    const late = pool.submit('short', 1, { deadlineMs: 5 });
    const hand = pool.worker(1).hand.bind(pool.worker(1));
    const nowMs = pool.clock.nowMs.bind(pool.clock);
    let readingMs = 0;
    pool.clock.nowMs = () => nowMs() + readingMs;
    pool.worker(1).hand = (job) => {
      // A large input: no timer runs while it is read.
      readingMs += 5;
      hand(job);
    };
    pool.engine.resume();
    await pool.settle();
    expect(late.answer).toBe('DeadlineExceededError');
    expect(pool.worker(1).taken).toBe(taken + 1);
    expect(pool.engine.stats()).toMatchObject({ expired: 1, rejected: 0, active: 1 });
  });
});

describe('workers that die', () => {
  test('are replaced at once at first, then ever later', async () => {
    const restartBackoff = {
      type: 'exponential',
      baseMs: 100,
      maxMs: 1000,
      jitter: 'none',
    } as const;
    const pool = new ScriptedPool({ size: 1, restartBackoff });
    const delays: number[] = [];
    for (let round = 0; round < 6; round++) {
      const sinceMs = pool.clock.nowMs();
      pool.alive[0]?.die(new Error('broken'));
      while (pool.alive.length === 0) pool.clock.advance(1);
      delays.push(pool.clock.nowMs() - sinceMs);
    }
    expect(delays).toEqual([0, 0, 100, 200, 400, 800]);
  });

  test('without ever having been ready fail all that waits; otherwise nothing that waits', async () => {
    const pool = new ScriptedPool({ size: 1 });
    const lost = pool.submit('job');
    pool.worker(1).die(new Error('broken'));
    await pool.settle();
    expect(lost.answer).toBe('WorkerCrashedError');
    pool.engine.pause();
    await pool.ready();
    const kept = pool.submit('job');
    pool.worker(2).die(new Error('late'));
    await pool.settle();
    expect(kept.answer).toBeUndefined();
    expect(pool.engine.stats()).toMatchObject({ failed: 1, queued: 1, crashes: 2 });
  });

  test('under a task that moved its input end it, begun or not, and never run it again', async () => {
    const pool = await new ScriptedPool({ size: 1 }).ready();
    const transfer = [new ArrayBuffer(8)];
    const call = pool.submit('job', transfer[0], { transfer, idempotent: true });
    pool.worker(1).die(new Error('broken'));
    await pool.settle();
    expect(call.answer).toBe('WorkerCrashedError');
    expect(pool.engine.stats()).toMatchObject({ failed: 1, queued: 0, active: 0 });
  });
});

test('affinity keeps a key on its worker, and moves it when that goes', async () => {
  const pool = await new ScriptedPool({ size: 2 }).ready();
  const options = { affinity: 'key' };
  pool.submit('job', 1, options);
  const owner = pool.alive.find(({ outstanding }) => outstanding === 1);
  for (let i = 0; i < 5; i++) pool.submit('job', i, options);
  expect(pool.alive.map(({ outstanding }) => outstanding)).toContain(0);
  expect(owner?.outstanding).toBe(1);
  await pool.settle();
  owner?.die(new Error('broken'));
  await pool.settle();
  const other = pool.alive.find(({ isReady }) => isReady);
  expect(other?.outstanding).toBe(1);
  expect(pool.engine.stats()).toMatchObject({ queued: 5, active: 1, failed: 0 });
});

test('stop leaves no worker and no timer', async () => {
  const pool = await new ScriptedPool({ size: 3, maxAgeMs: 1000, keepAlive: true }).ready();
  const calls = [1, 2, 3, 4, 5].map((i) =>
    pool.submit('job', i, { timeoutMs: 100, deadlineMs: 500 }),
  );
  await pool.settle();
  pool.worker(1).begin();
  const result = await pool.engine.stop({ timeoutMs: 0, reject: 'all' });
  expect(result).toEqual({ refused: 4, ended: 1, running: 0 });
  expect(calls.map(({ settled }) => settled)).toEqual([1, 1, 1, 1, 1]);
  expect(pool.alive).toEqual([]);
  expect(pool.clock.pending).toBe(0);
});

test('update with a discipline that cannot be made throws and changes nothing', async () => {
  const pool = await new ScriptedPool({ size: 1, queue: 5 }).ready();
  const order: unknown[] = [];
  const submit = (input: string, affinity?: string): void => {
    const { promise } = pool.submit('long', input, { affinity });
    void promise.then(() => order.push(input));
  };
  await pool.teach('long', 20);
  for (const input of ['running', 'first', 'second']) submit(input);
  submit('pinned', 'key');
  const broken = (): never => {
    throw new RangeError('no such order');
  };
  let made = 0;
  const brokenLater = (): QueueDiscipline => {
    if (made++ > 0) broken();
    return lastFirst();
  };
  for (const factory of [broken, brokenLater]) {
    const queue = { order: factory, capacity: 9 };
    expect(() => pool.engine.update({ size: 2, queue })).toThrow('no such order');
  }
  expect(pool.engine.stats()).toMatchObject({ size: 1, queueCapacity: 5 });
  pool.engine.update({ queue: 7 });
  expect(pool.engine.stats()).toMatchObject({ size: 1, queueCapacity: 7 });
  for (let i = 0; i < 6; i++) {
    pool.worker(1).begin();
    pool.worker(1).finish();
    await pool.settle();
  }
  expect(order.filter((input) => input !== 'pinned')).toEqual(['running', 'first', 'second']);
});

describe('trySubmit answers undefined where submit would refuse the task', () => {
  const tried = (pool: ScriptedPool, options?: RunOptions): Promise<unknown> | undefined =>
    pool.engine.trySubmit(pool.engine.kinds.find('long'), 1, options);

  test('as it would not be done by its deadline', async () => {
    const pool = await new ScriptedPool({ size: 1 }).ready();
    await pool.teach('long', 20);
    for (let i = 0; i < 10; i++) pool.submit('long');
    expect(tried(pool, { deadlineMs: 50 })).toBeUndefined();
    await expect(pool.submit('long', 1, { deadlineMs: 50 }).promise).rejects.toThrow('deadline');
    expect(pool.engine.stats()).toMatchObject({ expired: 2, rejected: 0 });
  });

  test('as the worker of its affinity has something to do and all places are taken', async () => {
    const pool = await new ScriptedPool({ size: 2, queue: 0 }).ready();
    await pool.teach('long', 20);
    const { signal } = new AbortController();
    const options = { affinity: 'key', signal };
    const { completed } = pool.engine.stats();
    const first = tried(pool, options);
    expect(first).toBeInstanceOf(Promise);
    expect(tried(pool, options)).toBeUndefined();
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    expect(tried(pool)).toBeInstanceOf(Promise);
    expect(pool.engine.stats()).toMatchObject({ completed, active: 2, rejected: 1 });
  });
});
