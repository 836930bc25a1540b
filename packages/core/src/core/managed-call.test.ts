import { getEventListeners } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { ManualClock, settlePromises } from '../testing/index.ts';
import { CallContext } from './call-context.ts';
import { DeadlineExceededError, ShedError, TimeoutError } from './errors.ts';
import { GateChain } from './gate-chain.ts';
import { MUST_WAIT, type Outcome, type WaitingGate } from './gate.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Lets calls in at once, or has them wait until `admit`; writes down all it is told. */
class DiaryGate implements WaitingGate {
  readonly timed = true;
  readonly overdue?: (ticket: number, nowMs: number) => number;
  readonly #name: string;
  readonly #diary: string[];
  admit: (ticket: number) => void = () => undefined;
  onEnter: () => void = () => undefined;
  queues = false;

  constructor(name: string, diary: string[], keepsPlace = false) {
    this.#name = name;
    this.#diary = diary;
    if (keepsPlace) {
      this.overdue = (ticket, nowMs) => {
        diary.push(`${name} overdue ${ticket} at ${nowMs}`);
        return ticket;
      };
    }
  }

  enter(): number {
    this.onEnter();
    return this.queues ? MUST_WAIT : -1;
  }

  wait(context: CallContext): Promise<number> {
    return new Promise((resolve, reject) => {
      this.admit = resolve;
      context.onAbort(reject);
    });
  }

  exit(ticket: number, outcome: Outcome, nowMs: number): void {
    this.#diary.push(`${this.#name} ${outcome} ${ticket} at ${nowMs}`);
  }

  refuse(): ShedError {
    return new ShedError(this.#name, 'no', 1);
  }
}

function setUp() {
  const clock = new ManualClock();
  const diary: string[] = [];
  const outer = new DiaryGate('outer', diary);
  const pool = new DiaryGate('pool', diary, true);
  const chain = new GateChain('chain', [outer, pool], clock);
  const controller = new AbortController();
  const { signal } = controller;
  return { clock, diary, outer, pool, chain, controller, signal };
}

const listenersOn = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

/** A promise and its handles. */
function work() {
  let resolve: (value: string) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<string>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

test('a caller who gave up before the call meets no gate', async () => {
  const { diary, chain, outer } = setUp();
  const entered = vi.spyOn(outer, 'enter');
  const task = vi.fn<() => void>();
  await expect(chain.execute(task, { signal: AbortSignal.abort('gone') })).rejects.toBe('gone');
  expect(task).not.toHaveBeenCalled();
  expect(entered).not.toHaveBeenCalled();
  expect(diary).toEqual([]);
});

test('a deadline that has passed already is refused before any gate', async () => {
  const { diary, chain } = setUp();
  const task = vi.fn<() => void>();
  for (const deadlineMs of [0, -1, -Infinity]) {
    const call = chain.execute(task, { deadlineMs });
    await expect(call).rejects.toThrow(DeadlineExceededError);
    await expect(call).rejects.toMatchObject({ policy: 'chain', retryAfterMs: undefined });
  }
  expect(task).not.toHaveBeenCalled();
  expect(diary).toEqual([]);
});

test('a caller who gives up while the call waits is answered at once, and the work never begins', async () => {
  const { clock, diary, pool, chain, controller, signal } = setUp();
  pool.queues = true;
  const task = vi.fn<() => void>();
  const call = chain.execute(task, { signal });
  clock.advance(10);
  controller.abort('gone');
  await expect(call).rejects.toBe('gone');
  expect(diary).toEqual(['outer ignored -1 at 10']);
  pool.admit(-7);
  await settlePromises();
  expect(task).not.toHaveBeenCalled();
  expect(listenersOn(signal)).toBe(0);
});

test('a place granted in the very moment in which the caller gives up is given back', async () => {
  const { diary, pool, chain, controller, signal } = setUp();
  pool.queues = true;
  const task = vi.fn<() => void>();
  const call = chain.execute(task, { signal });
  pool.admit(-7);
  controller.abort('gone');
  await expect(call).rejects.toBe('gone');
  expect(task).not.toHaveBeenCalled();
  expect(diary).toEqual(['pool ignored -7 at 0', 'outer ignored -1 at 0']);
});

test('a place granted when the deadline has passed is given back', async () => {
  const { clock, diary, pool, chain } = setUp();
  pool.queues = true;
  const task = vi.fn<() => void>();
  const call = chain.execute(task, { deadlineMs: 50 });
  clock.advance(50);
  pool.admit(-7);
  await expect(call).rejects.toThrow('chain: the deadline passed before the work began');
  expect(task).not.toHaveBeenCalled();
  expect(diary).toEqual(['pool ignored -7 at 50', 'outer ignored -1 at 50']);
});

test('a caller who gives up while the work runs is answered at once, and the work keeps its place', async () => {
  const { clock, diary, chain, controller, signal } = setUp();
  const { promise, resolve } = work();
  let told: unknown;
  const call = chain.execute(
    (context) => {
      context.signal.addEventListener('abort', () => {
        told = context.signal.reason;
      });
      return promise;
    },
    { signal },
  );
  clock.advance(10);
  controller.abort('gone');
  await expect(call).rejects.toBe('gone');
  expect(told).toBe('gone');
  expect(listenersOn(signal)).toBe(0);
  expect(diary).toEqual(['pool overdue -1 at 10', 'outer ignored -1 at 10']);
  clock.advance(20);
  resolve('late');
  await settlePromises();
  expect(diary.slice(2)).toEqual(['pool success -1 at 30']);
});

test('work that fails after its caller had gone rejects nobody, and counts against nobody', async () => {
  const { diary, chain, controller, signal } = setUp();
  const { promise, reject } = work();
  const call = chain.execute(() => promise, { signal });
  controller.abort('gone');
  await expect(call).rejects.toBe('gone');
  reject(new Error('socket closed'));
  await settlePromises();
  expect(diary).toEqual(['pool overdue -1 at 0', 'outer ignored -1 at 0', 'pool ignored -1 at 0']);
});

test('a call that a gate ends for taking too long is a failure, and so is its late end', async () => {
  const { diary, chain } = setUp();
  const { promise, reject } = work();
  const context = new CallContext(new ManualClock());
  const call = chain.execute(() => promise, context);
  context.abort(new TimeoutError('pool', 'slow', { timeoutMs: 0 }));
  await expect(call).rejects.toThrow(TimeoutError);
  reject(new Error('cut off'));
  await settlePromises();
  expect(diary).toEqual(['pool overdue -1 at 0', 'outer failure -1 at 0', 'pool failure -1 at 0']);
});

test('a caller who gives up after the call has settled changes nothing', async () => {
  const { diary, chain, controller, signal } = setUp();
  let context: AbortSignal | undefined;
  await chain.execute(
    (given) => {
      context = given.signal;
    },
    { signal },
  );
  expect(listenersOn(signal)).toBe(0);
  controller.abort('late');
  expect(context?.aborted).toBe(false);
  expect(diary).toEqual(['pool success -1 at 0', 'outer success -1 at 0']);
});

test('a task that makes its own caller give up is answered by the abort', async () => {
  const { diary, chain, controller, signal } = setUp();
  const call = chain.execute(
    () => {
      controller.abort('by the task');
      return 'value';
    },
    { signal },
  );
  await expect(call).rejects.toBe('by the task');
  expect(diary).toEqual(['pool overdue -1 at 0', 'outer ignored -1 at 0', 'pool success -1 at 0']);
});

test('a call that is given up while it enters the gates does not begin', async () => {
  const { diary, pool, chain, controller, signal } = setUp();
  pool.onEnter = () => controller.abort('by a listener');
  const task = vi.fn<() => void>();
  await expect(chain.execute(task, { signal })).rejects.toBe('by a listener');
  expect(task).not.toHaveBeenCalled();
  expect(diary).toEqual(['pool ignored -1 at 0', 'outer ignored -1 at 0']);
});

test('a gate whose wait throws is a refusal, and the gates before it are left', async () => {
  for (const options of [undefined, { signal: new AbortController().signal }]) {
    const { diary, pool, chain } = setUp();
    pool.queues = true;
    vi.spyOn(pool, 'wait').mockImplementation(() => {
      throw new Error('no queue');
    });
    await expect(chain.execute(() => 1, options)).rejects.toThrow('no queue');
    expect(diary).toEqual(['outer ignored -1 at 0']);
    await expect(
      Promise.allSettled([chain.execute(() => 1), chain.execute(() => 2)]),
    ).resolves.toHaveLength(2);
    expect(diary).toHaveLength(3);
  }
});

test('a gate that throws in overdue keeps no other gate from hearing of it', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const clock = new ManualClock();
  const diary: string[] = [];
  const mistake = new Error('mine');
  const outer = new DiaryGate('outer', diary);
  const pool = Object.assign(new DiaryGate('pool', diary), {
    overdue() {
      throw mistake;
    },
  });
  const controller = new AbortController();
  const chain = new GateChain('chain', [outer, pool], clock);
  const call = chain.execute(() => work().promise, { signal: controller.signal });
  controller.abort('gone');
  await expect(call).rejects.toBe('gone');
  expect(diary).toEqual(['outer ignored -1 at 0']);
  expect(warned.mock.calls).toEqual([[mistake]]);
});

test('an inner call that was given the context of the outer one ends with it, and leaves it open', async () => {
  const { chain, controller, signal } = setUp();
  const inner = setUp().chain;
  const call = chain.execute(
    async (context) => {
      await inner.execute(() => 'first', context);
      return inner.execute(() => work().promise, context);
    },
    { signal },
  );
  await settlePromises();
  expect(listenersOn(signal)).toBe(1);
  controller.abort('gone');
  await expect(call).rejects.toBe('gone');
  expect(listenersOn(signal)).toBe(0);
});

test('a hundred calls can share one signal without a warning of a leak', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const { chain, signal } = setUp();
  const all = Array.from({ length: 100 }, () => work());
  const calls = all.map(({ promise }) => chain.execute(() => promise, { signal }));
  expect(listenersOn(signal)).toBe(100);
  for (const { resolve } of all) resolve('done');
  await Promise.all(calls);
  expect(listenersOn(signal)).toBe(0);
  expect(warned).not.toHaveBeenCalled();
});
