import type { Reporter, TestModule } from 'vitest/node';

/** What a test run came to. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** `12 passed, 0 failed`, and `, 1 skipped` when there are any. */
export function summaryLine({ passed, failed, skipped }: Totals): string {
  const line = `${passed} passed, ${failed} failed`;
  return skipped === 0 ? line : `${line}, ${skipped} skipped`;
}

/**
 * Closes a test run with one line that people and scripts can read. Whatever makes the run fail
 * counts: a file that does not load, or an error that no test caught, is one failure.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const totals = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      totals.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state !== 'pending') totals[state] += 1;
      }
      for (const suite of module.children.allSuites()) totals.failed += suite.errors().length;
    }
    process.stdout.write(`${summaryLine(totals)}\n`);
  }
}
