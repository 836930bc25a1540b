import { expect, test } from 'vitest';
import { ManualClock, settlePromises } from '../testing/index.ts';
import {
  Gcra,
  LeakyBucket,
  SlidingLog,
  SlidingWindow,
  TokenBucket,
  type WaitOptions,
} from './index.ts';

/** A clock whose timers ring late. */
class LateClock extends ManualClock {
  lateMs = 0;

  override schedule(delayMs: number, task: () => void): () => void {
    return super.schedule(Math.max(0, delayMs) + this.lateMs, task);
  }
}

function setUp(ratePerSecond: number, capacity = 1) {
  const clock = new LateClock();
  const bucket = new TokenBucket({ ratePerSecond, capacity, clock });
  bucket.takeAt(0, capacity);
  return { clock, bucket, ends: watch(bucket, clock) };
}

/** Calls `wait`, and notes who leaves when and how. */
function watch(limiter: TokenBucket, clock: ManualClock) {
  const ends: string[] = [];
  const wait = (name: string, n = 1, options: WaitOptions = {}): void => {
    void limiter.wait(n, options).then(
      () => ends.push(`${name} ${clock.nowMs()}`),
      (reason: unknown) => ends.push(`${name} ${(reason as Error).name} ${clock.nowMs()}`),
    );
  };
  return { all: ends, wait };
}

test('higher priorities leave first, and within one priority who came first', async () => {
  const { clock, ends } = setUp(10);
  for (const [i, priority] of [0, 5, 0, -1, 5, 0.5].entries()) {
    ends.wait(`${priority}#${i}`, 1, { priority });
  }
  await clock.run(1000);
  expect(ends.all).toEqual(['5#1 100', '5#4 200', '0.5#5 300', '0#0 400', '0#2 500', '-1#3 600']);
});

test('who reserves behind those who wait comes after them, and they are not overtaken any more', async () => {
  const { clock, bucket, ends } = setUp(10);
  ends.wait('a');
  ends.wait('b');
  expect(bucket.reserve().waitMs).toBe(300);
  ends.wait('urgent', 1, { priority: 9 });
  await clock.run(1000);
  expect(ends.all).toEqual(['a 100', 'b 200', 'urgent 400']);
});

test.each([0, 5, 19])('timers that ring %d ms late cost nothing of the rate', async (lateMs) => {
  const { clock, bucket, ends } = setUp(100);
  clock.lateMs = lateMs;
  for (let call = 0; call < 200; call++) ends.wait(String(call));
  await clock.run(2000 + lateMs);
  expect(ends.all).toHaveLength(200);
  expect(bucket.stats()).toMatchObject({ allowed: 201, waiting: 0 });
  expect(clock.pending).toBe(0);
});

test('what a pause of the process takes beyond that is lost, so that no burst follows it', async () => {
  const { clock, ends } = setUp(100);
  for (let call = 0; call < 50; call++) ends.wait(String(call));
  clock.lateMs = 400;
  await clock.run(10);
  clock.lateMs = 0;
  await clock.run(400);
  expect(ends.all.length).toBeLessThanOrEqual(44);
  await clock.run(1000);
  expect(ends.all).toHaveLength(50);
});

test('who is overtaken until his patience ends is refused at that time', async () => {
  const { clock, bucket, ends } = setUp(10);
  ends.wait('patient', 1, { maxWaitMs: 150 });
  ends.wait('urgent 1', 1, { priority: 1 });
  ends.wait('urgent 2', 1, { priority: 1 });
  await clock.run(1000);
  expect(ends.all).toEqual(['urgent 1 100', 'patient RateLimitedError 150', 'urgent 2 200']);
  expect(bucket.stats()).toMatchObject({ allowed: 3, rejected: 1 });
});

test('a new rate refuses at once who can no longer be served in time, and serves the others', async () => {
  const { clock, bucket, ends } = setUp(10);
  ends.wait('a', 1, { maxWaitMs: 100 });
  ends.wait('b');
  await clock.run(50);
  bucket.setRate(5);
  await settlePromises();
  expect(ends.all).toEqual(['a RateLimitedError 50']);
  await clock.run(1000);
  expect(ends.all.slice(1)).toEqual(['b 150']);
});

test('a patience that ends with the very turn is enough', async () => {
  const { clock, ends } = setUp(10);
  ends.wait('a', 1, { maxWaitMs: 100 });
  ends.wait('b', 1, { maxWaitMs: 199 });
  await clock.run(1000);
  expect(ends.all).toEqual(['b RateLimitedError 0', 'a 100']);
});

test('ten thousand wait by one timer', async () => {
  const clock = new ManualClock();
  const bucket = new LeakyBucket({ ratePerSecond: 1e5, capacity: 10_000, clock });
  let left = 0;
  for (let call = 0; call <= 10_000; call++) void bucket.wait().then(() => left++);
  expect(clock.pending).toBe(1);
  expect(bucket.stats()).toMatchObject({ waiting: 10_000, allowed: 1 });
  for (let step = 0; step < 110; step++) clock.advance(1);
  await settlePromises();
  expect([left, clock.pending]).toEqual([10_001, 0]);
});

test('an abort frees the place at once for those behind', async () => {
  const { clock, ends } = setUp(10, 5);
  const controller = new AbortController();
  ends.wait('many', 5, { signal: controller.signal });
  ends.wait('one');
  await clock.run(120);
  controller.abort(new TypeError('gone'));
  await settlePromises();
  expect(ends.all).toEqual(['many TypeError 120', 'one 120']);
  expect(clock.pending).toBe(0);
});

test.each([
  ['before', 50, ['a AbortError 50', 'b 100']],
  ['at', 100, ['a 100', 'b 200']],
  ['after', 150, ['a 100', 'b 200']],
] as const)('an abort %s the turn (at %d ms) is told once', async (_when, atMs, ends) => {
  const { clock, bucket, ends: seen } = setUp(10);
  const controller = new AbortController();
  seen.wait('a', 1, { signal: controller.signal });
  seen.wait('b');
  await clock.run(atMs);
  controller.abort();
  await clock.run(1000);
  expect(seen.all).toEqual(ends);
  expect(bucket.stats()).toMatchObject({
    waiting: 0,
    allowed: 1 + ends.filter((end) => !end.includes('Error')).length,
  });
});

test('a signal that is aborted already is told so, and nothing is taken', async () => {
  const { clock, bucket, ends } = setUp(10);
  ends.wait('a', 1, { signal: AbortSignal.abort(new TypeError('gone')) });
  await settlePromises();
  expect(ends.all).toEqual(['a TypeError 0']);
  expect([clock.pending, bucket.retryAfterMs()]).toEqual([0, 100]);
});

test.each([
  [
    'TokenBucket',
    (clock: ManualClock) => new TokenBucket({ ratePerSecond: 1, capacity: 5, clock }),
  ],
  [
    'TokenBucket that warms up',
    (clock: ManualClock) =>
      new TokenBucket({ ratePerSecond: 1, capacity: 5, warmUpMs: 1000, clock }),
  ],
  ['Gcra', (clock: ManualClock) => new Gcra({ ratePerSecond: 1, capacity: 5, clock })],
  [
    'LeakyBucket',
    (clock: ManualClock) => new LeakyBucket({ ratePerSecond: 1, capacity: 5, clock }),
  ],
  ['SlidingWindow', (clock: ManualClock) => new SlidingWindow({ limit: 5, windowMs: 5000, clock })],
  ['SlidingLog', (clock: ManualClock) => new SlidingLog({ limit: 5, windowMs: 5000, clock })],
])(
  'who waits at a %s for more than its capacity, lowered meanwhile, is refused and holds up nobody',
  async (_name, create) => {
    const clock = new ManualClock();
    const limiter = create(clock);
    limiter.allow(5);
    const large = limiter.wait(4);
    const small = limiter.wait(1);
    limiter.setCapacity(2);
    await expect(large).rejects.toMatchObject({ name: 'RateLimitedError' });
    expect([limiter.stats().waiting, limiter.stats().rejected]).toEqual([1, 1]);
    await clock.run(20_000);
    await small;
    expect([limiter.stats().waiting, clock.pending]).toEqual([0, 0]);
  },
);

test('a LeakyBucket takes nothing back that somebody was told to leave behind: no two leave together', () => {
  const clock = new ManualClock();
  const bucket = new LeakyBucket({ ratePerSecond: 1, capacity: 5, clock });
  const first = bucket.reserve(2);
  const second = bucket.reserve(2);
  expect([first.waitMs, second.waitMs]).toEqual([0, 2000]);
  expect(first.cancel()).toBe(2);
  const third = bucket.reserve(4);
  expect(third.waitMs).toBe(4000);
  expect([third.cancel(), second.cancel()]).toEqual([4, 2]);
  // With the last of them, what the first could not give back has come back too.
  expect(bucket.reserve().waitMs).toBe(0);
});
