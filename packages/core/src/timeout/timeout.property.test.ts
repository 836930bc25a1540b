import { getEventListeners } from 'node:events';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimeoutError, type TaskContext } from '../core/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
import { Timeout } from './timeout.ts';

const LINGER_MS = 50;

interface Plan {
  readonly startMs: number;
  readonly taskMs: number;
  readonly fails: boolean;
  readonly heeds: boolean;
  readonly abortMs: number;
  readonly deadlineMs: number;
}

// Tasks end at whole ms, callers abort at a half, time is over at a quarter: so no two of them tie.
const somePlan: fc.Arbitrary<Plan> = fc.record({
  startMs: fc.nat(100),
  taskMs: fc.oneof(fc.nat(200), fc.constant(Infinity)),
  fails: fc.boolean(),
  heeds: fc.boolean(),
  abortMs: fc.oneof(
    fc.nat(200).map((ms) => ms + 0.5),
    fc.constant(Infinity),
  ),
  deadlineMs: fc.oneof(
    fc.nat(200).map((ms) => ms + 0.25),
    fc.constant(Infinity),
  ),
});

/** Settles at its time, or as soon as it is told to end if it heeds that. */
function taskOf({ taskMs, fails, heeds }: Plan, clock: ManualClock) {
  return ({ signal }: TaskContext): Promise<string> =>
    new Promise((resolve, reject) => {
      if (heeds) signal.addEventListener('abort', () => reject(signal.reason as Error));
      if (taskMs === Infinity) return;
      clock.schedule(taskMs, () => (fails ? reject(new Error('boom')) : resolve('done')));
    });
}

/** What the caller is to be told, and when, from the start of the call. */
function expected(plan: Plan, timeoutMs: number, cooperative: boolean): [string, number] {
  const { taskMs, abortMs } = plan;
  const limitMs = Math.min(timeoutMs, plan.deadlineMs);
  const task = [plan.fails ? 'boom' : 'done', taskMs] as [string, number];
  const first = Math.min(taskMs, abortMs, limitMs);
  if (first === taskMs) return task;
  if (first === abortMs) return ['gone', abortMs];
  if (!cooperative || plan.heeds) return ['timeout', limitMs];
  return taskMs < abortMs ? task : ['gone', abortMs];
}

const nameOf = (error: unknown): string =>
  error instanceof TimeoutError
    ? 'timeout'
    : error instanceof Error
      ? error.message
      : String(error);

test('each call settles exactly once, with the right end at the right time, and leaves nothing behind', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(somePlan, { minLength: 1, maxLength: 12 }),
      fc.nat(150).map((ms) => ms + 0.25),
      fc.boolean(),
      async (calls, timeoutMs, cooperative) => {
        const clock = new ManualClock();
        const strategy = cooperative ? 'cooperative' : 'abandon';
        const timeout = new Timeout({ timeoutMs, strategy, clock });
        const settled = calls.map((): [string, number][] => []);
        const signals: AbortSignal[] = [];
        calls.forEach((each, at) => {
          clock.schedule(each.startMs, () => {
            const controller = new AbortController();
            signals.push(controller.signal);
            const note = (what: string): void => {
              settled[at]?.push([what, clock.nowMs() - each.startMs]);
            };
            const { signal } = controller;
            timeout
              .execute(taskOf(each, clock), { signal, deadlineMs: each.deadlineMs })
              .then(note, (error: unknown) => note(nameOf(error)));
            if (each.abortMs < Infinity) {
              clock.schedule(each.abortMs, () => controller.abort('gone'));
            }
          });
        });
        await clock.run(1000);
        const ends = calls.map((each) => expected(each, timeoutMs, cooperative));
        expect(settled).toEqual(ends.map((end) => (end[1] === Infinity ? [] : [end])));
        // What has not settled is a cooperative task that never ends, by a caller who never leaves.
        if (ends.every(([, ms]) => ms < Infinity)) {
          const listeners = signals.flatMap((signal) => getEventListeners(signal, 'abort'));
          expect(listeners).toEqual([]);
        }
        expect(clock.pending).toBe(0);
        const hung = calls.filter(({ taskMs, heeds }, at) => {
          const [, endMs] = ends[at] as [string, number];
          return taskMs === Infinity && !heeds && endMs < Infinity;
        });
        expect(timeout.stats().abandoned).toBe(hung.length);
      },
    ),
    { numRuns: 300 },
  );
});

test('100,000 calls leave no listener on the caller’s signal, and no timer', async () => {
  const clock = new ManualClock();
  const timeout = new Timeout({ timeoutMs: 10, clock });
  const { signal } = new AbortController();
  for (let batch = 0; batch < 100; batch++) {
    const calls = Array.from({ length: 1000 }, (_, n) =>
      timeout.execute(
        () => (n % 10 === 0 ? new Promise(() => undefined) : Promise.resolve(n)),
        n % 2 === 0 ? { signal } : undefined,
      ),
    );
    const all = Promise.allSettled(calls);
    await clock.run(10);
    await all;
  }
  await settlePromises();
  expect(timeout.stats()).toEqual({ calls: 100_000, timedOut: 10_000, abandoned: 10_000 });
  await clock.run(LINGER_MS);
  expect(clock.pending).toBe(0);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
