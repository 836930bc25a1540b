import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import {
  DeadlineExceededError,
  TimeoutError,
  type Clock,
  type TaskContext,
} from '../core/index.ts';
import { ManualClock } from '../testing/index.ts';
import type { RetryOptions } from './options.ts';
import { Retry } from './retry.ts';

function setUp(options: RetryOptions = {}) {
  const clock = new ManualClock();
  const backoff = { type: 'constant', delayMs: 100 } as const;
  return { clock, retry: new Retry({ backoff, clock, budget: false, ...options }) };
}

/** Its end, and when it came; undefined while there is none. */
function watch(clock: ManualClock, promise: Promise<unknown>) {
  const seen: { atMs?: number; value?: unknown; error?: unknown } = {};
  promise.then(
    (value) => Object.assign(seen, { atMs: clock.nowMs(), value }),
    (error: unknown) => Object.assign(seen, { atMs: clock.nowMs(), error }),
  );
  return seen;
}

const boom = new Error('boom');
const fail = (): Promise<never> => Promise.reject(boom);
const hang = (): Promise<never> => new Promise(() => undefined);
const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

test('an abort ends the wait for the next try at once, with its reason, and leaves nothing', async () => {
  const { clock, retry } = setUp();
  const caller = new AbortController();
  const seen = watch(clock, retry.execute(fail, { signal: caller.signal }));
  await clock.run(50);
  expect(listeners(caller.signal)).toBe(1);
  caller.abort('enough');
  await clock.run(0);
  expect(seen).toEqual({ atMs: 50, error: 'enough' });
  expect(listeners(caller.signal)).toBe(0);
  expect(clock.pending).toBe(0);
  expect(retry.stats()).toMatchObject({ aborted: 1, retries: 0 });
});

test('an abort ends a try under way at once, and the task is told', async () => {
  const { clock, retry } = setUp();
  const caller = new AbortController();
  let signal: AbortSignal | undefined;
  const task = (context: TaskContext): Promise<never> => {
    signal = context.signal;
    return hang();
  };
  const seen = watch(clock, retry.execute(task, { signal: caller.signal }));
  caller.abort('enough');
  await clock.run(0);
  expect(seen).toEqual({ atMs: 0, error: 'enough' });
  expect(signal?.reason).toBe('enough');
  expect(listeners(caller.signal)).toBe(0);
});

test('a call that was aborted before it came never runs', async () => {
  const { retry } = setUp();
  let ran = false;
  const call = retry.execute(() => (ran = true), { signal: AbortSignal.abort('before') });
  await expect(call).rejects.toBe('before');
  expect(ran).toBe(false);
  expect(retry.stats()).toMatchObject({ calls: 1, aborted: 1 });
});

test('a task that answers an abort by an error of its own is not tried again', async () => {
  const { clock, retry } = setUp({ when: () => true });
  const caller = new AbortController();
  let tries = 0;
  const task = (): Promise<never> => {
    tries++;
    caller.abort('enough');
    return fail();
  };
  const seen = watch(clock, retry.execute(task, { signal: caller.signal }));
  await clock.run(1000);
  expect(seen).toEqual({ atMs: 0, error: 'enough' });
  expect(tries).toBe(1);
});

test('a listener of the retry may abort the call', async () => {
  const { clock, retry } = setUp();
  const caller = new AbortController();
  retry.on('retry', () => caller.abort('enough'));
  const seen = watch(clock, retry.execute(fail, { signal: caller.signal }));
  await clock.run(1000);
  expect(seen).toEqual({ atMs: 0, error: 'enough' });
  expect(clock.pending).toBe(0);
});

test('each try has its own time, whatever the task does, and is told by its signal', async () => {
  const { clock, retry } = setUp({ attemptTimeoutMs: 500 });
  const contexts: TaskContext[] = [];
  const signals: AbortSignal[] = [];
  const task = (context: TaskContext): Promise<string> => {
    contexts.push(context);
    signals.push(context.signal);
    return contexts.length < 3 ? hang() : Promise.resolve('done');
  };
  const seen = watch(clock, retry.execute(task));
  expect(contexts[0]?.deadlineMs).toBe(500);
  await clock.run(5000);
  expect(seen).toEqual({ atMs: 1200, value: 'done' });
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
  expect(retry.stats()).toMatchObject({ recovered: 1, retries: 2, timedOut: 2 });
});

test('when the last try runs out of its time, that is the answer', async () => {
  const { clock, retry } = setUp({ attemptTimeoutMs: 500, maxAttempts: 1, name: 'stock' });
  const seen = watch(clock, retry.execute(hang));
  await clock.run(500);
  expect(seen.atMs).toBe(500);
  expect(seen.error).toBeInstanceOf(TimeoutError);
  expect(seen.error).toMatchObject({
    message: 'stock: try 1 took longer than 500 ms',
    timeoutMs: 500,
    policy: 'stock',
  });
});

test('a next try that would begin at the deadline or later is not waited for', async () => {
  for (const [deadlineMs, atMs] of [
    [300, 200],
    [301, 300],
  ] as const) {
    const { clock, retry } = setUp({ deadlineMs, maxAttempts: 9 });
    const seen = watch(clock, retry.execute(fail));
    await clock.run(5000);
    expect(seen).toEqual({ atMs, error: boom });
    expect(retry.stats()).toMatchObject({ outOfTime: 1 });
  }
});

test('a try under way is ended at the deadline', async () => {
  const { clock, retry } = setUp({ deadlineMs: 250, maxAttempts: 9, name: 'stock' });
  let tries = 0;
  const seen = watch(
    clock,
    retry.execute(() => (++tries < 3 ? fail() : hang())),
  );
  await clock.run(5000);
  expect(seen.atMs).toBe(250);
  expect(seen.error).toMatchObject({
    message: 'stock: try 3 was not done by the deadline of 250 ms',
    timeoutMs: 250,
  });
});

test('of the deadlines of policy and caller the earlier one holds', async () => {
  for (const [deadlineMs, callers] of [
    [400, 900],
    [900, 400],
    [undefined, 400],
  ] as const) {
    const { clock, retry } = setUp({ deadlineMs });
    let told = 0;
    const task = ({ deadlineMs: leftMs }: TaskContext): Promise<never> => {
      told = leftMs;
      return hang();
    };
    const seen = watch(clock, retry.execute(task, { deadlineMs: callers }));
    expect(told).toBe(400);
    await clock.run(5000);
    expect(seen.atMs).toBe(400);
    expect(clock.pending).toBe(0);
  }
});

test('a call with no time left never runs', async () => {
  const { retry } = setUp();
  let ran = false;
  await expect(retry.execute(() => (ran = true), { deadlineMs: 0 })).rejects.toThrow(
    DeadlineExceededError,
  );
  expect(ran).toBe(false);
});

test('a timer that comes after the deadline starts no try', async () => {
  const manual = new ManualClock();
  const clock: Clock = {
    nowMs: () => manual.nowMs(),
    wallTimeMs: () => manual.wallTimeMs(),
    schedule: (delayMs, task) => manual.schedule(delayMs + 60, task), // the event loop is blocked
  };
  const { retry } = setUp({ deadlineMs: 150, clock });
  const seen = watch(manual, retry.execute(fail));
  await manual.run(1000);
  expect(seen).toEqual({ atMs: 160, error: boom });
  expect(retry.stats()).toMatchObject({ retries: 0, outOfTime: 1 });
});

test('a time limit given later holds for a call without options too', async () => {
  const { clock, retry } = setUp();
  let tries = 0;
  const seen = watch(
    clock,
    retry.execute(() => (++tries === 1 ? fail() : hang())),
  );
  await clock.run(50);
  retry.update({ attemptTimeoutMs: 10, maxAttempts: 2 });
  await clock.run(1000);
  expect(seen.atMs).toBe(110);
  expect(seen.error).toBeInstanceOf(TimeoutError);
});

test('a time limit given later holds from the next try on', async () => {
  const { clock, retry } = setUp();
  let tries = 0;
  const caller = new AbortController();
  const seen = watch(
    clock,
    retry.execute(() => (++tries === 1 ? fail() : hang()), { signal: caller.signal }),
  );
  await clock.run(50);
  retry.update({ attemptTimeoutMs: 10, maxAttempts: 2 });
  await clock.run(1000);
  expect(seen.atMs).toBe(110);
  expect(seen.error).toBeInstanceOf(TimeoutError);
});

test('after 100,000 calls no listener and no timer is left', async () => {
  const { clock, retry } = setUp({ attemptTimeoutMs: 50, deadlineMs: 10_000, maxAttempts: 2 });
  const { signal } = new AbortController();
  let ends = 0;
  for (let batch = 0; batch < 100; batch++) {
    for (let i = 0; i < 1000; i++) {
      const task = i % 3 === 0 ? hang : i % 3 === 1 ? fail : () => Promise.resolve(i);
      const call = retry.execute(task, i % 2 === 0 ? { signal } : undefined);
      void call.then(
        () => ends++,
        () => ends++,
      );
    }
    await clock.run(500);
  }
  expect(ends).toBe(100_000);
  expect(listeners(signal)).toBe(0);
  await clock.run(250);
  expect(clock.pending).toBe(0);
});
