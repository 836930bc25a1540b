import { ManualClock } from '@sluice/core/testing';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { resolveConfig, type LimiterConfig } from './config/index.ts';
import { createPolicies, limitsOf } from './policies.ts';

const rate = { ratePerSecond: fc.double({ min: 0.05, max: 50, noNaN: true }) };
const capacity = { capacity: fc.integer({ min: 1, max: 12 }) };
const window = {
  limit: fc.integer({ min: 1, max: 12 }),
  windowMs: fc.integer({ min: 1, max: 9000 }),
};
const anyLimiter: fc.Arbitrary<LimiterConfig> = fc.oneof(
  fc.record({ algorithm: fc.constant('token-bucket' as const), ...rate, ...capacity }),
  fc.record({
    algorithm: fc.constant('token-bucket' as const),
    ...rate,
    ...capacity,
    warmUpMs: fc.integer({ min: 1, max: 20_000 }),
  }),
  fc.record({ algorithm: fc.constantFrom('gcra', 'leaky-bucket'), ...rate, ...capacity }),
  fc.record({ algorithm: fc.constantFrom('sliding-window', 'sliding-log'), ...window }),
);

/** A client of a route with this limiter. */
function limited(limiter: LimiterConfig, keyed: boolean) {
  const result = resolveConfig({
    limiters: { public: keyed ? { ...limiter, key: 'ip' } : limiter },
  });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  const clock = new ManualClock();
  const { limiters } = createPolicies(result.config, clock);
  const limits = limitsOf(['public'], result.config, limiters)!;
  const admit = () => limits.admit({ headers: {} }, clock.nowMs());
  return { clock, admit };
}

test('whoever sends at most q in any w seconds is never refused', () => {
  const gaps = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 3000, noNaN: true })), {
    minLength: 10,
    maxLength: 40,
  });
  fc.assert(
    fc.property(anyLimiter, fc.boolean(), gaps, (config, keyed, waits) => {
      const { clock, admit } = limited(config, keyed);
      const [, item = ''] = admit().fields[0] ?? [];
      const [, q = 0, w = 0] = (/;q=(\d+);w=(\d+)$/.exec(item) ?? []).map(Number);
      const sentMs = [clock.nowMs()];
      for (const gapMs of waits) {
        clock.advance(gapMs);
        // As soon as the policy allows it.
        const oldest = sentMs.at(-q);
        const freeMs = oldest === undefined ? 0 : oldest + w * 1000 - clock.nowMs();
        if (freeMs > 0) clock.advance(freeMs);
        sentMs.push(clock.nowMs());
        expect(admit().refusal).toBeUndefined();
      }
    }),
  );
});

test('whoever waits for the seconds of a refusal is let in', () => {
  const gaps = fc.array(fc.double({ min: 0, max: 700, noNaN: true }), { maxLength: 30 });
  fc.assert(
    fc.property(anyLimiter, fc.boolean(), gaps, (config, keyed, waits) => {
      const { clock, admit } = limited(config, keyed);
      for (const gapMs of waits) {
        clock.advance(gapMs);
        const { refusal } = admit();
        if (refusal === undefined) continue;
        clock.advance(Math.ceil((refusal.retryAfterMs ?? Number.NaN) / 1000) * 1000);
        expect(admit().refusal).toBeUndefined();
      }
    }),
  );
});
