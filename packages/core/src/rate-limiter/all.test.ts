import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { RateLimitedError } from '../core/index.ts';
import { ManualClock, settlePromises } from '../testing/index.ts';
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
  expect(clock.pending).toBe(0);
});

test('more permits than the smallest capacity are a mistake, and count as nothing', async () => {
  const { second, minute, both } = setUp();
  const nested = all([both]);
  for (const limiter of [both, nested]) {
    expect(() => limiter.allow(0)).toThrow(RangeError);
    expect(() => limiter.allow(4)).toThrow('an integer from 1 to the capacity of 3, got 4');
    expect(() => limiter.retryAfterMs(4)).toThrow(RangeError);
    await expect(limiter.wait(4)).rejects.toBeInstanceOf(RangeError);
  }
  const { rejected } = both.stats();
  expect([second.stats().rejected, minute.stats().rejected, rejected]).toEqual([0, 0, 0]);
});

test('callers get new turns when a limit changes, or a reservation at one of them comes back', async () => {
  const { clock, second, both } = setUp();
  const nested = all([both]);
  const reservation = second.reserve(3);
  const left: number[] = [];
  for (const limiter of [both, nested]) void limiter.wait().then(() => left.push(clock.nowMs()));
  expect(clock.nextDueMs).toBe(100);
  second.setRate(20);
  expect(clock.nextDueMs).toBe(50);
  await settlePromises();
  expect(left).toEqual([]);
  expect(reservation.cancel()).toBe(3);
  await settlePromises();
  expect(left).toEqual([0, 0]);
  expect([clock.pending, second.available()]).toEqual([0, 1]);
});

test('a caller who waits here goes when one who waits at a limiter leaves its line', async () => {
  const { clock, second, both } = setUp();
  second.allow(3);
  const controller = new AbortController();
  const direct = second.wait(3, { signal: controller.signal });
  const waits = both.wait();
  expect(both.retryAfterMs()).toBe(500);
  controller.abort(new Error('gone'));
  await expect(direct).rejects.toThrow('gone');
  await clock.run(100);
  await waits;
  expect(clock.pending).toBe(0);
});

test('after retryAfterMs a newcomer is let in behind those who wait', async () => {
  const clock = new ManualClock();
  const limiter = new TokenBucket({ ratePerSecond: 10, capacity: 3, clock });
  const alone = all([limiter]);
  alone.allow(3);
  const waits = [alone.wait(), alone.wait()];
  expect(alone.retryAfterMs()).toBe(300);
  await clock.run(299);
  expect(alone.allow()).toBe(false);
  clock.advance(1);
  expect(alone.allow()).toBe(true);
  await Promise.all(waits);
});

test('a capacity that falls below what a caller waits for refuses him, and nobody waits behind him', async () => {
  const { clock, second, both } = setUp();
  both.allow(3);
  const large = both.wait(2);
  const small = both.wait();
  second.setCapacity(1);
  await expect(large).rejects.toBeInstanceOf(RateLimitedError);
  await clock.run(100);
  await small;
  expect([clock.pending, both.stats().waiting]).toEqual([0, 0]);
});

test('a timer that rings late lets nobody go whose permits are not there', async () => {
  const clock = new ManualClock();
  const fast = new TokenBucket({ name: 'fast', ratePerSecond: 100, capacity: 2, clock });
  const faster = new TokenBucket({ name: 'faster', ratePerSecond: 1000, capacity: 100, clock });
  const both = all([fast, faster]);
  both.allow(2);
  const waits = [both.wait(), both.wait(), both.wait()];
  const late = vi.spyOn(clock, 'nowMs').mockReturnValue(28); // The first timer is 18 ms late.
  clock.advanceTo(28);
  expect(both.stats()).toMatchObject({ allowed: 3, waiting: 1 });
  expect([fast.stats().allowed, faster.stats().allowed]).toEqual([3, 3]);
  late.mockRestore();
  await clock.run(100);
  await Promise.all(waits);
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

test('a limiter that is there twice is refused, within another all() too', () => {
  const [a, b] = ['a', 'b'].map((name) => new TokenBucket({ name, ratePerSecond: 1 }));
  const inner = all([a, b] as TokenBucket[], { name: 'inner' });
  expect(() => all([a as TokenBucket, inner])).toThrow(
    'limiters with names of their own, got "a" twice',
  );
});
