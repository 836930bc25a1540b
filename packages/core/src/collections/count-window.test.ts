import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CountWindow } from './count-window.ts';

interface Call {
  readonly failed: boolean;
  readonly slow: boolean;
}

const call: fc.Arbitrary<Call> = fc.record({ failed: fc.boolean(), slow: fc.boolean() });

test('a count window forgets the oldest call when one more comes', () => {
  const window = new CountWindow(3);
  const steps = [
    { failed: true, slow: true, total: 1, failures: 1, slowCalls: 1 },
    { failed: false, slow: true, total: 2, failures: 1, slowCalls: 2 },
    { failed: true, slow: false, total: 3, failures: 2, slowCalls: 2 },
    { failed: false, slow: false, total: 3, failures: 1, slowCalls: 1 },
    { failed: false, slow: false, total: 3, failures: 1, slowCalls: 0 },
    { failed: false, slow: false, total: 3, failures: 0, slowCalls: 0 },
  ];
  for (const { failed, slow, total, failures, slowCalls } of steps) {
    window.record(0, failed, slow);
    expect([window.total, window.failures, window.slow]).toEqual([total, failures, slowCalls]);
  }
});

test('a count window does not forget by time', () => {
  const window = new CountWindow(10);
  window.record(0, true, false);
  window.advanceTo(Number.MAX_VALUE);
  expect([window.total, window.failures]).toEqual([1, 1]);
});

test('a count window that shrinks keeps its newest calls', () => {
  const window = new CountWindow(4);
  for (const failed of [true, true, true, false, true]) window.record(0, failed, false);
  window.resize(2);
  expect([window.size, window.total, window.failures]).toEqual([2, 2, 1]);
  window.record(0, false, false); // pushes out the success, not the failure
  expect([window.total, window.failures]).toEqual([2, 1]);
});

test.each([0, -1, 1.5, NaN, Infinity])('a count window of size %d is refused', (size) => {
  const refusal = new RangeError(
    `CountWindow: size must be an integer of at least 1, got ${size}.`,
  );
  expect(() => new CountWindow(size)).toThrow(refusal);
  const window = new CountWindow(5);
  window.record(0, true, true);
  expect(() => window.resize(size)).toThrow(refusal);
  expect([window.size, window.total]).toEqual([5, 1]);
});

test('a count window counts the end of the list of all calls, through any resizes', () => {
  const size = fc.integer({ min: 1, max: 12 });
  const step = fc.oneof(
    { weight: 8, arbitrary: call },
    { weight: 1, arbitrary: fc.record({ resize: size }) },
    { weight: 1, arbitrary: fc.constant('clear' as const) },
  );
  fc.assert(
    fc.property(size, fc.array(step, { maxLength: 100 }), (firstSize, steps) => {
      const window = new CountWindow(firstSize);
      let model: Call[] = [];
      for (const taken of steps) {
        if (taken === 'clear') {
          window.clear();
          model = [];
        } else if ('resize' in taken) {
          window.resize(taken.resize);
        } else {
          window.record(0, taken.failed, taken.slow);
          model.push(taken);
        }
        model = model.slice(-window.size);
        expect([window.total, window.failures, window.slow]).toEqual([
          model.length,
          model.filter(({ failed }) => failed).length,
          model.filter(({ slow }) => slow).length,
        ]);
      }
    }),
  );
});
