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
import { Hedge } from './hedge.ts';
import type { HedgeOptions } from './options.ts';

const LINGER_MS = 50;
const never = (): Promise<never> => new Promise(() => undefined);

type Ending = readonly [takesMs: number, ends: 'ok' | 'fails'];

/** A hedge after 100 ms, and a task whose tries end as they are told, whatever their signals say. */
function setUp(options: Partial<HedgeOptions> = {}) {
  const clock = new ManualClock();
  const hedge = new Hedge({ delayMs: 100, clock, ...options });
  const log: string[] = [];
  const contexts: TaskContext[] = [];
  const follow = (call: Promise<unknown>): void => {
    call.then(
      (value) => log.push(`${String(value)} at ${clock.nowMs()}`),
      (error: unknown) =>
        log.push(`${error instanceof Error ? error.message : String(error)} at ${clock.nowMs()}`),
    );
  };
  const task =
    (...endings: readonly Ending[]) =>
    (context: TaskContext): Promise<string> => {
      const [takesMs, ends] = endings[context.attempt - 1] ?? [Infinity, 'ok'];
      contexts.push(context);
      void context.signal;
      return new Promise((resolve, reject) => {
        if (takesMs === Infinity) return;
        clock.schedule(takesMs, () => {
          if (ends === 'ok') resolve(`try ${context.attempt}`);
          else reject(new Error(`try ${context.attempt} failed`));
        });
      });
    };
  const aborted = (): boolean[] => contexts.map(({ signal }) => signal.aborted);
  return { clock, hedge, log, contexts, follow, task, aborted };
}

test('a call that is done before the delay is tried once', async () => {
  const { clock, hedge, log, contexts, follow, task } = setUp();
  follow(hedge.execute(task([99.999, 'ok'])));
  follow(hedge.execute(() => 'at once'));
  await clock.run(500);
  expect(log).toEqual(['at once at 0', 'try 1 at 99.999']);
  expect(contexts.map(({ attempt }) => attempt)).toEqual([1]);
  expect(hedge.stats()).toEqual({
    calls: 2,
    hedged: 0,
    wonByHedge: 0,
    budgetExhausted: 0,
    delayMs: 100,
  });
  expect(clock.pending).toBe(0);
});

test('a call that takes longer gets a second try, and the first success wins', async () => {
  const { clock, hedge, log, contexts, follow, task, aborted } = setUp();
  follow(hedge.execute(task([Infinity, 'ok'], [30, 'ok'])));
  await clock.run(129);
  expect(aborted()).toEqual([false, false]);
  await clock.run(1);
  expect(log).toEqual(['try 2 at 130']);
  expect(contexts.map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(aborted()).toEqual([true, false]);
  expect(contexts[0]?.signal.reason).toMatchObject({
    name: 'AbortError',
    message: 'hedge: another try was faster',
  });
  expect(hedge.stats()).toMatchObject({ calls: 1, hedged: 1, wonByHedge: 1 });
  await clock.run(LINGER_MS);
  expect(clock.pending).toBe(0);
});

test('the first try can still win; then the hedge is aborted', async () => {
  const { clock, hedge, log, follow, task, aborted } = setUp();
  follow(hedge.execute(task([120, 'ok'], [30, 'ok'])));
  await clock.run(500);
  expect(log).toEqual(['try 1 at 120']);
  expect(aborted()).toEqual([false, true]);
  expect(hedge.stats()).toMatchObject({ hedged: 1, wonByHedge: 0 });
});

test('what a loser comes to is dropped, and is no unhandled rejection', async () => {
  const unhandled = vi.fn<() => void>();
  process.on('unhandledRejection', unhandled);
  try {
    const { clock, hedge, log, follow, task } = setUp();
    follow(hedge.execute(task([150, 'fails'], [10, 'ok'])));
    follow(hedge.execute(task([160, 'ok'], [10, 'ok'])));
    await clock.run(500);
    // Node tells of unhandled rejections once all microtasks are done.
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).not.toHaveBeenCalled();
    expect(log).toEqual(['try 2 at 110', 'try 2 at 110']);
  } finally {
    process.off('unhandledRejection', unhandled);
  }
});

test('a first try that fails before the delay rejects at once: a hedge is no retry', async () => {
  const { clock, hedge, log, contexts, follow, task } = setUp();
  follow(hedge.execute(task([50, 'fails'], [10, 'ok'])));
  follow(
    hedge.execute(() => {
      throw new Error('thrown');
    }),
  );
  await clock.run(500);
  expect(log).toEqual(['thrown at 0', 'try 1 failed at 50']);
  expect(contexts).toHaveLength(1);
});

test.each([
  {
    tries: [
      [110, 'fails'],
      [50, 'ok'],
    ],
    ends: 'try 2 at 150',
  },
  {
    tries: [
      [200, 'ok'],
      [50, 'fails'],
    ],
    ends: 'try 1 at 200',
  },
  {
    tries: [
      [110, 'fails'],
      [50, 'fails'],
    ],
    ends: 'try 1 failed at 150',
  },
  {
    tries: [
      [200, 'fails'],
      [50, 'fails'],
    ],
    ends: 'try 1 failed at 200',
  },
] as const)(
  'one failure leaves the call to the other try, two are the first one’s: $ends',
  async ({ tries, ends }) => {
    const { clock, hedge, log, follow, task } = setUp();
    follow(hedge.execute(task(...tries)));
    await clock.run(500);
    expect(log).toEqual([ends]);
    expect(clock.pending).toBe(0);
  },
);

test('further hedges follow each other by the delay, until one try has failed', async () => {
  const { clock, hedge, log, contexts, follow, task, aborted } = setUp({ maxHedges: 3 });
  follow(hedge.execute(task([Infinity, 'ok'], [Infinity, 'ok'], [Infinity, 'ok'], [10, 'ok'])));
  await clock.run(500);
  expect(log).toEqual(['try 4 at 310']);
  expect(aborted()).toEqual([true, true, true, false]);
  contexts.length = 0;
  follow(hedge.execute(task([Infinity, 'ok'], [50, 'fails'], [1, 'ok'])));
  await clock.run(500);
  expect(contexts).toHaveLength(2);
  expect(aborted()).toEqual([false, false]);
  expect(log).toHaveLength(1);
});

test('a try that failed before another won is not aborted afterwards', async () => {
  const { clock, hedge, follow, task, aborted } = setUp({ maxHedges: 2 });
  follow(hedge.execute(task([300, 'ok'], [150, 'fails'], [Infinity, 'ok'])));
  await clock.run(500);
  expect(aborted()).toEqual([false, false, true]);
});

test('the budget bounds the hedges: its floor first, then its share of the calls', async () => {
  const { clock, hedge, follow, task } = setUp({ budgetRatio: 0.1, budgetFloor: 2 });
  const slow = task([150, 'ok'], [100, 'ok']);
  for (let call = 0; call < 3; call++) follow(hedge.execute(slow));
  await clock.run(200);
  expect(hedge.stats()).toMatchObject({ calls: 3, hedged: 2, budgetExhausted: 1 });
  // Ten calls earn one hedge, of which the first three were worth nothing to a full bucket.
  for (let call = 0; call < 9; call++) follow(hedge.execute(() => 'quick'));
  follow(hedge.execute(slow));
  follow(hedge.execute(slow));
  await clock.run(200);
  expect(hedge.stats()).toMatchObject({ calls: 14, hedged: 3, budgetExhausted: 2 });
});

test('an abort by the caller ends all tries, with its reason, at once', async () => {
  const { clock, hedge, log, contexts, follow, task, aborted } = setUp();
  const controller = new AbortController();
  const { signal } = controller;
  follow(hedge.execute(task(), { signal, key: 'tenant' }));
  await clock.run(120);
  expect(contexts.map(({ key }) => key)).toEqual(['tenant', 'tenant']);
  controller.abort('gone');
  await settlePromises();
  expect(log).toEqual(['gone at 120']);
  expect(aborted()).toEqual([true, true]);
  expect(contexts.map((context) => context.signal.reason as unknown)).toEqual(['gone', 'gone']);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  await clock.run(LINGER_MS);
  expect(clock.pending).toBe(0);
});

test('a call that was aborted or is too late before it begins never begins', async () => {
  const { clock, hedge } = setUp();
  const task = vi.fn<() => void>();
  await expect(hedge.execute(task, { signal: AbortSignal.abort('gone') })).rejects.toBe('gone');
  await expect(hedge.execute(task, { deadlineMs: 0 })).rejects.toBeInstanceOf(
    DeadlineExceededError,
  );
  expect(task).not.toHaveBeenCalled();
  expect(clock.pending).toBe(0);
});

test('a task that aborts its own call is heard, and is not hedged', async () => {
  const { clock, hedge } = setUp();
  const controller = new AbortController();
  const call = hedge.execute(
    () => {
      controller.abort('from within');
      return never();
    },
    { signal: controller.signal },
  );
  await expect(call).rejects.toBe('from within');
  expect(clock.pending).toBe(0);
});

test('each try is a part of the call: its deadline, and its number from that of the call on', async () => {
  const { clock, hedge, contexts, follow, task } = setUp();
  const whole = new CallContext(clock, { deadlineMs: 300, priority: 3 });
  follow(hedge.execute(task(), new CallContext(clock, whole, { attempt: 2 })));
  await clock.run(150);
  expect(contexts.map(({ attempt }) => attempt)).toEqual([2, 3]);
  expect(contexts.map(({ deadlineMs }) => deadlineMs)).toEqual([150, 150]);
  expect(contexts.map(({ priority }) => priority)).toEqual([3, 3]);
});

test('gates further in count the winner, and ignore the loser', async () => {
  const { clock, hedge, follow, task } = setUp();
  const outcomes: Outcome[] = [];
  const gate: Gate = {
    timed: true,
    enter: () => 0,
    exit: (_, outcome) => outcomes.push(outcome),
    refuse: () => new ShedError('gate', 'no'),
  };
  const chain = new GateChain('chain', [gate], clock);
  const guarded = task([Infinity, 'ok'], [30, 'ok']);
  follow(hedge.execute((context) => chain.execute(guarded, context)));
  await clock.run(500);
  expect(outcomes.toSorted()).toEqual(['ignored', 'success']);
});

test('with a percentile, calls are hedged once enough are known, by what they take now', async () => {
  const clock = new ManualClock();
  const hedge = new Hedge({ percentile: 0.9, minimumCalls: 10, windowMs: 10_000, clock });
  const taking = (ms: number) => (): Promise<string> =>
    new Promise((resolve) => {
      clock.schedule(ms, () => resolve('done'));
    });
  for (let ms = 10; ms <= 100; ms += 10) {
    expect(hedge.stats().delayMs).toBe(undefined);
    const call = hedge.execute(taking(ms));
    await clock.run(ms);
    await call;
  }
  const { delayMs = 0 } = hedge.stats();
  expect(delayMs / 90).toBeCloseTo(1, 1);
  expect(hedge.stats().hedged).toBe(0);
  const slow = hedge.execute(({ attempt }) => taking(attempt === 1 ? 1000 : 5)());
  await clock.run(delayMs + 5);
  expect(await slow).toBe('done');
  expect(hedge.stats()).toMatchObject({ hedged: 1, wonByHedge: 1 });
  await clock.run(20_000);
  expect(hedge.stats().delayMs).toBe(undefined);
});

test('the percentile stays within its bounds, and delayMs stands in for it', async () => {
  const clock = new ManualClock();
  const hedge = new Hedge({
    percentile: 0.5,
    minimumCalls: 1,
    minDelayMs: 20,
    maxDelayMs: 30,
    delayMs: 77,
    clock,
  });
  const after = async (ms: number): Promise<number | undefined> => {
    const call = hedge.execute(
      () =>
        new Promise<void>((resolve) => {
          clock.schedule(ms, resolve);
        }),
    );
    await clock.run(ms);
    await call;
    hedge.update({}); // Reads the percentile anew.
    return hedge.stats().delayMs;
  };
  expect(hedge.stats().delayMs).toBe(77);
  expect(await after(5)).toBe(20);
  hedge.update({ maxHedges: 2, percentile: 0.99 });
  expect(await after(50)).toBe(30);
  expect(hedge.traits).toEqual({ kind: 'hedge', maxAttempts: 3, budgeted: true });
  hedge.update({ windowMs: 1000 });
  expect(hedge.stats().delayMs).toBe(77);
});

test('update holds for calls from then on', async () => {
  const { clock, hedge, log, follow, task } = setUp();
  const slow = task([Infinity, 'ok'], [10, 'ok']);
  follow(hedge.execute(slow));
  hedge.update({ delayMs: 20, budgetFloor: 1 });
  follow(hedge.execute(slow));
  await clock.run(500);
  expect(log).toEqual(['try 2 at 30']);
  expect(hedge.stats()).toMatchObject({ hedged: 1, budgetExhausted: 1, delayMs: 20 });
  expect(() => hedge.update({ delayMs: undefined })).toThrow(InvalidOptionsError);
  expect(hedge.stats().delayMs).toBe(20);
});

test.each([
  [{}, 'delayMs must be given, or percentile, got undefined'],
  [{ delayMs: -1 }, 'delayMs must be'],
  [{ percentile: 1 }, 'percentile must be a ratio above 0 and below 1, got 1'],
  [{ delayMs: 1, maxHedges: 11 }, 'maxHedges must be an integer from 1 to 10'],
  [{ delayMs: 1, budgetRatio: 0 }, 'budgetRatio must be'],
  [{ delayMs: 1, budgetFloor: 0 }, 'budgetFloor must be'],
  [{ percentile: 0.9, minDelayMs: 9, maxDelayMs: 8 }, 'maxDelayMs must be at least minDelayMs (9)'],
])('options that are wrong are named: %j', (options, sentence) => {
  const mistake = (): unknown => new Hedge(options);
  expect(mistake).toThrow(InvalidOptionsError);
  expect(mistake).toThrow(`Hedge: ${sentence}`);
});

test('misuse rejects with a full sentence, and never throws', async () => {
  const { hedge } = setUp({ name: 'reads' });
  await expect(hedge.execute('task' as never)).rejects.toThrow(
    'reads: task must be a function, got "task"',
  );
  await expect(hedge.execute(never, { deadlineMs: 'soon' as never })).rejects.toThrow(
    'execute: deadlineMs must be a number of ms, got "soon"',
  );
});

test('the error of a task knows who called, across the hedge', async () => {
  const { hedge } = setUp();
  async function failingTask(): Promise<never> {
    await Promise.resolve();
    throw new Error('boom');
  }
  async function theCaller(): Promise<void> {
    await hedge.execute(failingTask);
  }
  const error: unknown = await theCaller().catch((reason: unknown) => reason);
  // Without the word `async`, which the test runner takes out of stacks.
  expect((error as Error).stack).toMatch(/at failingTask .*\n.* theCaller /);
});
