import { getEventListeners } from 'node:events';
import { expect, test, vi } from 'vitest';
import { DeadlineExceededError, TimeoutError, type TaskContext } from '../core/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import type { WorkerPoolOptions } from './options.ts';
import { WorkerPool } from './worker-pool.ts';

const never = (): Promise<never> => new Promise(() => undefined);

/** Rejects as soon as its signal is aborted. */
const heeding = ({ signal }: TaskContext): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('heeded'))));

function setup(options: WorkerPoolOptions = {}) {
  const clock = new ManualClock();
  const pool = new WorkerPool({ clock, name: 'io', size: 1, abandonAfterMs: 1000, ...options });
  const log: string[] = [];
  /** Notes when and how the call is answered. */
  const follow = (name: string, call: Promise<unknown>): void => {
    call.then(
      (value) => log.push(`${name} got ${String(value)} at ${clock.nowMs()}`),
      (error: unknown) =>
        log.push(
          `${name} lost at ${clock.nowMs()}: ${error instanceof Error ? error.name : String(error)}`,
        ),
    );
  };
  const abandoned: object[] = [];
  pool.on('abandoned', (event) => abandoned.push({ ...event, atMs: clock.nowMs() }));
  return { clock, pool, log, follow, abandoned };
}

test('a task that never ends: its caller is answered at the deadline, its lane is free after the patience', async () => {
  const { clock, pool, log, follow, abandoned } = setup();
  let context: TaskContext | undefined;
  const stuck = (given: TaskContext): Promise<never> => {
    context = given;
    return never();
  };
  follow('stuck', pool.submit(stuck, { deadlineMs: 200 }));
  follow(
    'next',
    pool.submit(() => 'its turn'),
  );
  await clock.run(199.999);
  expect(log).toEqual([]);
  expect(context?.signal.aborted).toBe(false);
  await clock.run(0.001);
  expect(log).toEqual(['stuck lost at 200: TimeoutError']);
  expect(context?.signal.reason).toBeInstanceOf(TimeoutError);
  await clock.run(999.999);
  expect(pool.stats()).toMatchObject({ active: 1, queued: 1, abandoned: 0 });
  await clock.run(0.001);
  expect(log.slice(1)).toEqual(['next got its turn at 1200']);
  expect(abandoned).toEqual([{ afterMs: 1000, atMs: 1200 }]);
  expect(pool.stats()).toMatchObject({ active: 0, queued: 0, abandoned: 1, completed: 1 });
  expect(clock.pending).toBe(0);
});

test('what a task comes to after it was abandoned changes nothing', async () => {
  const { clock, pool, log, follow } = setup();
  const late = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  for (const { promise } of late)
    follow(
      'late',
      pool.submit(() => promise, { deadlineMs: 10 }),
    );
  pool.resize(2);
  await clock.run(5000);
  const before = { ...pool.stats(), runs: pool.runTimes.count };
  void pool.submit(never);
  late[0]?.resolve('too late');
  late[1]?.reject(new Error('too late'));
  await settlePromises();
  expect({ ...pool.stats(), runs: pool.runTimes.count }).toEqual({
    ...before,
    active: 1,
    submitted: 3,
  });
  expect(log).toHaveLength(2);
});

test('a task that ends late, but before the patience, frees its lane then, and counts as failed', async () => {
  const { clock, pool, log, follow, abandoned } = setup();
  const late = Promise.withResolvers<string>();
  follow(
    'late',
    pool.submit(() => late.promise, { deadlineMs: 200 }),
  );
  follow(
    'next',
    pool.submit(() => 'its turn'),
  );
  await clock.run(300);
  late.resolve('too late');
  await clock.run(0);
  expect(log).toEqual(['late lost at 200: TimeoutError', 'next got its turn at 300']);
  expect(pool.stats()).toMatchObject({ failed: 1, completed: 1, abandoned: 0 });
  await clock.run(5000);
  expect(abandoned).toEqual([]);
});

test('a task that heeds its signal frees its lane at the deadline', async () => {
  const { clock, pool, log, follow } = setup();
  follow('heeding', pool.submit(heeding, { deadlineMs: 200 }));
  follow(
    'next',
    pool.submit(() => 'its turn'),
  );
  await clock.run(200);
  expect(log).toEqual(['heeding lost at 200: TimeoutError', 'next got its turn at 200']);
  // The timer lingers for the next deadline.
  await clock.run(50);
  expect(clock.pending).toBe(0);
});

test('the error of a deadline names the pool and the time that the call was given', async () => {
  const { clock, pool } = setup();
  clock.advance(1e6);
  const call = pool.submit(never, { deadlineMs: 250 });
  void clock.run(250);
  await expect(call).rejects.toMatchObject({
    code: 'SLUICE_TIMEOUT',
    policy: 'io',
    timeoutMs: 250,
    message: 'io: the deadline passed while the task ran',
  });
});

test('time spent waiting counts against the deadline', async () => {
  const { clock, pool, log, follow } = setup();
  const first = Promise.withResolvers<string>();
  follow(
    'first',
    pool.submit(() => first.promise),
  );
  const left: number[] = [];
  const second = ({ deadlineMs }: TaskContext): Promise<never> => {
    left.push(deadlineMs);
    return never();
  };
  follow('second', pool.submit(second, { deadlineMs: 100 }));
  await clock.run(70);
  first.resolve('done');
  await clock.run(100);
  expect(left).toEqual([30]);
  expect(log).toEqual(['first got done at 70', 'second lost at 100: TimeoutError']);
});

test('a waiting call is refused at its deadline, not when its turn comes', async () => {
  const { clock, pool, log, follow } = setup();
  follow('running', pool.submit(never));
  const waiting = pool.submit(() => expect.unreachable('begun after its deadline'), {
    deadlineMs: 50,
  });
  follow('waiting', waiting);
  await clock.run(49.999);
  expect(pool.stats().queued).toBe(1);
  await clock.run(0.001);
  expect(log).toEqual(['waiting lost at 50: DeadlineExceededError']);
  expect(pool.stats()).toMatchObject({ queued: 0, expired: 1, rejected: 0 });
  await expect(waiting).rejects.toMatchObject({ policy: 'io', code: 'SLUICE_DEADLINE_EXCEEDED' });
});

test('a lane that falls free at the deadline of a waiting call goes to the one behind it', async () => {
  const { clock, pool, log, follow } = setup({ abandonAfterMs: 50 });
  follow('stuck', pool.submit(never, { deadlineMs: 50 }));
  follow(
    'late',
    pool.submit(() => 'begun', { deadlineMs: 100 }),
  );
  follow(
    'next',
    pool.submit(() => 'begun', { deadlineMs: 101 }),
  );
  await clock.run(200);
  expect(log.slice(1).sort()).toEqual([
    'late lost at 100: DeadlineExceededError',
    'next got begun at 100',
  ]);
  expect(pool.stats()).toMatchObject({ expired: 1, ignored: 0 });
});

test('calls that are late when a lane falls free are refused without a turn each', async () => {
  const { clock, pool } = setup({ queue: 100 });
  const first = Promise.withResolvers<string>();
  const running = pool.submit(() => first.promise);
  const late = Array.from({ length: 100 }, () => pool.submit(() => 'begun', { deadlineMs: 10 }));
  const results = Promise.allSettled(late);
  // The event loop was blocked: the time has come, and its timers have not.
  vi.spyOn(clock, 'nowMs').mockReturnValue(20);
  first.resolve('done');
  await running;
  for (const result of await results) {
    expect(result).toMatchObject({ reason: expect.any(DeadlineExceededError) as unknown });
  }
  expect(pool.stats()).toMatchObject({ expired: 100, completed: 1, ignored: 0 });
  expect(pool.runTimes.count).toBe(1);
  // The timer lingers for the next deadline.
  await clock.run(50);
  expect(clock.pending).toBe(0);
});

test.for([0, -5])(
  'a call with a deadline of %d ms never begins and takes no place',
  async (deadlineMs) => {
    const { pool } = setup();
    const call = pool.submit(() => expect.unreachable(), { deadlineMs });
    await expect(call).rejects.toBeInstanceOf(DeadlineExceededError);
    expect(pool.stats()).toMatchObject({ active: 0, submitted: 0 });
  },
);

test('an abort removes a waiting call at once, wherever it stands, and its task never begins', async () => {
  const { clock, pool, log, follow } = setup({ queue: 3 });
  const first = Promise.withResolvers<string>();
  follow(
    'first',
    pool.submit(() => first.promise),
  );
  const controllers = ['a', 'b', 'c'].map((name) => {
    const controller = new AbortController();
    follow(
      name,
      pool.submit(() => name, { signal: controller.signal }),
    );
    return controller;
  });
  controllers[1]?.abort('gone');
  expect(pool.stats()).toMatchObject({ queued: 2, aborted: 1 });
  follow(
    'd',
    pool.submit(() => 'd'),
  );
  await settlePromises();
  expect(log).toEqual(['b lost at 0: gone']);
  first.resolve('first');
  await clock.run(0);
  const others = log.filter((line) => !line.startsWith('first'));
  expect(others.slice(1)).toEqual(['a got a at 0', 'c got c at 0', 'd got d at 0']);
});

test('an abort answers a running call at once, and tells the task why', async () => {
  const { pool, log, follow } = setup();
  const controller = new AbortController();
  const reasons: unknown[] = [];
  const task = (context: TaskContext): Promise<never> => {
    context.signal.addEventListener('abort', () => reasons.push(context.signal.reason));
    return heeding(context);
  };
  follow('aborted', pool.submit(task, { signal: controller.signal, deadlineMs: 100 }));
  follow(
    'next',
    pool.submit(() => 'its turn'),
  );
  controller.abort('hung up');
  await settlePromises();
  expect(log).toEqual(['aborted lost at 0: hung up', 'next got its turn at 0']);
  expect(reasons).toEqual(['hung up']);
  expect(pool.stats()).toMatchObject({ active: 0, aborted: 1, failed: 0 });
});

test('an aborted task that goes on keeps its lane, and gives it up after the patience', async () => {
  const { clock, pool, log, follow, abandoned } = setup({ abandonAfterMs: 100 });
  const controller = new AbortController();
  follow('aborted', pool.execute(never, { signal: controller.signal }));
  follow(
    'next',
    pool.submit(() => 'its turn'),
  );
  await clock.run(5);
  controller.abort('hung up');
  await clock.run(99);
  expect(pool.stats()).toMatchObject({ active: 1, queued: 1 });
  await clock.run(1);
  expect(log).toEqual(['aborted lost at 5: hung up', 'next got its turn at 105']);
  expect(abandoned).toEqual([{ afterMs: 100, atMs: 105 }]);
});

test('a task that succeeds after its caller hung up counts as aborted, not as completed', async () => {
  const { pool } = setup();
  const controller = new AbortController();
  const end = Promise.withResolvers<string>();
  const call = pool.submit(() => end.promise, { signal: controller.signal });
  controller.abort('hung up');
  end.resolve('unheard');
  await expect(call).rejects.toBe('hung up');
  await settlePromises();
  expect(pool.stats()).toMatchObject({ active: 0, aborted: 1, completed: 0 });
});

test('an abort after the end changes nothing, and one before the call takes no place', async () => {
  const { pool } = setup();
  const controller = new AbortController();
  const options = { signal: controller.signal };
  expect(await pool.submit(() => 'done', options)).toBe('done');
  const before = pool.stats();
  controller.abort('late');
  expect(pool.stats()).toEqual(before);
  await expect(pool.submit(() => expect.unreachable(), options)).rejects.toBe('late');
  expect(pool.stats()).toEqual(before);
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
});

test('the patience with a task that goes on is 5 s unless told otherwise', async () => {
  const clock = new ManualClock();
  const pool = new WorkerPool({ clock });
  const settled = Promise.allSettled([pool.submit(never, { deadlineMs: 10 })]);
  await clock.run(5009);
  expect(pool.stats()).toMatchObject({ active: 1, abandoned: 0 });
  await clock.run(1);
  expect(pool.stats()).toMatchObject({ active: 0, abandoned: 1 });
  await settled;
});

test('a change of the patience counts for tasks that overstay from then on', async () => {
  const { clock, pool, abandoned } = setup({ size: 2 });
  const calls = [pool.submit(never, { deadlineMs: 10 }), pool.submit(never, { deadlineMs: 20 })];
  const settled = Promise.allSettled(calls);
  await clock.run(10);
  pool.update({ abandonAfterMs: 50 });
  await clock.run(2000);
  await settled;
  expect(abandoned).toEqual([
    { afterMs: 50, atMs: 70 },
    { afterMs: 1000, atMs: 1010 },
  ]);
});

test('a deadline that is centuries away is held, by one timer however many there are', async () => {
  const { clock, pool } = setup({ size: 100 });
  for (let i = 0; i < 100; i++)
    void pool.submit(never, { deadlineMs: 1e13 + i }).catch(() => undefined);
  expect(clock.pending).toBe(1);
  await clock.run(2 ** 31);
  expect(pool.stats()).toMatchObject({ active: 100, failed: 0 });
  await clock.run(1e13 - 2 ** 31);
  await clock.run(1000);
  expect(pool.stats()).toMatchObject({ active: 99, abandoned: 1 });
});

test('an inner call whose deadline passes in the queue leaves its outer call to answer for itself', async () => {
  const { clock, pool, log, follow } = setup({ size: 2 });
  const inner = new WorkerPool({ clock, name: 'inner', size: 1 });
  void inner.submit(never);
  // This one holds the timer of the outer pool, so that at 100 the inner one is first.
  follow('other', pool.submit(heeding, { deadlineMs: 50 }));
  const outer = pool.submit(
    async (context) => {
      await inner.submit(never, context).catch(() => undefined);
      return never();
    },
    { deadlineMs: 100 },
  );
  follow('outer', outer);
  await clock.run(100);
  // It had begun, so it is a timeout: not a refusal, after which it would be safe to send again.
  expect(log.slice(1)).toEqual(['outer lost at 100: TimeoutError']);
  expect(inner.stats()).toMatchObject({ queued: 0, expired: 1 });
});
