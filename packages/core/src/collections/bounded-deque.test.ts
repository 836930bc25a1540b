import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BoundedDeque } from './bounded-deque.ts';

test('a bounded deque gives items from the front in the order in which they came to the back', () => {
  const deque = new BoundedDeque<number>(100);
  for (let item = 0; item < 100; item++) deque.pushBack(item);
  const taken = Array.from({ length: 100 }, () => deque.popFront());
  expect(taken).toEqual(Array.from({ length: 100 }, (_, item) => item));
  expect(deque.popFront()).toBeUndefined();
  expect(deque.popBack()).toBeUndefined();
});

test('a full bounded deque refuses an item at either end and keeps what it has', () => {
  const deque = new BoundedDeque<string>(2);
  expect(deque.pushBack('b')).toBe(true);
  expect(deque.pushFront('a')).toBe(true);
  expect(deque.pushBack('c')).toBe(false);
  expect(deque.pushFront('c')).toBe(false);
  expect([...deque]).toEqual(['a', 'b']);
  deque.popBack();
  expect(deque.pushBack('c')).toBe(true);
});

test('a bounded deque of capacity 0 refuses every item until it is given room', () => {
  const deque = new BoundedDeque<number>(0);
  expect(deque.pushBack(1)).toBe(false);
  expect(deque.pushFront(1)).toBe(false);
  deque.resize(1);
  expect(deque.pushFront(1)).toBe(true);
  expect([deque.front, deque.back, deque.size, deque.capacity]).toEqual([1, 1, 1, 1]);
});

test('a bounded deque cannot shrink below what it holds, and keeps its capacity then', () => {
  const deque = new BoundedDeque<number>(8);
  for (const item of [1, 2, 3]) deque.pushBack(item);
  expect(() => deque.resize(2)).toThrow(
    new RangeError('BoundedDeque: capacity cannot shrink to 2 while 3 items are held.'),
  );
  expect(deque.capacity).toBe(8);
  deque.resize(3);
  expect(deque.pushBack(4)).toBe(false);
  expect([...deque]).toEqual([1, 2, 3]);
});

test.each([-1, 0.5, NaN, Infinity])('a bounded deque of capacity %d is refused', (capacity) => {
  const refusal = new RangeError(
    `BoundedDeque: capacity must be an integer of at least 0, got ${capacity}.`,
  );
  expect(() => new BoundedDeque(capacity)).toThrow(refusal);
  expect(() => new BoundedDeque(1).resize(capacity)).toThrow(refusal);
});

test('a bounded deque is read by place from the front, and nowhere else', () => {
  const deque = new BoundedDeque<string>(4);
  for (const item of ['b', 'c']) deque.pushBack(item);
  deque.pushFront('a');
  const items = [-1, 0, 1, 2, 3, 0.5, NaN].map((index) => deque.at(index));
  expect(items).toEqual([undefined, 'a', 'b', 'c', undefined, undefined, undefined]);
});

test('a walk over a bounded deque sees what is pushed to the back meanwhile', () => {
  const deque = new BoundedDeque<number>(100);
  deque.pushBack(0);
  const seen: number[] = [];
  for (const item of deque) {
    seen.push(item);
    if (item < 50) deque.pushBack(item + 1);
  }
  expect(seen).toEqual(Array.from({ length: 51 }, (_, item) => item));
});

interface Step {
  readonly does: 'pushBack' | 'pushFront' | 'popBack' | 'popFront' | 'resize' | 'clear';
  readonly times: number;
  /** The capacity of a resize. */
  readonly to: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  does: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom('pushBack', 'pushFront', 'popBack', 'popFront') },
    { weight: 2, arbitrary: fc.constant('resize') },
    { weight: 1, arbitrary: fc.constant('clear') },
  ),
  times: fc.integer({ min: 1, max: 40 }), // enough to grow and to shrink again
  to: fc.nat(120),
});

let nextItem = 0;

/** Does one step on a deque and on an array; answers what each of them said. */
function take(taken: Step, deque: BoundedDeque<number>, model: number[]): [unknown, unknown] {
  switch (taken.does) {
    case 'clear':
      model.length = 0;
      return [deque.clear(), undefined];
    case 'resize':
      return [succeeds(() => deque.resize(taken.to)), taken.to >= model.length];
    case 'popFront':
      return [deque.popFront(), model.shift()];
    case 'popBack':
      return [deque.popBack(), model.pop()];
    case 'pushFront':
    case 'pushBack': {
      const fits = model.length < deque.capacity;
      const item = nextItem++;
      if (fits) model.splice(taken.does === 'pushFront' ? 0 : model.length, 0, item);
      return [deque[taken.does](item), fits];
    }
  }
}

function succeeds(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

test('a bounded deque does what a plain array does, within its capacity', () => {
  fc.assert(
    fc.property(fc.nat(120), fc.array(step), (capacity, steps) => {
      const deque = new BoundedDeque<number>(capacity);
      const model: number[] = [];
      for (const taken of steps) {
        for (let time = 0; time < taken.times; time++) {
          const [answer, wanted] = take(taken, deque, model);
          expect(answer).toBe(wanted);
        }
        expect([...deque]).toEqual(model);
        expect(deque.size).toBe(model.length);
        expect([deque.front, deque.back]).toEqual([model.at(0), model.at(-1)]);
      }
    }),
  );
});
