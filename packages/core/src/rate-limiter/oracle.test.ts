import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock, SeededRandom } from '../testing/index.ts';
import { Gcra, SlidingLog, SlidingWindow, TokenBucket } from './index.ts';

const aRate = fc.constantFrom(1, 3, 7, 99, 1000);
const aCapacity = fc.integer({ min: 1, max: 9 });
const aStep = fc.record({
  forMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 400 })),
  n: fc.integer({ min: 1, max: 9 }),
  change: fc.option(fc.record({ rate: aRate, capacity: aCapacity }), { freq: 8 }),
});
const steps = fc.array(aStep, { maxLength: 60, size: 'max' });
const origins = fc.constantFrom(0, 86_400_000, 1e9);

test('TokenBucket and Gcra decide as a bucket in whole numbers does, also after changes', () => {
  const property = fc.property(aRate, aCapacity, origins, steps, (rate, capacity, origin, all) => {
    const clock = new ManualClock(origin);
    const bucket = new TokenBucket({ ratePerSecond: rate, capacity, clock });
    const gcra = new Gcra({ ratePerSecond: rate, capacity, clock });
    // Thousandths of a token: a rate per second times whole ms is a whole number of them.
    const exact = { rate: BigInt(rate), most: BigInt(capacity) * 1000n, level: 0n };
    exact.level = exact.most;
    const cut = (): void => {
      if (exact.level > exact.most) exact.level = exact.most;
    };
    for (const { forMs, n, change } of all) {
      clock.advance(forMs);
      exact.level += exact.rate * BigInt(forMs);
      cut();
      if (change) {
        for (const limiter of [bucket, gcra]) {
          limiter.setRate(change.rate);
          limiter.setCapacity(change.capacity);
        }
        exact.rate = BigInt(change.rate);
        exact.most = BigInt(change.capacity) * 1000n;
        cut();
      }
      const cost = BigInt(n) * 1000n;
      const passes = exact.level >= cost && cost <= exact.most;
      if (passes) exact.level -= cost;
      const waits = [bucket, gcra].map((limiter) => limiter.takeAt(clock.nowMs(), n));
      expect(waits.map((waitMs) => waitMs === 0)).toEqual([passes, passes]);
      expect(waits[0]).toBe(waits[1]);
      expect(bucket.available()).toBe(Number(exact.level / 1000n));
    }
  });
  fc.assert(property, { numRuns: 1000 });
});

test('SlidingLog decides as a list of all the times does, also after changes', () => {
  const property = fc.property(aCapacity, origins, steps, (capacity, origin, all) => {
    const clock = new ManualClock(origin);
    const log = new SlidingLog({ limit: capacity, windowMs: 300, clock });
    const now = { limit: capacity, windowMs: 300 };
    let times: number[] = [];
    for (const { forMs, n, change } of all) {
      clock.advance(forMs);
      if (change) {
        // What had left the window by then does not come back into a longer one.
        const stillInMs = clock.nowMs() - now.windowMs;
        times = times.filter((atMs) => atMs > stillInMs);
        now.limit = change.capacity;
        now.windowMs = change.rate + 200;
        log.update(now);
      }
      // A limit that is lowered forgets what it has no place for.
      times = times.slice(-now.limit);
      const fromMs = clock.nowMs() - now.windowMs;
      const used = times.filter((atMs) => atMs > fromMs).length;
      expect(log.available()).toBe(now.limit - used);
      const passes = used + n <= now.limit;
      expect(log.takeAt(clock.nowMs(), n) === 0).toBe(passes);
      if (passes) times.push(...new Array<number>(n).fill(clock.nowMs()));
      times = times.slice(-now.limit);
    }
  });
  fc.assert(property, { numRuns: 1000 });
});

test('SlidingWindow decides as its formula says', () => {
  const property = fc.property(aCapacity, origins, steps, (limit, origin, all) => {
    const windowMs = 300;
    const clock = new ManualClock(origin);
    const window = new SlidingWindow({ limit, windowMs, clock });
    let [startMs, current, previous] = [0, 0, 0];
    for (const { forMs, n } of all) {
      clock.advance(forMs);
      const nowMs = clock.nowMs();
      const windows = Math.floor((nowMs - startMs) / windowMs);
      if (windows > 0) [previous, current] = [windows === 1 ? current : 0, 0];
      startMs += windows * windowMs;
      const overlapMs = windowMs - (nowMs - startMs);
      // In whole numbers: times the window's length.
      const passes = previous * overlapMs + (current + n) * windowMs <= limit * windowMs;
      if (passes && current === 0 && previous === 0) startMs = nowMs;
      if (passes) current += n;
      expect(window.takeAt(nowMs, n) === 0).toBe(passes);
    }
  });
  fc.assert(property, { numRuns: 1000 });
});

test('any window of a SlidingWindow sees less than twice the limit, and no call is refused that finds fewer than the limit in two', () => {
  const property = fc.property(aCapacity, steps, (limit, all) => {
    const windowMs = 300;
    const clock = new ManualClock();
    const window = new SlidingWindow({ limit, windowMs, clock });
    const times: number[] = [];
    const since = (fromMs: number): number => times.filter((atMs) => atMs > fromMs).length;
    for (const { forMs, n } of all) {
      clock.advance(forMs / 4);
      for (let call = 0; call < n; call++) {
        if (window.allow()) times.push(clock.nowMs());
        else expect(since(clock.nowMs() - 2 * windowMs)).toBeGreaterThanOrEqual(limit);
      }
      // With a limit of 1 the bound is met at the very edge only.
      expect(since(clock.nowMs() - windowMs)).toBeLessThan(Math.max(2, 2 * limit));
    }
  });
  fc.assert(property, { numRuns: 500 });
});

test.each([1, 2, 3, 4])(
  'a bucket that warms up earns what its definition adds up to in small steps (seed %d)',
  (seed) => {
    const random = new SeededRandom(seed);
    const [ratePerSecond, capacity, warmUpMs] = [100, 20, 500];
    const stepMs = 1 / 128;
    const clock = new ManualClock();
    const bucket = new TokenBucket({ ratePerSecond, capacity, warmUpMs, clock });
    let [level, warmth] = [capacity, 0];
    for (let call = 0; call < 300; call++) {
      const forMs =
        random.next() < 0.1 ? Math.floor(random.next() * 600) : Math.floor(random.next() * 20);
      for (let step = 0; step < forMs / stepMs; step++) {
        if (level >= capacity) {
          warmth = Math.max(0, warmth - stepMs / warmUpMs);
        } else {
          const before = warmth;
          warmth = Math.min(1, warmth + stepMs / warmUpMs);
          const share = 1 / 3 + (2 / 3) * ((before + warmth) / 2);
          level = Math.min(capacity, level + (ratePerSecond / 1000) * share * stepMs);
        }
      }
      clock.advance(forMs);
      const available = bucket.available();
      expect(available).toBeGreaterThanOrEqual(Math.floor(level - 0.01));
      expect(available).toBeLessThanOrEqual(Math.floor(level + 0.01));
      const n = 1 + Math.floor(random.next() ** 4 * capacity);
      if (bucket.allow(n)) level -= n;
    }
  },
);
