import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ring } from './ring.ts';

test('a ring holds the last items, as many as its capacity', () => {
  const ring = new Ring<string>(3);
  for (const item of ['a', 'b', 'c', 'd', 'e']) ring.push(item);
  expect([...ring]).toEqual(['c', 'd', 'e']);
  expect(ring.size).toBe(3);
  expect(ring.capacity).toBe(3);
});

test('a ring counts its items from the oldest, and below 0 from the newest', () => {
  const ring = new Ring<string>(3);
  for (const item of ['a', 'b', 'c', 'd']) ring.push(item);
  const items = [-4, -3, -1, 0, 2, 3, 0.5, NaN].map((index) => ring.at(index));
  expect(items).toEqual([undefined, 'b', 'd', 'b', 'd', undefined, undefined, undefined]);
});

test('a ring of one holds the newest item', () => {
  const ring = new Ring<number>(1);
  ring.push(1);
  ring.push(2);
  expect([...ring]).toEqual([2]);
});

test('a cleared ring is like a new one', () => {
  const ring = new Ring<number>(2);
  for (const item of [1, 2, 3]) ring.push(item);
  ring.clear();
  expect([...ring]).toEqual([]);
  ring.push(4);
  expect([...ring]).toEqual([4]);
});

test.each([0, -1, 1.5, NaN, Infinity])('a ring of capacity %d is refused', (capacity) => {
  expect(() => new Ring(capacity)).toThrow(
    new RangeError(`Ring: capacity must be an integer of at least 1, got ${capacity}.`),
  );
});

test('a ring holds what the end of a list of all pushes holds', () => {
  const steps = fc.array(fc.option(fc.integer(), { freq: 20, nil: 'clear' as const }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), steps, (capacity, pushes) => {
      const ring = new Ring<number>(capacity);
      let model: number[] = [];
      for (const item of pushes) {
        if (item === 'clear') {
          ring.clear();
          model = [];
        } else {
          ring.push(item);
          model = [...model, item].slice(-capacity);
        }
        expect([...ring]).toEqual(model);
        expect(ring.size).toBe(model.length);
        for (let index = -capacity - 1; index <= capacity; index++) {
          expect(ring.at(index)).toBe(model.at(index));
        }
      }
    }),
  );
});
