import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MetricsCollector } from './metrics-collector.ts';

interface Request {
  readonly ms: number;
  readonly ok: boolean;
}

const request: fc.Arbitrary<Request> = fc.record({
  ms: fc.oneof(
    fc.double({ min: 0.001, max: 1e6, noNaN: true }),
    fc.integer({ min: 1, max: 60_000 }),
  ),
  ok: fc.boolean(),
});

const collected = (requests: readonly Request[]): MetricsCollector => {
  const collector = new MetricsCollector();
  for (const { ms, ok } of requests) collector.record(ms, ok);
  return collector;
};

/** The smallest value that `ratio` of the others do not exceed. */
const nearestRank = (sorted: readonly number[], ratio: number): number =>
  sorted[Math.max(1, Math.ceil(ratio * sorted.length)) - 1] as number;

test('MetricsCollector with no requests says 0 everywhere, in valid JSON', () => {
  const snapshot = new MetricsCollector().snapshot();
  expect(new Set(Object.values(snapshot))).toEqual(new Set([0]));
  expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
});

test('MetricsCollector tells the shortest of all requests, which is not 0', () => {
  const { minMs, maxMs, meanMs } = collected([
    { ms: 20, ok: true },
    { ms: 10, ok: true },
    { ms: 60, ok: false },
  ]).snapshot();
  expect({ minMs, maxMs, meanMs }).toEqual({ minMs: 10, maxMs: 60, meanMs: 30 });
});

test('MetricsCollector counts successes and failures, and their shares from 0 to 1', () => {
  const requests = Array.from({ length: 8 }, (_, i) => ({ ms: 1, ok: i % 4 !== 0 }));
  expect(collected(requests).snapshot()).toMatchObject({
    total: 8,
    succeeded: 6,
    failed: 2,
    successRate: 0.75,
    errorRate: 0.25,
  });
});

test('MetricsCollector keeps its percentiles apart: of 1 to 1000 ms the middle is not the last', () => {
  const requests = Array.from({ length: 1000 }, (_, i) => ({ ms: ((i * 7) % 1000) + 1, ok: true }));
  const { p50Ms, p90Ms, p95Ms, p99Ms, p999Ms } = collected(requests).snapshot();
  const told = { 500: p50Ms, 900: p90Ms, 950: p95Ms, 990: p99Ms, 999: p999Ms };
  for (const [exact, ms] of Object.entries(told)) {
    expect(Math.abs(ms / Number(exact) - 1), `${exact} ms`).toBeLessThan(0.01);
  }
});

test.for([NaN, -1, -Infinity, Infinity, -0])(
  'MetricsCollector counts a request of %d ms, as one of 0 ms',
  (ms) => {
    const snapshot = collected([
      { ms, ok: true },
      { ms: 4, ok: false },
    ]).snapshot();
    expect(snapshot).toMatchObject({ total: 2, minMs: 0, maxMs: 4, meanMs: 2 });
    expect(Object.values(snapshot).every(Number.isFinite)).toBe(true);
  },
);

test('MetricsCollector hands its histogram to exporters, with the same count', () => {
  const collector = collected([
    { ms: 1, ok: true },
    { ms: 2, ok: false },
  ]);
  expect(collector.durations.count).toBe(2);
  expect(collector.durations.sum).toBe(3);
});

test('whatever was recorded, counts, extremes and mean are exact and percentiles within 1 %', () => {
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 300 }), (requests) => {
      const snapshot = collected(requests).snapshot();
      const sorted = requests.map(({ ms }) => ms).sort((a, b) => a - b);
      const failed = requests.filter(({ ok }) => !ok).length;
      const mean = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length;
      expect(snapshot).toMatchObject({
        total: requests.length,
        failed,
        minMs: sorted[0],
        maxMs: sorted.at(-1),
        errorRate: failed / requests.length,
      });
      expect(snapshot.succeeded + snapshot.failed).toBe(snapshot.total);
      expect(snapshot.successRate + snapshot.errorRate).toBeCloseTo(1, 12);
      expect(Math.abs(snapshot.meanMs / mean - 1)).toBeLessThan(1e-12);
      const { p50Ms, p90Ms, p95Ms, p99Ms, p999Ms } = snapshot;
      const told = [p50Ms, p90Ms, p95Ms, p99Ms, p999Ms];
      for (const [i, ratio] of [0.5, 0.9, 0.95, 0.99, 0.999].entries()) {
        const exact = nearestRank(sorted, ratio);
        expect(Math.abs((told[i] as number) - exact)).toBeLessThanOrEqual(0.01 * exact);
      }
    }),
    { numRuns: 300 },
  );
});

test('merging collectors comes to the same as recording into one', () => {
  fc.assert(
    fc.property(fc.array(request), fc.array(request), (some, others) => {
      const merged = collected(some);
      merged.merge(collected(others));
      const { meanMs, ...counted } = merged.snapshot();
      const { meanMs: expectedMeanMs, ...expected } = collected([...some, ...others]).snapshot();
      expect(counted).toEqual(expected);
      expect(meanMs).toBeCloseTo(expectedMeanMs, 6);
    }),
    { numRuns: 300 },
  );
});

test('merging leaves the collector that was merged as it is', () => {
  const other = collected([{ ms: 5, ok: false }]);
  const before = other.snapshot();
  collected([{ ms: 1, ok: true }]).merge(other);
  expect(other.snapshot()).toEqual(before);
});
