import { expect, test } from 'vitest';

import { FailureRow } from './failure-row.ts';

const OPTIONS = { consecutiveFailures: 5, baseMs: 30_000, maxMs: 100_000, maxRatio: 0.1 };

test('the n-th ejection lasts n times the base, up to the longest', () => {
  const row = new FailureRow();
  let nowMs = 0;
  const lasted = [1, 2, 3, 4, 5].map(() => {
    const forMs = row.eject(nowMs, OPTIONS);
    nowMs += forMs;
    row.comeBack(nowMs);
    return forMs;
  });
  expect(lasted).toEqual([30_000, 60_000, 90_000, 100_000, 100_000]);
  expect(row.ejections).toBe(5);
});

test('each base time without an ejection makes the next one a step shorter', () => {
  const row = new FailureRow();
  const steps = [
    { atMs: 0, forMs: 30_000 },
    { atMs: 30_000, forMs: 60_000 }, // came back at 30,000
    { atMs: 119_999, forMs: 90_000 }, // at 90,000; 29,999 ms are no whole step
    { atMs: 239_999, forMs: 90_000 }, // at 209,999, a step ago
    { atMs: 1_000_000, forMs: 30_000 },
  ];
  let backMs = 0;
  for (const { atMs, forMs } of steps) {
    row.comeBack(backMs);
    expect(row.eject(atMs, OPTIONS), `at ${atMs} ms`).toBe(forMs);
    backMs = atMs + forMs;
  }
});

test('a success ends a row of failures', () => {
  const row = new FailureRow();
  row.failed(false);
  row.failed(false);
  row.succeeded();
  row.failed(false);
  expect(row.failures).toBe(1);
});

test('the header of a stream that goes on for hours ends a row of requests that were not answered', () => {
  const row = new FailureRow();
  row.failed(false);
  row.answered();
  row.failed(false);
  expect(row.failures).toBe(1);
});

test('bodies that break are a row, though each had a header', () => {
  const row = new FailureRow();
  for (let i = 0; i < 5; i++) {
    row.answered();
    row.failed(true);
  }
  expect(row.failures).toBe(5);
});
