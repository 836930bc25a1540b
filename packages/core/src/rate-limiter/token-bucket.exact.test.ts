import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock, SeededRandom } from '../testing/index.ts';
import { TokenBucket } from './token-bucket.ts';

const RATES = [0.001, 0.07, 0.1, 1 / 3, 1, 10 / 3, 7, 99.9, 100, 12_345.678, 1e6];
const ORIGINS = [0, 12.345, 1e6, 86_400_000.1, 1.7e12];
const CAPACITIES = [1, 2, 3, 10, 40];

/**
 * How far from the exact bucket it may ever be: a call may be let in one resolution of the clock early
 * (4 epsilon), a full bucket may keep as much (4), and the sums are rounded (2). It does not add up.
 */
const roundingMs = (nowMs: number): number => 10 * Number.EPSILON * Math.max(1, Math.abs(nowMs));

/** Every awkward pair of a rate and a time to start from. */
function grid(
  visit: (bucket: TokenBucket, clock: ManualClock, ratePerSecond: number) => void,
): void {
  for (const ratePerSecond of RATES) {
    for (const origin of ORIGINS) {
      for (const capacity of CAPACITIES) {
        const clock = new ManualClock(origin);
        visit(new TokenBucket({ ratePerSecond, capacity, clock }), clock, ratePerSecond);
      }
    }
  }
}

test('after exactly retryAfterMs the call is let in, and not a moment earlier', () => {
  let promises = 0;
  const broken: string[] = [];
  grid((bucket, clock, ratePerSecond) => {
    const tokenMs = 1000 / ratePerSecond;
    for (const step of [0.1, 1 / 7, 1 / 3, 0.7, 10 / 3]) {
      for (let poll = 0; poll < 60; poll++) {
        const waitMs = bucket.takeAt(clock.nowMs());
        const dueMs = clock.nowMs() + waitMs;
        if (waitMs > 0) {
          promises++;
          const earlyMs = Math.min(1, waitMs / 2);
          if (earlyMs > roundingMs(dueMs) && bucket.peek(dueMs - earlyMs) === 0) {
            broken.push(`${earlyMs} ms before ${dueMs}`);
          }
          if (bucket.peek(dueMs) !== 0) broken.push(`at ${dueMs}`);
          clock.advanceTo(poll % 3 === 0 ? dueMs : Math.max(dueMs, clock.nowMs() + step * tokenMs));
        } else {
          clock.advance(poll % 2 === 0 ? 0 : step * tokenMs);
        }
      }
    }
  });
  expect(broken).toEqual([]);
  expect(promises).toBeGreaterThan(20_000);
});

test('what is said to be available can be taken, and one more cannot', () => {
  const random = new SeededRandom(5);
  const broken: string[] = [];
  for (let round = 0; round < 10; round++) {
    grid((bucket, clock, ratePerSecond) => {
      for (let step = 0; step < 60; step++) {
        const { available, capacity } = bucket.stats();
        const more = available < capacity ? bucket.peek(clock.nowMs(), available + 1) : Infinity;
        const less = available > 0 ? bucket.peek(clock.nowMs(), available) : 0;
        if (available > capacity || more === 0 || less > 0)
          broken.push(`${ratePerSecond}: ${available}`);
        bucket.takeAt(clock.nowMs(), 1 + Math.floor(random.next() * capacity));
        const waits = random.next() < 0.4;
        clock.advance(waits ? bucket.peek(clock.nowMs()) : (2000 * random.next()) / ratePerSecond);
      }
    });
  }
  expect(broken).toEqual([]);
});

test('tokens that fall due faster than the clock can tell are owed, also over a thousand updates', () => {
  const clock = new ManualClock(1.7e12);
  const bucket = new TokenBucket({ ratePerSecond: 1e6, capacity: 3, clock });
  let allowed = 0;
  for (let update = 0; update < 1000; update++) {
    bucket.update({});
    if (bucket.allow()) allowed++;
  }
  expect(allowed).toBeLessThanOrEqual(3 + 1e3 * roundingMs(clock.nowMs()));
});

test.each(ORIGINS)(
  'a call that always comes back when it was told gets its rate, neither more nor less (clock from %d)',
  (origin) => {
    for (const ratePerSecond of [1 / 3, 10 / 3, 7, 99.9, 999.9]) {
      const clock = new ManualClock(origin);
      const bucket = new TokenBucket({ ratePerSecond, capacity: 1, clock });
      for (let call = 0; call <= 20_000; call++) {
        while (!bucket.allow()) clock.advance(bucket.retryAfterMs());
      }
      const dueMs = origin + (20_000 * 1000) / ratePerSecond;
      expect(Math.abs(clock.nowMs() - dueMs)).toBeLessThanOrEqual(roundingMs(dueMs));
      expect(bucket.stats().rejected).toBe(20_000);
    }
  },
);

/** 2^120: times and rates are whole multiples of its inverse, products of its square. */
const UNIT = 2 ** 120;

/** Exactly, or not at all. */
const exact = (value: number): bigint => BigInt(value * UNIT);

/** Thousandths of tokens, to the last bit: so that a rate per second times ms is a whole number. */
const milli = (tokens: number): bigint => exact(tokens * 1000) * BigInt(UNIT);

/** A token bucket without any rounding. Its level may fall below 0, by what is let in a rounding too early. */
class ExactBucket {
  level: bigint;
  capacity: number;
  ratePerSecond: number;
  latestMs: number;

  constructor(capacity: number, ratePerSecond: number, nowMs: number) {
    this.capacity = capacity;
    this.ratePerSecond = ratePerSecond;
    this.latestMs = nowMs;
    this.level = milli(capacity);
  }

  settle(nowMs: number): void {
    if (nowMs <= this.latestMs) return;
    const earned = exact(this.ratePerSecond) * (exact(nowMs) - exact(this.latestMs));
    this.latestMs = nowMs;
    this.level = least(this.level + earned, milli(this.capacity));
  }

  /** Tokens above `n`, rounded; what is far from 0 decides. */
  surplus(n: number): number {
    return Number(this.level - milli(n)) / UNIT / UNIT / 1000;
  }
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

const aRate = fc.oneof(
  fc.constantFrom(...RATES),
  fc.double({ min: 0.01, max: 1e5, noNaN: true, noDefaultInfinity: true }),
);

type Step = typeof aStep extends fc.Arbitrary<infer S> ? S : never;

/** Steps as parts of the time that a token takes, so that something happens at every rate. */
const aStep = fc.oneof(
  fc.record({
    kind: fc.constantFrom('poll' as const, 'promise' as const),
    n: fc.integer({ min: 1, max: 12 }),
    part: fc.constantFrom(0, 0.1, 1 / 3, 0.5, 0.999, 1, 1.7, 5, 40),
  }),
  fc.record({ kind: fc.constant('back' as const), part: fc.constantFrom(0.2, 3) }),
  fc.record({ kind: fc.constant('rate' as const), ratePerSecond: aRate }),
  fc.record({ kind: fc.constant('capacity' as const), capacity: fc.integer({ min: 1, max: 12 }) }),
);

/** How the answer differs from what the exact bucket says; `slack` is in tokens. */
function disagreement(waitTokens: number, surplus: number, slack: number): string | undefined {
  if (waitTokens === 0) return surplus < -slack ? `let in ${-surplus} tokens early` : undefined;
  if (surplus > slack) return `refused with ${surplus} tokens to spare`;
  const off = Math.abs(waitTokens + surplus);
  return off > slack + 1e-12 * waitTokens ? `wait is off by ${off} tokens` : undefined;
}

test('over any run of calls, changes and clock steps the bucket agrees with one that never rounds', () => {
  const run = (
    rate: number,
    capacity: number,
    origin: number,
    steps: readonly Step[],
  ): string[] => {
    const clock = new ManualClock(origin);
    const bucket = new TokenBucket({ ratePerSecond: rate, capacity, clock });
    const model = new ExactBucket(capacity, rate, origin);
    const broken: string[] = [];
    let kept = 0;
    bucket.peek(origin);
    for (const step of steps) {
      const tokenMs = 1000 / model.ratePerSecond;
      const once = roundingMs(model.latestMs + 40 * tokenMs) / tokenMs;
      // Only a change keeps its rounding for good: the level becomes a fraction that is stored.
      kept += step.kind === 'rate' || step.kind === 'capacity' ? once : 20 * Number.EPSILON;
      const slack = kept + once;
      if (step.kind === 'back') clock.setBack(step.part * tokenMs);
      if (step.kind === 'poll') clock.advance(step.part * tokenMs);
      // Only steps that tell the bucket the time tell it to the model.
      if (step.kind !== 'back') model.settle(clock.nowMs());
      if (step.kind === 'rate') {
        bucket.setRate(step.ratePerSecond);
        model.ratePerSecond = step.ratePerSecond;
      } else if (step.kind === 'capacity') {
        bucket.setCapacity(step.capacity);
        model.capacity = step.capacity;
        model.level = least(model.level, milli(step.capacity));
      } else if (step.kind !== 'back') {
        const waitMs = bucket.takeAt(clock.nowMs(), step.n);
        const surplus = step.n > model.capacity ? -Infinity : model.surplus(step.n);
        const wrong =
          surplus === -Infinity
            ? waitMs !== Infinity && 'let in above its capacity'
            : disagreement(waitMs / tokenMs, surplus, slack);
        if (wrong) broken.push(wrong);
        if (waitMs === 0) model.level -= milli(step.n);
        if (step.kind === 'promise' && waitMs < Infinity) clock.advance(waitMs);
      }
    }
    return broken;
  };
  const capacity = fc.integer({ min: 1, max: 12 });
  const steps = fc.array(aStep, { maxLength: 80, size: 'max' });
  fc.assert(
    fc.property(aRate, capacity, fc.constantFrom(...ORIGINS), steps, (...given) => {
      expect(run(...given)).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

test('in every window of time at most the capacity and what the rate earns in it is let in', () => {
  const call = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 2000 }));
  const capacities = fc.integer({ min: 1, max: 12 });
  const calls = fc.array(call, { maxLength: 120, size: 'max' });
  fc.assert(
    fc.property(
      aRate,
      capacities,
      fc.constantFrom(...ORIGINS),
      calls,
      (rate, capacity, origin, all) => {
        const clock = new ManualClock(origin);
        const bucket = new TokenBucket({ ratePerSecond: rate, capacity, clock });
        const tooMany: string[] = [];
        const admitted: { atMs: number; n: number }[] = [];
        for (const [n, part] of all) {
          clock.advance((part / 777) * (1000 / rate));
          if (n <= capacity && bucket.allow(n)) admitted.push({ atMs: clock.nowMs(), n });
        }
        const slack = milli(1e-9) + exact(rate) * exact(roundingMs(clock.nowMs()));
        for (const [first, { atMs: fromMs }] of admitted.entries()) {
          let sum = 0;
          for (const { atMs, n } of admitted.slice(first)) {
            sum += n;
            const earned = exact(rate) * (exact(atMs) - exact(fromMs));
            if (milli(sum) > milli(capacity) + earned + slack)
              tooMany.push(`${sum} from ${fromMs}`);
          }
        }
        expect(tooMany).toEqual([]);
      },
    ),
    { numRuns: 200 },
  );
});
