import { expect, test } from 'vitest';
import { LatencyWindow } from './latency-window.ts';

test('a latency window forgets a quarter at a time', () => {
  const window = new LatencyWindow(1000);
  const steps = [
    { atMs: 0, count: 1 },
    { atMs: 249, count: 2 },
    { atMs: 250, count: 3 },
    { atMs: 999, count: 4 },
    { atMs: 1000, count: 3 },
    { atMs: 1250, count: 3 },
    { atMs: 900, count: 4 }, // the clock went back
  ];
  for (const { atMs, count } of steps) {
    window.record(5, atMs);
    expect(window.countAt(atMs), `at ${atMs} ms`).toBe(count);
  }
});

test('silence, however long, clears a latency window', () => {
  const window = new LatencyWindow(1000);
  window.record(5, 100);
  expect(window.countAt(1e12)).toBe(0);
  expect(window.percentileAt(1e12, 0.5, 1)).toBe(undefined);
});

test('a percentile is over all quarters, and undefined below the minimum', () => {
  const window = new LatencyWindow(1000);
  for (let call = 1; call <= 100; call++) window.record(call, call * 9);
  expect(window.percentileAt(900, 0.95, 101)).toBe(undefined);
  const p95 = window.percentileAt(900, 0.95, 100) as number;
  expect(Math.abs(p95 / 95 - 1)).toBeLessThan(0.008);
});
