import { describe, expect, test } from 'vitest';

import { SimulatedUpstream } from '../../../test/support/simulated-upstream.ts';

const SEEDS = [1, 2, 3, 4, 5];
const FAST = { meanMs: 10 };
const SLOW = { meanMs: 100 };
/** It refuses at once. */
const DEAD = { meanMs: 10, failsAfterMs: 0.5 };

describe.each(SEEDS)('by seed %i', (seed) => {
  test.each([
    { rate: 30, durationMs: 300_000 },
    { rate: 300, durationMs: 120_000 },
    { rate: 2000, durationMs: 30_000 },
  ])('equal targets get equal shares of $rate requests a second', ({ rate, durationMs }) => {
    const targets = { a: FAST, b: FAST, c: FAST, d: FAST };
    const upstream = new SimulatedUpstream(seed, targets);
    upstream.run({ ratePerSecond: rate, durationMs });
    const sent = Object.values(upstream.sent);
    const all = sent.reduce((sum, each) => sum + each, 0);
    expect(sent).toHaveLength(4);
    for (const each of sent) {
      expect(each / all).toBeGreaterThan(0.2);
      expect(each / all).toBeLessThan(0.3);
    }
  });

  test('of three targets the one that is ten times slower gets a small share', () => {
    const upstream = new SimulatedUpstream(seed, { a: FAST, b: FAST, c: SLOW });
    upstream.run({ ratePerSecond: 300, durationMs: 20_000 });
    expect(upstream.sent['c']! / upstream.served.length).toBeLessThan(0.05);
  });

  test('a target that is dead from the start fails at most five requests, and others take them', () => {
    const targets = { a: FAST, b: FAST, c: DEAD };
    const upstream = new SimulatedUpstream(seed, targets, { attempts: 2 });
    upstream.run({ ratePerSecond: 300, durationMs: 29_000 });
    upstream.finish();
    expect(upstream.sent['c']).toBeLessThanOrEqual(5);
    expect(upstream.served.filter(({ isFailed }) => isFailed)).toEqual([]);
  });

  test('a target that dies under load fails those requests that it has, and few more', () => {
    const upstream = new SimulatedUpstream(seed, { a: FAST, b: FAST, c: FAST });
    upstream.run({ ratePerSecond: 300, durationMs: 5000 });
    upstream.change('c', DEAD);
    upstream.run({ ratePerSecond: 300, durationMs: 29_000 });
    upstream.finish();
    const failed = upstream.served.filter(({ isFailed }) => isFailed);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThanOrEqual(10);
  });

  test('a target that hangs is found before it has answered anything', () => {
    const upstream = new SimulatedUpstream(seed, { a: FAST, b: FAST, c: FAST });
    upstream.run({ ratePerSecond: 300, durationMs: 5000 });
    const before = upstream.sent['c']!;
    upstream.change('c', { meanMs: 10, failsAfterMs: 10_000 });
    upstream.run({ ratePerSecond: 300, durationMs: 9000 });
    expect(upstream.sent['c']! - before).toBeLessThanOrEqual(20);
  });

  test.each([300, 1000])(
    'at %i requests a second the slowest recover within a second of one target dying and one slowing down tenfold',
    (rate) => {
      const targets = { a: FAST, b: FAST, c: FAST };
      const upstream = new SimulatedUpstream(seed, targets, { attempts: 3 });
      upstream.run({ ratePerSecond: rate, durationMs: 10_000 });
      upstream.change('b', SLOW);
      upstream.change('c', DEAD);
      upstream.run({ ratePerSecond: rate, durationMs: 11_000 });
      upstream.finish();
      const before = upstream.percentileMs(0.99, 0, 10_000);
      const after = upstream.percentileMs(0.99, 11_000, 21_000);
      // One target of ten times the latency in three would by fair shares have made it eight times longer.
      expect(after).toBeLessThan(3 * before);
      expect(upstream.served.filter(({ isFailed }) => isFailed)).toEqual([]);
    },
  );

  test('a target that is well again has its share within seconds, where only its breaker held it back', () => {
    const targets = { a: FAST, b: FAST, c: DEAD };
    const options = { attempts: 2, ejection: false, breaker: { consecutiveFailures: 3 } } as const;
    const upstream = new SimulatedUpstream(seed, targets, options);
    upstream.run({ ratePerSecond: 300, durationMs: 20_000 });
    expect(upstream.sent['c']).toBeLessThan(60);
    upstream.change('c', FAST);
    upstream.run({ ratePerSecond: 300, durationMs: 8000 });
    const before = upstream.sent['c']!;
    upstream.run({ ratePerSecond: 300, durationMs: 20_000 });
    expect((upstream.sent['c']! - before) / 6000).toBeGreaterThan(0.25);
  });

  test('a target that comes back gets its share slowly', () => {
    const targets = { a: FAST, b: FAST, c: FAST };
    const upstream = new SimulatedUpstream(seed, targets);
    upstream.targets.setHealth(upstream.targets.all[2]!, false);
    upstream.run({ ratePerSecond: 1000, durationMs: 5000 });
    expect(upstream.sent['c']).toBeUndefined();
    upstream.targets.setHealth(upstream.targets.all[2]!, true);
    const shares = [0, 2500, 5000, 7500, 10_000].map(() => {
      const before = upstream.sent['c'] ?? 0;
      upstream.run({ ratePerSecond: 1000, durationMs: 2500 });
      return (upstream.sent['c']! - before) / 2500;
    });
    expect(shares[0]).toBeLessThan(1 / 3 / 2);
    expect(shares[1]).toBeGreaterThan(shares[0]!);
    expect(shares.at(-1)).toBeGreaterThan(0.25);
  });
});
