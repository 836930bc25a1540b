import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import {
  InvalidOptionsError,
  PoolStoppedError,
  TimeoutError,
  type TaskContext,
} from '../core/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import type { WorkerPoolOptions } from './options.ts';
import { WorkerPool } from './worker-pool.ts';

const never = (): Promise<never> => new Promise(() => undefined);

/** Rejects as soon as its signal is aborted. */
const heeding = ({ signal }: TaskContext): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('heeded'))));

const NOTHING_LEFT = { refused: 0, ended: 0, running: 0 };

function setup(options: WorkerPoolOptions = {}) {
  const clock = new ManualClock();
  return { clock, pool: new WorkerPool({ clock, name: 'io', ...options }) };
}

/** A task that takes `ms`. */
const taking = (clock: ManualClock, ms: number) => (): Promise<string> =>
  new Promise((resolve) => clock.schedule(ms, () => resolve(`took ${ms}`)));

/** Names of the errors, or the values. */
async function answersOf(calls: readonly Promise<unknown>[]): Promise<unknown[]> {
  const results = await Promise.allSettled(calls);
  return results.map((result) =>
    result.status === 'fulfilled' ? result.value : (result.reason as Error).name,
  );
}

test('stop of 50 workers with jobs in the queue loses none, and leaves nothing running', async () => {
  const { clock, pool } = setup({ size: 50 });
  const calls = Array.from({ length: 200 }, () => pool.submit(taking(clock, 100)));
  expect(pool.stats()).toMatchObject({ active: 50, queued: 150 });
  const stopping = pool.stop();
  await clock.run(400);
  expect(await stopping).toEqual(NOTHING_LEFT);
  expect(new Set(await Promise.all(calls))).toEqual(new Set(['took 100']));
  expect(pool.stats()).toMatchObject({ active: 0, queued: 0, completed: 200 });
  expect(clock.pending).toBe(0);
});

test('stop of an idle pool is done at once', async () => {
  const { clock, pool } = setup();
  expect(await pool.stop()).toEqual(NOTHING_LEFT);
  expect(clock.pending).toBe(0);
});

test('a stopping pool refuses new calls at once, and goes on with those accepted', async () => {
  const { clock, pool } = setup({ size: 1 });
  const accepted = [pool.submit(taking(clock, 10)), pool.submit(taking(clock, 20))];
  const stopping = pool.stop();
  for (const way of ['submit', 'execute'] as const) {
    const call = pool[way](() => expect.unreachable());
    await expect(call).rejects.toBeInstanceOf(PoolStoppedError);
    await expect(call).rejects.toMatchObject({ policy: 'io', retryAfterMs: undefined });
  }
  await clock.run(30);
  expect(await answersOf(accepted)).toEqual(['took 10', 'took 20']);
  expect(await stopping).toEqual(NOTHING_LEFT);
  await expect(pool.submit(never)).rejects.toBeInstanceOf(PoolStoppedError);
  expect(pool.stats()).toMatchObject({ completed: 2, rejected: 3 });
});

test('when its time is over, stop refuses what waits and ends what runs', async () => {
  const { clock, pool } = setup({ size: 3 });
  const reasons: unknown[] = [];
  const calls = [
    pool.submit(heeding),
    pool.submit((context) => {
      context.signal.addEventListener('abort', () => reasons.push(context.signal.reason));
      return never();
    }),
    pool.submit(taking(clock, 50)),
    pool.submit(heeding),
    pool.submit(() => expect.unreachable(), { deadlineMs: 1000 }),
    pool.execute(() => expect.unreachable()),
  ];
  const stopping = pool.stop({ timeoutMs: 100 });
  await clock.run(100);
  expect(await stopping).toEqual({ refused: 2, ended: 3, running: 1 });
  const [a, b, c, d, ...waiting] = await answersOf(calls);
  expect([a, b, c, d]).toEqual(['TimeoutError', 'TimeoutError', 'took 50', 'TimeoutError']);
  expect(waiting).toEqual(['PoolStoppedError', 'PoolStoppedError']);
  expect(reasons).toEqual([expect.any(TimeoutError)]);
  await expect(calls[0]).rejects.toMatchObject({
    timeoutMs: 100,
    message: 'io: the pool stopped before the task was done',
  });
});

test('after stop no timer is pending, no signal is listened to, and nothing waits', async () => {
  const { clock, pool } = setup({ size: 2 });
  const { signal } = new AbortController();
  const options = { signal, deadlineMs: 1e6 };
  const calls = [never, heeding, never, heeding].map((task) => pool.submit(task, options));
  expect(getEventListeners(signal, 'abort')).toHaveLength(4);
  const settled = Promise.allSettled(calls);
  const stopping = pool.stop({ timeoutMs: 10 });
  await clock.run(10);
  expect(await stopping).toEqual({ refused: 2, ended: 2, running: 1 });
  await settled;
  expect(clock.pending).toBe(0);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  expect(pool.stats()).toMatchObject({ active: 0, queued: 0 });
});

test('stop gives up tasks that do not end, so that drain resolves too', async () => {
  const { clock, pool } = setup({ size: 2 });
  const overdue = pool.submit(never, { deadlineMs: 5 });
  const running = pool.submit(never);
  const drained = pool.drain();
  const settled = answersOf([overdue, running]);
  const stopping = pool.stop({ timeoutMs: 10 });
  await clock.run(10);
  expect(await stopping).toEqual({ refused: 0, ended: 1, running: 2 });
  await drained;
  expect(await settled).toEqual(['TimeoutError', 'TimeoutError']);
  expect(pool.stats()).toMatchObject({ active: 0, abandoned: 2, failed: 2 });
});

test('a task whose promise was handed out cannot be ended: stop counts it as running', async () => {
  const { clock, pool } = setup({ size: 2 });
  const end = Promise.withResolvers<string>();
  const direct = pool.execute(() => end.promise);
  const stopping = pool.stop({ timeoutMs: 10 });
  await clock.run(10);
  expect(await stopping).toEqual({ refused: 0, ended: 0, running: 1 });
  expect(pool.stats().active).toBe(1);
  end.resolve('in the end');
  expect(await direct).toBe('in the end');
  expect(pool.stats()).toMatchObject({ active: 0, completed: 1 });
});

test('stop without a limit waits for as long as it takes', async () => {
  const { clock, pool } = setup();
  const call = pool.submit(taking(clock, 1e9));
  const stopping = pool.stop({ timeoutMs: Infinity });
  await clock.run(1e9);
  expect(await call).toBe('took 1000000000');
  expect(await stopping).toEqual(NOTHING_LEFT);
});

test('stop with no time at all still lets tasks end that heed their signal', async () => {
  const { clock, pool } = setup();
  const calls = [pool.submit(heeding), pool.submit(never)];
  const answers = answersOf(calls);
  const stopping = pool.stop({ timeoutMs: 0 });
  await clock.run(0);
  expect(await stopping).toEqual({ refused: 0, ended: 2, running: 1 });
  expect(await answers).toEqual(['TimeoutError', 'TimeoutError']);
});

test('stop gives calls 30 s unless told otherwise', async () => {
  const { clock, pool } = setup();
  const call = pool.submit(never);
  const answers = answersOf([call]);
  let result: unknown;
  void pool.stop().then((value) => (result = value));
  await clock.run(29_999);
  expect(result).toBeUndefined();
  await clock.run(1);
  expect(result).toEqual({ refused: 0, ended: 1, running: 1 });
  expect(await answers).toEqual(['TimeoutError']);
});

test('stop asked again gives the same answer, whatever time it is given then', async () => {
  const { clock, pool } = setup();
  void pool.submit(taking(clock, 100));
  const stopping = pool.stop({ timeoutMs: 1000 });
  expect(pool.stop({ timeoutMs: 1 })).toBe(stopping);
  await clock.run(100);
  expect(await stopping).toEqual(NOTHING_LEFT);
  expect(pool.stop()).toBe(stopping);
});

test('stop with a wrong option throws, and stops nothing', async () => {
  const { pool } = setup();
  expect(() => pool.stop({ timeoutMs: -1 })).toThrow(InvalidOptionsError);
  expect(() => pool.stop({ timeoutMs: Number.NaN })).toThrow(
    'stop: timeoutMs must be a number of ms, 0 or more, got NaN',
  );
  expect(await pool.submit(() => 'still works')).toBe('still works');
});

test('stop tells its listeners once what it left undone', async () => {
  const { clock, pool } = setup({ size: 1 });
  const events: object[] = [];
  pool.on('stop', (event) => events.push(event));
  const answers = answersOf([pool.submit(never), pool.submit(never)]);
  void pool.stop({ timeoutMs: 10 });
  void pool.stop();
  await clock.run(10);
  expect(await answers).toEqual(['TimeoutError', 'PoolStoppedError']);
  expect(events).toEqual([{ refused: 1, ended: 1, running: 1 }]);
});

test('waiting calls may still be aborted or run out of time while the pool stops', async () => {
  const { clock, pool } = setup({ size: 1 });
  const controller = new AbortController();
  const calls = [
    pool.submit(taking(clock, 50)),
    pool.submit(() => 'aborted', { signal: controller.signal }),
    pool.submit(() => 'late', { deadlineMs: 20 }),
    pool.submit(() => 'done'),
  ];
  const answers = answersOf(calls);
  const stopping = pool.stop();
  controller.abort(new RangeError('hung up'));
  await clock.run(50);
  expect(await stopping).toEqual(NOTHING_LEFT);
  expect(await answers).toEqual(['took 50', 'RangeError', 'DeadlineExceededError', 'done']);
});

test('a stopping pool may be resized, to be done sooner', async () => {
  const { clock, pool } = setup({ size: 1 });
  const calls = Array.from({ length: 4 }, () => pool.submit(taking(clock, 100)));
  const stopping = pool.stop({ timeoutMs: 150 });
  pool.resize(4);
  await clock.run(100);
  expect(await stopping).toEqual(NOTHING_LEFT);
  expect(await answersOf(calls)).toEqual(Array.from({ length: 4 }, () => 'took 100'));
});

test('a task that waits for the stop of its own pool is ended by it', async () => {
  const { clock, pool } = setup();
  const call = pool.submit(() => pool.stop({ timeoutMs: 100 }));
  const answers = answersOf([call]);
  await clock.run(100);
  expect(await answers).toEqual(['TimeoutError']);
  expect(await pool.stop()).toEqual({ refused: 0, ended: 1, running: 1 });
});

test('a pool at the end of its scope finishes what it accepted', async () => {
  const clock = new ManualClock();
  let call: Promise<string>;
  const scope = async (): Promise<void> => {
    await using pool = new WorkerPool({ clock, size: 1 });
    void pool.submit(taking(clock, 10));
    call = pool.submit(() => 'done');
  };
  const left = scope();
  await clock.run(10);
  await left;
  expect(await call!).toBe('done');
  await settlePromises();
  expect(clock.pending).toBe(0);
});
