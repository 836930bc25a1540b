import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogLinearHistogram } from './log-linear-histogram.ts';

const FULL = 2 ** 32 - 1;

function histogramOf(values: readonly number[]): LogLinearHistogram {
  const histogram = new LogLinearHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

/** All that a histogram tells, but for the sum, which depends on the order by an ulp. */
function exactPartsOf(histogram: LogLinearHistogram): string {
  return histogram.toString().replace(/;[^;]*/, '');
}

/** The exact sum of values on the scale, none of which has a bit below 2^-62. */
function exactSumOf(values: readonly number[]): number {
  const units = values.reduce((sum, value) => sum + BigInt(value * 2 ** 62), 0n);
  return Number(units) / 2 ** 62;
}

/** The exact percentile by nearest rank, of a ratio in thousandths. */
function nearestRank(values: readonly number[], thousandths: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil((thousandths * values.length) / 1000)) - 1]!;
}

/** Values over the whole scale, each octave alike, at times repeated. */
const onScale = fc.double({ min: -10, max: 29.999, noNaN: true }).map((exponent) => 2 ** exponent);
const values = fc.array(fc.oneof(onScale, fc.constantFrom(1, 20, 2 ** -10)), {
  maxLength: 300,
  size: 'max',
});
const anyValue = fc.oneof(
  onScale,
  fc.double({ min: 0, noDefaultInfinity: true, noNaN: true }),
  fc.constantFrom(0, -0, -1, NaN, Infinity, -Infinity),
);

test('an empty histogram answers 0 to everything', () => {
  const { count, sum, mean, min, max, clamped, saturated, invalid } = new LogLinearHistogram();
  expect([count, sum, mean, min, max, clamped, saturated, invalid]).toEqual(Array(8).fill(0));
  expect(new LogLinearHistogram().percentiles([0, 0.5, 1])).toEqual([0, 0, 0]);
  expect(new LogLinearHistogram().countAtOrBelow(Infinity)).toBe(0);
});

test('count, sum, mean, min and max are those of the values', () => {
  const { count, sum, mean, min, max } = histogramOf([250, 0.5, 12.25, 1000, 37.25]);
  expect({ count, sum, mean, min, max }).toEqual({
    count: 5,
    sum: 1300,
    mean: 260,
    min: 0.5,
    max: 1000,
  });
});

test('a histogram of one value answers that value to every percentile', () => {
  expect(histogramOf([12.3]).percentiles([0, 0.5, 0.999, 1])).toEqual([12.3, 12.3, 12.3, 12.3]);
});

test('percentiles lie within 1/129 of the exact nearest-rank value, and between min and max', () => {
  const thousandths = fc.array(fc.nat(1000), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(values, thousandths, (recorded, asked) => {
      fc.pre(recorded.length > 0);
      const histogram = histogramOf(recorded);
      const answers = histogram.percentiles(asked.map((thousandth) => thousandth / 1000));
      for (const [at, answer] of answers.entries()) {
        const exact = nearestRank(recorded, asked[at]!);
        expect(Math.abs(answer - exact) / exact).toBeLessThanOrEqual(1 / 129 + 1e-12);
        expect(answer).toBeGreaterThanOrEqual(histogram.min);
        expect(answer).toBeLessThanOrEqual(histogram.max);
        expect(histogram.percentile(asked[at]! / 1000)).toBe(answer);
      }
    }),
    { numRuns: 300 },
  );
});

test('percentiles 0 and 1 are exactly min and max', () => {
  fc.assert(
    fc.property(fc.array(anyValue, { minLength: 1 }), (recorded) => {
      const histogram = histogramOf(recorded);
      expect(histogram.percentiles([1, 0])).toEqual([histogram.max, histogram.min]);
    }),
  );
});

test('the 7 % of a hundred values are seven of them', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 2 ** (index / 4));
  const histogram = histogramOf(hundred);
  for (let percent = 1; percent < 100; percent++) {
    const error = Math.abs(histogram.percentile(percent / 100) / hundred[percent - 1]! - 1);
    expect(error, `${percent} %`).toBeLessThanOrEqual(1 / 129 + 1e-12);
  }
});

test.each([-0.01, 1.01, NaN, 99])('a percentile of ratio %d is refused', (ratio) => {
  const histogram = histogramOf([1]);
  const refusal = new RangeError(`LogLinearHistogram: a ratio must be from 0 to 1, got ${ratio}.`);
  expect(() => histogram.percentile(ratio)).toThrow(refusal);
  expect(() => histogram.percentiles([0.5, ratio])).toThrow(refusal);
});

test('invalid values are counted as such and change nothing else', () => {
  const histogram = histogramOf([5]);
  expect(histogram.toString()).toBe('llh1;5;5;5;0;0;0;0;784:1');
  for (const value of [NaN, Infinity, -Infinity, -1, -Number.MIN_VALUE]) histogram.record(value);
  histogram.recordMany(NaN, 4);
  expect([histogram.invalid, histogram.count]).toEqual([9, 1]);
  expect(histogram.toString()).toBe('llh1;5;5;5;0;0;0;9;784:1');
});

test('values below the scale are counted, and reported as the smallest of them', () => {
  const histogram = histogramOf([0.0005, 0, 0.0002, -0, 8]);
  expect([histogram.count, histogram.max]).toEqual([5, 8]);
  expect(Object.is(histogram.min, 0)).toBe(true);
  expect(histogram.percentiles([0.2, 0.8, 1])).toEqual([0, 0, 8]);
  expect(histogram.sum).toBeCloseTo(8.0007, 12);
});

test('values above the scale count into its last bucket, and max stays exact', () => {
  const histogram = histogramOf([1, 2 ** 30, 5e12, 5e12]);
  expect([histogram.clamped, histogram.count, histogram.max]).toEqual([3, 4, 5e12]);
  expect(histogram.percentile(0.5)).toBeGreaterThan(1.05e9);
  expect(histogram.percentile(0.5)).toBeLessThan(2 ** 30);
  expect(histogram.percentile(1)).toBe(5e12);
});

test('a bucket stops at its limit, and what it cannot count is told', () => {
  const histogram = new LogLinearHistogram();
  histogram.recordMany(20, FULL - 1);
  histogram.record(20);
  expect([histogram.count, histogram.saturated]).toEqual([FULL, 0]);
  histogram.record(20);
  histogram.recordMany(20, 9);
  histogram.recordMany(40, 5);
  expect([histogram.count, histogram.saturated]).toEqual([FULL + 15, 10]);
  expect(histogram.percentile(0.5)).toBeCloseTo(20, 0);
  expect(histogram.countAtOrBelow(40)).toBe(FULL + 15);
  histogram.merge(histogram.clone());
  expect([histogram.count, histogram.saturated]).toEqual([2 * (FULL + 15), FULL + 20]);
  expect(histogram.percentiles([0.5, 1])).toEqual([expect.closeTo(20, 0), 40]);
});

test('the count passes 2^31 in one bucket like any other number', () => {
  const histogram = new LogLinearHistogram();
  histogram.recordMany(1, 2 ** 31 - 1);
  histogram.record(1);
  histogram.record(1);
  expect(histogram.count).toBe(2 ** 31 + 1);
});

test('the sum does not drift, however unlike the values are', () => {
  const tenths = Array<number>(100_000).fill(0.1);
  for (const recorded of [tenths, [1e9, ...tenths], [...tenths, 1e9], [1e9, ...tenths, 1e-3]]) {
    const exact = exactSumOf(recorded);
    expect(Math.abs(histogramOf(recorded).sum - exact)).toBeLessThanOrEqual(exact * 2 ** -52);
    const pairwise = new LogLinearHistogram();
    for (const value of recorded) pairwise.recordMany(value, 2);
    expect(Math.abs(pairwise.sum - 2 * exact)).toBeLessThanOrEqual(exact * 2 ** -51);
  }
});

test('the sum is exact to the last place or the one before', () => {
  fc.assert(
    fc.property(values, (recorded) => {
      const exact = exactSumOf(recorded);
      expect(Math.abs(histogramOf(recorded).sum - exact)).toBeLessThanOrEqual(exact * 2 ** -51);
    }),
  );
});

test('the sum of a merged histogram keeps what rounding took from both', () => {
  const tenths = Array<number>(100_000).fill(0.1);
  const merged = histogramOf([1e9, ...tenths]);
  merged.merge(histogramOf([1e9, ...tenths]));
  const exact = exactSumOf([1e9, 1e9, ...tenths, ...tenths]);
  expect(Math.abs(merged.sum - exact)).toBeLessThanOrEqual(exact * 2 ** -52);
});

test('the sum stops at the largest finite number', () => {
  const histogram = histogramOf([Number.MAX_VALUE, 9e291, 9e291, 9e291, 1]);
  expect(histogram.sum).toBe(Number.MAX_VALUE);
  histogram.recordMany(1e308, 1e9);
  histogram.merge(histogram);
  expect(histogram.sum).toBe(Number.MAX_VALUE);
  expect(histogram.mean).toBeLessThan(Number.MAX_VALUE);
});

test('to record a value many times is to record it again and again', () => {
  const times = fc.integer({ min: 0, max: 20 });
  fc.assert(
    fc.property(fc.array(fc.tuple(anyValue, times)), (pairs) => {
      const atOnce = new LogLinearHistogram();
      const oneByOne = new LogLinearHistogram();
      for (const [value, count] of pairs) {
        atOnce.recordMany(value, count);
        for (let time = 0; time < count; time++) oneByOne.record(value);
      }
      expect(exactPartsOf(atOnce)).toBe(exactPartsOf(oneByOne));
      expect(atOnce.sum / oneByOne.sum || 1).toBeCloseTo(1, 12);
    }),
  );
});

test.each([-1, 1.5, NaN, Infinity])('to record a value %d times is refused', (count) => {
  const histogram = new LogLinearHistogram();
  expect(() => histogram.recordMany(1, count)).toThrow(
    new RangeError(`LogLinearHistogram: count must be an integer of at least 0, got ${count}.`),
  );
  expect(histogram.count).toBe(0);
});

test('a cumulative count misses no value, and counts none too many by more than 1/64', () => {
  fc.assert(
    fc.property(values, fc.oneof(onScale, fc.constantFrom(0, 1, 2 ** 30)), (recorded, bound) => {
      const counted = histogramOf(recorded).countAtOrBelow(bound);
      const atOrBelow = (limit: number): number => recorded.filter((v) => v <= limit).length;
      expect(counted).toBeGreaterThanOrEqual(atOrBelow(bound));
      expect(counted).toBeLessThanOrEqual(atOrBelow(bound * (1 + 1 / 64)));
    }),
  );
});

test('cumulative counts are exact from max up and below min, on the scale or not', () => {
  const histogram = histogramOf([0.0001, 3, 7e9]);
  const counts = [-1, 0, 0.0001, 0.0005, 2.9, 3, 1e9, 7e9, Infinity].map((bound) =>
    histogram.countAtOrBelow(bound),
  );
  expect(counts).toEqual([0, 0, 1, 1, 1, 2, 2, 3, 3]);
  expect(() => histogram.countAtOrBelow(NaN)).toThrow(
    new RangeError('LogLinearHistogram: countAtOrBelow needs a number, got NaN.'),
  );
});

test('to merge two histograms is to record all values into one', () => {
  fc.assert(
    fc.property(fc.array(anyValue), fc.array(anyValue), (ours, theirs) => {
      const merged = histogramOf(ours);
      const other = histogramOf(theirs);
      const untouched = other.toString();
      merged.merge(other);
      const together = histogramOf([...ours, ...theirs]);
      expect(exactPartsOf(merged)).toBe(exactPartsOf(together));
      expect(merged.sum / together.sum || 1).toBeCloseTo(1, 12);
      expect(other.toString()).toBe(untouched);
    }),
  );
});

test('a histogram merged into itself counts everything twice', () => {
  const histogram = histogramOf([1, 20, 0, NaN]);
  histogram.merge(histogram);
  expect(exactPartsOf(histogram)).toBe(exactPartsOf(histogramOf([1, 20, 0, NaN, 1, 20, 0, NaN])));
  expect(histogram.sum).toBe(42);
});

test('what is left after an earlier state is subtracted was recorded since', () => {
  fc.assert(
    fc.property(values, values, (before, since) => {
      const histogram = histogramOf(before);
      const earlier = histogram.clone();
      for (const value of since) histogram.record(value);
      histogram.subtract(earlier);
      const exact = histogramOf(since);
      expect(histogram.count).toBe(since.length);
      expect(histogram.toString().split(';').at(-1)).toBe(exact.toString().split(';').at(-1));
      const rounding = (earlier.sum + exact.sum) * 2 ** -51;
      expect(Math.abs(histogram.sum - exact.sum)).toBeLessThanOrEqual(rounding);
      for (const thousandths of [0, 10, 500, 990, 1000]) {
        const wanted = nearestRank(since, thousandths) ?? 0;
        const off = Math.abs(histogram.percentile(thousandths / 1000) - wanted);
        expect(off).toBeLessThanOrEqual(wanted * (1 / 129 + 1e-12));
      }
      expect(LogLinearHistogram.parse(histogram.toString()).toString()).toBe(histogram.toString());
    }),
    { numRuns: 300 },
  );
});

test('an interval counts what lies off the scale, and its text can be read back', () => {
  fc.assert(
    fc.property(fc.array(anyValue), fc.array(anyValue), (before, since) => {
      const histogram = histogramOf(before);
      const earlier = histogram.clone();
      for (const value of since) histogram.record(value);
      histogram.subtract(earlier);
      const exact = histogramOf(since);
      expect([histogram.count, histogram.clamped, histogram.invalid]).toEqual([
        exact.count,
        exact.clamped,
        exact.invalid,
      ]);
      expect(histogram.min).toBeLessThanOrEqual(histogram.max);
      expect(LogLinearHistogram.parse(histogram.toString()).toString()).toBe(histogram.toString());
    }),
    { numRuns: 500 },
  );
});

test('an interval of values below the scale knows their number and sum, and min as of ever', () => {
  const histogram = histogramOf([0, 1]);
  const earlier = histogram.clone();
  histogram.record(2 ** -12);
  histogram.subtract(earlier);
  expect([histogram.count, histogram.sum]).toEqual([1, 2 ** -12]);
  expect([histogram.min, histogram.max]).toEqual([0, 0]);
  expect(LogLinearHistogram.parse(histogram.toString()).sum).toBe(2 ** -12);
});

test('min and max of an interval are exact when they were surpassed in it', () => {
  const histogram = histogramOf([10, 20]);
  const earlier = histogram.clone();
  for (const value of [9.87, 15, 20.31]) histogram.record(value);
  histogram.subtract(earlier);
  expect([histogram.min, histogram.max]).toEqual([9.87, 20.31]);
});

test('a histogram minus itself is empty', () => {
  const histogram = histogramOf([1, 20, 0, 1e12, NaN]);
  histogram.subtract(histogram);
  expect(histogram.toString()).toBe(new LogLinearHistogram().toString());
  histogram.record(3);
  expect([histogram.min, histogram.max, histogram.sum]).toEqual([3, 3, 3]);
});

test.each([
  { what: 'another bucket', values: [1, 2, 20] },
  { what: 'more in a bucket', values: [2, 2, 2] },
  { what: 'a lesser min', values: [1.999] },
  { what: 'a greater max', values: [30.01] },
  { what: 'values below the scale', values: [0] },
  { what: 'more invalid values', values: [NaN] },
])('a histogram with $what cannot be subtracted', ({ values: strange }) => {
  const histogram = histogramOf([2, 2, 30]);
  const before = histogram.toString();
  expect(() => histogram.subtract(histogramOf(strange))).toThrow(
    /^LogLinearHistogram: only an earlier state of the same histogram can be subtracted/,
  );
  expect(histogram.toString()).toBe(before);
});

test('a clone goes its own way, and a reset histogram is like a new one', () => {
  const histogram = histogramOf([1, 0, 2e9, NaN]);
  const clone = histogram.clone();
  expect(clone.toString()).toBe(histogram.toString());
  histogram.reset();
  expect(histogram.toString()).toBe(new LogLinearHistogram().toString());
  expect(clone.count).toBe(3);
  histogram.record(7);
  expect([histogram.min, histogram.max, histogram.count]).toEqual([7, 7, 1]);
});
