import { expect, test } from 'vitest';

import { PeakEwma } from './peak-ewma.ts';

test('a latency above the average replaces it at once, one below pulls it down by and by', () => {
  const latency = new PeakEwma(10_000);
  const steps = [
    { atMs: 0, sampleMs: 10, is: 10 },
    { atMs: 0, sampleMs: 5, is: 10 },
    { atMs: 1000, sampleMs: 80, is: 80 },
    { atMs: 11_000, sampleMs: 10, is: 80 / Math.E + 10 * (1 - 1 / Math.E) },
  ];
  for (const { atMs, sampleMs, is } of steps) {
    latency.observe(sampleMs, atMs);
    expect(latency.at(atMs)).toBeCloseTo(is, 9);
  }
});

test('without answers a latency falls towards 0, to 1/e of it in the time constant', () => {
  const latency = new PeakEwma(10_000);
  latency.observe(100, 0);
  expect(latency.at(10_000)).toBeCloseTo(100 / Math.E, 9);
  expect(latency.at(100_000)).toBeLessThan(0.01);
});

test('nothing is known before the first answer, nor after all was forgotten', () => {
  const latency = new PeakEwma(10_000);
  expect(latency.at(5)).toBeNaN();
  latency.observe(3, 5);
  latency.clear();
  expect(latency.at(5)).toBeNaN();
  latency.observe(2, 6);
  expect(latency.at(6)).toBe(2);
});

test('a clock that steps back does not make a latency larger', () => {
  const latency = new PeakEwma(10_000);
  latency.observe(7, 1000);
  expect(latency.at(500)).toBe(7);
});
