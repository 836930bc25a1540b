import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidOptionsError } from '../core/index.ts';
import type { LoadSample, ScalingStrategy } from './load-sample.ts';
import { ThresholdStrategy } from './threshold-strategy.ts';
import { ThroughputStrategy } from './throughput-strategy.ts';
import { UtilisationStrategy } from './utilisation-strategy.ts';

const bounds = { min: 1, max: 64 };

/** A second in which so many of `size` workers were busy; the rest follows, unless it is given. */
function sample(size: number, busyShare: number, more: Partial<LoadSample> = {}): LoadSample {
  return {
    atMs: 0,
    durationMs: 1000,
    size,
    active: busyShare * size,
    queued: 0,
    completed: Math.round(10 * busyShare * size),
    pressedShare: 0,
    busyShare,
    hasTotals: false,
    cpus: undefined,
    ...more,
  };
}

/** The size after each of the samples, made for the size of the moment. */
function sizes(
  strategy: ScalingStrategy,
  start: number,
  samples: readonly ((size: number) => LoadSample)[],
): number[] {
  let size = start;
  return samples.map((make) => {
    const answer = Math.ceil(strategy.decide(make(size), bounds));
    size = Math.min(bounds.max, Math.max(bounds.min, answer));
    return size;
  });
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

test('the rule of thresholds doubles at 95 % as often as two intervals in a row show it', () => {
  const busy = (size: number): LoadSample => sample(size, 0.95);
  expect(sizes(new ThresholdStrategy(), 4, times(7, busy))).toEqual([8, 8, 16, 16, 32, 32, 64]);
});

test('the rule of thresholds halves an idle pool down to the smallest size', () => {
  const idle = (size: number): LoadSample => sample(size, 0);
  expect(sizes(new ThresholdStrategy(), 32, times(6, idle))).toEqual([16, 8, 4, 2, 1, 1]);
});

test('the rule of thresholds leaves a pool alone between its marks, and in a pause of one interval', () => {
  const strategy = new ThresholdStrategy();
  const shares = [0.5, 0.8, 0.3, 0.5, 0.1, 0.5, 0.5, 0.95, 0.5];
  const samples = shares.map((share) => (size: number) => sample(size, share));
  expect(sizes(strategy, 8, samples)).toEqual(times(9, 8));
});

test('marks that would make a pool flap are refused', () => {
  expect(() => new ThresholdStrategy({ growAbove: 0.6, shrinkBelow: 0.3 })).toThrow(
    InvalidOptionsError,
  );
  expect(() => new UtilisationStrategy({ target: 0.9 })).toThrow(/target/);
  expect(() => new ThroughputStrategy({ leastGain: 0 })).toThrow(/leastGain/);
});

test('by utilisation a pool grows to what its load needs when tasks wait', () => {
  const waiting = (size: number): LoadSample => sample(size, 0.9, { queued: 2 });
  const strategy = new UtilisationStrategy({ cpus: 64 });
  // 9 of 10 are busy: 9 / 0.65.
  expect(sizes(strategy, 10, [waiting])).toEqual([14]);
});

test('by utilisation a pool whose workers are taken does not grow while nobody waits', () => {
  const taken = (size: number): LoadSample => sample(size, 1);
  expect(sizes(new UtilisationStrategy({ cpus: 64 }), 4, times(5, taken))).toEqual(times(5, 4));
});

test('targetWaitMs says from which wait on tasks are worth a worker', () => {
  // By Little's law 5 waiting tasks at 100 a second wait for 50 ms.
  const waiting = (size: number): LoadSample => sample(size, 1, { queued: 5, completed: 100 });
  const grown = (targetWaitMs: number): number[] =>
    sizes(new UtilisationStrategy({ cpus: 64, targetWaitMs }), 10, [waiting]);
  expect([grown(49), grown(51)]).toEqual([[16], [10]]);
});

test('by utilisation a swamped pool doubles, from the second interval on', () => {
  const swamped = (size: number): LoadSample => sample(size, 1, { queued: 100, pressedShare: 1 });
  const strategy = new UtilisationStrategy({ cpus: 64, target: 0.9, growAbove: 0.95 });
  expect(sizes(strategy, 4, times(4, swamped))).toEqual([5, 10, 20, 40]);
});

test('by utilisation there are never more workers than the CPUs can run', () => {
  const computing = (size: number): LoadSample =>
    sample(size, 1, { queued: 100, pressedShare: 1, hasTotals: true, cpus: Math.min(4, size) });
  const waitingInside = (size: number): LoadSample =>
    sample(size, 1, { queued: 100, pressedShare: 1, hasTotals: true, cpus: size / 2 });
  const most = (make: (size: number) => LoadSample): number =>
    Math.max(...sizes(new UtilisationStrategy({ cpus: 4 }), 1, times(10, make)));
  expect([most(computing), most(waitingInside)]).toEqual([4, 8]);
});

test('by utilisation a pool shrinks to what the busiest of the last ten intervals needed', () => {
  const shares = [0.1, 0.1, 0.2, ...times(6, 0.1), 0.1];
  const samples = shares.map((share) => (size: number) => sample(size, share));
  // Of 20 workers 4 were busy at most: 4 / 0.65.
  expect(sizes(new UtilisationStrategy({ cpus: 64 }), 20, samples)).toEqual([...times(9, 20), 7]);
});

test('by throughput a pool whose tasks hardly wait does not grow', () => {
  const full = (size: number): LoadSample =>
    sample(size, 1, { queued: 0.05 * size, pressedShare: 1 });
  expect(sizes(new ThroughputStrategy(), 8, times(50, full))).toEqual(times(50, 8));
});

test('by throughput a pool of tasks that all fail does not grow', () => {
  const failing = (size: number): LoadSample =>
    sample(size, 1, { queued: 100, pressedShare: 1, completed: 0 });
  expect(sizes(new ThroughputStrategy(), 8, times(200, failing))).toEqual(times(200, 8));
});

const strategies: readonly { name: string; make: () => ScalingStrategy }[] = [
  { name: 'threshold', make: () => new ThresholdStrategy() },
  { name: 'utilisation', make: () => new UtilisationStrategy({ cpus: 8 }) },
  { name: 'throughput', make: () => new ThroughputStrategy() },
];

test.for(strategies)('$name answers a positive number whatever the samples say', ({ make }) => {
  const count = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1_000_000 }));
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const any = fc.record({
    durationMs: fc.double({ min: 0.001, max: 1e6, noNaN: true }),
    size: fc.integer({ min: 1, max: 64 }),
    active: fc.double({ min: 0, max: 100, noNaN: true }),
    queued: fc.double({ min: 0, max: 1e6, noNaN: true }),
    completed: count,
    pressedShare: fc.oneof(fc.constant(1), share),
    busyShare: share,
    hasTotals: fc.boolean(),
    cpus: fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: undefined }),
  });
  const check = (samples: readonly Omit<LoadSample, 'atMs'>[]): void => {
    const strategy = make();
    let atMs = 0;
    for (const each of samples) {
      const size = strategy.decide({ ...each, atMs: (atMs += each.durationMs) }, bounds);
      expect(size).toBeGreaterThanOrEqual(0);
      expect(size).toBeLessThan(Infinity);
    }
  };
  fc.assert(fc.property(fc.array(any, { maxLength: 100 }), check), { numRuns: 300 });
});
