import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from '../testing/index.ts';
import { RunEstimate } from './run-estimate.ts';

/** An estimate that has seen `count` runs, in turn as long as `runsMs` says. */
function seen(count: number, ...runsMs: number[]): RunEstimate {
  const runs = new RunEstimate();
  for (let i = 0; i < count; i++) runs.learn(runsMs[i % runsMs.length] as number);
  return runs;
}

test('nobody is refused because of fewer than twenty runs', () => {
  expect(seen(19, 100).lateBy(1, 1000, 1, 0)).toBe(0);
  expect(seen(19, 100).leastMs).toBe(0);
  expect(seen(20, 100).lateBy(1, 1000, 1, 0)).toBeGreaterThan(0);
  expect(seen(20, 100).leastMs).toBe(100);
});

test('the mean is NaN while nothing is known, then that of the runs, and later of the last ones', () => {
  expect(new RunEstimate().meanMs).toBeNaN();
  expect(seen(1, 8).meanMs).toBe(8);
  expect(seen(10, 1, 3).meanMs).toBeCloseTo(2);
  const runs = seen(100, 10);
  for (let i = 0; i < 200; i++) runs.learn(30);
  expect(runs.meanMs).toBeGreaterThan(29.9);
});

test('what is no duration teaches nothing', () => {
  const runs = seen(30, 10);
  for (const odd of [Number.NaN, -1, Infinity, -Infinity]) runs.learn(odd);
  expect([runs.meanMs, runs.leastMs]).toEqual([10, 10]);
});

test('with equal runs the wait is that of those ahead, shared by the lanes', () => {
  const runs = seen(50, 10);
  expect(runs.lateBy(60, 20, 4, 0)).toBe(0);
  expect(runs.lateBy(59, 20, 4, 0)).toBe(1);
  expect(runs.lateBy(10, 0, 4, 0)).toBe(0);
});

test('who has less time than almost any run takes is too late whoever is ahead', () => {
  expect(seen(50, 10).lateBy(9.9, 0, 4, 0)).toBe(Infinity);
  expect(new RunEstimate().lateBy(0, 0, 1, 0)).toBe(Infinity);
});

test('a short job among long ones is let in as long as it has a chance of one in twenty', () => {
  const runs = seen(200, 5, 195);
  expect(runs.meanMs).toBeGreaterThan(90);
  expect(runs.lateBy(50, 0, 1, 0)).toBeLessThanOrEqual(0);
  expect(runs.lateBy(50, 1, 1, 0)).toBeLessThanOrEqual(0);
  expect(runs.lateBy(50, 3, 2, 0)).toBeLessThanOrEqual(0);
  expect(runs.lateBy(50, 100, 2, 0)).toBeGreaterThan(0);
});

test('almost every run takes longer than the least, whatever their distribution', () => {
  const random = new SeededRandom(1);
  const ways = [
    () => 2 + 100 * random.next(),
    () => -50 * Math.log(1 - random.next()) + 2,
    () => (random.next() < 0.2 ? 5 : 400),
  ];
  for (const way of ways) {
    const runs = new RunEstimate();
    let shorter = 0;
    for (let i = 0; i < 5000; i++) {
      const runMs = way();
      if (runMs < runs.leastMs) shorter++;
      runs.learn(runMs);
    }
    expect(shorter / 5000).toBeLessThan(0.08);
    expect(runs.leastMs).toBeGreaterThan(1);
  }
});

test('runs that become shorter lower the least within dozens, and longer ones raise it slowly', () => {
  const runs = seen(100, 100);
  for (let i = 0; i < 40; i++) runs.learn(2);
  expect(runs.leastMs).toBeLessThan(3);
  for (let i = 0; i < 40; i++) runs.learn(100);
  expect(runs.leastMs).toBeLessThan(4);
  for (let i = 0; i < 1000; i++) runs.learn(100);
  expect(runs.leastMs).toBe(100);
});

test('runs under a millisecond make nobody too late before the deadline', () => {
  expect(seen(100, 0.9).leastMs).toBe(0);
  expect(seen(100, 0).lateBy(0.1, 0, 1, 0)).toBeLessThanOrEqual(0);
});

test('the least finds its way up again after runs of no time at all', () => {
  const runs = seen(1000, 0);
  for (let i = 0; i < 1200; i++) runs.learn(100);
  expect(runs.leastMs).toBe(100);
});

test('an estimate that nothing confirms fades, so that it never locks everybody out', () => {
  const runs = seen(100, 1000);
  const asked: number[] = [];
  for (let atMs = 0; atMs <= 60_000 && asked.length === 0; atMs += 100) {
    if (runs.lateBy(50, 0, 1, atMs) <= 0) asked.push(atMs);
  }
  expect(asked).toHaveLength(1);
  for (let i = 0; i < 60; i++) runs.learn(5);
  expect(runs.lateBy(50, 0, 1, asked[0] as number)).toBeLessThanOrEqual(0);
});

test('an estimate does not fade while runs go on ending', () => {
  const runs = seen(100, 1000);
  for (let atMs = 0; atMs <= 60_000; atMs += 500) {
    expect(runs.lateBy(50, 0, 1, atMs)).toBe(Infinity);
    if (atMs % 1000 === 0) runs.learn(1000);
  }
  expect(runs.meanMs).toBe(1000);
});

test('whatever it has seen, who is refused would be in time behind so much less, and one who asks for more time is not worse off', () => {
  const run = fc.oneof(fc.constantFrom(0, 1, 5, 500), fc.double({ min: 0, max: 1e4, noNaN: true }));
  fc.assert(
    fc.property(
      fc.array(run, { minLength: 20, maxLength: 100 }),
      fc.double({ min: 0.1, max: 1e4, noNaN: true }),
      fc.nat(200),
      fc.integer({ min: 1, max: 16 }),
      (runsMs, leftMs, ahead, lanes) => {
        const runs = new RunEstimate();
        for (const runMs of runsMs) runs.learn(runMs);
        const lateMs = runs.lateBy(leftMs, ahead, lanes, 0);
        expect(runs.lateBy(leftMs * 2, ahead, lanes, 0)).toBeLessThanOrEqual(lateMs);
        if (lateMs === Infinity) return expect(runs.leastMs).toBeGreaterThan(leftMs);
        expect(
          runs.lateBy(leftMs + Math.max(0, lateMs) + 1e-6, ahead, lanes, 0),
        ).toBeLessThanOrEqual(0);
        expect(runs.lateBy(leftMs, 0, lanes, 0)).toBeLessThanOrEqual(0);
      },
    ),
    { numRuns: 2000 },
  );
});
