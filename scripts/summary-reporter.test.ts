import { expect, test } from 'vitest';
import { summaryLine } from './summary-reporter.ts';

test.for([
  [{ passed: 12, failed: 0, skipped: 0 }, '12 passed, 0 failed'],
  [{ passed: 0, failed: 1, skipped: 0 }, '0 passed, 1 failed'],
  [{ passed: 3, failed: 2, skipped: 1 }, '3 passed, 2 failed, 1 skipped'],
] as const)('%o reads "%s"', ([totals, line]) => {
  expect(summaryLine(totals)).toBe(line);
});
