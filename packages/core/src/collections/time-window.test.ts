import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimeWindow } from './time-window.ts';

const options = { durationMs: 1000, buckets: 10 };

function totalAt(window: TimeWindow, nowMs: number): number {
  window.advanceTo(nowMs);
  return window.total;
}

test('a time window counts a call until its bucket began the duration ago', () => {
  const steps = [
    { recordedAtMs: 0, lastCountedAtMs: 999.9, forgottenAtMs: 1000 },
    { recordedAtMs: 99.9, lastCountedAtMs: 999.9, forgottenAtMs: 1000 },
    { recordedAtMs: 100, lastCountedAtMs: 1099.9, forgottenAtMs: 1100 },
    { recordedAtMs: 5678, lastCountedAtMs: 6599.9, forgottenAtMs: 6600 },
    { recordedAtMs: -1, lastCountedAtMs: 899.9, forgottenAtMs: 900 },
  ];
  for (const { recordedAtMs, lastCountedAtMs, forgottenAtMs } of steps) {
    const window = new TimeWindow(options);
    window.record(recordedAtMs, true, true);
    expect(totalAt(window, lastCountedAtMs)).toBe(1);
    expect(totalAt(window, forgottenAtMs)).toBe(0);
    expect([window.failures, window.slow]).toEqual([0, 0]);
  }
});

test.each([1000, 1050, 1e4, 1e15, Number.MAX_VALUE])(
  'a time window that was silent for %d ms has forgotten every call at once',
  (silentMs) => {
    const window = new TimeWindow(options);
    for (let atMs = 0; atMs < 1000; atMs += 10) window.record(atMs, true, true);
    expect(window.total).toBe(100);
    window.advanceTo(999 + silentMs);
    expect([window.total, window.failures, window.slow]).toEqual([0, 0, 0]);
  },
);

test('a time window forgets bucket by bucket in a short silence', () => {
  const window = new TimeWindow(options);
  for (let atMs = 0; atMs < 1000; atMs += 10) window.record(atMs, true, false);
  const totals = [1000, 1350, 1899, 1900].map((nowMs) => totalAt(window, nowMs));
  expect(totals).toEqual([90, 60, 10, 0]);
});

test('a clock that steps back counts into the newest bucket, and clears and revives nothing', () => {
  const window = new TimeWindow(options);
  const steps = [
    { atMs: 950, total: 1 },
    { atMs: 0, total: 2 }, // counts as if at 950
    { atMs: -1e9, total: 3 },
    { atMs: 1850, total: 4 }, // the three of bucket 900 are still counted
    { atMs: 950, total: 5 },
    { atMs: 1900, total: 3 }, // they leave together
    { atMs: 1800, total: 4 },
  ];
  for (const { atMs, total } of steps) {
    window.record(atMs, true, false);
    expect([window.total, window.failures], `at ${atMs} ms`).toEqual([total, total]);
  }
});

test.each([NaN, Infinity, -Infinity])('a time of %d counts as the newest bucket', (nowMs) => {
  const window = new TimeWindow(options);
  window.record(500, false, false);
  window.record(nowMs, false, false);
  window.advanceTo(nowMs);
  expect(totalAt(window, 1499)).toBe(2);
  expect(totalAt(window, 1500)).toBe(0);
});

test('a time window of one bucket forgets all at its end', () => {
  const window = new TimeWindow({ durationMs: 100, buckets: 1 });
  window.record(199, false, false);
  expect(totalAt(window, 199.9)).toBe(1);
  expect(totalAt(window, 200)).toBe(0);
});

test('a time window that is resized keeps the calls that still lie in it', () => {
  const window = new TimeWindow(options);
  for (let atMs = 0; atMs < 1000; atMs += 10) window.record(atMs, atMs >= 500, false);
  window.resize({ durationMs: 500, buckets: 5 });
  expect([window.durationMs, window.buckets]).toEqual([500, 5]);
  expect([window.total, window.failures]).toEqual([50, 50]);
  window.resize({ durationMs: 2000, buckets: 4 });
  expect([window.total, totalAt(window, 2499), totalAt(window, 2500)]).toEqual([50, 50, 0]);
});

test('a time window that is resized to what it is stays as it is', () => {
  const window = new TimeWindow({ durationMs: 1000, buckets: 3 });
  window.record(999, true, true);
  window.resize({ durationMs: 1000, buckets: 3 });
  expect(totalAt(window, 1666)).toBe(1);
  expect(totalAt(window, 1667)).toBe(0);
});

test.each([
  { durationMs: 0, buckets: 1, problem: 'durationMs must be a finite number above 0, got 0.' },
  { durationMs: NaN, buckets: 1, problem: 'durationMs must be a finite number above 0, got NaN.' },
  {
    durationMs: Infinity,
    buckets: 1,
    problem: 'durationMs must be a finite number above 0, got Infinity.',
  },
  { durationMs: 1000, buckets: 0, problem: 'buckets must be an integer of at least 1, got 0.' },
  { durationMs: 1000, buckets: 2.5, problem: 'buckets must be an integer of at least 1, got 2.5.' },
])('a time window refuses $durationMs ms in $buckets buckets', ({ problem, ...wrong }) => {
  const refusal = new RangeError(`TimeWindow: ${problem}`);
  expect(() => new TimeWindow(wrong)).toThrow(refusal);
  const window = new TimeWindow(options);
  window.record(0, true, true);
  expect(() => window.resize(wrong)).toThrow(refusal);
  expect([window.durationMs, window.buckets, window.total]).toEqual([1000, 10, 1]);
});

/** Steps of the clock: mostly small and forward, at times back or past the whole window. */
const stepMs = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: 0, max: 200, noNaN: true }) },
  { weight: 1, arbitrary: fc.double({ min: -500, max: 0, noNaN: true }) },
  { weight: 1, arbitrary: fc.double({ min: 500, max: 1e7, noNaN: true }) },
);
const calls = fc.array(fc.record({ stepMs, failed: fc.boolean(), slow: fc.boolean() }), {
  maxLength: 100,
});
const shape = fc.record({
  durationMs: fc.oneof(fc.constant(1000), fc.double({ min: 0.1, max: 3000, noNaN: true })),
  buckets: fc.integer({ min: 1, max: 12 }),
});

test('a time window counts just the calls of its newest buckets', () => {
  fc.assert(
    fc.property(shape, calls, ({ durationMs, buckets }, steps) => {
      const window = new TimeWindow({ durationMs, buckets });
      const model: { tick: number; failed: boolean; slow: boolean }[] = [];
      let nowMs = 0;
      let newest = -Infinity;
      for (const { stepMs: byMs, failed, slow } of steps) {
        nowMs += byMs;
        newest = Math.max(newest, Math.floor(nowMs / (durationMs / buckets)));
        window.record(nowMs, failed, slow);
        model.push({ tick: newest, failed, slow });
        const held = model.filter(({ tick }) => tick > newest - buckets);
        expect([window.total, window.failures, window.slow]).toEqual([
          held.length,
          held.filter((call) => call.failed).length,
          held.filter((call) => call.slow).length,
        ]);
      }
    }),
  );
});

test('a time window counts every call younger than the duration less a bucket, and none older than the duration', () => {
  const forward = fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { maxLength: 100 });
  fc.assert(
    fc.property(shape, forward, ({ durationMs, buckets }, steps) => {
      const window = new TimeWindow({ durationMs, buckets });
      const times: number[] = [];
      let nowMs = 0;
      for (const byMs of steps) {
        nowMs += byMs;
        times.push(nowMs);
        window.record(nowMs, false, false);
        const youngerThan = (ageMs: number): number =>
          times.filter((atMs) => nowMs - atMs < ageMs).length;
        const rounding = 1e-9;
        expect(window.total).toBeGreaterThanOrEqual(
          youngerThan(durationMs - durationMs / buckets - rounding),
        );
        expect(window.total).toBeLessThanOrEqual(youngerThan(durationMs + rounding));
      }
    }),
  );
});

test('a resize never lets a call stay beyond the duration, and drops none younger than both buckets allow', () => {
  const forward = fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { maxLength: 40 });
  fc.assert(
    fc.property(shape, shape, forward, (before, after, steps) => {
      const window = new TimeWindow(before);
      const times: number[] = [];
      let nowMs = 0;
      for (const byMs of steps) {
        nowMs += byMs;
        times.push(nowMs);
        window.record(nowMs, false, false);
      }
      window.resize(after);
      window.advanceTo(nowMs);
      const oldBucketMs = before.durationMs / before.buckets;
      const keptMs = Math.min(
        before.durationMs - oldBucketMs,
        after.durationMs - after.durationMs / after.buckets - oldBucketMs,
      );
      const youngerThan = (ageMs: number): number =>
        times.filter((atMs) => nowMs - atMs < ageMs).length;
      expect(window.total).toBeGreaterThanOrEqual(youngerThan(keptMs - 1e-9));
      expect(window.total).toBeLessThanOrEqual(youngerThan(after.durationMs + 1e-9));
    }),
  );
});
