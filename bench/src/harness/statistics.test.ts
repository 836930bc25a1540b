import { array, assert, double, property } from 'fast-check';
import { expect, test } from 'vitest';
import { medianOf, percentileOf, ratioOf, spreadOf } from './statistics.ts';

const samples = array(double({ min: 0.001, max: 1e9, noNaN: true }), {
  minLength: 1,
  maxLength: 30,
});

test('half of the samples lie on either side of the median', () => {
  assert(
    property(samples, (values) => {
      const median = medianOf(values);
      expect(values.filter((value) => value < median).length).toBeLessThanOrEqual(
        values.length / 2,
      );
      expect(values.filter((value) => value > median).length).toBeLessThanOrEqual(
        values.length / 2,
      );
    }),
  );
});

test('the median of an even count lies between the middle two', () => {
  expect(medianOf([4, 1, 3, 2])).toBe(2.5);
});

test('a percentile is the least of the values that its share of them does not exceed', () => {
  const share = double({ min: 0.001, max: 1, noNaN: true });
  assert(
    property(samples, share, (values, of) => {
      const percentile = percentileOf(values, of);
      const upTo = values.filter((value) => value <= percentile).length;
      const below = values.filter((value) => value < percentile).length;
      expect(values).toContain(percentile);
      expect(upTo).toBeGreaterThanOrEqual(of * values.length);
      expect(below).toBeLessThan(of * values.length);
    }),
  );
});

test('a spread goes from the least sample to the greatest', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
});

test('a ratio does not change when a round was slow for both sides', () => {
  const slowness = array(double({ min: 1, max: 100, noNaN: true }), {
    minLength: 1,
    maxLength: 9,
  });
  assert(
    property(slowness, (factors) => {
      const slow = factors.map((factor) => factor * 30);
      expect(
        ratioOf(
          slow,
          factors.map((factor) => factor * 10),
        ),
      ).toBeCloseTo(3, 9);
    }),
  );
});
