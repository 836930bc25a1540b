import { expect, test, vi } from 'vitest';
import { InvalidOptionsError, type TaskContext } from '../core/index.ts';
import { ManualClock, SeededRandom, settlePromises } from '../testing/index.ts';
import type { RetryOptions } from './options.ts';
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

test('every option can be changed live, also for calls under way', async () => {
  const { clock, retry } = setUp({ maxAttempts: 5 });
  const { task, contexts } = failing(clock, 9);
  const result = outcome(retry.execute(task));
  await clock.run(150);
  retry.update({ maxAttempts: 3 });
  await clock.run(1000);
  await result;
  expect(contexts).toHaveLength(3);
  const own = retry.budget;
  retry.update({ budget: false });
  expect(retry.budget).toBe(false);
  retry.update({ budget: undefined });
  expect(retry.budget).toBe(own);
  expect(() => retry.update({ maxAttempts: 0 })).toThrow(InvalidOptionsError);
  expect(retry.traits.maxAttempts).toBe(3);
});

test('a pipeline can see how often and how long it tries, and whether a budget bounds it', () => {
  const { retry } = setUp({ maxAttempts: 4, attemptTimeoutMs: 500 });
  expect(retry.traits).toEqual({
    kind: 'retry',
    maxAttempts: 4,
    timeoutMs: 500,
    budgeted: true,
  });
  retry.update({ budget: false });
  expect(retry.traits.budgeted).toBe(false);
});

test('wrong options are refused all at once, each with its name', () => {
  const wrong = { maxAttempts: 0, backoff: { type: 'constant', delayMs: -1 }, budget: true };
  expect(() => new Retry(wrong as unknown as RetryOptions)).toThrow(
    'Retry: maxAttempts must be an integer of at least 1, got 0; ' +
      'backoff.delayMs must be a finite number above 0, got -1; ' +
      'budget must be a RetryBudget, or false, got true',
  );
  expect(() => new Retry({ attemptTimeoutMs: 200, deadlineMs: 100 })).toThrow(
    'attemptTimeoutMs must be at most deadlineMs (100), got 200',
  );
});

test('misuse arrives as a rejection, and counts as no call', async () => {
  const { retry } = setUp();
  await expect(retry.execute(7 as never)).rejects.toThrow('task must be a function, got 7');
  await expect(retry.execute(() => 1, { deadlineMs: 'x' } as never)).rejects.toThrow(
    InvalidOptionsError,
  );
  await expect(retry.execute(() => 1, { deadline: 7 } as never)).rejects.toThrow(
    InvalidOptionsError,
  );
  expect(retry.stats().calls).toBe(0);
});

test('the stack of an error finds the async caller, in the first try and in the last, with a time limit and without', async () => {
  const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  for (const options of [{}, { attemptTimeoutMs: 50 }, { deadlineMs: 5000 }]) {
    const { clock, retry } = setUp(options);
    const stacks: string[] = [];
    async function failLater(): Promise<never> {
      await later();
      const error = new Error('boom');
      stacks.push(error.stack ?? '');
      throw error;
    }
    async function theCaller(): Promise<never> {
      return await retry.execute(failLater);
    }
    const result = outcome(theCaller());
    for (let tries = 1; tries <= 3; tries++) {
      while (stacks.length < tries) await later();
      await clock.run(100);
    }
    await result;
    expect(stacks).toHaveLength(3);
    // Nothing of the caller is on the stack itself any more; what maps stacks to sources may drop "async".
    for (const stack of stacks) expect(stack).toMatch(/at (async )?theCaller /);
  }
});

test('the stack of an error finds the async caller also where a later try fails in its first turn', async () => {
  const { clock, retry } = setUp();
  async function failSoon(): Promise<never> {
    await Promise.resolve(); // From here on, no caller is on the real stack.
    throw new Error('boom');
  }
  async function theCaller(): Promise<never> {
    return await retry.execute(failSoon);
  }
  const result = outcome(theCaller());
  await clock.run(1000);
  expect(retry.stats().retries).toBe(2);
  expect(((await result) as Error).stack).toMatch(/at failSoon[^]*at (async )?theCaller /);
});

test('what fails late, after its try was given up, is nobody’s unhandled rejection', async () => {
  const { clock, retry } = setUp({ maxAttempts: 1, attemptTimeoutMs: 10 });
  let failNow = (): void => undefined;
  const result = outcome(
    retry.execute(
      () => new Promise((_, reject) => (failNow = () => reject(new Error('too late')))),
    ),
  );
  await clock.run(10);
  expect(await result).toMatchObject({ code: 'SLUICE_TIMEOUT' });
  failNow();
  await settlePromises();
});

test('who asks to come back never is not asked again, even without an upper bound', async () => {
  const { clock, retry } = setUp({ maxRetryAfterMs: Infinity });
  const error = Object.assign(new Error('busy'), { retryAfterMs: Infinity });
  await expect(retry.execute(failing(clock, 1, error).task)).rejects.toBe(error);
  expect(retry.stats().outOfTime).toBe(1);
});

test('a `when` that answers neither true nor false is reported, and nothing is tried again', async () => {
  const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined);
  const { clock, retry } = setUp({ when: (async () => true) as never });
  const { task, contexts } = failing(clock, 1);
  await expect(retry.execute(task)).rejects.toThrow('boom');
  expect(contexts).toHaveLength(1);
  expect(String(emitted.mock.calls[0]?.[0])).toContain('when must answer true or false');
  emitted.mockRestore();
});

test.for(['retry-after', 'Retry-After', 'RETRY-AFTER'])(
  'the header %s of a plain object is found whatever its case',
  async (name) => {
    const { clock, retry } = setUp();
    const error = Object.assign(new Error('busy'), { headers: { [name]: '2' } });
    const result = retry.execute(failing(clock, 1, error).task);
    await clock.run(1999);
    expect(retry.stats().recovered).toBe(0);
    await clock.run(1);
    await expect(result).resolves.toBe(2);
  },
);
