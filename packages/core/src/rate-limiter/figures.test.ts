import { expect, test } from 'vitest';
import { ManualClock, SeededRandom, settlePromises } from '../testing/index.ts';
import { Gcra, LeakyBucket, SlidingLog, TokenBucket } from './index.ts';

test('a burst of 50 at 100 per second leaves a LeakyBucket evenly: the last after 490 ms, the mean after 245', async () => {
  const clock = new ManualClock();
  const bucket = new LeakyBucket({ ratePerSecond: 100, capacity: 50, clock });
  const leftAtMs: number[] = [];
  for (let call = 0; call < 50; call++) {
    void bucket.wait().then(() => leftAtMs.push(clock.nowMs()));
  }
  await clock.run(1000);
  expect(leftAtMs).toEqual(Array.from({ length: 50 }, (_, call) => call * 10));
  expect(leftAtMs.reduce((sum, atMs) => sum + atMs, 0) / 50).toBe(245);
  expect(clock.pending).toBe(0);
});

test('at most its capacity waits at a LeakyBucket, the rest is refused at once', async () => {
  const clock = new ManualClock();
  const bucket = new LeakyBucket({ ratePerSecond: 100, capacity: 5, clock });
  const ends: string[] = [];
  for (let call = 0; call < 9; call++) {
    void bucket.wait().then(
      () => ends.push(`${call} left at ${clock.nowMs()}`),
      (refusal: unknown) => ends.push(`${call} ${(refusal as Error).name} at ${clock.nowMs()}`),
    );
  }
  await settlePromises();
  const refused = [6, 7, 8].map((call) => `${call} RateLimitedError at 0`);
  expect(ends.toSorted()).toEqual(['0 left at 0', ...refused]);
  expect(bucket.stats()).toMatchObject({ waiting: 5, allowed: 1, rejected: 3 });
  await clock.run(50);
  expect(ends.slice(4)).toEqual([1, 2, 3, 4, 5].map((call) => `${call} left at ${call * 10}`));
});

test('a LeakyBucket that holds 10 refuses 0.0508 of the calls that come at random at its own rate', () => {
  const random = new SeededRandom(3);
  const bucket = new LeakyBucket({ ratePerSecond: 1000, capacity: 10, clock: new ManualClock() });
  let refused = 0;
  let nowMs = 0;
  for (let call = 0; call < 1_000_000; call++) {
    nowMs -= Math.log(1 - random.next());
    if (bucket.takeAt(nowMs) > 0) refused++;
  }
  expect(Math.abs(refused / 1e6 - 0.0508)).toBeLessThan(0.001);
});

test('calls that come at random, 80 a second, wait 20 ms on average for a shaper of 100 a second', () => {
  const random = new SeededRandom(4);
  const clock = new ManualClock();
  const bucket = new LeakyBucket({ ratePerSecond: 100, capacity: 1_000_000, clock });
  const calls = 2_000_000;
  let sumMs = 0;
  for (let call = 0; call < calls; call++) {
    clock.advance(-Math.log(1 - random.next()) * 12.5);
    sumMs += bucket.reserve().waitMs;
  }
  // Pollaczek and Khinchine: load × service time / (2 × (1 - load)).
  const expectedMs = (0.8 * 10) / (2 * 0.2);
  expect(Math.abs(sumMs / calls / expectedMs - 1)).toBeLessThan(0.01);
});

const YEAR_MS = 365 * 86_400_000;

test.each([
  ['TokenBucket', TokenBucket],
  ['Gcra', Gcra],
  ['LeakyBucket', LeakyBucket],
] as const)('a %s has not drifted by a permit after three years', (_name, Limiter) => {
  const originMs = 8.64e12 + 0.1;
  const clock = new ManualClock(originMs);
  const limiter = new Limiter({ ratePerSecond: 10 / 3, capacity: 40, clock });
  for (let n = 0; n < 40; n++) expect(limiter.allow()).toBe(true);
  // Once a minute 200 permits come due; 40 of them fit, and no more.
  for (let burst = 0; burst < 3 * 365; burst++) {
    clock.advanceTo(originMs + ((burst + 1) / (3 * 365)) * 3 * YEAR_MS);
    let passed = 0;
    while (limiter.allow()) passed++;
    expect(passed).toBe(40);
  }
  // And where nothing runs over: a call every 300 ms is always on time.
  const fromMs = clock.nowMs();
  for (let call = 1; call <= 100_000; call++) {
    clock.advanceTo(fromMs + call * 300);
    if (!limiter.allow()) throw new Error(`call ${call} was refused`);
    if (limiter.allow()) throw new Error(`a second call passed after call ${call}`);
  }
});

test('a SlidingLog of 40 lets exactly 40 through in each of its windows, also after three years', () => {
  const clock = new ManualClock(8.64e12);
  const log = new SlidingLog({ limit: 40, windowMs: 1000, clock });
  for (let window = 0; window < 2000; window++) {
    let passed = 0;
    while (log.allow()) passed++;
    expect(passed).toBe(40);
    clock.advance(window % 2 === 0 ? 1000 : YEAR_MS / 333);
  }
});
