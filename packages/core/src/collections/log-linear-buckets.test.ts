import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bucketMiddle,
  bucketOf,
  BUCKETS,
  bucketStart,
  RELATIVE_ERROR,
  SCALE_END,
  SCALE_START,
} from './log-linear-buckets.ts';

const all = Array.from({ length: BUCKETS }, (_, bucket) => bucket);

test('the scale has 2560 buckets from 2^-10 to 2^30, which are 10,240 bytes of counts', () => {
  expect(BUCKETS * Uint32Array.BYTES_PER_ELEMENT).toBe(10_240);
  expect([SCALE_START, bucketStart(0)]).toEqual([2 ** -10, 2 ** -10]);
  expect([SCALE_END, bucketStart(BUCKETS)]).toEqual([2 ** 30, 2 ** 30]);
});

test('each bucket begins where the one before it ends', () => {
  for (const bucket of all) {
    const start = bucketStart(bucket);
    const justBelow = start * (1 - 2 ** -53);
    expect(bucketOf(start)).toBe(bucket);
    expect(bucketOf(justBelow)).toBe(bucket - 1);
  }
});

test('the middle of a bucket is relatively as far from its start as from its end: by 1/129 at most', () => {
  const farthest = all.map((bucket) => {
    const [start, middle, end] = [
      bucketStart(bucket),
      bucketMiddle(bucket),
      bucketStart(bucket + 1),
    ];
    const [above, below] = [(middle - start) / start, (end - middle) / end];
    expect(above).toBeCloseTo(below, 12);
    return above;
  });
  expect(Math.max(...farthest)).toBeCloseTo(RELATIVE_ERROR, 12);
  expect(RELATIVE_ERROR).toBe(1 / 129);
});

test.each([
  { value: 0, side: 'below' },
  { value: -0, side: 'below' },
  { value: -1, side: 'below' },
  { value: -Infinity, side: 'below' },
  { value: Number.MIN_VALUE, side: 'below' },
  { value: 0.000976, side: 'below' },
  { value: 2 ** 30, side: 'above' },
  { value: Number.MAX_VALUE, side: 'above' },
  { value: Infinity, side: 'above' },
])('$value lies $side the scale', ({ value, side }) => {
  const bucket = bucketOf(value);
  expect([bucket < 0, bucket >= BUCKETS]).toEqual([side === 'below', side === 'above']);
});

test('NaN lies on no bucket', () => {
  expect(bucketOf(NaN) < 0 || bucketOf(NaN) >= BUCKETS).toBe(true);
});

test('a greater value never has a lesser bucket', () => {
  const value = fc.double({ min: 0, noNaN: true });
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(bucketOf(Math.min(a, b))).toBeLessThanOrEqual(bucketOf(Math.max(a, b)));
    }),
  );
});
