import { getEventListeners } from 'node:events';
import { expect, expectTypeOf, test, vi } from 'vitest';
import {
  CallContext,
  CircuitOpenError,
  InvalidOptionsError,
  pipeline,
  plainContext,
  TimeoutError,
  type Policy,
  type TaskContext,
} from '../core/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import { Fallback } from './fallback.ts';
import type { FallbackOptions } from './options.ts';

const never = (): Promise<never> => new Promise(() => undefined);
const failing = (error: unknown) => async (): Promise<never> => {
  throw error;
};
const errorOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );
const open = new CircuitOpenError('breaker', 'open', 5);
const late = new TimeoutError('timeout', 'late', { timeoutMs: 5 });

test('a call that succeeds is left as it is', async () => {
  const fallback = new Fallback({ value: 'instead' });
  expect(await fallback.execute(() => 1)).toBe(1);
  expect(await fallback.execute(async () => 2)).toBe(2);
  expect(await fallback.execute(() => undefined)).toBe(undefined);
  expect(fallback.stats()).toEqual({ calls: 3, used: 0, failed: 0 });
});

test('a value answers every failure, thrown or rejected', async () => {
  const fallback = new Fallback({ value: 'instead' });
  expect(await fallback.execute(failing(new Error('boom')))).toBe('instead');
  const thrower = (): number => {
    throw new Error('boom');
  };
  expect(await fallback.execute(thrower)).toBe('instead');
  expect(await fallback.execute(failing(undefined))).toBe('instead');
  expect(fallback.stats()).toEqual({ calls: 3, used: 3, failed: 0 });
});

test('undefined is a value, if it is written down', async () => {
  const fallback = new Fallback({ value: undefined });
  expect(await fallback.execute(failing(open))).toBe(undefined);
  expect(fallback.stats().used).toBe(1);
});

test('a function answers with what it makes of the error, later too', async () => {
  const fallback = new Fallback({ run: async (error) => `instead of ${String(error)}` });
  expect(await fallback.execute(failing(new Error('boom')))).toBe('instead of Error: boom');
});

test.each([
  [open, 'refused'],
  [late, 'refused'],
  [new RangeError('7'), 'range 7'],
  [new TypeError('other'), undefined],
  ['text', 'text'],
])('the first case that is for the error answers: %s', async (error, answer) => {
  const fallback = new Fallback({
    cases: [
      { on: [CircuitOpenError, TimeoutError], value: 'refused' },
      { on: RangeError, run: (reason) => `range ${(reason as RangeError).message}` },
      { on: Error, when: (reason) => reason === open, value: 'never reached' },
      { when: (reason) => typeof reason === 'string', run: String },
    ],
  });
  const call = fallback.execute(failing(error));
  if (answer === undefined) await expect(call).rejects.toBe(error);
  else expect(await call).toBe(answer);
  expect(fallback.stats().used).toBe(answer === undefined ? 0 : 1);
});

test('a case with both a class and a condition is for what fits both', async () => {
  const fallback = new Fallback({
    on: RangeError,
    when: (error) => (error as Error).message === 'yes',
    value: 'instead',
  });
  expect(await fallback.execute(failing(new RangeError('yes')))).toBe('instead');
  await expect(fallback.execute(failing(new RangeError('no')))).rejects.toThrow('no');
  await expect(fallback.execute(failing(new Error('yes')))).rejects.toThrow('yes');
});

test('a fallback that fails rejects with its own error, and the first one is its cause', async () => {
  const first = new Error('first');
  const throws = new Fallback({
    run: () => {
      throw new Error('second');
    },
  });
  expect(await errorOf(throws.execute(failing(first)))).toMatchObject({
    message: 'second',
    cause: first,
  });
  const rejects = new Fallback({ run: failing(new Error('second')) });
  expect(await errorOf(rejects.execute(failing(first)))).toMatchObject({ cause: first });
  const undecided = new Fallback({ when: failing as never, value: 1 });
  undecided.update({
    when: () => {
      throw new Error('condition');
    },
    value: 1,
  });
  expect(await errorOf(undecided.execute(failing(first)))).toMatchObject({
    message: 'condition',
    cause: first,
  });
  for (const fallback of [throws, rejects, undecided]) {
    expect(fallback.stats()).toEqual({ calls: 1, used: 1, failed: 1 });
  }
});

test('an error that has a cause, is frozen, or is the first one itself stays as it is', async () => {
  const first = new Error('first');
  const caused = new Error('second', { cause: 'known' });
  const frozen = Object.freeze(new Error('frozen'));
  for (const thrown of [caused, frozen, first, 'text']) {
    const fallback = new Fallback({ run: failing(thrown) });
    expect(await errorOf(fallback.execute(failing(first)))).toBe(thrown);
  }
  expect(caused.cause).toBe('known');
  expect(first.cause).toBe(undefined);
});

test('a call that its caller aborts is never answered by a case', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const fallback = new Fallback({ value: 'instead', clock: new ManualClock() });
  const calls = [
    errorOf(fallback.execute(never, { signal })),
    errorOf(
      fallback.execute(
        (context) =>
          new Promise((_, reject) =>
            context.signal.addEventListener('abort', () => reject(new Error('ended'))),
          ),
        { signal },
      ),
    ),
  ];
  controller.abort('gone');
  expect(await Promise.all(calls)).toEqual(['gone', 'gone']);
  await expect(fallback.execute(() => 1, { signal })).rejects.toBe('gone');
  expect(fallback.stats()).toEqual({ calls: 3, used: 0, failed: 0 });
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('within another policy, the end of the whole call is passed on, and that of a part is answered', async () => {
  const clock = new ManualClock();
  const fallback = new Fallback({ value: 'instead', clock });
  const whole = new CallContext(clock);
  const ended = fallback.execute((context) => {
    whole.abort('gone');
    return Promise.reject(context.signal.reason as Error);
  }, whole);
  await expect(ended).rejects.toBe('gone');
  await expect(fallback.execute(() => 1, whole)).rejects.toBe('gone');
  const inner = fallback.execute((context) => {
    (context as CallContext).abort(late); // As a pool further in does at a deadline.
    return Promise.reject(late);
  }, new CallContext(clock));
  expect(await inner).toBe('instead');
  const outermost = fallback.execute(
    (context) => {
      (context as CallContext).abort(late);
      return never();
    },
    { deadlineMs: 100 },
  );
  expect(await outermost).toBe('instead');
});

test('what the function does ends with the call', async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  let context: TaskContext = plainContext;
  const fallback = new Fallback({
    clock,
    run: (_, given) => {
      context = given;
      void given.signal;
      return never();
    },
  });
  const call = fallback.execute(failing(open), {
    signal: controller.signal,
    deadlineMs: 100,
    key: 'tenant',
  });
  await settlePromises();
  expect(context).toMatchObject({ key: 'tenant', deadlineMs: 100, attempt: 1 });
  controller.abort('gone');
  await expect(call).rejects.toBe('gone');
  expect(context.signal.reason).toBe('gone');
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  expect(fallback.stats()).toEqual({ calls: 1, used: 1, failed: 0 });
});

test('a function that fails because the caller has gone has not failed', async () => {
  const clock = new ManualClock();
  const whole = new CallContext(clock);
  const fallback = new Fallback({
    clock,
    run: () => {
      whole.abort('gone');
      return Promise.reject(new Error('ended'));
    },
  });
  await expect(fallback.execute(failing(open), whole)).rejects.toThrow('ended');
  expect(fallback.stats()).toEqual({ calls: 1, used: 1, failed: 0 });
});

test('a deadline that has passed is answered too, but the task never begins', async () => {
  const task = vi.fn<() => void>();
  const fallback = new Fallback({ value: 'instead', clock: new ManualClock() });
  expect(await fallback.execute(task, { deadlineMs: 0 })).toBe('instead');
  expect(task).not.toHaveBeenCalled();
});

test('update replaces all cases, for errors from then on', async () => {
  const fallback = new Fallback<number>({ value: 1 });
  fallback.update({ cases: [{ on: RangeError, run: () => 2 }] });
  expect(await fallback.execute(failing(new RangeError('x')))).toBe(2);
  await expect(fallback.execute(failing(open))).rejects.toBe(open);
  expect(() => fallback.update({ cases: [] })).toThrow(InvalidOptionsError);
  expect(await fallback.execute(failing(new RangeError('x')))).toBe(2);
});

test('recover answers for what is no function call', async () => {
  const fallback = new Fallback({ on: RangeError, value: 'instead' });
  expect(await fallback.recover(new RangeError('x'))).toBe('instead');
  await expect(fallback.recover(open)).rejects.toBe(open);
});

test.each([
  [{}, 'value must be given, or run, got none'],
  [{ value: 1, run: () => 1 }, 'value must be left out where there is run, got 1'],
  [{ run: 'later' }, 'run must be a function, got "later"'],
  [{ value: 1, on: () => 1 }, 'on must be an error class, or an array of them'],
  [{ value: 1, on: [] }, 'on must be an error class, or an array of them'],
  [{ value: 1, when: RangeError, name: '' }, 'name must be text'],
  [{ cases: [] }, 'cases must be an array of at least one case'],
  [{ cases: [{ on: Error }] }, 'cases.0.value must be given, or run, got none'],
  [{ cases: [{ value: 1 }, 7] }, 'cases.1.options must be an object, got 7'],
  [{ cases: [{ value: 1, in: Error }] }, 'cases.0.in must be left out'],
  [{ cases: [{ value: 1 }], on: Error }, 'on must be in one of the cases where there are cases'],
])('options that are wrong are named: %j', (options, sentence) => {
  const mistake = (): unknown => new Fallback(options as FallbackOptions<number>);
  expect(mistake).toThrow(InvalidOptionsError);
  expect(mistake).toThrow(`Fallback: ${sentence}`);
});

test('misuse rejects with a full sentence and is no case for an answer', async () => {
  const fallback = new Fallback({ value: 'instead', name: 'offers' });
  await expect(fallback.execute('task' as never)).rejects.toThrow(
    'offers: task must be a function, got "task"',
  );
  await expect(fallback.execute(never, { deadlineMs: 'soon' as never })).rejects.toThrow(
    'execute: deadlineMs must be a number of ms, got "soon"',
  );
});

test('the error of a task knows who called, across the fallback', async () => {
  const fallback = new Fallback({ on: RangeError, value: 1 });
  async function failingTask(): Promise<never> {
    await Promise.resolve();
    throw new Error('boom');
  }
  async function plainCaller(): Promise<void> {
    await fallback.execute(failingTask);
  }
  async function signallingCaller(): Promise<void> {
    await fallback.execute(failingTask, { signal: new AbortController().signal });
  }
  async function innerCaller(): Promise<void> {
    await fallback.execute(failingTask, new CallContext(new ManualClock()));
  }
  for (const caller of [plainCaller, signallingCaller, innerCaller]) {
    const error = await errorOf(caller());
    // Without the word `async`, which the test runner takes out of stacks.
    expect((error as Error).stack).toMatch(
      new RegExp(`at failingTask .*\\n.* (async )?${caller.name} `),
    );
  }
});

test('100,000 calls leave no listener on the caller’s signal', async () => {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  const fallback = new Fallback({ value: 'instead', clock });
  for (let batch = 0; batch < 100; batch++) {
    const calls = Array.from({ length: 1000 }, (_, n) =>
      fallback.execute(n % 3 === 0 ? failing(open) : async () => n, { signal }),
    );
    await Promise.all(calls);
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  expect(fallback.stats()).toEqual({ calls: 100_000, used: 33_400, failed: 0 });
  expect(clock.pending).toBe(0);
});

test('the type of an answer is that of the task or of the fallback', async () => {
  const none = new Fallback({ value: null });
  const answer = await none.execute(async () => 7);
  expectTypeOf(answer).toEqualTypeOf<number | null>();
  const list = new Fallback<string | number[]>({
    cases: [
      { on: RangeError, run: () => 'text' },
      { on: TypeError, value: [1] },
    ],
  });
  expectTypeOf(await list.execute(() => true)).toEqualTypeOf<boolean | string | number[]>();
  // Computed from what the cases give, where they give the same type.
  const same = new Fallback({
    cases: [{ on: RangeError, run: async () => 'text' }, { value: '' }],
  });
  expectTypeOf(same).toEqualTypeOf<Fallback<string>>();
  const policy: Policy = none;
  expect(await pipeline('offers', [policy]).execute(failing(open))).toBe(null);
  expect(policy.traits).toEqual({ kind: 'fallback' });
});
