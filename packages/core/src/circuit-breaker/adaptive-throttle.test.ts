import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RateLimitedError, ShedError, type Outcome } from '../core/index.ts';
import { ManualClock, SeededRandom } from '../testing/index.ts';
import { AdaptiveThrottle } from './adaptive-throttle.ts';
import type { AdaptiveThrottleOptions } from './throttle-options.ts';

function setUp(options: AdaptiveThrottleOptions = {}) {
  const clock = new ManualClock();
  const random = new SeededRandom(1);
  return { clock, throttle: new AdaptiveThrottle({ random, ...options, clock }) };
}

/** Results as the other side gives them, whatever chance says. */
function finish(throttle: AdaptiveThrottle, outcome: Outcome, times: number): void {
  for (let i = 0; i < times; i++) throttle.exit(0, outcome, throttle.clock.nowMs());
}

interface Load {
  readonly perSecond: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Whether the other side accepts a call that reaches it. */
  readonly accepts: (nowMs: number) => boolean;
}

/** Offers calls at a steady rate; of them the share refused, and when each one went in. */
function offer(throttle: AdaptiveThrottle, load: Load): { share: number; passes: number[] } {
  const passes: number[] = [];
  const calls = ((load.toMs - load.fromMs) * load.perSecond) / 1000;
  for (let i = 0; i < calls; i++) {
    const nowMs = load.fromMs + (i * 1000) / load.perSecond;
    if (throttle.enter(nowMs) > 0) continue;
    passes.push(nowMs);
    throttle.exit(0, load.accepts(nowMs) ? 'success' : 'failure', nowMs);
  }
  return { share: 1 - passes.length / calls, passes };
}

/** Accepts so many calls in each tenth of a second, and refuses the rest. */
function capacity(perSecond: number): (nowMs: number) => boolean {
  let [tick, taken] = [-1, 0];
  return (nowMs) => {
    if (Math.floor(nowMs / 100) !== tick) [tick, taken] = [Math.floor(nowMs / 100), 0];
    return taken++ < perSecond / 10;
  };
}

test('at K 2, 1,000 calls a second to a side of 100: it sees 200, and 80 % is refused here', () => {
  for (let seed = 0; seed < 10; seed++) {
    const { throttle } = setUp({ random: new SeededRandom(seed) });
    const load = { perSecond: 1000, accepts: capacity(100) };
    offer(throttle, { ...load, fromMs: 0, toMs: 30_000 });
    const { share, passes } = offer(throttle, { ...load, fromMs: 30_000, toMs: 90_000 });
    expect(Math.abs(share - 0.8), `seed ${seed}`).toBeLessThanOrEqual(0.02 * 0.8);
    expect(Math.abs(passes.length / 60 - 200)).toBeLessThanOrEqual(0.02 * 200);
  }
});

test('the share refused is that of the formula', () => {
  const counts = fc.nat({ max: 300 });
  const ks = fc.double({ min: 1, max: 5, noNaN: true });
  fc.assert(
    fc.property(counts, counts, ks, (accepts, failures, k) => {
      const { throttle } = setUp({ k, minimumCalls: 1, rampMs: 0 });
      finish(throttle, 'success', accepts);
      finish(throttle, 'failure', failures);
      const requests = accepts + failures;
      const share = Math.max(0, (requests - k * accepts) / (requests + 1));
      expect(throttle.stats().refusedShare).toBeCloseTo(share, 12);
    }),
  );
});

test('a side that takes all it gets is never throttled, nor is one that fails less than half', () => {
  const { throttle } = setUp();
  expect(
    offer(throttle, { perSecond: 100, fromMs: 0, toMs: 20_000, accepts: () => true }),
  ).toMatchObject({ share: 0 });
  let call = 0;
  const most = (): boolean => call++ % 5 > 1;
  expect(
    offer(throttle, { perSecond: 100, fromMs: 20_000, toMs: 60_000, accepts: most }),
  ).toMatchObject({ share: 0 });
});

test('calls that are under way count for nothing, however many there are', () => {
  const { throttle } = setUp();
  const verdicts = Array.from({ length: 10_000 }, () => throttle.enter(0));
  expect(verdicts.every((verdict) => verdict === 0)).toBe(true);
  expect(throttle.stats()).toMatchObject({ refusedShare: 0, windowCalls: 0, permitted: 10_000 });
});

test('few calls are not judged', () => {
  const { throttle } = setUp();
  finish(throttle, 'failure', 4);
  expect(throttle.stats().refusedShare).toBe(0);
  finish(throttle, 'failure', 1);
  expect(throttle.stats().refusedShare).toBe(5 / 6);
});

test('in an outage a call goes in at least once a second', () => {
  const { throttle } = setUp();
  const load = { perSecond: 200, accepts: () => false };
  offer(throttle, { ...load, fromMs: 0, toMs: 20_000 });
  const { passes } = offer(throttle, { ...load, fromMs: 20_000, toMs: 80_000 });
  const gaps = passes.slice(1).map((atMs, i) => atMs - passes[i]!);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(1000);
  expect(throttle.stats().forced).toBeGreaterThan(10);
});

test('a clock that steps back does not keep the forced call waiting for more than its second', () => {
  // Chance refuses whatever it can.
  const { throttle } = setUp({ random: { next: () => 0 } });
  throttle.enter(1e6);
  for (let i = 0; i < 5; i++) throttle.exit(0, 'failure', 0);
  expect([throttle.enter(0), throttle.enter(999), throttle.enter(1000)]).toEqual([
    Infinity,
    Infinity,
    0,
  ]);
});

test('after an outage traffic is back when the ramp is over, and without one much later', () => {
  const backAt = (rampMs: number): number => {
    const { throttle } = setUp({ rampMs });
    const load = { perSecond: 1000 };
    offer(throttle, { ...load, fromMs: 0, toMs: 30_000, accepts: () => false });
    for (let second = 30; second < 120; second++) {
      const [fromMs, toMs] = [second * 1000, second * 1000 + 1000];
      const { share } = offer(throttle, { ...load, fromMs, toMs, accepts: () => true });
      if (share < 0.05) return second - 30;
    }
    return Infinity;
  };
  expect(backAt(10_000)).toBeLessThanOrEqual(11);
  expect(backAt(4000)).toBeLessThanOrEqual(5);
  expect(backAt(0)).toBeGreaterThan(15);
});

test('a failure begins the ramp anew', () => {
  const { clock, throttle } = setUp({ rampMs: 1000 });
  finish(throttle, 'failure', 9);
  finish(throttle, 'success', 1);
  clock.advance(500);
  expect(throttle.stats().refusedShare).toBeCloseTo((0.5 * 8) / 11, 12);
  finish(throttle, 'failure', 1);
  expect(throttle.stats().refusedShare).toBeCloseTo(9 / 12, 12);
});

test('what is too old is forgotten', () => {
  const { clock, throttle } = setUp();
  finish(throttle, 'failure', 100);
  clock.advance(10_000);
  expect(throttle.stats()).toMatchObject({ refusedShare: 0, windowCalls: 0 });
});

test('a refusal says what share is refused, and that nobody knows when to come back', async () => {
  const { throttle } = setUp({ name: 'search', random: { next: () => 0 } });
  await throttle.execute(() => 1);
  finish(throttle, 'failure', 19);
  const refused = throttle.execute(() => 1);
  await expect(refused).rejects.toThrow(ShedError);
  await expect(refused).rejects.toMatchObject({
    message: 'search: 86 % of the calls are refused here, as too few are accepted',
    policy: 'search',
    code: 'SLUICE_SHED',
    retryAfterMs: undefined,
  });
  expect(throttle.stats()).toMatchObject({ permitted: 1, succeeded: 1, notPermitted: 1 });
});

test('refusals from further in count for nothing, and classify has the last word', async () => {
  const { throttle } = setUp();
  const full = new RateLimitedError('inner', 'no', 5);
  await expect(throttle.execute(() => Promise.reject(full))).rejects.toBe(full);
  expect(throttle.stats()).toMatchObject({ ignored: 1, windowCalls: 0 });
  throttle.update({
    classify: (error) => (error instanceof RateLimitedError ? 'failure' : 'success'),
  });
  await expect(throttle.execute(() => Promise.reject(full))).rejects.toBe(full);
  expect(throttle.stats()).toMatchObject({ failed: 1, windowCalls: 1, windowAccepts: 0 });
});

test('an update keeps the calls that still lie in the window', () => {
  const { clock, throttle } = setUp();
  finish(throttle, 'failure', 30);
  clock.advance(5000);
  finish(throttle, 'success', 10);
  throttle.update({ windowMs: 20_000, k: 1 });
  expect(throttle.stats()).toMatchObject({ windowCalls: 40, windowAccepts: 10 });
  throttle.update({ windowMs: 2000 });
  expect(throttle.stats().windowCalls).toBe(10);
  expect(throttle.traits).toEqual({ kind: 'throttle', windowMs: 2000 });
  expect(throttle.timed).toBe(true);
});

test('all wrong options are named at once, and change nothing', () => {
  const { throttle } = setUp();
  const wrong = { k: 0.5, buckets: 0, forcedPassMs: 0 };
  expect(() => throttle.update(wrong)).toThrow(
    'AdaptiveThrottle: k must be a finite number of at least 1, got 0.5; buckets must be an integer from 1 to 10000, got 0; forcedPassMs must be a finite number above 0, got 0',
  );
  expect(() => new AdaptiveThrottle(wrong)).toThrow('AdaptiveThrottle: k must be');
});

test('the same seed refuses the same calls', () => {
  const passes = (seed: number): number[] => {
    const { throttle } = setUp({ random: new SeededRandom(seed) });
    return offer(throttle, { perSecond: 500, fromMs: 0, toMs: 20_000, accepts: capacity(50) })
      .passes;
  };
  expect(passes(7)).toEqual(passes(7));
  expect(passes(7)).not.toEqual(passes(8));
});
