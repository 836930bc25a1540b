import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ThroughputCurve } from './throughput-curve.ts';

/** A curve that has seen `seconds` of an exact power law at each size. */
function powerLaw(elasticity: number, sizes: readonly number[], seconds = 1000): ThroughputCurve {
  const curve = new ThroughputCurve();
  for (const size of sizes) {
    for (let i = 0; i < seconds; i++) curve.add(size, 1000 * size ** elasticity, 1000);
  }
  return curve;
}

test('the elasticity of a power law is its exponent, at every size', () => {
  const exponent = fc.double({ min: -0.5, max: 1, noNaN: true });
  const check = (elasticity: number, size: number): void => {
    const curve = powerLaw(elasticity, [20, 24, 30, 36, 40], 50);
    const slope = curve.slopeAt(size);
    expect(Math.abs(slope.elasticity - elasticity)).toBeLessThan(0.02);
  };
  fc.assert(fc.property(exponent, fc.integer({ min: 20, max: 40 }), check), { numRuns: 50 });
});

test('one size alone says nothing of the slope', () => {
  expect(powerLaw(1, [10]).slopeAt(10).error).toBeGreaterThan(1);
  expect(new ThroughputCurve().slopeAt(10).error).toBe(Infinity);
});

test('the standard error falls with the root of the completions', () => {
  const error = (seconds: number): number =>
    powerLaw(0.3, [20, 30, 40, 50], seconds).slopeAt(40).error;
  expect(error(100) / error(400)).toBeGreaterThan(1.7);
  expect(error(100) / error(400)).toBeLessThan(2.3);
});

test('what fades weighs less, and at last nothing', () => {
  const curve = powerLaw(1, [10], 1);
  curve.fade(0.5);
  expect(curve.doneAt(10)).toBe(5000);
  expect(curve.expectedAt(10, 1000)).toBe(10_000);
  for (let i = 0; i < 20; i++) curve.fade(0.5);
  expect([curve.doneAt(10), curve.expectedAt(10, 1000)]).toEqual([0, 0]);
});

test('the dispersion of counts is learnt from neighbouring intervals', () => {
  const steady = new ThroughputCurve();
  const bursty = new ThroughputCurve();
  for (let i = 0; i < 500; i++) {
    steady.add(10, 100, 1000);
    // A variance of 2500 at a mean of 100, and neighbours twice as far apart.
    bursty.add(10, i % 2 === 0 ? 50 : 150, 1000);
  }
  expect(steady.dispersion).toBe(0.05);
  expect(Math.abs(bursty.dispersion - 50)).toBeLessThan(1);
});
