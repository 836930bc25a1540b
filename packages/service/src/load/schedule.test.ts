import { SeededRandom } from '@sluice/core/testing';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  arrivalCount,
  ConstantArrivals,
  PoissonArrivals,
  type ArrivalSchedule,
} from './schedule.ts';

function timesOf(schedule: ArrivalSchedule): number[] {
  const times: number[] = [];
  for (; schedule.left > 0; schedule.take()) times.push(schedule.nextMs);
  return times;
}

test('constant arrivals are due at k ÷ rate exactly, with no error that adds up', () => {
  const times = timesOf(new ConstantArrivals({ ratePerSecond: 3, durationMs: 1_000_000 }));
  expect(times).toHaveLength(3000);
  expect(times.slice(0, 4)).toEqual([0, 1000 / 3, 2000 / 3, 1000]);
  expect(times[2997]).toBe(999_000);
});

test('constant arrivals of any rate are evenly spaced and end with the run', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 5000, noNaN: true }),
      fc.integer({ min: 1, max: 2000 }),
      (ratePerSecond, durationMs) => {
        const schedule = new ConstantArrivals({ ratePerSecond, durationMs });
        const times = timesOf(schedule);
        expect(times).toHaveLength(schedule.count);
        times.forEach((atMs, k) => expect(atMs).toBeCloseTo((k * 1000) / ratePerSecond, 6));
        expect(times.at(-1)).toBeLessThan(durationMs);
        expect(schedule.nextMs).toBe(Infinity);
      },
    ),
  );
});

test('a run has rate × duration requests, rounded down, and never none', () => {
  const table = [
    { ratePerSecond: 100, durationMs: 10_000, count: 1000 },
    { ratePerSecond: 0.29, durationMs: 100_000, count: 29 },
    { ratePerSecond: 3, durationMs: 500, count: 1 },
    { ratePerSecond: 0.1, durationMs: 500, count: 1 },
    { ratePerSecond: 1.1, durationMs: 10_000, count: 11 },
  ];
  for (const { count, ...options } of table) expect(arrivalCount(options)).toBe(count);
});

test('poisson arrivals have the mean, the spread and the tail of independent clients', () => {
  const options = { ratePerSecond: 1000, durationMs: 20_000 };
  const times = timesOf(new PoissonArrivals(options, new SeededRandom(7)));
  const gaps = times.map((atMs, k) => atMs - (times[k - 1] ?? 0));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
  const longer = gaps.filter((gap) => gap > mean).length / gaps.length;
  expect(mean).toBeGreaterThan(0.98);
  expect(mean).toBeLessThan(1.02);
  expect(deviation / mean).toBeGreaterThan(0.97);
  expect(deviation / mean).toBeLessThan(1.03);
  expect(Math.abs(longer - 1 / Math.E)).toBeLessThan(0.01);
});

test('poisson arrivals are as many as the rate promises, in order and within the run', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 2000, noNaN: true }),
      fc.integer({ min: 1, max: 2000 }),
      fc.integer(),
      (ratePerSecond, durationMs, seed) => {
        const options = { ratePerSecond, durationMs };
        const times = timesOf(new PoissonArrivals(options, new SeededRandom(seed)));
        expect(times).toHaveLength(arrivalCount(options));
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(times[0]).toBeGreaterThanOrEqual(0);
        expect(times.at(-1)).toBeLessThanOrEqual(durationMs);
      },
    ),
  );
});

test('poisson arrivals stay within the run whatever chance says', () => {
  for (const next of [0, 0.5, 1 - 2 ** -53]) {
    const options = { ratePerSecond: 10, durationMs: 1000 };
    const times = timesOf(new PoissonArrivals(options, { next: () => next }));
    expect(times).toHaveLength(10);
    for (const atMs of times) expect(atMs >= 0 && atMs <= 1000).toBe(true);
  }
});

test('poisson arrivals repeat themselves for the same seed', () => {
  const run = (seed: number): number[] =>
    timesOf(new PoissonArrivals({ ratePerSecond: 50, durationMs: 1000 }, new SeededRandom(seed)));
  expect(run(1)).toEqual(run(1));
  expect(run(1)).not.toEqual(run(2));
});
