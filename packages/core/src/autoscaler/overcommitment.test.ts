import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LoadSample } from './load-sample.ts';
import { Overcommitment, type CommitmentBounds } from './overcommitment.ts';

/** A second in which all workers were taken and used so many CPUs. */
function taken(size: number, cpus: number | undefined, completed = 1000): LoadSample {
  return {
    atMs: 0,
    durationMs: 1000,
    size,
    active: size,
    queued: 100,
    completed,
    pressedShare: 1,
    busyShare: 1,
    hasTotals: true,
    cpus,
  };
}

const bounds: CommitmentBounds = { min: 1, max: 64, cpus: 4 };

/** Sizes of a pool that follows at once, from one worker for each CPU on. */
function sizes(seconds: number, sampleAt: (size: number) => LoadSample): number[] {
  const overcommitment = new Overcommitment();
  let size = bounds.cpus;
  return Array.from(
    { length: seconds },
    () => (size = overcommitment.allowed(sampleAt(size), bounds)),
  );
}

test('one size above the CPUs is tried, and left again when it brings nothing', () => {
  const seen = sizes(20, (size) => taken(size, 2.6));
  expect(seen).toEqual([4, 4, 4, 6, 6, 6, 6, ...seen.slice(7).map(() => 4)]);
});

test('workers that use all CPUs are not joined by others, not even to try', () => {
  expect(new Set(sizes(1000, (size) => taken(size, Math.min(4, size))))).toEqual(new Set([4]));
});

test('sizes are proved one after the other while each brings its share', () => {
  const seen = sizes(100, (size) => taken(size, Math.min(4, size / 3)));
  expect([...new Set(seen)].slice(0, 4)).toEqual([4, 6, 9, 12]);
  expect(seen.at(-1)).toBe(12);
});

test('without CPU time, and for tasks that hardly compute, completed tasks tell', () => {
  const unknown = sizes(100, (size) => taken(size, undefined, 10 * Math.min(10, size)));
  const sleeping = sizes(100, (size) => taken(size, 0.001, 10 * Math.min(10, size)));
  expect(unknown).toEqual(sleeping);
  expect(Math.max(...unknown)).toBe(14);
  expect(unknown.at(-1)).toBe(10);
});

test('a size that somebody else chose is given back, step by step, when it is not worth it', () => {
  const overcommitment = new Overcommitment();
  let size = 12;
  for (let second = 0; second < 1000; second++) {
    size = overcommitment.allowed(taken(size, 2.6), bounds);
    expect(size).toBeLessThanOrEqual(18);
  }
  expect(size).toBe(4);
});

test('the size allowed lies within the bounds, and at most half above the largest proved one', () => {
  const any = fc.record({
    cpus: fc.option(fc.double({ min: 0, max: 8, noNaN: true }), { nil: undefined }),
    completed: fc.nat(1000),
    pressedShare: fc.constantFrom(0, 0.5, 1, 1, 1),
    follows: fc.constantFrom(true, true, true, false),
    max: fc.constantFrom(64, 64, 10, 3),
  });
  const check = (seconds: readonly (typeof any extends fc.Arbitrary<infer T> ? T : never)[]) => {
    const overcommitment = new Overcommitment();
    let size = 1;
    for (const { cpus, completed, pressedShare, follows, max } of seconds) {
      const sample = { ...taken(size, cpus, completed), pressedShare };
      const allowed = overcommitment.allowed(sample, { ...bounds, max });
      expect(Number.isInteger(allowed)).toBe(true);
      expect(allowed).toBeGreaterThanOrEqual(Math.min(max, 4));
      expect(allowed).toBeLessThanOrEqual(Math.min(max, Math.ceil(1.5 * Math.max(4, size))));
      if (follows) size = allowed;
    }
  };
  fc.assert(fc.property(fc.array(any, { maxLength: 200 }), check), { numRuns: 500 });
});
