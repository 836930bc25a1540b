import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidOptionsError, RateLimitedError } from '../core/index.ts';
import { ManualClock } from '../testing/index.ts';
import { KeyedLimiter } from './keyed/index.ts';
import { LeakyBucket } from './leaky-bucket.ts';
import { SlidingLog } from './sliding-log.ts';
import { TokenBucket, type TokenBucketOptions } from './token-bucket.ts';

function setUp(options: Omit<TokenBucketOptions, 'clock'>, startMs = 0) {
  const clock = new ManualClock(startMs);
  return { clock, bucket: new TokenBucket({ ...options, clock }) };
}

/** How many calls are let in when one comes every `stepMs` for `forMs`. */
function polled(bucket: TokenBucket, clock: ManualClock, stepMs: number, forMs: number): number {
  let allowed = 0;
  for (let ms = 0; ms < forMs; ms += stepMs) {
    clock.advance(stepMs);
    if (bucket.allow()) allowed++;
  }
  return allowed;
}

test('TokenBucket spends its burst, then admits one call per refill', () => {
  const { bucket } = setUp({ ratePerSecond: 10, capacity: 2 });
  const steps = [
    { atMs: 0, waitMs: 0 },
    { atMs: 0, waitMs: 0 },
    { atMs: 60, waitMs: 40 },
    { atMs: 100, waitMs: 0 },
    { atMs: 50, waitMs: 100 }, // the clock went back
    { atMs: 199, waitMs: 1 },
    { atMs: 200, waitMs: 0 },
    { atMs: 200, waitMs: 100 },
    { atMs: 1000, waitMs: 0 }, // silence fills it to its capacity, and no further
    { atMs: 1000, waitMs: 0 },
    { atMs: 1000, waitMs: 100 },
  ];
  for (const { atMs, waitMs } of steps) {
    expect(bucket.takeAt(atMs), `at ${atMs} ms`).toBeCloseTo(waitMs, 9);
  }
});

test('a bucket of 100 per second polled every millisecond for 2 s lets exactly 200 calls through', () => {
  const { clock, bucket } = setUp({ ratePerSecond: 100, capacity: 50 });
  for (let call = 0; call < 50; call++) expect(bucket.allow()).toBe(true);
  expect(bucket.allow()).toBe(false);
  expect(polled(bucket, clock, 1, 2000)).toBe(200);
});

test.each([0.3, 1, 3.7, 7, 9.99])(
  'a bucket loses nothing of its rate when it is polled every %d ms',
  (stepMs) => {
    const { clock, bucket } = setUp({ ratePerSecond: 100, capacity: 1 });
    expect(bucket.allow()).toBe(true);
    const steps = Math.round(20_000 / stepMs);
    let allowed = 0;
    for (let step = 1; step <= steps; step++) {
      clock.advanceTo(step * stepMs);
      if (bucket.allow()) allowed++;
    }
    // A full bucket earns nothing until the next poll, so each call may come up to one step late.
    expect(allowed).toBeGreaterThanOrEqual(Math.floor((steps * stepMs) / (10 + stepMs)));
    expect(allowed).toBeLessThanOrEqual((steps * stepMs) / 10);
  },
);

test('a bucket with room for two loses nothing at all to the polling', () => {
  for (const stepMs of [0.3, 1, 3.7, 7, 9.99]) {
    const { clock, bucket } = setUp({ ratePerSecond: 100, capacity: 2 });
    bucket.takeAt(0, 2);
    const steps = Math.round(20_000 / stepMs);
    let allowed = 0;
    for (let step = 1; step <= steps; step++) {
      clock.advanceTo(step * stepMs);
      if (bucket.allow()) allowed++;
    }
    expect(allowed).toBe(Math.floor((steps * stepMs) / 10 + 1e-9));
  }
});

test('several tokens are taken together or not at all', () => {
  const { clock, bucket } = setUp({ ratePerSecond: 10, capacity: 10 });
  expect(bucket.allow(7)).toBe(true);
  expect(bucket.allow(4)).toBe(false);
  expect(bucket.available()).toBe(3);
  expect(bucket.retryAfterMs(4)).toBeCloseTo(100, 9);
  expect(bucket.allow(3)).toBe(true);
  clock.advance(1000);
  expect(bucket.allow(10)).toBe(true);
});

test('asking for the wait takes nothing', () => {
  const { bucket } = setUp({ ratePerSecond: 10, capacity: 1 });
  for (let ask = 0; ask < 5; ask++) expect(bucket.retryAfterMs()).toBe(0);
  for (let look = 0; look < 5; look++) expect(bucket.peek(0)).toBe(0);
  expect(bucket.stats()).toMatchObject({ available: 1, allowed: 0, rejected: 0 });
  expect(bucket.allow()).toBe(true);
  expect([bucket.retryAfterMs(), bucket.peek(0)]).toEqual([100, 100]);
  expect(bucket.stats()).toMatchObject({ available: 0, allowed: 1, rejected: 0 });
});

test.each([
  { n: -5, got: '-5' },
  { n: 0, got: '0' },
  { n: -0, got: '-0' },
  { n: 0.5, got: '0.5' },
  { n: 1.5, got: '1.5' },
  { n: Number.NaN, got: 'NaN' },
  { n: -Infinity, got: '-Infinity' },
  { n: '1' as never, got: '"1"' },
])('a count of $got tokens is refused with a sentence, and changes nothing', ({ n, got }) => {
  const { bucket } = setUp({ ratePerSecond: 10, capacity: 5 });
  bucket.takeAt(0, 2);
  const before = bucket.stats();
  const calls = [
    () => bucket.allow(n),
    () => bucket.retryAfterMs(n),
    () => bucket.takeAt(0, n),
    () => bucket.enter(0, n),
    () => bucket.peek(0, n),
  ];
  for (const call of calls) {
    expect(call).toThrow(
      new RangeError(
        `token-bucket: the number of permits must be an integer from 1 to the capacity of 5, got ${got}`,
      ),
    );
  }
  expect(bucket.stats()).toEqual(before);
});

test.each([6, 100, 2 ** 60, Infinity])(
  'a count of %d tokens, above the capacity, can never pass',
  (n) => {
    const { bucket } = setUp({ ratePerSecond: 10, capacity: 5 });
    const sentence = new RangeError(
      `token-bucket: the number of permits must be an integer from 1 to the capacity of 5, got ${n} (a cost above the capacity can never pass)`,
    );
    expect(() => bucket.allow(n)).toThrow(sentence);
    expect(() => bucket.retryAfterMs(n)).toThrow(sentence);
    expect([bucket.takeAt(0, n), bucket.peek(0, n)]).toEqual([Infinity, Infinity]);
    expect(bucket.stats()).toMatchObject({ available: 5, allowed: 0, rejected: 1 });
  },
);

test('a new rate holds from now on: what was earned before was earned at the old one', () => {
  const { clock, bucket } = setUp({ ratePerSecond: 10, capacity: 100 });
  bucket.takeAt(0, 100);
  clock.advance(500);
  bucket.setRate(1000);
  expect(bucket.available()).toBe(5);
  clock.advance(3);
  expect(bucket.available()).toBe(8);
  bucket.setRate(0.5);
  expect(bucket.available()).toBe(8);
  expect(bucket.retryAfterMs(9)).toBeCloseTo(2000, 9);
});

test('setCapacity(5) on a full bucket of 15 lets exactly five more calls in', () => {
  const { bucket } = setUp({ ratePerSecond: 10, capacity: 15 });
  bucket.setCapacity(5);
  const calls = Array.from({ length: 20 }, () => bucket.allow());
  expect(calls.filter(Boolean)).toHaveLength(5);
});

test('a smaller capacity leaves at most so many tokens, a larger one mints none', () => {
  const { clock, bucket } = setUp({ ratePerSecond: 10, capacity: 15 });
  bucket.setCapacity(5);
  expect(bucket.stats()).toMatchObject({ available: 5, capacity: 5 });
  bucket.setCapacity(15);
  expect(bucket.available()).toBe(5);
  clock.advance(200);
  expect(bucket.available()).toBe(7);
  bucket.takeAt(200, 6);
  bucket.setCapacity(3);
  expect(bucket.available()).toBe(1);
});

test('a capacity that follows the rate goes on following it', () => {
  const { bucket } = setUp({ ratePerSecond: 2.5 });
  expect(bucket.stats().capacity).toBe(3);
  bucket.setRate(7.2);
  expect(bucket.stats()).toMatchObject({ capacity: 8, available: 3 });
  bucket.setRate(0.01);
  expect(bucket.stats()).toMatchObject({ capacity: 1, available: 1 });
  bucket.setCapacity(4);
  bucket.setRate(9);
  expect(bucket.stats()).toMatchObject({ capacity: 4, available: 1 });
});

test('an update that changes nothing changes nothing, however often it comes', () => {
  const { clock, bucket } = setUp({ ratePerSecond: 1000, capacity: 3 }, 1.7e12);
  const spend = (): number =>
    Array.from({ length: 100 }, () => bucket.allow()).filter(Boolean).length;
  expect(spend()).toBe(3);
  for (let update = 0; update < 1000; update++) bucket.update({});
  expect(spend()).toBe(0);
  clock.advance(2);
  expect(spend()).toBe(2);
});

test('an update with a wrong option names it and changes nothing', () => {
  const { bucket } = setUp({ ratePerSecond: 10, capacity: 5 });
  bucket.takeAt(0, 2);
  const before = bucket.stats();
  expect(() => bucket.update({ ratePerSecond: 20, capacity: 0 })).toThrow(
    'TokenBucket: capacity must be an integer of at least 1, got 0',
  );
  expect(() => bucket.setRate(Number.NaN)).toThrow(
    'TokenBucket: ratePerSecond must be a finite number above 0, got NaN',
  );
  expect(bucket.stats()).toEqual(before);
});

test('all wrong options are named at once, unknown ones included', () => {
  const wrong = { ratePerSecond: -1, capacity: 1.5, name: '', clock: {}, rate: 5 } as never;
  expect(() => new TokenBucket(wrong)).toThrow(InvalidOptionsError);
  expect(() => new TokenBucket(wrong)).toThrow(
    'TokenBucket: ratePerSecond must be a finite number above 0, got -1; capacity must be an integer of at least 1, got 1.5; name must be text of 1 to 200 characters, got ""; clock must be a Clock (an object with nowMs, schedule), got an object with no keys; rate must be left out: there is no such option, only ratePerSecond, capacity, initialTokens, warmUpMs, name, clock, maxWaiting, got 5',
  );
});

test('options are read once: changing the object later changes nothing', () => {
  const options = { ratePerSecond: 10, capacity: 3, clock: new ManualClock() };
  const bucket = new TokenBucket(options);
  options.ratePerSecond = 99;
  options.capacity = 99;
  bucket.update({});
  expect(bucket.stats()).toMatchObject({ ratePerSecond: 10, capacity: 3, available: 3 });
});

test('execute runs the task when a token is there, else refuses with the time to come back', async () => {
  const { clock, bucket } = setUp({ ratePerSecond: 10, capacity: 1, name: 'public' });
  await expect(bucket.execute(async () => 'done')).resolves.toBe('done');
  let runs = 0;
  const refused = bucket.execute(() => runs++);
  await expect(refused).rejects.toThrow(RateLimitedError);
  await expect(refused).rejects.toMatchObject({
    message: 'public: the limit of 10 per second (burst 1) is reached',
    policy: 'public',
    retryAfterMs: 100,
  });
  clock.advance(100);
  await bucket.execute(() => runs++);
  expect(runs).toBe(1);
  expect(bucket.stats()).toMatchObject({ allowed: 2, rejected: 1 });
});

test('a token taken is spent, whatever becomes of the call', async () => {
  const { bucket } = setUp({ ratePerSecond: 1, capacity: 2 });
  await expect(bucket.execute(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
  await expect(bucket.execute(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
  await expect(bucket.execute(() => 1)).rejects.toThrow(RateLimitedError);
});

test('a bucket starts full wherever its clock starts, and asks no timer of it', () => {
  for (const startMs of [0, 0.1, 1e6, 1.7e12, -5000]) {
    const { clock, bucket } = setUp({ ratePerSecond: 10, capacity: 4 }, startMs);
    expect(bucket.available()).toBe(4);
    bucket.takeAt(startMs, 4);
    expect(bucket.available()).toBe(0);
    expect(clock.pending).toBe(0);
  }
});

test.each([NaN, Infinity, -Infinity, undefined, 'now'])(
  'a time that is none, such as %s, is refused, and changes nothing',
  (nowMs) => {
    const bucket = new TokenBucket({ ratePerSecond: 10, capacity: 5, clock: new ManualClock() });
    expect(() => bucket.takeAt(nowMs as number)).toThrow('the time must be a finite number of ms');
    expect(bucket.available()).toBe(5);
    const keyed = new KeyedLimiter({ ratePerSecond: 10, capacity: 5, clock: new ManualClock() });
    expect(() => keyed.takeAt(nowMs as number, 'a')).toThrow(
      'the time must be a finite number of ms',
    );
    expect(keyed.available('a')).toBe(5);
  },
);

test('a rate that is none is refused by its name, for windows too', () => {
  const log = new SlidingLog({ limit: 3, windowMs: 300 });
  for (const rate of ['5', 0, NaN]) {
    expect(() => log.setRate(rate as number)).toThrow(
      'ratePerSecond must be a finite number above 0',
    );
  }
});

test('an update may name what cannot be changed, if it stays what it is', () => {
  const clock = new ManualClock();
  const options = { ratePerSecond: 10, capacity: 5, name: 'b', clock };
  const bucket = new TokenBucket(options);
  bucket.update({ ...options, ratePerSecond: 20 });
  expect(bucket.stats().ratePerSecond).toBe(20);
  expect(() => bucket.update({ name: 'c' })).toThrow('it cannot be changed');
});

test.each(['token-bucket', 'warm-up', 'leaky-bucket'])(
  'reservations of a %s given back in any order leave no trace once all are given back',
  (kind) => {
    const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 });
    const counts = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(order, counts, fc.integer({ min: 0, max: 5 }), (cancels, ns, spent) => {
        const clock = new ManualClock();
        const options = { ratePerSecond: 10, capacity: 5, clock };
        const limiter =
          kind === 'leaky-bucket'
            ? new LeakyBucket(options)
            : new TokenBucket(kind === 'warm-up' ? { ...options, warmUpMs: 500 } : options);
        if (spent > 0) limiter.allow(spent);
        const before = [1, 2, 3, 4, 5].map((n) => limiter.retryAfterMs(n));
        const reservations = ns.map((n) => limiter.reserve(n));
        for (const i of cancels) reservations[i]?.cancel();
        const after = [1, 2, 3, 4, 5].map((n) => limiter.retryAfterMs(n));
        for (const [i, ms] of after.entries()) expect(ms).toBeCloseTo(before[i] as number, 6);
      }),
      { numRuns: 1000, examples: [[[1, 5, 4, 0, 3, 2], [1, 1, 2, 1, 1, 1], 0]] },
    );
  },
);
