import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidOptionsError } from '../core/index.ts';
import { ManualClock } from '../testing/index.ts';
import { RetryBudget, type RetryBudgetOptions } from './retry-budget.ts';

function setUp(options: RetryBudgetOptions = {}) {
  const clock = new ManualClock();
  return { clock, budget: new RetryBudget({ clock, ...options }) };
}

function record(budget: RetryBudget, times: number): void {
  for (let i = 0; i < times; i++) budget.recordFirstTry();
}

/** Asks for so many retries; returns how many were granted. */
function ask(budget: RetryBudget, times: number): number {
  let granted = 0;
  for (let i = 0; i < times; i++) if (budget.tryRetry()) granted++;
  return granted;
}

test('a budget grants a fifth of the first tries, and ten retries a second besides', () => {
  const { budget } = setUp();
  record(budget, 1000);
  expect(ask(budget, 1000)).toBe(200 + 100);
  expect(budget.stats()).toEqual({
    firstTries: 1000,
    retries: 300,
    available: 0,
    granted: 300,
    exhausted: 700,
  });
});

test('without a floor, five first tries buy one retry', () => {
  const { budget } = setUp({ minRetriesPerSecond: 0 });
  record(budget, 4);
  expect(ask(budget, 1)).toBe(0);
  record(budget, 1);
  expect(ask(budget, 2)).toBe(1);
});

test('a share that floating point holds a little too small still buys the whole retry', () => {
  const { budget } = setUp({ ratio: 0.29, minRetriesPerSecond: 0 });
  record(budget, 100);
  expect(ask(budget, 100)).toBe(29);
});

test('a ratio and a floor of 0 grant nothing', () => {
  const { budget } = setUp({ ratio: 0, minRetriesPerSecond: 0 });
  record(budget, 1000);
  expect(ask(budget, 10)).toBe(0);
});

test('what was spent comes back when the window has passed it', () => {
  const { clock, budget } = setUp({ ratio: 0, minRetriesPerSecond: 1, windowMs: 5000 });
  expect(ask(budget, 10)).toBe(5);
  clock.advance(5000);
  expect(ask(budget, 10)).toBe(0); // its bucket has not left as a whole
  clock.advance(100);
  expect(ask(budget, 10)).toBe(5);
});

test('first tries of before the window buy nothing, however long the silence', () => {
  for (const silenceMs of [10_000, 10_200, 60_000, 1e9]) {
    const { clock, budget } = setUp({ minRetriesPerSecond: 0 });
    record(budget, 1000);
    clock.advance(silenceMs);
    expect(ask(budget, 1)).toBe(0);
  }
});

test('a clock that goes back brings nothing back', () => {
  const { clock, budget } = setUp({ minRetriesPerSecond: 0 });
  clock.advance(20_000);
  record(budget, 10);
  expect(ask(budget, 10)).toBe(2);
  clock.setBack(15_000);
  expect(ask(budget, 10)).toBe(0);
  record(budget, 5);
  expect(ask(budget, 10)).toBe(1);
});

test('many first tries read the clock once in 64, few read it each time', () => {
  let reads = 0;
  const manual = new ManualClock();
  const clock = {
    nowMs: () => (reads++, manual.nowMs()),
    wallTimeMs: () => manual.wallTimeMs(),
    schedule: manual.schedule.bind(manual),
  };
  const budget = new RetryBudget({ clock });
  record(budget, 100_000);
  expect(reads).toBeLessThan(100_000 / 60);
  for (let i = 0; i < 64; i++) {
    manual.advance(10_000);
    budget.recordFirstTry();
  }
  reads = 0;
  for (let i = 0; i < 20; i++) {
    manual.advance(10_000);
    budget.recordFirstTry();
  }
  expect(reads).toBe(20);
});

test('a steady caller gets at least nine tenths of the ratio', () => {
  const { clock, budget } = setUp({ minRetriesPerSecond: 0 });
  let granted = 0;
  for (let i = 0; i < 60_000; i++) {
    clock.advance(1);
    budget.recordFirstTry();
    if (budget.tryRetry()) granted++;
  }
  expect(granted / 60_000).toBeGreaterThan(0.18);
  expect(granted / 60_000).toBeLessThanOrEqual(0.2);
});

test('every option can be changed live, and what was counted stays counted', () => {
  const { budget } = setUp({ minRetriesPerSecond: 0 });
  record(budget, 100);
  expect(ask(budget, 100)).toBe(20);
  budget.update({ ratio: 0.5 });
  expect(ask(budget, 100)).toBe(30);
  budget.update({ minRetriesPerSecond: 1 });
  expect(ask(budget, 100)).toBe(10);
  budget.update({ windowMs: 20_000 });
  expect(budget.stats()).toMatchObject({ firstTries: 100, retries: 60, available: 10 });
});

test('a wrong option is refused with its name, and changes nothing', () => {
  expect(() => new RetryBudget({ ratio: 2 })).toThrow(
    'RetryBudget: ratio must be a ratio from 0 to 1, got 2',
  );
  expect(() => new RetryBudget({ minRetriesPerSecond: -1, windowMs: 0 })).toThrow(
    InvalidOptionsError,
  );
  const { budget } = setUp({ minRetriesPerSecond: 0 });
  expect(() => budget.update({ ratio: Number.NaN })).toThrow(InvalidOptionsError);
  record(budget, 100);
  expect(ask(budget, 100)).toBe(20);
});

type Step =
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'record' | 'ask'; readonly times: number }
  | { readonly do: 'resize'; readonly windowMs: number };

const windows = fc.constantFrom(50, 1000, 10_000, 3700);
const times = fc.integer({ min: 1, max: 200 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 80 }) }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 12_000 }) }),
  fc.record({ do: fc.constantFrom('record' as const, 'ask' as const), times }),
);
const resizing: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: step },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resize' as const), windowMs: windows }) },
);
const settings = fc.record({
  ratio: fc.constantFrom(0, 0.1, 0.2, 1 / 3, 1),
  minRetriesPerSecond: fc.constantFrom(0, 0.1, 1, 10),
  windowMs: windows,
});

/** Runs the steps; calls `granted` at each retry that was granted, with the times of all that it remembers. */
function runSteps(
  { clock, budget }: ReturnType<typeof setUp>,
  steps: readonly Step[],
  granted: (firsts: readonly number[], retries: readonly number[]) => void,
): void {
  const firsts: number[] = [];
  let retries: number[] = [];
  for (const each of steps) {
    if (each.do === 'pass') clock.advance(each.ms);
    if (each.do === 'resize') {
      const { windowMs } = budget;
      retries = retries.filter((atMs) => atMs > clock.nowMs() - windowMs);
      budget.update({ windowMs: each.windowMs });
    }
    if (each.do === 'record') {
      record(budget, each.times);
      for (let i = 0; i < each.times; i++) firsts.push(clock.nowMs());
    }
    if (each.do !== 'ask') continue;
    for (let i = 0; i < each.times && budget.tryRetry(); i++) {
      retries.push(clock.nowMs());
      granted(firsts, retries);
    }
  }
}

const since = (moments: readonly number[], fromMs: number): number =>
  moments.filter((atMs) => atMs > fromMs).length;

test('whenever a retry is granted, those of the window are within ratio × first tries + floor', () => {
  fc.assert(
    fc.property(settings, fc.array(resizing, { maxLength: 60 }), (options, steps) => {
      const parts = setUp(options);
      runSteps(parts, steps, (firsts, retries) => {
        const { windowMs } = parts.budget;
        const fromMs = parts.clock.nowMs() - windowMs;
        const floor = (options.minRetriesPerSecond * windowMs) / 1000;
        const bound = options.ratio * since(firsts, fromMs) + floor;
        expect(since(retries, fromMs)).toBeLessThanOrEqual(bound + 1e-6);
      });
    }),
  );
});

test('from the start on, retries are within ratio × all first tries + floor × (the time + one window)', () => {
  fc.assert(
    fc.property(settings, fc.array(step, { maxLength: 60 }), (options, steps) => {
      const parts = setUp(options);
      runSteps(parts, steps, (firsts, retries) => {
        const floor =
          (options.minRetriesPerSecond * (parts.clock.nowMs() + options.windowMs)) / 1000;
        expect(retries.length).toBeLessThanOrEqual(options.ratio * firsts.length + floor + 1e-6);
      });
    }),
  );
});

test('a budget that looks at the clock before each first try is exact to a bucket', () => {
  fc.assert(
    fc.property(settings, fc.array(step, { maxLength: 60 }), (options, steps) => {
      const { clock, budget } = setUp(options);
      const bucketMs = options.windowMs / 50;
      const firsts: number[] = [];
      const retries: number[] = [];
      for (const each of steps) {
        if (each.do === 'pass') clock.advance(each.ms);
        if (each.do === 'record') {
          for (let i = 0; i < each.times; i++) {
            budget.stats(); // looks at the clock
            budget.recordFirstTry();
            firsts.push(clock.nowMs());
          }
        }
        if (each.do !== 'ask') continue;
        const nowMs = clock.nowMs();
        const floor = (options.minRetriesPerSecond * options.windowMs) / 1000;
        const sure = since(firsts, nowMs - options.windowMs + bucketMs);
        const spent = since(retries, nowMs - options.windowMs - bucketMs - 1e-6);
        const owed = Math.floor(options.ratio * sure + floor + 1e-9) - spent;
        let granted = 0;
        for (let i = 0; i < each.times && budget.tryRetry(); i++) {
          retries.push(nowMs);
          granted++;
        }
        expect(granted).toBeGreaterThanOrEqual(Math.min(each.times, owed));
      }
    }),
  );
});
