import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CountWindow } from './count-window.ts';
import type { OutcomeWindow } from './outcome-window.ts';
import { TimeWindow } from './time-window.ts';

const windows: { name: string; make: () => OutcomeWindow }[] = [
  { name: 'CountWindow', make: () => new CountWindow(1000) },
  { name: 'TimeWindow', make: () => new TimeWindow({ durationMs: 1000, buckets: 10 }) },
];

function countsOf(window: OutcomeWindow): { total: number; failures: number; slow: number } {
  return { total: window.total, failures: window.failures, slow: window.slow };
}

test.each(windows)('a new $name counts nothing', ({ make }) => {
  const window = make();
  expect(countsOf(window)).toEqual({ total: 0, failures: 0, slow: 0 });
  window.advanceTo(5000);
  expect(countsOf(window)).toEqual({ total: 0, failures: 0, slow: 0 });
});

test.each(windows)('$name counts failed and slow calls apart from each other', ({ make }) => {
  const window = make();
  window.record(0, false, false);
  window.record(0, true, false);
  window.record(0, true, true);
  window.record(0, false, true);
  window.record(0, true, true);
  expect(countsOf(window)).toEqual({ total: 5, failures: 3, slow: 3 });
});

test.each(windows)('a cleared $name is like a new one', ({ make }) => {
  const window = make();
  for (let call = 0; call < 20; call++) window.record(500 + call, true, true);
  window.clear();
  expect(countsOf(window)).toEqual({ total: 0, failures: 0, slow: 0 });
  window.record(100, true, false);
  window.advanceTo(100);
  expect(countsOf(window)).toEqual({ total: 1, failures: 1, slow: 0 });
});

test.each(windows)('$name counts each recent call once, whatever the clock does', ({ make }) => {
  const call = fc.record({
    atMs: fc.integer({ min: 0, max: 899 }),
    f: fc.boolean(),
    s: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 200 }), (calls) => {
      const window = make();
      for (const { atMs, f, s } of calls) window.record(atMs, f, s);
      window.advanceTo(0);
      expect(countsOf(window)).toEqual({
        total: calls.length,
        failures: calls.filter(({ f }) => f).length,
        slow: calls.filter(({ s }) => s).length,
      });
    }),
  );
});
