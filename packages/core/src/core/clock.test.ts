import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';

const MAX_TIMER_MS = 2 ** 31 - 1;
const DAY_MS = 24 * 3600 * 1000;

afterEach(() => {
  // In this order: a spy on a fake timer would bring the fake back.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Resolves when the task has run, with the clock's time at that moment. */
function firedAt(delayMs: number): Promise<number> {
  return new Promise((resolve) => {
    systemClock.schedule(delayMs, () => resolve(systemClock.nowMs()));
  });
}

function timersThatHoldTheProcess(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
}

/** The machine's own, before anybody puts another in its place. */
const monotonic = performance;

/** Timers and monotonic time that a test moves. The clock has the object of the latter from the start. */
function useFakeTime(): void {
  vi.useFakeTimers();
  const fake = globalThis.performance;
  vi.spyOn(monotonic, 'now').mockImplementation(() => fake.now());
}

test('the system clock runs a task when its time has come, and never a fraction early', async () => {
  const delays = [0, 0.2, 0.9, 1, 1.1, 1.5, 2.7, 3, 4.999, 5.001];
  for (let round = 0; round < 10; round++) {
    const late = await Promise.all(
      delays.map(async (delayMs) => {
        const startMs = systemClock.nowMs();
        return (await firedAt(delayMs)) - (startMs + delayMs);
      }),
    );
    expect(late.filter((ms) => !(ms >= 0))).toEqual([]);
  }
});

test('a timer that Node fires too early is set again for the rest', () => {
  const armed: { delayMs: number; fire: () => void }[] = [];
  let nowMs = 100;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((fire: () => void, delayMs: number) => {
    armed.push({ delayMs, fire });
    return {};
  }) as never);
  const task = vi.fn<() => void>();
  systemClock.schedule(10, task);
  nowMs = 109.6;
  armed[0]?.fire();
  expect(task).not.toHaveBeenCalled();
  expect(armed.map(({ delayMs }) => delayMs)).toEqual([10, 1]);
  nowMs = 110;
  armed[1]?.fire();
  expect(task).toHaveBeenCalledTimes(1);
});

test('a task never runs before schedule has returned, not even without a delay', async () => {
  for (const delayMs of [0, -1, -Infinity]) {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      systemClock.schedule(delayMs, () => {
        order.push('task');
        resolve();
      });
      order.push('returned');
    });
    expect(order).toEqual(['returned', 'task']);
  }
});

test('a delay longer than Node can hold does not fire at once', async () => {
  const task = vi.fn<() => void>();
  const cancels = [MAX_TIMER_MS + 1, 2 ** 32, 1e15, Infinity].map((delayMs) =>
    systemClock.schedule(delayMs, task),
  );
  await firedAt(5);
  for (const cancel of cancels) cancel();
  expect(task).not.toHaveBeenCalled();
});

test('a delay of sixty days is held in pieces and ends on its day, once', () => {
  useFakeTime();
  const task = vi.fn<() => void>();
  systemClock.schedule(60 * DAY_MS, task);
  vi.advanceTimersByTime(60 * DAY_MS - 1);
  expect(task).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(task).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(100 * DAY_MS);
  expect(task).toHaveBeenCalledTimes(1);
});

test('a long delay can be cancelled in any of its pieces', () => {
  useFakeTime();
  for (const afterDays of [0, 1, 26, 59]) {
    const task = vi.fn<() => void>();
    const cancel = systemClock.schedule(60 * DAY_MS, task);
    vi.advanceTimersByTime(afterDays * DAY_MS);
    cancel();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(100 * DAY_MS);
    expect(task).not.toHaveBeenCalled();
  }
});

test('cancel may be called before the task runs, while it runs, after it, and twice', async () => {
  const early = vi.fn<() => void>();
  const cancelEarly = systemClock.schedule(1, early);
  cancelEarly();
  cancelEarly();
  let runs = 0;
  await new Promise<void>((resolve) => {
    const cancel = systemClock.schedule(1, () => {
      runs++;
      cancel();
      resolve();
    });
  });
  await firedAt(3);
  expect(early).not.toHaveBeenCalled();
  expect(runs).toBe(1);
});

test('a pending task keeps the process alive unless it is told not to', () => {
  const before = timersThatHoldTheProcess();
  const cancelQuiet = systemClock.schedule(60_000, () => undefined, { keepAlive: false });
  expect(timersThatHoldTheProcess()).toBe(before);
  const cancelHolding = systemClock.schedule(60_000, () => undefined);
  expect(timersThatHoldTheProcess()).toBe(before + 1);
  cancelQuiet();
  cancelHolding();
  expect(timersThatHoldTheProcess()).toBe(before);
});

test('a quiet task stays quiet through all the pieces of a long delay', () => {
  useFakeTime();
  const setTimer = vi.spyOn(globalThis, 'setTimeout');
  systemClock.schedule(60 * DAY_MS, () => undefined, { keepAlive: false });
  vi.advanceTimersByTime(50 * DAY_MS);
  const pieces = setTimer.mock.results.map(({ value }) => value as NodeJS.Timeout);
  expect(pieces).toHaveLength(3);
  expect(pieces.map((timer) => timer.hasRef())).toEqual([false, false, false]);
});

test('the system clock tells monotonic time for elapsed time, and wall time for people', () => {
  const times = Array.from({ length: 1000 }, () => systemClock.nowMs());
  expect(times.every((ms, i) => i === 0 || ms >= (times[i - 1] as number))).toBe(true);
  const before = Date.now();
  const wallMs = systemClock.wallTimeMs();
  expect(wallMs).toBeGreaterThanOrEqual(before);
  expect(wallMs).toBeLessThanOrEqual(Date.now());
  expect(Object.isFrozen(systemClock)).toBe(true);
});
