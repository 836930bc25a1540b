import { expect, test, vi } from 'vitest';
import {
  Backoff,
  CallContext,
  pipeline,
  plainContext,
  RateLimitedError,
  type GatePolicy,
  type TaskContext,
} from '../core/index.ts';
import { ManualClock, SeededRandom } from '../testing/index.ts';
import type { RetryOptions } from './options.ts';
import { RetryBudget } from './retry-budget.ts';
import { Retry } from './retry.ts';

function setUp(options: RetryOptions = {}) {
  const clock = new ManualClock();
  const retry = new Retry({
    backoff: { type: 'constant', delayMs: 100 },
    random: new SeededRandom(1),
    clock,
    ...options,
  });
  return { clock, retry };
}

/** A task that fails so many times, then returns the number of its tries; and when each began. */
function failing(clock: ManualClock, times: number, error: unknown = new Error('boom')) {
  const contexts: TaskContext[] = [];
  const atMs: number[] = [];
  const task = async (context: TaskContext): Promise<number> => {
    contexts.push(context);
    atMs.push(clock.nowMs());
    if (contexts.length <= times) throw error;
    return contexts.length;
  };
  return { task, contexts, atMs };
}

/** What becomes of it: its value or its error. */
function outcome<T>(promise: Promise<T>): Promise<unknown> {
  return promise.catch((error: unknown) => error);
}

test('a task that succeeds runs once, and no timer is started', async () => {
  const { clock, retry } = setUp();
  const { task, contexts } = failing(clock, 0);
  await expect(retry.execute(task)).resolves.toBe(1);
  expect(contexts).toEqual([plainContext]);
  expect(clock.pending).toBe(0);
  expect(retry.stats()).toMatchObject({ calls: 1, succeededFirst: 1, retries: 0 });
});

test('a task that fails is tried again after the backoff, up to three times', async () => {
  const { clock, retry } = setUp();
  const { task, contexts, atMs } = failing(clock, 2);
  const result = retry.execute(task);
  await clock.run(1000);
  await expect(result).resolves.toBe(3);
  expect(atMs).toEqual([0, 100, 200]);
  expect(contexts.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  expect(retry.stats()).toMatchObject({ calls: 1, recovered: 1, retries: 2 });
});

test('when all tries have failed, the error of the last one is the answer, as it is', async () => {
  const { clock, retry } = setUp();
  let tries = 0;
  const result = outcome(retry.execute(() => Promise.reject(new Error(`try ${++tries}`))));
  await clock.run(1000);
  expect(await result).toEqual(new Error('try 3'));
  expect(retry.stats()).toMatchObject({ exhausted: 1, retries: 2 });
});

test('a task may be synchronous, and may throw at once', async () => {
  const { clock, retry } = setUp();
  await expect(retry.execute(() => 7)).resolves.toBe(7);
  let tries = 0;
  const result = retry.execute(() => {
    if (++tries < 3) throw new Error('boom');
    return tries;
  });
  await clock.run(1000);
  await expect(result).resolves.toBe(3);
  const always = outcome(
    retry.execute(() => {
      throw new Error('always');
    }),
  );
  await clock.run(1000);
  expect(await always).toEqual(new Error('always'));
});

test('a foreign thenable counts as a promise', async () => {
  const { retry } = setUp();
  const thenable: PromiseLike<number> = {
    // oxlint-disable-next-line unicorn/no-thenable
    then: (resolve) => Promise.resolve(5).then(resolve),
  };
  await expect(retry.execute(() => thenable)).resolves.toBe(5);
});

test('one attempt is no retry', async () => {
  const { clock, retry } = setUp({ maxAttempts: 1 });
  const { task, contexts } = failing(clock, 9);
  await expect(retry.execute(task)).rejects.toThrow('boom');
  expect(contexts).toHaveLength(1);
});

test('an error that `when` does not want is the answer at once', async () => {
  const { clock, retry } = setUp({ when: (error) => (error as Error).message !== 'lasting' });
  const { task, contexts } = failing(clock, 9, new Error('lasting'));
  await expect(retry.execute(task)).rejects.toThrow('lasting');
  expect(contexts).toHaveLength(1);
  expect(retry.stats()).toMatchObject({ notRetryable: 1 });
});

test('a `when` that throws is reported, and the error of the task is the answer', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const mistake = new Error('mine');
  const { retry } = setUp({
    when: () => {
      throw mistake;
    },
  });
  await expect(retry.execute(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
  expect(warned).toHaveBeenCalledWith(mistake);
  warned.mockRestore();
});

test('an error says when to come back, and the next try waits at least so long', async () => {
  const { clock, retry } = setUp();
  const early = failing(clock, 1, Object.assign(new Error('busy'), { retryAfterMs: 30 }));
  const late = failing(clock, 1, new RateLimitedError('limit', 'no permit', 2500));
  const headers = { 'retry-after': '3' };
  const http = failing(clock, 1, Object.assign(new Error('503'), { status: 503, headers }));
  const results = Promise.all([early, late, http].map(({ task }) => retry.execute(task)));
  await clock.run(10_000);
  await results;
  expect([early.atMs, late.atMs, http.atMs]).toEqual([
    [0, 100],
    [0, 2500],
    [0, 3000],
  ]);
});

test('who asks to come back later than `maxRetryAfterMs` is not asked again', async () => {
  const { clock, retry } = setUp({ maxRetryAfterMs: 1000 });
  for (const [askedMs, tries] of [
    [1000, 2],
    [1001, 1],
    [Infinity, 1],
  ] as const) {
    const error = Object.assign(new Error('busy'), { retryAfterMs: askedMs });
    const { task, contexts } = failing(clock, 1, error);
    const result = outcome(retry.execute(task));
    await clock.run(1000);
    expect(await result).toBe(tries === 2 ? 2 : error);
    expect(contexts).toHaveLength(tries);
  }
  expect(retry.stats()).toMatchObject({ outOfTime: 2 });
});

test('the delays are those that the backoff publishes', async () => {
  const { clock, retry } = setUp({
    maxAttempts: 5,
    backoff: { type: 'exponential', baseMs: 50, maxMs: 300, jitter: 'none' },
  });
  const { task, atMs } = failing(clock, 4);
  const result = retry.execute(task);
  await clock.run(10_000);
  await result;
  expect(atMs).toEqual([0, 50, 150, 350, 650]);
});

test('the default backoff is decorrelated jitter with a base of 128 ms and a cap of 30 s', async () => {
  const clock = new ManualClock();
  const random = { next: () => 0.5 };
  const retry = new Retry({ clock, random, budget: false, maxAttempts: 20 });
  const { task, atMs } = failing(clock, 19);
  const result = retry.execute(task);
  await clock.run(1_000_000);
  await result;
  const published = new Backoff(
    { type: 'decorrelated-jitter', baseMs: 128, maxMs: 30_000 },
    random,
  );
  for (const [i, ms] of atMs.slice(1).entries()) {
    expect(ms - (atMs[i] as number)).toBeCloseTo(published.nextMs(), 6);
  }
});

test('what the caller says of a call reaches every try', async () => {
  const { clock, retry } = setUp();
  const { task, contexts } = failing(clock, 1);
  const result = retry.execute(task, { priority: 3, key: 'tenant', deadlineMs: 5000 });
  await clock.run(1000);
  await result;
  expect(contexts.map(({ priority, key }) => [priority, key])).toEqual([
    [3, 'tenant'],
    [3, 'tenant'],
  ]);
});

test('the tries of a retry within a retry are counted from 1 each time', async () => {
  const { clock, retry } = setUp({ maxAttempts: 2 });
  const inner = new Retry({ name: 'inner', maxAttempts: 2, clock, budget: false });
  const attempts: [number, number][] = [];
  const result = outcome(
    retry.execute((outer) =>
      inner.execute(({ attempt }) => {
        attempts.push([outer.attempt, attempt]);
        return Promise.reject(new Error('boom'));
      }, outer),
    ),
  );
  await clock.run(120_000);
  await result;
  expect(attempts).toEqual([
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
  ]);
});

test('the context of a call can be handed on, and is left open for its owner', async () => {
  const { clock, retry } = setUp();
  const whole = new CallContext(clock, { key: 'tenant' });
  const { task, contexts } = failing(clock, 1);
  const result = retry.execute(task, whole);
  await clock.run(1000);
  await result;
  expect(contexts[0]).toBe(whole);
  expect(contexts[1]).toMatchObject({ attempt: 2, key: 'tenant' });
});

test('in a pipeline it waits for exactly as long as a gate further in asks, and is let in then', async () => {
  const { clock, retry } = setUp();
  const gate: GatePolicy = {
    name: 'gate',
    clock,
    timed: true,
    enter: (nowMs) => Math.max(0, 700 - nowMs),
    exit: () => undefined,
    refuse: (waitMs) => new RateLimitedError('gate', 'not yet', waitMs),
    execute: () => Promise.reject(new Error('the pipeline fuses gates')),
    stats: () => ({}),
  };
  const { task, atMs } = failing(clock, 0);
  const result = pipeline('guarded', [retry, gate]).execute(task);
  await clock.run(1000);
  await expect(result).resolves.toBe(1);
  expect(atMs).toEqual([700]);
  expect(retry.stats()).toMatchObject({ recovered: 1, retries: 1 });
});

test('a budget that is exhausted ends the call with the error of the last try', async () => {
  const budget = new RetryBudget({ ratio: 0, minRetriesPerSecond: 0.1, clock: new ManualClock() });
  const { clock, retry } = setUp({ budget });
  const result = outcome(retry.execute(failing(clock, 9).task));
  await clock.run(1000);
  expect(await result).toEqual(new Error('boom'));
  expect(retry.stats()).toMatchObject({ retries: 1, budgetExhausted: 1 });
  expect(retry.budget).toBe(budget);
  expect(budget.stats()).toMatchObject({ firstTries: 1, granted: 1, exhausted: 1 });
});

test('policies that share a budget share its retries', async () => {
  const clock = new ManualClock();
  const budget = new RetryBudget({ ratio: 0, minRetriesPerSecond: 0.3, clock });
  const one = setUp({ budget, clock }).retry;
  const other = setUp({ budget, clock }).retry;
  const results = Promise.all([one, other].map((r) => outcome(r.execute(failing(clock, 9).task))));
  await clock.run(1000);
  await results;
  expect(one.stats().retries + other.stats().retries).toBe(3);
});

test('without being told, a retry has a budget of its own: a fifth, and ten a second', async () => {
  const { clock, retry } = setUp({ maxAttempts: 2 });
  const calls = Array.from({ length: 1000 }, () => outcome(retry.execute(failing(clock, 9).task)));
  await clock.run(1000);
  await Promise.all(calls);
  expect(retry.stats()).toMatchObject({ retries: 300, exhausted: 300, budgetExhausted: 700 });
});

test('a retry without a budget tries every call again', async () => {
  const { clock, retry } = setUp({ maxAttempts: 2, budget: false });
  const calls = Array.from({ length: 1000 }, () => outcome(retry.execute(failing(clock, 9).task)));
  await clock.run(1000);
  await Promise.all(calls);
  expect(retry.stats()).toMatchObject({ retries: 1000, budgetExhausted: 0 });
  expect(retry.budget).toBe(false);
});

test('a retry tells who listens which try failed, of what, and when the next one is', async () => {
  const { clock, retry } = setUp();
  const told: unknown[] = [];
  const stop = retry.on('retry', (event) => told.push(event));
  const error = new Error('boom');
  const first = retry.execute(failing(clock, 2, error).task);
  await clock.run(1000);
  await first;
  stop();
  const second = retry.execute(failing(clock, 2, error).task);
  await clock.run(1000);
  await second;
  expect(told).toEqual([
    { attempt: 1, error, delayMs: 100 },
    { attempt: 2, error, delayMs: 100 },
  ]);
});

test('that the budget is exhausted is told once in its window, not for each call', async () => {
  const clock = new ManualClock();
  const budget = new RetryBudget({ ratio: 0, minRetriesPerSecond: 0, clock, windowMs: 1000 });
  const { retry } = setUp({ budget, clock });
  const told: number[] = [];
  retry.on('budgetExhausted', ({ atMs }) => told.push(atMs));
  for (let i = 0; i < 30; i++) {
    await outcome(retry.execute(failing(clock, 9).task));
    clock.advance(100);
  }
  expect(told).toEqual([0, 1000, 2000]);
  expect(retry.stats().budgetExhausted).toBe(30);
});
