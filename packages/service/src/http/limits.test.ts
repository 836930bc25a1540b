import { KeyedLimiter, SlidingLog, TokenBucket } from '@sluice/core';
import { ManualClock } from '@sluice/core/testing';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { RouteLimits, type NamedLimit } from './limits.ts';

const request = (tenant = 'a') => ({ headers: { 'x-tenant': tenant } });
const byTenant = ({ headers }: { headers: object }): string =>
  (headers as Record<string, string>)['x-tenant'] ?? '';
const limit = (name: string, limiter: NamedLimit['limiter']): NamedLimit => ({
  name,
  limiter,
  legacyHeaders: false,
});

function perSecondAndHour(clock: ManualClock) {
  const second = new TokenBucket({ ratePerSecond: 2, capacity: 2, clock });
  const hour = new SlidingLog({ limit: 3, windowMs: 3_600_000, clock });
  const limits = new RouteLimits([limit('second', second), limit('hour', hour)]);
  return { second, hour, limits };
}

test('a request takes from all limiters or from none', () => {
  const clock = new ManualClock();
  const { second, hour, limits } = perSecondAndHour(clock);
  const steps = [
    { atMs: 0, refusing: [], left: [1, 2] },
    { atMs: 0, refusing: [], left: [0, 1] },
    { atMs: 0, refusing: ['second'], left: [0, 1] },
    { atMs: 1000, refusing: [], left: [1, 0] },
    { atMs: 1000, refusing: ['hour'], left: [1, 0] },
    { atMs: 1500, refusing: ['hour'], left: [2, 0] },
  ];
  for (const { atMs, refusing, left } of steps) {
    clock.advance(atMs - clock.nowMs());
    const { refusal, violated } = limits.admit(request(), clock.nowMs());
    expect(refusal !== undefined).toBe(refusing.length > 0);
    expect([violated, [second.available(), hour.available()]]).toEqual([refusing, left]);
  }
  expect(second.stats()).toMatchObject({ allowed: 3, rejected: 1 });
  expect(hour.stats()).toMatchObject({ allowed: 3, rejected: 2 });
});

test('a refusal by several counts at each of them, and tells the longest wait', () => {
  const clock = new ManualClock();
  const [fast, slow] = [1, 0.1].map((rate) => new TokenBucket({ ratePerSecond: rate, clock }));
  const limits = new RouteLimits([limit('fast', fast!), limit('slow', slow!)]);
  expect(limits.admit(request(), 0).refusal).toBeUndefined();
  const { refusal, violated, nextMs } = limits.admit(request(), 0);
  expect(refusal).toMatchObject({ code: 'SLUICE_RATE_LIMITED', retryAfterMs: 10_000 });
  expect(violated).toEqual(['fast', 'slow']);
  expect(nextMs).toBe(10_000);
  expect([fast!.stats().rejected, slow!.stats().rejected]).toEqual([1, 1]);
});

test('each keyed limiter of a route goes by its own key', () => {
  const clock = new ManualClock();
  const perTenant = new KeyedLimiter({ ratePerSecond: 1, clock, key: byTenant });
  const all = new TokenBucket({ ratePerSecond: 3, clock });
  const limits = new RouteLimits([limit('tenant', perTenant), limit('all', all)]);
  const violated = ['a', 'a', 'b', 'c', 'd'].map(
    (tenant) => limits.admit(request(tenant), 0).violated,
  );
  expect(violated).toEqual([[], ['tenant'], [], [], ['all']]);
  expect(perTenant.available('d')).toBe(1);
});

test('the fields tell of the state after the request, a policy for each limiter', () => {
  const clock = new ManualClock();
  const { limits } = perSecondAndHour(clock);
  expect(limits.admit(request(), 0).fields).toEqual([
    ['ratelimit-policy', '"second";q=2;w=1, "hour";q=3;w=3600'],
    ['ratelimit', '"second";r=1;t=1, "hour";r=2;t=3600'],
  ]);
});

test('the older fields tell of the limiter that has the least left', () => {
  const clock = new ManualClock();
  const limits = new RouteLimits([
    { ...limit('many', new TokenBucket({ ratePerSecond: 9, clock })), legacyHeaders: true },
    limit('few', new SlidingLog({ limit: 3, windowMs: 60_000, clock })),
  ]);
  expect(limits.admit(request(), 0).fields.slice(2)).toEqual([
    ['x-ratelimit-limit', '3'],
    ['x-ratelimit-remaining', '2'],
    ['x-ratelimit-reset', '60'],
  ]);
});

test('after the seconds of t one more request passes than r says, and after those of the refusal one does', () => {
  const rates = fc.double({ min: 0.01, max: 1000, noNaN: true });
  const gaps = fc.array(fc.double({ min: 0, max: 5000, noNaN: true }), { maxLength: 20 });
  fc.assert(
    fc.property(rates, fc.integer({ min: 1, max: 20 }), gaps, (ratePerSecond, capacity, waits) => {
      const clock = new ManualClock();
      const bucket = new TokenBucket({ ratePerSecond, capacity, clock });
      const log = new SlidingLog({ limit: capacity + 1, windowMs: 7000 / 3, clock });
      const limits = new RouteLimits([limit('bucket', bucket), limit('log', log)]);
      for (const gapMs of waits) {
        clock.advance(gapMs);
        limits.admit(request(), clock.nowMs());
      }
      const { fields } = limits.admit(request(), clock.nowMs());
      const told = [...(fields[1]?.[1] ?? '').matchAll(/r=(\d+);t=(\d+)/g)];
      const [first, second] = told.map(([, r, t]) => ({ r: Number(r), t: Number(t) }));
      for (const [{ r, t } = { r: 0, t: 0 }, limiter] of [
        [first, bucket],
        [second, log],
      ] as const) {
        const full = limiter.quota().limit;
        if (r < full) expect(limiter.retryAfterMs(r + 1)).toBeLessThanOrEqual(t * 1000);
        if (r > 0) expect(limiter.retryAfterMs(r)).toBe(0);
      }
      const { refusal } = limits.admit(request(), clock.nowMs());
      if (refusal === undefined) return;
      clock.advance(Math.ceil((refusal.retryAfterMs ?? Number.NaN) / 1000) * 1000);
      expect(limits.admit(request(), clock.nowMs()).refusal).toBeUndefined();
    }),
  );
});

test('the policy follows a limiter that is changed live: with a ramp, its window is three times as long', () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket({ ratePerSecond: 10, capacity: 20, clock });
  const limits = new RouteLimits([limit('public', bucket)]);
  const policy = () => limits.admit(request(), clock.nowMs()).fields[0]?.[1];
  expect(policy()).toBe('"public";q=20;w=2');
  bucket.update({ warmUpMs: 1000 });
  expect(policy()).toBe('"public";q=20;w=6');
});
