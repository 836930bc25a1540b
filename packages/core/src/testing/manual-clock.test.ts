import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock, settlePromises } from './manual-clock.ts';

test('a manual clock stands still until it is told to move', () => {
  const clock = new ManualClock();
  expect([clock.nowMs(), clock.nowMs()]).toEqual([0, 0]);
  clock.advance(2.5);
  clock.advanceTo(10);
  expect(clock.nowMs()).toBe(10);
  expect(clock.wallTimeMs()).toBe(Date.UTC(2026, 0, 1) + 10);
  expect(new ManualClock(1000, 500)).toMatchObject({ pending: 0, nextDueMs: Infinity });
  expect(new ManualClock(1000, 500).wallTimeMs()).toBe(1500);
});

test('tasks run in the order of their times, each at its own time', () => {
  const clock = new ManualClock();
  const ran: string[] = [];
  const note = (name: string) => () => void ran.push(`${name} at ${clock.nowMs()}`);
  clock.schedule(30, note('c'));
  clock.schedule(10, note('a'));
  clock.schedule(20, note('b'));
  clock.schedule(-5, note('past'));
  clock.schedule(10, note('a, later'));
  expect([clock.pending, clock.nextDueMs]).toEqual([5, 0]);
  clock.advance(20);
  expect(ran).toEqual(['past at 0', 'a at 10', 'a, later at 10', 'b at 20']);
  expect([clock.pending, clock.nextDueMs, clock.nowMs()]).toEqual([1, 30, 20]);
});

test('no task runs before schedule has returned, and what is due now runs with the next move', () => {
  const clock = new ManualClock();
  let runs = 0;
  clock.schedule(0, () => runs++);
  expect(runs).toBe(0);
  clock.advance(0);
  expect(runs).toBe(1);
});

test('a task that schedules more within the time gets it run', () => {
  const clock = new ManualClock();
  const ticks: number[] = [];
  const tick = (): void => {
    ticks.push(clock.nowMs());
    clock.schedule(10, tick);
  };
  clock.schedule(10, tick);
  clock.advance(35);
  expect(ticks).toEqual([10, 20, 30]);
  expect(clock.nowMs()).toBe(35);
});

test('a cancelled task does not run, also when another task of the same time cancels it', () => {
  const clock = new ManualClock();
  const ran: string[] = [];
  const cancelFirst = clock.schedule(10, () => ran.push('first'));
  clock.schedule(10, () => cancelLast());
  const cancelLast = clock.schedule(10, () => ran.push('last'));
  cancelFirst();
  cancelFirst();
  clock.advance(20);
  cancelLast();
  expect(ran).toEqual([]);
  expect(clock.pending).toBe(0);
});

test('the clock never goes back but by setBack', () => {
  const clock = new ManualClock(100);
  expect(() => clock.advanceTo(99)).toThrow(
    'ManualClock cannot move from 100 to 99: it never goes back. Use setBack().',
  );
  expect(() => clock.advance(-1)).toThrow(RangeError);
  expect(() => clock.advance(Number.NaN)).toThrow(RangeError);
  clock.setBack(40);
  expect(clock.nowMs()).toBe(60);
});

test('run refuses to go back, too', async () => {
  const clock = new ManualClock(100);
  await expect(clock.run(-1)).rejects.toThrow('from 100 to 99');
  expect(clock.nowMs()).toBe(100);
});

test('a task that moves the clock itself is not undone', async () => {
  const clock = new ManualClock();
  clock.schedule(5, () => clock.advance(100));
  clock.advance(10);
  expect(clock.nowMs()).toBe(105);
  clock.schedule(5, () => clock.advance(100));
  await clock.run(10);
  expect(clock.nowMs()).toBe(210);
});

test('run lets promises settle before and after each task', async () => {
  const clock = new ManualClock();
  const ran: string[] = [];
  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => clock.schedule(ms, resolve));
  const work = async (): Promise<void> => {
    await Promise.resolve();
    for (let step = 1; step <= 3; step++) {
      await sleep(10);
      ran.push(`step ${step} at ${clock.nowMs()}`);
    }
  };
  void work();
  await clock.run(25);
  expect(ran).toEqual(['step 1 at 10', 'step 2 at 20']);
  expect(clock.nowMs()).toBe(25);
});

test('settlePromises sees a chain of many hops to its end', async () => {
  let hops = 0;
  const hop = async (): Promise<void> => {
    for (; hops < 40; hops++) await Promise.resolve();
  };
  void hop();
  await settlePromises();
  expect(hops).toBe(40);
});

test('whatever is scheduled and cancelled, tasks run once each, in order of time and then of scheduling', () => {
  const plan = fc.array(
    fc.record({ delayMs: fc.integer({ min: -2, max: 20 }), cancelled: fc.boolean() }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(
      plan,
      fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 6 }),
      (tasks, moves) => {
        const clock = new ManualClock();
        const ran: { id: number; atMs: number }[] = [];
        tasks.forEach(({ delayMs, cancelled }, id) => {
          const cancel = clock.schedule(delayMs, () => ran.push({ id, atMs: clock.nowMs() }));
          if (cancelled) cancel();
        });
        for (const byMs of moves) clock.advance(byMs);
        const due = tasks
          .map(({ delayMs, cancelled }, id) => ({ id, atMs: Math.max(0, delayMs), cancelled }))
          .filter(({ atMs, cancelled }) => !cancelled && moves.length > 0 && atMs <= clock.nowMs())
          .toSorted((a, b) => a.atMs - b.atMs || a.id - b.id);
        expect(ran).toEqual(due.map(({ id, atMs }) => ({ id, atMs })));
      },
    ),
  );
});
