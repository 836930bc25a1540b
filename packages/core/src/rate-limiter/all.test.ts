import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { RateLimitedError } from '../core/index.ts';
import { ManualClock } from '../testing/index.ts';
import { all } from './all.ts';
import { KeyedLimiter } from './keyed/index.ts';
import { SlidingLog } from './sliding-log.ts';
import { TokenBucket } from './token-bucket.ts';

function setUp() {
  const clock = new ManualClock();
  const second = new TokenBucket({ name: 'second', ratePerSecond: 10, capacity: 3, clock });
  const minute = new SlidingLog({ name: 'minute', limit: 5, windowMs: 60_000, clock });
  return { clock, second, minute, both: all([second, minute]) };
}

test('a call takes from all limits or from none', () => {
  const { clock, second, minute, both } = setUp();
  expect([1, 2, 3, 4].map(() => both.allow())).toEqual([true, true, true, false]);
  expect([second.available(), minute.available()]).toEqual([0, 2]);
  clock.advance(1000);
  expect([both.allow(2), both.allow()]).toEqual([true, false]);
  expect([second.available(), minute.available()]).toEqual([1, 0]);
  expect(second.stats()).toMatchObject({ allowed: 4, rejected: 1 });
  expect(minute.stats()).toMatchObject({ allowed: 4, rejected: 1 });
  expect(both.stats()).toMatchObject({ allowed: 4, rejected: 2, waiting: 0 });
});

test('retryAfterMs is when the last of them lets the call in', () => {
  const { clock, both } = setUp();
  both.allow(3);
  expect(both.retryAfterMs()).toBe(100);
  clock.advance(1000);
  both.allow(2);
  expect(both.retryAfterMs()).toBe(59_000);
  clock.advance(58_999);
  expect(both.allow()).toBe(false);
  clock.advance(1);
  expect(both.allow()).toBe(true);
  expect(both.retryAfterMs(4)).toBe(Infinity);
});

test('callers wait for all of them in order, by one timer, and nobody passes them', async () => {
  const { clock, both } = setUp();
  const left: number[] = [];
  for (let i = 0; i < 6; i++) void both.wait().then(() => left.push(Math.round(clock.nowMs())));
  expect([clock.pending, both.stats().waiting]).toEqual([1, 3]);
  expect(both.allow()).toBe(false);
  const controller = new AbortController();
  const aborted = both.wait(1, { signal: controller.signal });
  controller.abort(new Error('gone'));
  await expect(aborted).rejects.toThrow('gone');
  await expect(both.wait(1, { maxWaitMs: 10 })).rejects.toBeInstanceOf(RateLimitedError);
  await clock.run(60_000);
  expect(left).toEqual([0, 0, 0, 100, 200, 60_000]);
  expect([clock.pending, both.stats().waiting]).toEqual([0, 0]);
});

test('a call made when the timer is late passes nobody who waits', async () => {
  const { clock, both } = setUp();
  both.allow(3);
  const order: string[] = [];
  const wait = both.wait().then(() => order.push('waiter'));
  vi.spyOn(clock, 'nowMs').mockReturnValue(100); // The time has come, its timer has not rung.
  order.push(both.allow() ? 'passed' : 'refused');
  await wait;
  expect(order).toEqual(['refused', 'waiter']);
});

test('limits of all and of each key go together', async () => {
  const clock = new ManualClock();
  const each = new KeyedLimiter({ name: 'each', ratePerSecond: 10, capacity: 2, clock });
  const total = new TokenBucket({ name: 'total', ratePerSecond: 10, capacity: 3, clock });
  const both = all([each, total], { name: 'api' });
  expect(['a', 'a', 'a', 'b', 'b'].map((key) => both.allow(1, key))).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
  expect([each.available('a'), each.available('b'), total.available()]).toEqual([0, 1, 0]);
  await expect(both.execute(() => 1, { key: 'b' })).rejects.toThrow(
    'api: one of the limits is reached',
  );
  clock.advance(1000);
  await expect(both.execute(() => 1, { key: 'b' })).resolves.toBe(1);
  const waits = [both.wait(2, { key: 'a' }), both.wait(1, { key: 'a' })];
  await clock.run(1000);
  await Promise.all(waits);
  expect(clock.pending).toBe(0);
});

test('stop refuses those who wait here', async () => {
  const { clock, both } = setUp();
  both.allow(3);
  const wait = both.wait();
  await Promise.all([both.stop(), expect(wait).rejects.toMatchObject({ code: 'SLUICE_STOPPED' })]);
  await expect(both.wait()).rejects.toMatchObject({ code: 'SLUICE_STOPPED' });
  expect(clock.pending).toBe(0);
});

test('what is no set of limiters is refused, all problems at once', () => {
  const { second, clock } = setUp();
  const other = new TokenBucket({ ratePerSecond: 1, clock: new ManualClock() });
  expect(() => all([])).toThrow('limiters must be at least one rate limiter');
  expect(() => all([second, second])).toThrow('names of their own, got "second" twice');
  expect(() => all([second, other], { maxWaiting: -1 })).toThrow(
    /share one clock, got several; maxWaiting/,
  );
  expect(() => all([second]).allow(0)).toThrow(RangeError);
  expect(clock.pending).toBe(0);
});

test('whatever comes, all of them have let the same calls in', () => {
  const act = fc.oneof(
    fc.record({ take: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ advance: fc.integer({ min: 0, max: 30_000 }) }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const { clock, second, minute, both } = setUp();
      for (const one of acts) {
        if ('advance' in one) clock.advance(one.advance);
        else if (!both.allow(one.take)) {
          const waitMs = both.retryAfterMs(one.take);
          clock.advance(waitMs);
          expect(both.retryAfterMs(one.take)).toBe(0);
        }
      }
      expect(second.stats().allowed).toBe(minute.stats().allowed);
    }),
  );
});
