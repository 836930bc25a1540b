import { expect, test } from 'vitest';
import { LoadCollector } from './collector.ts';
import type { LoadReport } from './figures.ts';
import type { LoadOptions } from './options.ts';
import { planOf } from './plan.ts';
import { renderJson, renderReport } from './report-text.ts';
import { buildReport } from './report.ts';

interface Run {
  readonly options?: Partial<LoadOptions>;
  readonly interruptedMs?: number;
}

/** The report of a run that counted what `count` puts in. */
function reportOf(count: (collector: LoadCollector) => void, run: Run = {}): LoadReport {
  const plan = planOf({ url: 'http://127.0.0.1:8080/', ...run.options });
  const collector = new LoadCollector({ windowMs: plan.durationMs, succeeds: plan.succeeds });
  count(collector);
  const { interruptedMs } = run;
  return buildReport({ plan, collector, elapsedMs: 10_120, interruptedMs, peakInFlight: 14 });
}

/** Ten seconds at 1,000/s against a service that does 100/s and refuses the rest at once. */
function overload(collector: LoadCollector): void {
  for (let i = 0; i < 10_000; i++) {
    collector.addSent(0.5);
    if (i % 10 === 0) collector.addAnswer(200, 112, i);
    else collector.addAnswer(503, 1.1, i);
  }
}

test('the report of an overload says in its last line what was served and what was refused', () => {
  const report = reportOf(overload, { options: { ratePerSecond: 1000 } });
  expect(renderReport(report)).toBe(`\
GET http://127.0.0.1:8080/: open loop, 1,000/s constant, 10 s

  offered             10,000     1,000/s
  sent                10,000
  dropped                  0
  most in flight          14
  late            p99 0.5 ms  max 0.5 ms

  outcome  count
  200      1,000
  503      9,000

  latency in ms       count  p50  p90  p95  p99  p99.9  max
  success             1,000  112  112  112  112    112  112
  refused (429, 503)  9,000  1.1  1.1  1.1  1.1    1.1  1.1

goodput 100/s of 1,000/s offered; 900/s refused in 1.1 ms at p50
`);
});

test('the report of a run that counted nothing is whole', () => {
  const report = reportOf(() => {}, { interruptedMs: 0 });
  expect(report).toMatchObject({ offered: 0, goodputPerSecond: 0, lateMs: null });
  expect(renderReport(report)).not.toMatch(/NaN|Infinity|undefined|null/);
});

test('the report as JSON says everything that the report says', () => {
  const report = reportOf(overload, { options: { ratePerSecond: 1000 } });
  expect(JSON.parse(renderJson(report))).toEqual(report);
});

test('percentiles are over successes and refusals apart, so that fast refusals do not look like speed', () => {
  const { latencyMs } = reportOf(overload);
  expect(latencyMs.success).toMatchObject({ count: 1000, max: 112, mean: 112 });
  expect(latencyMs.refusal).toMatchObject({ count: 9000, max: 1.1 });
});

test('the verdict names errors, other statuses and what was left unfinished', () => {
  const { verdict } = reportOf((collector) => {
    for (let i = 0; i < 20; i++) collector.addSent(0);
    collector.addAnswer(200, 3, 0);
    collector.addAnswer(500, 3, 0);
    collector.addError('timeout');
    collector.addError('connection reset');
    collector.addError('connection reset');
    collector.addUnfinished(15);
  });
  expect(verdict).toBe(
    'goodput 0.1/s of 2/s offered; 1 with another status; 3 failed, most by: connection reset; 15 unfinished',
  );
});

test('a generator that fell behind says so, so that the server is not blamed', () => {
  const late = (lateMs: number): string =>
    reportOf((collector) => collector.addSent(lateMs)).notes.join();
  expect(late(9)).toBe('');
  expect(late(250)).toContain('sends lagged by 250 ms at p99, 250 ms at most');
});

test('what was dropped is explained, by its reason', () => {
  const { notes, dropped } = reportOf((collector) => {
    collector.addDropped('in-flight-limit', 2000);
    collector.addDropped('out-of-time', 5);
  });
  expect(dropped).toEqual({ inFlightLimit: 2000, outOfTime: 5 });
  expect(notes[0]).toContain(
    '2,000 requests were due but not sent: 10,000 were already outstanding',
  );
  expect(notes[1]).toContain('5 requests were due but not sent: the run was over');
});

test('a run that was ended early takes its rates over the time until then', () => {
  const report = reportOf(
    (collector) => {
      for (let i = 0; i < 200; i++) {
        collector.addSent(0);
        collector.addAnswer(200, 1, i * 10);
      }
    },
    { interruptedMs: 2000 },
  );
  expect(report).toMatchObject({ interrupted: true, offeredPerSecond: 100, goodputPerSecond: 100 });
});

test('a closed loop is reported without lateness, and with its warning', () => {
  const report = reportOf(
    (collector) => {
      collector.addSent();
      collector.addAnswer(200, 1, 0);
    },
    { options: { connections: 64 } },
  );
  expect(report.lateMs).toBeNull();
  expect(report.verdict).toBe('goodput 0.1/s with 64 outstanding');
  expect(renderReport(report)).toContain('closed loop, 64 outstanding');
  expect(report.notes[0]).toMatch(/^A closed loop hides stalls/);
});
