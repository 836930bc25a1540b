import { getEventListeners } from 'node:events';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RateLimitedError, type BackoffOptions, type TaskContext } from '../core/index.ts';
import { ManualClock, SeededRandom } from '../testing/index.ts';
import { RetryBudget } from './retry-budget.ts';
import { Retry } from './retry.ts';

/** What one try does. */
const aTry = fc.oneof(
  fc.record({
    does: fc.constantFrom('return', 'throw', 'resolve', 'reject', 'bug' as const),
    afterMs: fc.integer({ min: 0, max: 80 }),
  }),
  fc.record({ does: fc.constant('hang' as const), afterMs: fc.constant(0) }),
  fc.record({ does: fc.constant('busy' as const), afterMs: fc.integer({ min: 0, max: 90 }) }),
);
const aCall = fc.record({
  comesAfterMs: fc.integer({ min: 0, max: 40 }),
  tries: fc.array(aTry, { minLength: 1, maxLength: 5 }),
  abortAfterMs: fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined }),
  deadlineMs: fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined }),
});
const backoff: fc.Arbitrary<BackoffOptions> = fc.constantFrom(
  { type: 'constant', delayMs: 20 },
  { type: 'exponential', baseMs: 10, maxMs: 50 },
  { type: 'decorrelated-jitter', baseMs: 10, maxMs: 60 },
);
const aRun = fc.record({
  seed: fc.integer(),
  maxAttempts: fc.integer({ min: 1, max: 4 }),
  attemptTimeoutMs: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
  deadlineMs: fc.option(fc.integer({ min: 60, max: 250 }), { nil: undefined }),
  ratio: fc.constantFrom(0, 0.2, 1),
  minRetriesPerSecond: fc.constantFrom(0, 10),
  backoff,
  calls: fc.array(aCall, { maxLength: 30 }),
});
type Run = typeof aRun extends fc.Arbitrary<infer T> ? T : never;
type Call = Run['calls'][number];

/** One call, as seen from outside. */
interface Seen {
  readonly call: Call;
  readonly startMs: number;
  readonly triedMs: number[];
  readonly attempts: number[];
  settled: number;
  settledMs: number;
  abortedMs: number;
}

function perform({ does, afterMs }: Call['tries'][number], clock: ManualClock): unknown {
  if (does === 'return') return 1;
  if (does === 'throw') throw new Error('boom');
  if (does === 'bug') throw new TypeError('x is not a function');
  if (does === 'busy') throw new RateLimitedError('limit', 'busy', afterMs);
  return new Promise((resolve, reject) => {
    if (does === 'resolve') clock.schedule(afterMs, () => resolve(1));
    if (does === 'reject') clock.schedule(afterMs, () => reject(new Error('boom')));
  });
}

async function simulate({ seed, calls, ratio, minRetriesPerSecond, ...options }: Run) {
  const clock = new ManualClock();
  const budget = new RetryBudget({ ratio, minRetriesPerSecond, windowMs: 1000, clock });
  const retry = new Retry({ ...options, budget, clock, random: new SeededRandom(seed) });
  const caller: AbortController[] = [];
  const seen: Seen[] = [];
  for (const call of calls) {
    await clock.run(call.comesAfterMs);
    const startMs = clock.nowMs();
    const one: Seen = {
      call,
      startMs,
      triedMs: [],
      attempts: [],
      settled: 0,
      settledMs: Infinity,
      abortedMs: Infinity,
    };
    seen.push(one);
    const controller = new AbortController();
    caller.push(controller);
    const task = ({ attempt }: TaskContext): unknown => {
      one.triedMs.push(clock.nowMs());
      one.attempts.push(attempt);
      return perform(call.tries[attempt - 1] ?? { does: 'return', afterMs: 0 }, clock);
    };
    const { abortAfterMs, deadlineMs } = call;
    const isPlain = abortAfterMs === undefined && deadlineMs === undefined;
    const ended = (): void => {
      one.settled++;
      one.settledMs = clock.nowMs();
    };
    const { signal } = controller;
    void retry.execute(task, isPlain ? undefined : { signal, deadlineMs }).then(ended, ended);
    if (abortAfterMs !== undefined) {
      clock.schedule(abortAfterMs, () => {
        one.abortedMs = clock.nowMs();
        controller.abort('enough');
      });
    }
  }
  await clock.run(60_000);
  return { clock, budget, retry, seen, signals: caller.map(({ signal }) => signal) };
}

function expectPromisesKept(run: Run, { call, startMs, ...one }: Seen): void {
  const { triedMs, attempts, settled, settledMs, abortedMs } = one;
  const lastMs = Math.min(run.deadlineMs ?? Infinity, call.deadlineMs ?? Infinity);
  // Tries within their number, numbered from 1.
  expect(attempts).toEqual(attempts.map((_, i) => i + 1));
  expect(attempts.length).toBeLessThanOrEqual(run.maxAttempts);
  // Every call settles once; only a task that hangs without any limit may hang its call.
  const isUnlimited = run.attemptTimeoutMs === undefined && lastMs === Infinity;
  const mayHang = isUnlimited && call.tries.some(({ does }) => does === 'hang');
  expect(settled).toBe(mayHang && settled === 0 ? 0 : 1);
  // In time, and at once when its caller aborts.
  if (settled > 0) expect(settledMs).toBeLessThanOrEqual(startMs + lastMs);
  if (abortedMs < Infinity) expect(settledMs).toBeLessThanOrEqual(abortedMs);
  // No try at the deadline or after, nor after the abort.
  for (const atMs of triedMs) {
    expect(atMs).toBeLessThan(startMs + lastMs);
    expect(atMs).toBeLessThanOrEqual(abortedMs);
  }
  // None after a bug, and none earlier than the error asked for.
  for (const [i, { does, afterMs }] of call.tries.entries()) {
    const nextMs = triedMs[i + 1];
    if (does === 'bug') expect(nextMs).toBe(undefined);
    if (does !== 'busy' || nextMs === undefined) continue;
    expect(nextMs).toBeGreaterThanOrEqual((triedMs[i] as number) + afterMs);
  }
}

test('whatever the tasks, callers and options do, every promise of a retry holds', async () => {
  await fc.assert(
    fc.asyncProperty(aRun, async (run) => {
      const { clock, budget, retry, seen, signals } = await simulate(run);
      for (const one of seen) expectPromisesKept(run, one);
      const tries = seen.flatMap(({ triedMs }) => triedMs).length;
      const firsts = seen.filter(({ triedMs }) => triedMs.length > 0).length;
      // Everything is counted, once.
      const { calls, retries, timedOut, ...endings } = retry.stats();
      expect(calls).toBe(run.calls.length);
      expect(retries).toBe(tries - firsts);
      expect(timedOut).toBeLessThanOrEqual(tries);
      const ended = Object.values(endings).reduce((sum, count) => sum + count, 0);
      expect(ended).toBe(seen.filter(({ settled }) => settled > 0).length);
      // The budget holds, from the start to the last decision, at most a second after the last call came.
      const { granted } = budget.stats();
      const spanMs = Math.max(0, ...seen.map(({ startMs }) => startMs)) + 1000 + budget.windowMs;
      expect(retries).toBeLessThanOrEqual(granted);
      expect(granted).toBeLessThanOrEqual(
        run.ratio * firsts + (run.minRetriesPerSecond * spanMs) / 1000,
      );
      // Nothing is left.
      expect(clock.pending).toBe(0);
      const left = signals.filter((signal) => getEventListeners(signal, 'abort').length > 0);
      if (seen.every(({ settled }) => settled > 0)) expect(left).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
