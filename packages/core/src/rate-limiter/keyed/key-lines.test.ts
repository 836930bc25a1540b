import { expect, test } from 'vitest';
import { ManualClock, settlePromises } from '../../testing/index.ts';
import { all, KeyedLimiter, type KeyedLimiterOptions, type WaitOptions } from '../index.ts';

function setUp(options: Partial<KeyedLimiterOptions> = {}) {
  const clock = new ManualClock();
  const plans = { pro: { ratePerSecond: 1, capacity: 1 } };
  const limiter = new KeyedLimiter({ ratePerSecond: 10, capacity: 1, plans, ...options, clock });
  const left: number[] = [];
  const refused: number[] = [];
  const wait = (key: string, how?: WaitOptions): void => {
    limiter.wait(key, 1, how).then(
      () => left.push(clock.nowMs()),
      () => refused.push(clock.nowMs()),
    );
  };
  /** Lets time pass, and every waiter leave at his own time. */
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 50) {
      clock.advance(50);
      await settlePromises();
    }
  };
  return { clock, limiter, left, refused, wait, pass };
}

test('those who wait for a blocked key leave when the block is over, with fixed times too', async () => {
  const { limiter, left, wait, pass } = setUp({ capacity: 2 });
  limiter.block('a', 1000);
  wait('a');
  limiter.reserve('a');
  await pass(950);
  expect(left).toEqual([]);
  await pass(100);
  expect(left).toEqual([1000]);

  limiter.allow('a', 2);
  wait('a');
  wait('a');
  limiter.reserve('a');
  limiter.block('a', 1000);
  await pass(1200);
  // Moved behind the block, at the distance that they had.
  expect(left).toEqual([1000, 2050, 2150]);
});

test('a block does not end in a burst of those who reserved during it, or before', async () => {
  for (const algorithm of [
    'token-bucket',
    'leaky-bucket',
    'sliding-log',
    'sliding-window',
  ] as const) {
    const limit = algorithm.startsWith('sliding')
      ? { limit: 1, windowMs: 1000 }
      : { ratePerSecond: 1, capacity: 1 };
    const clock = new ManualClock();
    const limiter = new KeyedLimiter({ algorithm, ...limit, clock });
    limiter.block('a', 10_000);
    const waits = Array.from({ length: 5 }, () => limiter.reserve('a').waitMs);
    const step = algorithm === 'sliding-window' ? 2000 : 1000;
    expect(waits).toEqual([0, 1, 2, 3, 4].map((i) => 10_000 + i * step));
    clock.advance(10_000);
    expect(limiter.allow('a')).toBe(false);
  }
});

test('the time told behind a block and those who wait is the time of the call that is let in', async () => {
  for (const algorithm of ['token-bucket', 'leaky-bucket'] as const) {
    const { clock, limiter, left, wait, pass } = setUp({
      algorithm,
      ratePerSecond: 1,
      capacity: 2,
      plans: {},
    });
    limiter.allow('a', 2);
    limiter.block('a', 3000);
    wait('a');
    wait('a');
    const toldMs = limiter.retryAfterMs('a');
    await pass(toldMs - 50);
    expect(limiter.allow('a')).toBe(false);
    await pass(50);
    expect([left.length, clock.nowMs(), limiter.allow('a')]).toEqual([2, toldMs, true]);
  }
});

test('whom a block makes wait for longer than he would is refused when he comes', async () => {
  const { limiter, left, refused, wait, pass } = setUp({ ratePerSecond: 1, plans: {} });
  limiter.block('a', 10_000);
  for (let i = 0; i < 3; i++) wait('a', { maxWaitMs: 10_500 });
  await pass(50);
  expect(refused).toEqual([50, 50]);
  await pass(10_000);
  expect(left).toEqual([10_000]);
});

test('fixed times are stretched when a rate or a plan changes, as for a limiter of one key', async () => {
  const { limiter, left, wait, pass } = setUp();
  limiter.allow('a');
  for (let i = 0; i < 2; i++) wait('a');
  limiter.reserve('a');
  limiter.setRate(1);
  await pass(1500);
  expect(left).toEqual([1000]);
  limiter.update({ ratePerSecond: 100, plans: { pro: { ratePerSecond: 5, capacity: 1 } } });
  limiter.setPlan('a', 'pro');
  await pass(200);
  // Of the 500 ms that were left, the rate made 5, and the plan 100.
  expect(left).toEqual([1000, 1600]);
});

test('whom a new plan or a block makes wait for longer than he would is refused at once', async () => {
  const { limiter, left, refused, wait, pass } = setUp();
  limiter.allow('a');
  limiter.allow('b');
  limiter.allow('c');
  for (const key of ['a', 'b', 'c']) wait(key, { maxWaitMs: 500 });
  limiter.setPlan('a', 'pro');
  limiter.block('b', 600);
  limiter.penalty('c');
  await pass(50);
  expect(refused).toEqual([50, 50]);
  await pass(300);
  expect(left).toEqual([200]);
});

test('nothing is minted by a key that is deleted while times are fixed for those who wait', async () => {
  const { clock, limiter, left, wait, pass } = setUp({ capacity: 5, ratePerSecond: 1 });
  limiter.allow('a', 5);
  const signal = new AbortController();
  wait('a', { signal: signal.signal });
  limiter.reserve('a', 5);
  limiter.delete('a');
  expect(limiter.penalty('a', 5)).toBe(true);
  signal.abort();
  expect(limiter.stats().waiting).toBe(0);
  await pass(50);
  expect([left, clock.pending, limiter.available('a')]).toEqual([[], 0, 0]);
});

test('those who wait at all() hear of every change of a keyed limiter', async () => {
  for (const change of [
    (limiter: KeyedLimiter) => limiter.setRate(10),
    (limiter: KeyedLimiter) => limiter.setPlan('a', 'fast'),
    (limiter: KeyedLimiter) => limiter.reward('a'),
    (limiter: KeyedLimiter) => limiter.delete('a'),
  ]) {
    const plans = { fast: { ratePerSecond: 10, capacity: 1 } };
    const { clock, limiter, pass } = setUp({ ratePerSecond: 0.1, plans });
    const both = all([limiter]);
    expect(both.allow(1, 'a')).toBe(true);
    let leftMs = NaN;
    void both.wait(1, { key: 'a' }).then(() => (leftMs = clock.nowMs()));
    change(limiter);
    await pass(150);
    expect(leftMs).toBeLessThanOrEqual(100);
    expect(clock.pending).toBe(0);
  }
});
