import { Autoscaler, WorkerPool, type AutoscalerOptions } from '../src/index.ts';
import { ManualClock, SeededRandom } from '../src/testing/index.ts';
import { expect, test } from 'vitest';

interface Outcome {
  submitted: number;
  done: number;
  lost: number;
  largest: number;
  readonly sizes: number[];
}

/** Tasks of 100 ms at `perSecond(second)`, evenly, for a real pool that is sized on virtual time. */
async function drive(
  options: Pick<AutoscalerOptions, 'min' | 'max' | 'strategy'>,
  seconds: number,
  perSecond: (second: number) => number,
): Promise<Outcome> {
  const clock = new ManualClock();
  const pool = new WorkerPool({ size: options.min ?? 1, queue: 10_000, clock });
  using autoscaler = new Autoscaler(pool, { ...options, clock, random: new SeededRandom(1) });
  const outcome: Outcome = { submitted: 0, done: 0, lost: 0, largest: 0, sizes: [] };
  let running = 0;
  const task = (): Promise<void> =>
    new Promise((resolve) => {
      running++;
      outcome.largest = Math.max(outcome.largest, running);
      clock.schedule(100, () => {
        running--;
        resolve();
      });
    });
  autoscaler.start();
  for (let second = 0; second < seconds; second++) {
    const rate = perSecond(second);
    for (let i = 0; i < rate; i++) {
      outcome.submitted++;
      pool.submit(task).then(
        () => outcome.done++,
        () => outcome.lost++,
      );
      await clock.run(1000 / rate);
    }
    if (rate === 0) await clock.run(1000);
    outcome.sizes.push(autoscaler.stats().size);
  }
  const stopped = pool.stop({ timeoutMs: Infinity });
  await clock.run(60_000);
  expect(await stopped).toEqual({ refused: 0, ended: 0, running: 0 });
  return outcome;
}

for (const strategy of ['utilisation', 'throughput', 'threshold'] as const) {
  test(`by ${strategy} a step of load is followed up to max and back, and no task is lost`, async () => {
    const load = (second: number): number => (second >= 10 && second < 40 ? 100 : 5);
    const outcome = await drive({ min: 2, max: 12, strategy }, 120, load);
    expect(outcome.lost).toBe(0);
    expect(outcome.done).toBe(outcome.submitted);
    expect(Math.max(...outcome.sizes.slice(0, 10))).toBe(2);
    expect(Math.max(...outcome.sizes)).toBe(12);
    // Never more tasks at once than the largest size: resizing ends none, and begins none too many.
    expect(outcome.largest).toBe(12);
    expect(outcome.sizes.at(-1)).toBeLessThanOrEqual(4);
  });
}

test('by the rule of thresholds 95 % load takes a pool from 4 lanes to 8', async () => {
  // 38 tasks of 100 ms a second keep 3.8 of 4 lanes busy, and then 3.8 of 8.
  const outcome = await drive({ min: 4, max: 16, strategy: 'threshold' }, 20, () => 38);
  expect(new Set(outcome.sizes.slice(3))).toEqual(new Set([8]));
});

test('an idle pool goes to min', async () => {
  const load = (second: number): number => (second < 30 ? 100 : 0);
  const outcome = await drive({ min: 1, max: 16, strategy: 'throughput' }, 100, load);
  expect(Math.max(...outcome.sizes)).toBeGreaterThanOrEqual(10);
  expect(outcome.sizes.at(-1)).toBe(1);
});

test.for([
  ['that may wait', 10],
  ['that are refused', 0],
] as const)('at rest it has no timer, and calls %s wake it', async ([, queue]) => {
  const clock = new ManualClock();
  const pool = new WorkerPool({ size: 1, queue, clock });
  using autoscaler = new Autoscaler(pool, { min: 1, max: 4, strategy: 'utilisation', clock });
  autoscaler.start();
  await clock.run(120_000);
  expect(autoscaler.stats().watching).toBe(false);
  expect(clock.pending).toBe(0);

  const task = (): Promise<void> => new Promise((resolve) => void clock.schedule(5000, resolve));
  const calls = [1, 2, 3].map(() => pool.submit(task).catch(() => undefined));
  expect(autoscaler.stats().watching).toBe(true);
  await clock.run(10_000);
  await Promise.all(calls);
});
