import { expect, test } from 'vitest';
import { CallTimes } from './call-times.ts';

/** Sends calls `gapMs` apart that run for 5 ms, and returns which of them were timed. */
function send(times: CallTimes, count: number, gapMs: number, startMs = 0): number[] {
  const timed: number[] = [];
  for (let i = 0; i < count; i++) {
    times.hadLane();
    const isTimed = times.isDue();
    if (isTimed) {
      times.came(startMs + i * gapMs);
      timed.push(i);
    }
    times.ran(isTimed ? 5 : Number.NaN);
  }
  return timed;
}

test('the first 1000 calls are timed each, however densely they come', () => {
  expect(send(new CallTimes(), 1000, 0)).toHaveLength(1000);
});

test('calls that come no more densely than 100,000 a second are timed each', () => {
  expect(send(new CallTimes(), 20_000, 0.011)).toHaveLength(20_000);
});

test('of calls that come more densely one in 31 is timed, and counts for the others', () => {
  const times = new CallTimes();
  const timed = send(times, 32_000, 0.001);
  expect(timed.length).toBeGreaterThanOrEqual(2000);
  expect(timed.length).toBeLessThan(2010);
  expect(32_000 - times.runs.count).toBeLessThan(31);
  expect(times.runs.mean).toBe(5);
  expect(times.waits.count).toBe(32_000);
  expect(times.waits.max).toBe(0);
});

test('when calls come less densely again, each is timed again', () => {
  const times = new CallTimes();
  send(times, 32_000, 0.001);
  const timed = send(times, 100, 1, 1000);
  expect(timed.length).toBeGreaterThanOrEqual(69);
  expect(timed.slice(-10)).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
});

test('what was waited is counted by the calls that were timed', () => {
  const times = new CallTimes();
  for (const waitMs of [Number.NaN, Number.NaN, 4, -1, Number.NaN]) times.waited(waitMs);
  expect({ count: times.waits.count, sum: times.waits.sum }).toEqual({ count: 4, sum: 12 });
});
