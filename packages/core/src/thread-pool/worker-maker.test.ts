import { expect, test } from 'vitest';
import { heapPerWorkerMb } from '../core/index.ts';
import { heapMbOf } from './worker-maker.ts';

test.for([
  { what: 'of as many workers as CPUs, in a pool that begins small', size: 1, among: 512 },
  { what: 'of as many workers as the pool has, if those are more', size: 900, among: 900 },
])('a worker may fill the share $what', ({ size, among }) => {
  expect(heapMbOf({ size, maxHeapMb: undefined }, 512)).toBe(heapPerWorkerMb(among));
});

test('maxHeapMb is the heap of each worker, whatever their number', () => {
  expect(heapMbOf({ size: 1, maxHeapMb: 100 }, 512)).toBe(100);
  expect(heapMbOf({ size: 900, maxHeapMb: 100 }, 512)).toBe(100);
});
