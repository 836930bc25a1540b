import { getEventListeners } from 'node:events';
import { expect, test, vi } from 'vitest';
import {
  CallContext,
  DeadlineExceededError,
  GateChain,
  InvalidOptionsError,
  ShedError,
  type Gate,
  type Outcome,
  type TaskContext,
} from '../core/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import type { TimeoutOptions } from './options.ts';
import { Timeout } from './timeout.ts';

const LINGER_MS = 50;

function setUp(options: Partial<TimeoutOptions> = {}) {
  const clock = new ManualClock();
  const timeout = new Timeout({ timeoutMs: 100, clock, ...options });
  const log: string[] = [];
  /** Notes when and how the call is answered. */
  const follow = (call: Promise<unknown>): void => {
    call.then(
      (value) => log.push(`${String(value)} at ${clock.nowMs()}`),
      (error: unknown) =>
        log.push(`${error instanceof Error ? error.name : String(error)} at ${clock.nowMs()}`),
    );
  };
  /** A task that settles after so many ms, heedless of its signal. */
  const taking = (ms: number, settle: () => unknown) => () =>
    new Promise((resolve, reject) => {
      clock.schedule(ms, () => {
        try {
          resolve(settle());
        } catch (error) {
          reject(error);
        }
      });
    });
  return { clock, timeout, log, follow, taking };
}

const never = (): Promise<never> => new Promise(() => undefined);
const boom = (): never => {
  throw new Error('boom');
};

/** Rejects with its signal's reason as soon as that is aborted. */
const heeding = ({ signal }: TaskContext): Promise<never> =>
  new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error)),
  );

test.each(['abandon', 'cooperative'] as const)(
  'a task that is done in time gives what it gives (%s)',
  async (strategy) => {
    const { clock, timeout } = setUp({ strategy });
    expect(await timeout.execute(() => 'at once')).toBe('at once');
    expect(await timeout.execute(async () => 'later')).toBe('later');
    expect(await timeout.execute(() => undefined)).toBe(undefined);
    await expect(timeout.execute(boom)).rejects.toThrow('boom');
    await expect(timeout.execute(async () => boom())).rejects.toThrow('boom');
    expect(timeout.stats()).toEqual({ calls: 5, timedOut: 0, abandoned: 0 });
    await clock.run(LINGER_MS);
    expect(clock.pending).toBe(0);
  },
);

test('an abandoned call is answered exactly when its time is over, and the task is told', async () => {
  const { clock, timeout, log, follow } = setUp({ name: 'inventory' });
  let context: TaskContext | undefined;
  const call = timeout.execute((given) => {
    context = given;
    void given.signal;
    return never();
  });
  follow(call);
  await clock.run(99.999);
  expect(log).toEqual([]);
  expect(context?.deadlineMs).toBeCloseTo(0.001);
  expect(context?.signal.aborted).toBe(false);
  await clock.run(0.001);
  expect(log).toEqual(['TimeoutError at 100']);
  const error: unknown = await call.catch((reason: unknown) => reason);
  expect(context?.signal.reason).toBe(error);
  expect(error).toMatchObject({
    code: 'SLUICE_TIMEOUT',
    policy: 'inventory',
    timeoutMs: 100,
    message: 'inventory: not done within 100 ms',
  });
  expect(timeout.stats()).toEqual({ calls: 1, timedOut: 1, abandoned: 1 });
  expect(clock.pending).toBe(0);
});

test('what an abandoned task comes to is dropped, and is no unhandled rejection', async () => {
  const unhandled = vi.fn<() => void>();
  process.on('unhandledRejection', unhandled);
  try {
    const { clock, timeout, log, follow, taking } = setUp();
    follow(timeout.execute(taking(150, () => 'late')));
    follow(timeout.execute(taking(160, boom)));
    await clock.run(100);
    expect(log).toEqual(['TimeoutError at 100', 'TimeoutError at 100']);
    expect(timeout.stats().abandoned).toBe(2);
    await clock.run(100);
    expect(timeout.stats()).toEqual({ calls: 2, timedOut: 2, abandoned: 0 });
    // Node tells of unhandled rejections once all microtasks are done.
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).not.toHaveBeenCalled();
    expect(log).toHaveLength(2);
  } finally {
    process.off('unhandledRejection', unhandled);
  }
});

test('a cooperative call waits until its task has settled, and passes a late success on', async () => {
  const { clock, timeout, log, follow, taking } = setUp({ strategy: 'cooperative' });
  follow(timeout.execute(taking(150, () => 'late')));
  follow(timeout.execute(taking(160, boom)));
  await clock.run(149);
  expect(log).toEqual([]);
  await clock.run(100);
  expect(log).toEqual(['late at 150', 'Error at 160']);
  expect(timeout.stats()).toEqual({ calls: 2, timedOut: 2, abandoned: 0 });
});

test('a cooperative task that heeds its signal rejects with the TimeoutError it was told', async () => {
  const { clock, timeout } = setUp({ strategy: 'cooperative' });
  const call = timeout.execute(heeding);
  const error = call.catch((reason: unknown) => reason);
  await clock.run(100);
  expect(await error).toMatchObject({ code: 'SLUICE_TIMEOUT', timeoutMs: 100 });
});

test('a cooperative task that ends with an AbortError has timed out, and the error says why', async () => {
  const { clock, timeout } = setUp({ strategy: 'cooperative' });
  const abort = new DOMException('This operation was aborted', 'AbortError');
  const call = timeout.execute(
    ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(abort))),
  );
  const error = call.catch((reason: unknown) => reason);
  await clock.run(100);
  expect(await error).toMatchObject({ code: 'SLUICE_TIMEOUT', cause: abort });
});

test('an AbortError before the time is over is the task’s own', async () => {
  const { timeout } = setUp({ strategy: 'cooperative' });
  const abort = new DOMException('This operation was aborted', 'AbortError');
  await expect(timeout.execute(() => Promise.reject(abort))).rejects.toBe(abort);
});

test.each(['abandon', 'cooperative'] as const)(
  'an abort by the caller rejects at once with its reason, and is no timeout (%s)',
  async (strategy) => {
    const { clock, timeout, log, follow, taking } = setUp({ strategy });
    const controller = new AbortController();
    let told: unknown;
    const call = timeout.execute(
      ({ signal }) => {
        signal.addEventListener('abort', () => (told = signal.reason as unknown));
        return taking(50, boom)();
      },
      { signal: controller.signal },
    );
    follow(call);
    await clock.run(10);
    controller.abort('gone');
    await settlePromises();
    expect(log).toEqual(['gone at 10']);
    expect(told).toBe('gone');
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    expect(timeout.stats()).toEqual({ calls: 1, timedOut: 0, abandoned: 1 });
    await clock.run(200);
    expect(log).toHaveLength(1);
    expect(timeout.stats()).toEqual({ calls: 1, timedOut: 0, abandoned: 0 });
    expect(clock.pending).toBe(0);
  },
);

test('an abort by the caller ends a cooperative call even after its time', async () => {
  const { clock, timeout, log, follow } = setUp({ strategy: 'cooperative' });
  const controller = new AbortController();
  follow(timeout.execute(never, { signal: controller.signal }));
  await clock.run(120);
  expect(log).toEqual([]);
  controller.abort('gone');
  await settlePromises();
  expect(log).toEqual(['gone at 120']);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  expect(timeout.stats()).toEqual({ calls: 1, timedOut: 1, abandoned: 1 });
});

test('a cooperative task that settles after its time leaves no listener', async () => {
  const { clock, timeout, log, follow, taking } = setUp({ strategy: 'cooperative' });
  const { signal } = new AbortController();
  follow(
    timeout.execute(
      taking(150, () => 'late'),
      { signal },
    ),
  );
  await clock.run(200);
  expect(log).toEqual(['late at 150']);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('a call that was aborted or is too late before it begins never begins', async () => {
  const { clock, timeout } = setUp();
  const task = vi.fn<() => void>();
  await expect(timeout.execute(task, { signal: AbortSignal.abort('gone') })).rejects.toBe('gone');
  await expect(timeout.execute(task, { deadlineMs: 0 })).rejects.toBeInstanceOf(
    DeadlineExceededError,
  );
  expect(task).not.toHaveBeenCalled();
  expect(timeout.stats()).toEqual({ calls: 2, timedOut: 0, abandoned: 0 });
  expect(clock.pending).toBe(0);
});

test('a task that aborts its own call is heard', async () => {
  const { clock, timeout } = setUp();
  const controller = new AbortController();
  const call = timeout.execute(
    () => {
      controller.abort('from within');
      return never();
    },
    { signal: controller.signal },
  );
  await expect(call).rejects.toBe('from within');
  expect(clock.pending).toBe(0);
});

test.each([
  { deadlineMs: 40, endsAtMs: 40 },
  { deadlineMs: 400, endsAtMs: 100 },
  { deadlineMs: Infinity, endsAtMs: 100 },
])(
  'of its own time and a deadline of $deadlineMs ms the nearer one holds',
  async ({ deadlineMs, endsAtMs }) => {
    const { clock, timeout, log, follow } = setUp();
    follow(timeout.execute(never, { deadlineMs }));
    const whole = new CallContext(clock, { deadlineMs });
    let leftMs = 0;
    follow(
      timeout.execute((context) => {
        leftMs = context.deadlineMs;
        return never();
      }, whole),
    );
    expect(leftMs).toBe(endsAtMs);
    await clock.run(500);
    expect(log).toEqual([`TimeoutError at ${endsAtMs}`, `TimeoutError at ${endsAtMs}`]);
    expect(timeout.stats().timedOut).toBe(2);
  },
);

test('a timeout within a timeout: each ends what is its own, and both count what ends them together', async () => {
  const { clock, timeout, log, follow } = setUp({ name: 'total' });
  const attempt = new Timeout({ timeoutMs: 30, clock, name: 'attempt' });
  const long = new Timeout({ timeoutMs: 500, clock, name: 'long' });
  follow(timeout.execute((context) => attempt.execute(never, context)));
  await clock.run(30);
  expect(log).toEqual(['TimeoutError at 30']);
  expect(timeout.stats().timedOut).toBe(0);
  follow(timeout.execute((context) => long.execute(never, context)));
  await clock.run(100);
  expect(log).toEqual(['TimeoutError at 30', 'TimeoutError at 130']);
  expect(timeout.stats()).toEqual({ calls: 2, timedOut: 1, abandoned: 0 });
});

test('a deadline that a policy further in finds first is a timeout too', async () => {
  const { clock, timeout } = setUp({ timeoutMs: 100 });
  const inner = ({ signal }: TaskContext): Promise<never> => {
    void signal;
    return new Promise((_, reject) => {
      clock.schedule(100, () => reject(new DeadlineExceededError('pool', 'too late')));
    });
  };
  const call = timeout.execute(inner);
  const error = call.catch((reason: unknown) => reason);
  await clock.run(100);
  expect(await error).toMatchObject({ policy: 'pool' });
  expect(timeout.stats().timedOut).toBe(1);
});

test('gates further in count a timeout as a failure, and an abort by the caller not at all', async () => {
  const { clock, timeout, follow } = setUp();
  const outcomes: Outcome[] = [];
  const gate: Gate = {
    timed: true,
    enter: () => 0,
    exit: (_, outcome) => outcomes.push(outcome),
    refuse: () => new ShedError('gate', 'no'),
  };
  const chain = new GateChain('chain', [gate], clock);
  const controller = new AbortController();
  const { signal } = controller;
  follow(timeout.execute((context) => chain.execute(never, context), { signal }));
  await clock.run(100);
  expect(outcomes).toEqual(['failure']);
  follow(timeout.execute((context) => chain.execute(never, context), { signal }));
  controller.abort();
  await settlePromises();
  expect(outcomes).toEqual(['failure', 'ignored']);
  expect(timeout.stats().abandoned).toBe(0);
});

test('a context that is ended after its call has settled ends no other call', async () => {
  const { clock, timeout, log, follow } = setUp();
  const { signal } = new AbortController();
  let kept: TaskContext | undefined;
  await timeout.execute((context) => (kept = context), { signal });
  follow(timeout.execute(never, { signal }));
  (kept as CallContext).abort('stopped'); // As a pool does that still holds it when it stops.
  await settlePromises();
  expect(log).toEqual([]);
  await clock.run(100);
  expect(log).toEqual(['TimeoutError at 100']);
});

test('no AbortController is made unless the task reads its signal', async () => {
  const { timeout } = setUp();
  const made = vi.spyOn(globalThis, 'AbortController');
  try {
    await timeout.execute(async () => 1);
    expect(made).not.toHaveBeenCalled();
    await timeout.execute(async ({ signal }) => signal.aborted);
    expect(made).toHaveBeenCalledTimes(1);
  } finally {
    made.mockRestore();
  }
});

test('all calls share one timer, which stays a little for the next call and then goes', async () => {
  const { clock, timeout } = setUp();
  const scheduled = vi.spyOn(clock, 'schedule');
  for (let call = 0; call < 1000; call++) await timeout.execute(async () => call);
  expect(scheduled).toHaveBeenCalledTimes(1);
  expect(clock.pending).toBe(1);
  await clock.run(LINGER_MS);
  expect(clock.pending).toBe(0);
});

test('update holds for calls from then on, and leaves the others their time', async () => {
  const { clock, timeout, log, follow } = setUp();
  follow(timeout.execute(never));
  timeout.update({ timeoutMs: 30 });
  follow(timeout.execute(never));
  expect(timeout.traits).toEqual({ kind: 'timeout', timeoutMs: 30 });
  await clock.run(200);
  expect(log).toEqual(['TimeoutError at 30', 'TimeoutError at 100']);
  timeout.update({ strategy: 'cooperative' });
  expect(timeout.traits.timeoutMs).toBe(30);
  expect(() => timeout.update({ timeoutMs: -1 })).toThrow(
    'Timeout: timeoutMs must be a finite number above 0, got -1',
  );
  expect(timeout.traits.timeoutMs).toBe(30);
});

test.each([
  [{}, 'timeoutMs'],
  [{ timeoutMs: 0 }, 'timeoutMs'],
  [{ timeoutMs: Infinity }, 'timeoutMs'],
  [{ timeoutMs: 1, strategy: 'optimistic' }, 'strategy'],
  [{ timeoutMs: 1, name: '' }, 'name'],
  [{ timeoutMs: 1, ms: 1 }, 'ms'],
])('options that are wrong are named: %j', (options, option) => {
  const mistake = (): unknown => new Timeout(options as TimeoutOptions);
  expect(mistake).toThrow(InvalidOptionsError);
  expect(mistake).toThrow(`Timeout: ${option} must be`);
});

test('misuse rejects with a full sentence, and never throws', async () => {
  const { timeout } = setUp({ name: 'inventory' });
  await expect(timeout.execute('task' as never)).rejects.toThrow(
    'inventory: task must be a function, got "task"',
  );
  await expect(timeout.execute(never, { deadlineMs: 'soon' as never })).rejects.toThrow(
    'execute: deadlineMs must be a number of ms, got "soon"',
  );
});

test('the error of a task knows who called, across the timeout', async () => {
  const { timeout } = setUp();
  async function failing(): Promise<never> {
    await Promise.resolve();
    throw new Error('boom');
  }
  async function theCaller(): Promise<void> {
    await timeout.execute(failing);
  }
  const error: unknown = await theCaller().catch((reason: unknown) => reason);
  // Without the word `async`, which the test runner takes out of stacks.
  expect((error as Error).stack).toMatch(/at failing .*\n.* theCaller /);
});
