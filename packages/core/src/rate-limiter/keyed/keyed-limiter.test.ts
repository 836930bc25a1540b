import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import { InvalidOptionsError, PoolStoppedError, RateLimitedError } from '../../core/index.ts';
import { ManualClock, settlePromises } from '../../testing/index.ts';
import { KeyedLimiter } from './keyed-limiter.ts';
import type { KeyedLimiterOptions } from './keyed-options.ts';

function setUp(options: Omit<KeyedLimiterOptions, 'clock'> = {}) {
  const clock = new ManualClock();
  const windowed = options.limit !== undefined;
  const limit = windowed ? {} : { ratePerSecond: 10, capacity: 2 };
  return { clock, limiter: new KeyedLimiter({ ...limit, ...options, clock }) };
}

test('every key has a limit of its own', () => {
  const { clock, limiter } = setUp();
  expect([limiter.allow('a'), limiter.allow('a'), limiter.allow('a')]).toEqual([true, true, false]);
  expect(limiter.allow('b', 2)).toBe(true);
  expect([limiter.retryAfterMs('a'), limiter.retryAfterMs('b', 2)]).toEqual([100, 200]);
  clock.advance(100);
  expect([limiter.allow('a'), limiter.allow('a')]).toEqual([true, false]);
  expect(limiter.stats()).toMatchObject({ keys: 2, allowed: 4, rejected: 2, overflowed: 0 });
});

test('a key whose limit is whole again is forgotten, and one that is in use is not', () => {
  const { clock, limiter } = setUp({ maxKeys: 3 });
  for (const key of ['a', 'b', 'c']) limiter.allow(key);
  clock.advance(50);
  limiter.allow('a');
  clock.advance(50);
  expect([limiter.allow('d', 2), limiter.allow('e', 2)]).toEqual([true, true]);
  expect(limiter.stats()).toMatchObject({ keys: 3, evicted: 2, overflowed: 0 });
  expect(limiter.available('a')).toBe(1);
});

test('when every key is in use, newcomers share one limit and none of the old ones is forgotten', () => {
  const { clock, limiter } = setUp({ maxKeys: 2, overflow: { ratePerSecond: 10, capacity: 3 } });
  limiter.allow('a', 2);
  limiter.allow('b', 2);
  const passed = Array.from({ length: 1000 }, (_, i) => limiter.allow(`attacker ${i}`));
  expect(passed.filter(Boolean)).toHaveLength(3);
  expect(limiter.stats()).toMatchObject({ keys: 2, overflowed: 1000, allowed: 5 });
  expect(limiter.allow('a')).toBe(false);
  clock.advance(200);
  expect(limiter.allow('c', 2)).toBe(true);
  expect(limiter.stats()).toMatchObject({ keys: 1, overflowed: 1000 });
});

test('memory is bounded under ten times as many keys as there is room for', () => {
  const { limiter } = setUp({ maxKeys: 1000 });
  for (let i = 0; i < 10_000; i++) limiter.allow(`key ${i}`);
  expect(limiter.stats().keys).toBe(1000);
});

const SMALL: readonly KeyedLimiterOptions[] = [
  { ratePerSecond: 0.001 },
  { ratePerSecond: 0.001, warmUpMs: 1000 },
  { algorithm: 'leaky-bucket', ratePerSecond: 0.001 },
  { algorithm: 'sliding-window', limit: 2, windowMs: 1e6 },
];

test.each(SMALL)('a key costs at most 70 bytes beside its text: %j', async (limit) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const used = async (): Promise<number> => {
    for (let round = 0; round < 3; round++) {
      await nextTurn();
      collectGarbage();
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const keys = Array.from({ length: 100_000 }, (_, i) => `10.0.${i}`);
  const limiter = new KeyedLimiter({ ...limit, maxKeys: 1_000_000, clock: new ManualClock() });
  // The hash that a map asks for makes each text flat: its memory is not the limiter's.
  expect(new Set(keys).size).toBe(keys.length);
  const before = await used();
  for (const key of keys) limiter.allow(key);
  const perKey = ((await used()) - before) / keys.length;
  expect(limiter.stats().keys).toBe(100_000);
  expect(perKey).toBeLessThan(70);
});

test('a blocked key is refused until the block ends, and not forgotten before', () => {
  const { clock, limiter } = setUp({ maxKeys: 2 });
  expect(limiter.block('a', 5000)).toBe(true);
  expect([limiter.allow('a'), limiter.retryAfterMs('a'), limiter.available('a')]).toEqual([
    false,
    5000,
    0,
  ]);
  clock.advance(4999);
  for (let i = 0; i < 20; i++) {
    limiter.allow(`other ${i}`);
    clock.advance(0);
  }
  expect(limiter.allow('a')).toBe(false);
  clock.advance(1);
  expect(limiter.allow('a')).toBe(true);
  limiter.block('a', Infinity);
  clock.advance(1e9);
  expect(limiter.allow('a')).toBe(false);
  limiter.block('a', 0);
  expect(limiter.allow('a')).toBe(true);
  expect(() => limiter.block('a', -1)).toThrow(
    'a block must last a number of ms, 0 or more, got -1',
  );
});

test('a block and a penalty say when there is no room to remember them', () => {
  const { limiter } = setUp({ maxKeys: 1 });
  limiter.allow('a');
  expect([limiter.block('b', 10), limiter.penalty('b'), limiter.reward('b')]).toEqual([
    false,
    false,
    0,
  ]);
});

test('a penalty takes what may not be there, a reward gives back up to the capacity', () => {
  const { limiter } = setUp();
  limiter.penalty('a', 2);
  limiter.penalty('a', 2);
  expect(limiter.retryAfterMs('a')).toBeCloseTo(300, 9);
  expect(limiter.reward('a', 2)).toBe(2);
  expect(limiter.retryAfterMs('a')).toBeCloseTo(100, 9);
  expect([limiter.reward('a', 2), limiter.reward('a', 2)]).toEqual([2, 0]);
  expect(limiter.available('a')).toBe(2);
  expect(() => limiter.penalty('a', -5)).toThrow(RangeError);
  expect(() => limiter.reward('a', 1.5)).toThrow(RangeError);
  expect(limiter.available('a')).toBe(2);
});

test('a deleted key starts anew, its block included', () => {
  const { limiter } = setUp();
  limiter.allow('a', 2);
  limiter.block('a', 1000);
  expect([limiter.delete('a'), limiter.delete('a')]).toEqual([true, false]);
  expect(limiter.available('a')).toBe(2);
});

test('a plan gives its keys another limit, by function or by hand', () => {
  const { limiter } = setUp({
    plans: { pro: { ratePerSecond: 100, capacity: 20 } },
    planOf: (key) => (key.startsWith('pro:') ? 'pro' : undefined),
  });
  expect([limiter.available('free'), limiter.available('pro:1')]).toEqual([2, 20]);
  limiter.allow('free');
  limiter.setPlan('free', 'pro');
  expect(limiter.available('free')).toBe(1);
  limiter.setPlan('pro:1');
  expect(limiter.available('pro:1')).toBe(20);
  expect(() => limiter.setPlan('free', 'gold')).toThrow(
    'plan must be the name of a plan (pro), got "gold"',
  );
});

test('an update keeps the level of every key, and plans by their names', () => {
  const { clock, limiter } = setUp({
    plans: { old: { ratePerSecond: 1, capacity: 5 }, pro: { ratePerSecond: 100, capacity: 20 } },
  });
  limiter.setPlan('p', 'pro');
  limiter.setPlan('o', 'old');
  limiter.allow('p', 15);
  limiter.allow('o', 4);
  limiter.allow('a', 2);
  clock.advance(50);
  limiter.update({ plans: { pro: { ratePerSecond: 1000, capacity: 8 } }, ratePerSecond: 1000 });
  expect([limiter.available('p'), limiter.available('o'), limiter.available('a')]).toEqual([
    8, 1, 0,
  ]);
  clock.advance(1);
  expect(limiter.available('a')).toBe(1);
  expect(() => limiter.update({ algorithm: 'gcra' })).toThrow(
    'algorithm must be left out: it cannot be changed',
  );
  expect(() => limiter.update({ maxKeys: 0 })).toThrow(InvalidOptionsError);
});

test('callers wait in the line of their key, all by one timer', async () => {
  const { clock, limiter } = setUp();
  const left: string[] = [];
  const wait = (key: string): void =>
    void limiter.wait(key).then(() => left.push(`${key} at ${Math.round(clock.nowMs())}`));
  for (const key of ['a', 'a', 'a', 'a', 'b', 'b', 'b']) wait(key);
  expect([clock.pending, limiter.stats().waiting]).toEqual([1, 3]);
  expect(limiter.allow('a')).toBe(false);
  expect(limiter.retryAfterMs('a')).toBeCloseTo(300, 9);
  await clock.run(1000);
  expect(left).toEqual([
    'a at 0',
    'a at 0',
    'b at 0',
    'b at 0',
    'a at 100',
    'b at 100',
    'a at 200',
  ]);
  expect([clock.pending, limiter.stats().waiting]).toEqual([0, 0]);
  expect(limiter.allow('a', 2)).toBe(true);
});

test('a key that somebody waits for is not forgotten, and stop refuses those who wait', async () => {
  const { clock, limiter } = setUp({ maxKeys: 1 });
  limiter.allow('a', 2);
  const waits = [limiter.wait('a'), limiter.wait('a', 1, { maxWaitMs: 10 })];
  const outcomes = Promise.allSettled(waits);
  await limiter.stop();
  const [first, second] = (await outcomes) as PromiseRejectedResult[];
  expect(first?.reason).toBeInstanceOf(PoolStoppedError);
  expect(second?.reason).toBeInstanceOf(RateLimitedError);
  await expect(limiter.wait('a')).rejects.toBeInstanceOf(PoolStoppedError);
  expect(clock.pending).toBe(0);
});

test('a reservation is for a key, and cancelled once', () => {
  const { limiter } = setUp();
  const reservations = [limiter.reserve('a', 2), limiter.reserve('a')];
  expect(reservations.map(({ waitMs }) => Math.round(waitMs))).toEqual([0, 100]);
  expect(reservations[1]?.cancel()).toBeCloseTo(1, 9);
  expect(reservations[1]?.cancel()).toBe(0);
  expect(limiter.retryAfterMs('a')).toBeCloseTo(100, 9);
});

test('a reservation can be cancelled after an update, but not once its key has another plan or was deleted', () => {
  const { clock, limiter } = setUp({
    ratePerSecond: 10,
    capacity: 4,
    plans: { pro: { ratePerSecond: 20, capacity: 4 } },
  });
  const reserveAll = (key: string) => limiter.reserve(key, 4);
  const updated = reserveAll('updated');
  limiter.update({ ratePerSecond: 5 });
  clock.advance(200);
  expect(limiter.available('updated')).toBe(1);
  // One of the four is earned anew: it would have run over the rim.
  expect(updated.cancel()).toBe(3);
  expect(limiter.available('updated')).toBe(4);

  const moved = reserveAll('moved');
  limiter.setPlan('moved', 'pro');
  expect([moved.cancel(), limiter.available('moved')]).toEqual([0, 0]);

  const deleted = reserveAll('deleted');
  limiter.delete('deleted');
  limiter.allow('somebody else');
  limiter.allow('deleted', 3);
  expect([deleted.cancel(), limiter.available('deleted')]).toEqual([0, 1]);

  limiter.setPlan('on a plan', 'pro');
  const unplanned = reserveAll('on a plan');
  limiter.update({ plans: {} });
  expect([unplanned.cancel(), limiter.available('on a plan')]).toEqual([0, 0]);
});

test('the keys that use the most are named, most first, without stalling the loop', async () => {
  const { clock, limiter } = setUp({ capacity: 100 });
  for (let i = 0; i < 5000; i++) limiter.allow(`key ${i}`, 1 + (i % 50));
  limiter.allow('busy', 99);
  limiter.block('busy', 1000);
  const pauses = vi.spyOn(clock, 'schedule');
  const top = limiter.top(3);
  for (let turn = 0; turn < 10; turn++) await clock.run(0);
  expect(pauses).toHaveBeenCalledTimes(5);
  expect((await top).map(({ used }) => used)).toEqual([99, 50, 50]);
  expect((await top)[0]).toEqual({
    key: 'busy',
    used: 99,
    available: 1,
    blockedMs: 1000,
    plan: undefined,
  });
  await expect(limiter.top(0)).rejects.toThrow('must be an integer from 1 to 1000, got 0');
});

test('a call without a key is refused with a sentence, and an error never names the key', async () => {
  const { limiter } = setUp();
  await expect(limiter.execute(() => 1, {} as never)).rejects.toThrow('key must be text');
  expect(() => limiter.allow(undefined as never)).toThrow('key must be text');
  await limiter.execute(() => 1, { key: 'secret' });
  limiter.allow('secret');
  const refused = limiter.execute(() => 1, { key: 'secret' });
  await expect(refused).rejects.toThrow('keyed-limiter: the limit of this key is reached');
  await settlePromises();
});

test('wrong options are named all at once, those of plans included', () => {
  const wrong = {
    ratePerSecond: 0,
    limit: 3,
    maxKeys: 0,
    plans: { pro: { capacity: 1 } },
    overflow: { ratePerSecond: -1 },
  };
  expect(() => new KeyedLimiter(wrong)).toThrow(
    /maxKeys must be.*ratePerSecond must be.*limit must be left out.*plans\.pro\.ratePerSecond must be.*overflow\.ratePerSecond must be/,
  );
  expect(() => new KeyedLimiter({ algorithm: 'x' as never, ratePerSecond: 1 })).toThrow(
    'algorithm must be one of token-bucket, gcra',
  );
  expect(() => new KeyedLimiter({ ratePerSecond: 1, initialTokens: 0 } as never)).toThrow(
    'initialTokens must be left out',
  );
  expect(() => setUp().limiter.keyOf({ headers: {} })).toThrow(
    'key must be a function from a request',
  );
});

test('a sliding log remembers as many keys as its memory allows, unless told', () => {
  const keysOf = (limit: number, maxKeys?: number): number =>
    setUp({ algorithm: 'sliding-log', limit, windowMs: 1000, maxKeys }).limiter.stats().maxKeys;
  expect([keysOf(10), keysOf(1000), keysOf(1_000_000), keysOf(1000, 100_000)]).toEqual([
    100_000, 16_743, 16, 100_000,
  ]);
  expect(() => keysOf(1000, 140_000)).toThrow(
    'maxKeys must be at most 133949: a key of a sliding-log takes 8016 bytes, got 140000',
  );
});

test('what a blocked client is told of its limit covers the block', () => {
  const { limiter } = setUp({ ratePerSecond: 1, capacity: 1 });
  limiter.block('a', 60_000);
  expect(limiter.quota('a')).toMatchObject({ remaining: 0, resetMs: 60_000 });
  expect(() => limiter.block('a', '5' as never)).toThrow('a block must last a number of ms');
  expect(() => limiter.block('a', null as never)).toThrow('a block must last a number of ms');
});

test('every call that the shared limit decides counts as overflowed, and no mistake does', async () => {
  const { limiter } = setUp({ maxKeys: 1, capacity: 5 });
  limiter.allow('a', 5);
  limiter.allow('b');
  limiter.reserve('b');
  await limiter.wait('b');
  expect(() => limiter.takeAt(0, 'b', -5)).toThrow(RangeError);
  expect(limiter.stats().overflowed).toBe(3);
});

test('a key that is whole is whole under a higher capacity too, forgotten or not', () => {
  for (const algorithm of ['token-bucket', 'gcra', 'leaky-bucket'] as const) {
    const { clock, limiter } = setUp({ algorithm, ratePerSecond: 10, capacity: 5 });
    limiter.allow('whole', 5);
    limiter.allow('spent', 5);
    clock.advance(500);
    limiter.allow('spent');
    limiter.setCapacity(15);
    expect([limiter.available('whole'), limiter.available('new')]).toEqual([15, 15]);
    expect(limiter.available('spent')).toBe(4);
  }
});
