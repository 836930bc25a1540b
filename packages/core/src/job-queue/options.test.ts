import { expect, test } from 'vitest';
import { InvalidOptionsError } from '../core/index.ts';
import { aQueue, changedQueue, resolveQueueOptions, type QueueOptions } from './options.ts';

test('a queue has 1,000 places, is fair, and a second of waiting is worth a step of priority', () => {
  const options = resolveQueueOptions();
  expect(options).toEqual({ capacity: 1000, order: 'fair', ageingMs: 1000 });
  expect(Object.isFrozen(options)).toBe(true);
});

test('a number is the capacity alone', () => {
  expect(resolveQueueOptions(5)).toEqual(resolveQueueOptions({ capacity: 5 }));
});

test('all that is wrong with a queue is named at once', () => {
  const wrong = { capacity: -1, order: 'random', ageingMs: 0, size: 3 } as unknown as QueueOptions;
  expect(() => resolveQueueOptions(wrong)).toThrow(InvalidOptionsError);
  expect(() => resolveQueueOptions(wrong)).toThrow(
    'queue: capacity must be an integer of at least 0, got -1; ' +
      `order must be 'fair', 'fifo', 'lifo' or a function that makes a discipline, got "random"; ` +
      'ageingMs must be a finite number above 0, got 0; ' +
      'size must be left out: there is no such option, only capacity, order, ageingMs, got 3',
  );
});

test('as the option of a pool it may be a number or options, and nothing else', () => {
  for (const right of [0, 7, {}, { order: 'lifo' }]) expect(aQueue.accepts(right)).toBe(true);
  for (const wrong of [-1, 0.5, '7', null, [], { order: 'random' }]) {
    expect(aQueue.accepts(wrong)).toBe(false);
  }
  expect(aQueue.inside?.({ capacity: -1 })).toMatchObject([{ option: 'capacity', got: '-1' }]);
});

test('a live change names what it changes: a number the places, undefined the defaults', () => {
  const current = resolveQueueOptions({ capacity: 7, order: 'lifo' });
  expect(changedQueue(current, 9)).toMatchObject({ capacity: 9, order: 'lifo' });
  expect(changedQueue(current, { ageingMs: 5 })).toEqual({ ...current, ageingMs: 5 });
  expect(changedQueue(current, undefined)).toEqual({});
});
