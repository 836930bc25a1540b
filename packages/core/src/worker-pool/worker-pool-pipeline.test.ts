import { expect, test } from 'vitest';
import { CircuitBreaker, type CircuitBreakerOptions } from '../circuit-breaker/index.ts';
import { pipeline, type Task } from '../core/index.ts';
import { TokenBucket } from '../rate-limiter/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import type { WorkerPoolOptions } from './options.ts';
import { WorkerPool } from './worker-pool.ts';

const never = (): Promise<never> => new Promise(() => undefined);
const broken = (): Promise<never> => Promise.reject(new Error('broken'));

function setup(pooled: WorkerPoolOptions = {}, breaking: CircuitBreakerOptions = {}) {
  const clock = new ManualClock();
  const bucket = new TokenBucket({ clock, ratePerSecond: 1000 });
  const breaker = new CircuitBreaker({ clock, openJitter: 0, ...breaking });
  const pool = new WorkerPool({ clock, size: 1, queue: 1, abandonAfterMs: 100, ...pooled });
  return { clock, bucket, breaker, pool, chain: pipeline('orders', [bucket, breaker, pool]) };
}

/** Names of the errors, or the values. */
async function answersOf(calls: readonly Promise<unknown>[]): Promise<unknown[]> {
  const results = await Promise.allSettled(calls);
  return results.map((result) =>
    result.status === 'fulfilled' ? result.value : (result.reason as Error).name,
  );
}

test('a call through limiter, breaker and pool is counted by each, once', async () => {
  const { bucket, breaker, pool, chain } = setup();
  expect(await chain.execute(() => 'done')).toBe('done');
  expect(bucket.stats().allowed).toBe(1);
  expect(breaker.stats()).toMatchObject({ succeeded: 1, failed: 0, ignored: 0 });
  expect(pool.stats()).toMatchObject({ submitted: 1, completed: 1, active: 0 });
  expect(Object.keys(chain.stats())).toEqual(['token-bucket', 'circuit-breaker', 'worker-pool']);
});

test('the breaker hears of a call when its work is done, and not when it was queued', async () => {
  const { clock, breaker, pool, chain } = setup();
  const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const calls = [chain.execute(() => first.promise), chain.execute(() => second.promise)];
  await clock.run(50);
  expect(pool.stats()).toMatchObject({ active: 1, queued: 1 });
  expect(breaker.stats()).toMatchObject({ succeeded: 0, windowCalls: 0 });
  first.resolve('one');
  await clock.run(50);
  expect(breaker.stats()).toMatchObject({ succeeded: 1, windowCalls: 1 });
  second.reject(new Error('broken'));
  expect(await answersOf(calls)).toEqual(['one', 'Error']);
  expect(breaker.stats()).toMatchObject({ succeeded: 1, failed: 1, windowCalls: 2 });
});

test('the time in the queue is not the time of the work', async () => {
  const { clock, pool, chain } = setup();
  const first = Promise.withResolvers<string>();
  const work = (): Promise<string> =>
    new Promise((resolve) => clock.schedule(10, () => resolve('done')));
  const calls = [chain.execute(() => first.promise), chain.execute(work)];
  await clock.run(500);
  first.resolve('done');
  await clock.run(10);
  await Promise.all(calls);
  expect({ wait: pool.waitTimes.max, run: pool.runTimes.min }).toEqual({ wait: 500, run: 10 });
});

test('a refusal by the pool says nothing to the breaker, however many there are', async () => {
  const { breaker, pool, chain } = setup({}, { consecutiveFailures: 1, minimumCalls: 1 });
  void chain.execute(never);
  void chain.execute(never);
  const refused = Array.from({ length: 50 }, () => chain.execute(() => expect.unreachable()));
  expect(new Set(await answersOf(refused))).toEqual(new Set(['QueueFullError']));
  expect(breaker.stats()).toMatchObject({
    state: 'closed',
    failed: 0,
    ignored: 50,
    windowCalls: 0,
  });
  expect(pool.stats()).toMatchObject({ rejected: 50, active: 1, queued: 1 });
});

test('a call that waits too long or hangs up while it waits says nothing to the breaker', async () => {
  const { clock, breaker, chain } = setup({ queue: 2 });
  void chain.execute(never);
  const controller = new AbortController();
  const calls = [
    chain.execute(() => expect.unreachable(), { deadlineMs: 20 }),
    chain.execute(() => expect.unreachable(), { signal: controller.signal }),
  ];
  const answers = answersOf(calls);
  controller.abort(new RangeError('hung up'));
  await clock.run(20);
  expect(await answers).toEqual(['DeadlineExceededError', 'RangeError']);
  expect(breaker.stats()).toMatchObject({ failed: 0, ignored: 2, windowCalls: 0 });
});

test('a task that fails frees its lane, and opens the breaker when it is one too many', async () => {
  const { breaker, pool, chain } = setup({ queue: 10 }, { consecutiveFailures: 3 });
  const calls = [broken, broken, broken, () => 'accepted before'].map((task: Task<string>) =>
    chain.execute(task),
  );
  expect(await answersOf(calls)).toEqual(['Error', 'Error', 'Error', 'accepted before']);
  expect(breaker.state).toBe('open');
  expect(pool.stats()).toMatchObject({ active: 0, queued: 0, failed: 3, completed: 1 });
  expect(await answersOf([chain.execute(() => 'refused')])).toEqual(['CircuitOpenError']);
  expect(pool.stats().submitted).toBe(4);
});

test('a deadline that passes while the task runs is a failure for the breaker, at once', async () => {
  const { clock, breaker, pool, chain } = setup();
  const answers = answersOf([chain.execute(never, { deadlineMs: 30 })]);
  await clock.run(30);
  expect(await answers).toEqual(['TimeoutError']);
  expect(breaker.stats()).toMatchObject({ failed: 1, windowFailures: 1 });
  // The lane stays with the task, though its caller and the breaker have done with it.
  expect(pool.stats()).toMatchObject({ active: 1, abandoned: 0 });
  await clock.run(100);
  expect(pool.stats()).toMatchObject({ active: 0, abandoned: 1 });
  expect(breaker.stats()).toMatchObject({ failed: 1, windowCalls: 1 });
});

test('a caller that hangs up while the task runs says nothing to the breaker', async () => {
  const { breaker, pool, chain } = setup();
  const controller = new AbortController();
  const end = Promise.withResolvers<string>();
  const answers = answersOf([chain.execute(() => end.promise, { signal: controller.signal })]);
  controller.abort(new RangeError('hung up'));
  expect(await answers).toEqual(['RangeError']);
  end.resolve('unheard');
  await settlePromises();
  expect(breaker.stats()).toMatchObject({ failed: 0, succeeded: 0, ignored: 1, windowCalls: 0 });
  expect(pool.stats()).toMatchObject({ active: 0, aborted: 1 });
});

test('a call refused by the limiter or the breaker never comes to the pool', async () => {
  const { bucket, pool, chain } = setup({}, { consecutiveFailures: 1 });
  expect(await answersOf([chain.execute(broken), chain.execute(broken)])).toEqual([
    'Error',
    'Error',
  ]);
  const before = pool.stats();
  bucket.setCapacity(1);
  const answers = await answersOf([chain.execute(never), chain.execute(never)]);
  expect(answers).toEqual(['CircuitOpenError', 'RateLimitedError']);
  expect(pool.stats()).toEqual(before);
});

test('a probe that the pool refuses leaves its place to another', async () => {
  const { clock, breaker, pool, chain } = setup(
    { queue: 0 },
    { consecutiveFailures: 1, permittedCallsInHalfOpen: 1, openMs: 100 },
  );
  await answersOf([chain.execute(broken)]);
  await clock.run(100);
  const busy = Promise.withResolvers<string>();
  const other = pool.execute(() => busy.promise);
  expect(await answersOf([chain.execute(never)])).toEqual(['QueueFullError']);
  expect(breaker.state).toBe('half-open');
  busy.resolve('done');
  await other;
  expect(await chain.execute(() => 'well again')).toBe('well again');
  expect(breaker.state).toBe('closed');
});

test('a gate behind the pool that refuses frees the lane', async () => {
  const clock = new ManualClock();
  const pool = new WorkerPool({ clock, size: 1 });
  const bucket = new TokenBucket({ clock, ratePerSecond: 1 });
  const chain = pipeline('limited inside', [pool, bucket]);
  const calls = [() => 'in', () => 'out', () => 'out'].map((task) => chain.execute(task));
  expect(await answersOf(calls)).toEqual(['in', 'RateLimitedError', 'RateLimitedError']);
  expect(pool.stats()).toMatchObject({ active: 0, completed: 1, ignored: 2 });
});

test('a call that holds a lane of one pool may wait for a lane of the next', async () => {
  const clock = new ManualClock();
  const outer = new WorkerPool({ clock, name: 'outer', size: 2 });
  const inner = new WorkerPool({ clock, name: 'inner', size: 1 });
  const chain = pipeline('both', [outer, inner]);
  const first = Promise.withResolvers<string>();
  const calls = [chain.execute(() => first.promise), chain.execute(() => 'second')];
  expect(outer.stats()).toMatchObject({ active: 2, queued: 0 });
  expect(inner.stats()).toMatchObject({ active: 1, queued: 1 });
  await clock.run(10);
  first.resolve('first');
  expect(await Promise.all(calls)).toEqual(['first', 'second']);
  for (const pool of [outer, inner]) {
    expect(pool.stats()).toMatchObject({ active: 0, queued: 0, completed: 2 });
  }
});

test('a breaker does not count a call that had waited until no time was left for it', async () => {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ consecutiveFailures: 1, clock });
  const guarded = pipeline('late', [breaker, new WorkerPool({ size: 1, queue: 10, clock })]);
  const work = (): Promise<string> =>
    new Promise((resolve) => void clock.schedule(100, () => resolve('done')));
  const first = guarded.execute(work, { deadlineMs: 150 });
  const second = guarded.execute(work, { deadlineMs: 150 });
  second.catch(() => undefined);
  await clock.run(1000);
  await expect(first).resolves.toBe('done');
  await expect(second).rejects.toMatchObject({ code: 'SLUICE_TIMEOUT', cutShort: true });
  expect(breaker.stats()).toMatchObject({ state: 'closed', succeeded: 1, failed: 0, ignored: 1 });
});

test('a breaker counts a call that had as long as its work usually takes, and was not done', async () => {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ consecutiveFailures: 1, clock });
  const guarded = pipeline('slow', [breaker, new WorkerPool({ size: 1, queue: 10, clock })]);
  const work = (ms: number) => (): Promise<string> =>
    new Promise((resolve) => void clock.schedule(ms, () => resolve('done')));
  const first = guarded.execute(work(100), { deadlineMs: 150 });
  const second = guarded.execute(work(900), { deadlineMs: 250 });
  second.catch(() => undefined);
  await clock.run(1000);
  await expect(first).resolves.toBe('done');
  await expect(second).rejects.toMatchObject({ code: 'SLUICE_TIMEOUT', cutShort: false });
  expect(breaker.state).not.toBe('closed');
});
