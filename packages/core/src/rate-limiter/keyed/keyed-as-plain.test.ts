import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../../testing/index.ts';
import {
  Gcra,
  KeyedLimiter,
  LeakyBucket,
  SlidingLog,
  SlidingWindow,
  TokenBucket,
  type KeyedAlgorithm,
  type RateLimiter,
} from '../index.ts';

const plain: Record<KeyedAlgorithm, (clock: ManualClock) => RateLimiter> = {
  'token-bucket': (clock) => new TokenBucket({ ratePerSecond: 10 / 3, capacity: 4, clock }),
  gcra: (clock) => new Gcra({ ratePerSecond: 10 / 3, capacity: 4, clock }),
  'leaky-bucket': (clock) => new LeakyBucket({ ratePerSecond: 10 / 3, capacity: 4, clock }),
  'sliding-window': (clock) => new SlidingWindow({ limit: 4, windowMs: 1200, clock }),
  'sliding-log': (clock) => new SlidingLog({ limit: 4, windowMs: 1200, clock }),
};

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ take: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      advance: fc.oneof(
        fc.integer({ min: 0, max: 3000 }),
        fc.double({ min: 0, max: 700, noNaN: true }),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ back: fc.integer({ min: 1, max: 500 }) }) },
  { weight: 2, arbitrary: fc.record({ strangers: fc.integer({ min: 1, max: 40 }) }) },
);

/** The hand goes over all 41 keys when the second strangers come. */
const forgetful = [
  { take: 4 },
  { strangers: 40 },
  { advance: 3000 },
  { strangers: 41 },
  { take: 4 },
];

test.each(Object.keys(plain) as KeyedAlgorithm[])(
  'a keyed %s decides for each key as the plain one does, also across being forgotten',
  (algorithm) => {
    let evicted = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const clock = new ManualClock(12.345);
        const one = plain[algorithm](clock);
        const limit = algorithm.startsWith('sliding')
          ? { limit: 4, windowMs: 1200 }
          : { ratePerSecond: 10 / 3, capacity: 4 };
        const keyed = new KeyedLimiter({ algorithm, ...limit, clock, maxKeys: 1000 });
        let strangers = 0;
        for (const act of steps) {
          if ('take' in act) {
            const waitMs = one.takeAt(clock.nowMs(), act.take);
            expect(keyed.takeAt(clock.nowMs(), 'me', act.take)).toBeCloseTo(waitMs, 6);
          } else if ('advance' in act) {
            clock.advance(act.advance);
          } else if ('back' in act) {
            clock.setBack(act.back);
          } else {
            // Both are told the time whenever one is.
            one.retryAfterMs();
            for (let i = 0; i < act.strangers; i++) keyed.allow(`stranger ${strangers++}`);
          }
        }
        evicted += keyed.stats().evicted;
      }),
      { numRuns: 2000, examples: [[forgetful]] },
    );
    expect(evicted).toBeGreaterThanOrEqual(40);
  },
);
