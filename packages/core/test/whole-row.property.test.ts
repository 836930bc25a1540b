import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RejectedError, TimeoutError } from '../src/index.ts';
import { GONE, RowCalls, type RowCall, type RowResult } from './kit/row-calls.ts';
import { ALL_OVER_MS, FALLBACK, WholeRow } from './kit/whole-row.ts';

const aTry = fc.record({
  does: fc.constantFrom(
    ...(['return', 'throw', 'succeed', 'fail', 'fail', 'hang', 'late', 'heed', 'refuse'] as const),
  ),
  afterMs: fc.integer({ min: 0, max: 90 }),
});
const aCall: fc.Arbitrary<RowCall> = fc.record({
  tries: fc.array(aTry, { minLength: 1, maxLength: 4 }),
  abortAfterMs: fc.option(fc.integer({ min: -1, max: 250 }), { nil: undefined, freq: 3 }),
  deadlineMs: fc.option(fc.integer({ min: 0, max: 250 }), { nil: undefined, freq: 3 }),
  readsSignal: fc.boolean(),
});

/** A change of the options of one policy while calls are under way. */
const changes: Readonly<Record<string, (row: WholeRow) => void>> = {
  'another answer': ({ fallback }) => fallback.update({ on: RejectedError, value: FALLBACK }),
  'less time': ({ timeout }) => timeout.update({ timeoutMs: 150 }),
  'more time': ({ timeout }) => timeout.update({ timeoutMs: 400, strategy: 'abandon' }),
  'one try': ({ retry }) => retry.update({ maxAttempts: 1 }),
  'five tries': ({ retry }) => retry.update({ maxAttempts: 5, attemptTimeoutMs: 20 }),
  'tries without a limit': ({ retry }) => retry.update({ attemptTimeoutMs: undefined }),
  'a tight budget': ({ budget }) => budget.update({ ratio: 0, minRetriesPerSecond: 1 }),
  'a wide budget': ({ budget }) => budget.update({ ratio: 0.2, minRetriesPerSecond: 10 }),
  'a low rate': ({ limiter }) => limiter.update({ ratePerSecond: 20, capacity: 2 }),
  'a high rate': ({ limiter }) => limiter.update({ ratePerSecond: 500, capacity: 50 }),
  'one probe': ({ breaker }) => breaker.permit(1),
  'three probes': ({ breaker }) => breaker.permit(3),
  'a nervous breaker': ({ breaker }) =>
    breaker.update({ slidingWindow: { type: 'count', size: 4 }, minimumCalls: 2 }),
  'an order to open': ({ breaker }) => breaker.forceOpen(),
  'an order to close': ({ breaker }) => breaker.close(),
  'one lane': ({ pool }) => pool.update({ size: 1, queue: 1 }),
  'eight lanes': ({ pool }) => pool.update({ size: 8, queue: 16 }),
};
const aStep = fc.record({
  afterMs: fc.integer({ min: 0, max: 60 }),
  calls: fc.array(aCall, { maxLength: 6 }),
  change: fc.option(fc.constantFrom(...Object.keys(changes)), { nil: undefined, freq: 2 }),
});
type Step = typeof aStep extends fc.Arbitrary<infer T> ? T : never;

async function play(seed: number, steps: readonly Step[]) {
  const row = new WholeRow(seed);
  const calls = new RowCalls(row);
  const results: RowResult[] = [];
  for (const { afterMs, calls: scripts, change } of steps) {
    results.push(...scripts.map((script) => calls.start(script)));
    if (change !== undefined) changes[change]?.(row);
    await row.clock.run(afterMs);
    row.pipeline.stats();
  }
  const elapsedMs = row.clock.nowMs();
  await row.clock.run(ALL_OVER_MS);
  return { row, results, elapsedMs: elapsedMs + 400, mistakes: calls.mistakes };
}

/** What must hold for each call, whatever it met. */
function wrongsOf({ call, startMs, settled, settledMs, abortedMs, error, value }: RowResult) {
  const lastMs = startMs + Math.min(400, call.deadlineMs ?? Infinity);
  const wrongs: string[] = [];
  if (settled !== 1) wrongs.push(`settled ${settled} times`);
  if (settledMs > Math.min(lastMs, Math.max(abortedMs, startMs))) wrongs.push('answered late');
  if (error === GONE && abortedMs > settledMs) wrongs.push('aborted by nobody');
  if (settledMs > abortedMs && error !== GONE) wrongs.push('the abort was not what it ended with');
  if (error === undefined && typeof value !== 'string') wrongs.push(`answered ${String(value)}`);
  return wrongs;
}

test('whatever tasks, callers and operators do, each call settles once and in time, and nothing is kept', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(aStep, { maxLength: 40 }), async (seed, steps) => {
      const { row, results, elapsedMs, mistakes } = await play(seed, steps);
      expect(mistakes).toEqual([]);
      expect(results.flatMap(wrongsOf)).toEqual([]);
      expect(row.leftovers()).toEqual([]);

      const { retries, calls, ...ended } = row.retry.stats();
      expect(retries).toBeLessThanOrEqual(0.2 * calls + (10 * (elapsedMs + 1000)) / 1000);
      expect(retries).toBeLessThanOrEqual(row.budget.stats().granted);
      const ways = [
        'succeededFirst',
        'recovered',
        'exhausted',
        'notRetryable',
        'outOfTime',
      ] as const;
      const known = ways.reduce((sum, way) => sum + ended[way], ended.budgetExhausted);
      expect(known + ended.aborted).toBe(calls);

      const tries = results.reduce((sum, { contexts }) => sum + contexts.length, 0);
      const { submitted, abandoned, ...pool } = row.pool.stats();
      expect(row.pool.runTimes.count + abandoned).toBe(tries);
      const ran = pool.completed + pool.failed + pool.ignored;
      expect(ran + pool.aborted + pool.expired + pool.rejected).toBe(submitted);
      expect(ran).toBeLessThanOrEqual(tries);
      expect(tries).toBeLessThanOrEqual(ran + pool.aborted);
      expect(row.breaker.stats().permitted).toBe(submitted);
      expect(row.limiter.stats().allowed).toBe(submitted + row.breaker.stats().notPermitted);
    }),
    { numRuns: 300 },
  );
});

test('the random runs meet every way in which a call can end', async () => {
  const ends = new Set<string>();
  const runs = fc.sample(fc.array(aStep, { maxLength: 40 }), { numRuns: 60, seed: 4 });
  for (const [seed, steps] of runs.entries()) {
    const { row, results } = await play(seed, steps);
    for (const { value, error } of results) {
      const name = error instanceof Error ? error.constructor.name : String(error);
      ends.add(error === undefined ? String(value) : name);
    }
    if (row.retry.stats().recovered > 0) ends.add('recovered');
    if (row.retry.stats().budgetExhausted > 0) ends.add('budget exhausted');
    if (row.pool.stats().abandoned > 0) ends.add('abandoned');
    for (const { from, to } of row.breaker.changes) ends.add(`${from} → ${to}`);
  }
  const words = 'abandoned, budget exhausted, fallback, recovered, return, succeed';
  const errors = 'DeadlineExceededError, Error, QueueFullError, RateLimitedError, ShedError';
  const moves = 'closed → open, open → half-open, half-open → closed, half-open → open';
  const expected = [words, errors, moves, GONE].flatMap((list) => list.split(', '));
  expect(expected.filter((end) => !ends.has(end))).toEqual([]);
});

test('a call that is answered by its total time limit is told so, unless a fallback answers it', async () => {
  const row = new WholeRow(1);
  row.fallback.update({ on: RejectedError, value: FALLBACK });
  const calls = new RowCalls(row);
  const script: RowCall = {
    tries: [{ does: 'hang', afterMs: 0 }],
    abortAfterMs: undefined,
    deadlineMs: undefined,
    readsSignal: false,
  };
  row.retry.update({ attemptTimeoutMs: undefined });
  const result = calls.start(script);
  await row.clock.run(ALL_OVER_MS);
  expect(result.error).toBeInstanceOf(TimeoutError);
  expect(result.settledMs).toBe(400);
  expect(row.pool.stats()).toMatchObject({ abandoned: 1, active: 0 });
});
