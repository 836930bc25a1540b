import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock, settlePromises } from '../testing/index.ts';
import { KeyedLimiter, SlidingLog, SlidingWindow, type Reservation } from './index.ts';

type Windowed = SlidingLog | SlidingWindow;

interface Limit {
  readonly limit: number;
  readonly windowMs: number;
  readonly clock: ManualClock;
}

const KINDS: readonly { name: string; create: (limit: Limit) => Windowed; most: number }[] = [
  { name: 'SlidingLog', create: (limit) => new SlidingLog(limit), most: 1 },
  { name: 'SlidingWindow', create: (limit) => new SlidingWindow(limit), most: 2 },
];

const WINDOWS = [300, 1000 / 3, 0.7, 86_400_000];
const aWindow = fc.constantFrom(...WINDOWS);
const aLimit = fc.integer({ min: 1, max: 6 });
const anOrigin = fc.constantFrom(0, 12.345, 8.64e7 + 0.1);
const aCount = fc.nat(5);
/** In windows. */
const aTime = fc.oneof(
  fc.constantFrom(0, 0.25, 1 / 3, 1, 2),
  fc.double({ max: 3, noNaN: true, min: 0 }),
);

const aStep = fc.oneof(
  fc.record({ do: fc.constant('take' as const), n: aCount }),
  fc.record({ do: fc.constant('advance' as const), for: aTime }),
  fc.record({
    do: fc.constant('reserve and cancel' as const),
    all: fc.array(fc.record({ n: aCount, order: fc.nat() }), { minLength: 1, maxLength: 12 }),
  }),
);

/** All that a limiter tells. */
function view(limiter: Windowed, clock: ManualClock, limit: number): number[] {
  const told = [limiter.available(), limiter.quota().resetMs];
  for (let n = 1; n <= limit; n++) {
    told.push(limiter.retryAfterMs(n));
    for (const ahead of [1, limit, 2 * limit + 1])
      told.push(limiter.turnMs(clock.nowMs(), ahead, n));
  }
  return told;
}

test.each(KINDS)(
  'reservations cancelled at once, however far ahead and in any order, leave no trace in a $name',
  ({ create }) => {
    const steps = fc.array(aStep, { maxLength: 30, size: 'max' });
    const property = fc.property(aLimit, aWindow, anOrigin, steps, (limit, windowMs, from, all) => {
      const clock = new ManualClock(from);
      const limiter = create({ limit, windowMs, clock });
      const twin = create({ limit, windowMs, clock });
      const kept = create({ limit, windowMs, clock });
      const keptTwin = create({ limit, windowMs, clock });
      const reserved = [kept.reserve(limit), keptTwin.reserve(limit)];
      for (const step of all) {
        if (step.do === 'advance') clock.advance(step.for * windowMs);
        if (step.do === 'take') {
          const n = 1 + (step.n % limit);
          expect(limiter.takeAt(clock.nowMs(), n)).toBe(twin.takeAt(clock.nowMs(), n));
          // These have something ahead that stays.
          reserved.push(kept.reserve(n), keptTwin.reserve(n));
        }
        if (step.do === 'reserve and cancel') {
          for (const one of [limiter, kept]) {
            const made = step.all.map(({ n, order }) => {
              const count = 1 + (n % limit);
              return { n: count, order, reservation: one.reserve(count) };
            });
            for (const { n, reservation } of made.toSorted((a, b) => a.order - b.order)) {
              expect(reservation.cancel()).toBe(n);
            }
          }
        }
        expect(view(limiter, clock, limit)).toEqual(view(twin, clock, limit));
        expect(view(kept, clock, limit)).toEqual(view(keptTwin, clock, limit));
      }
      expect(reserved.length % 2).toBe(0);
    });
    fc.assert(property, { numRuns: 500 });
  },
);

const aCall = fc.oneof(
  fc.record({ do: fc.constant('take' as const), n: aCount }),
  fc.record({ do: fc.constant('reserve' as const), n: aCount }),
  fc.record({ do: fc.constant('cancel' as const), which: fc.nat() }),
  fc.record({ do: fc.constant('advance' as const), for: fc.integer({ min: 0, max: 400 }) }),
);

/** Permits that left or will leave, and how they can be taken back. */
interface Use {
  readonly atMs: number;
  readonly n: number;
  readonly reservation?: Reservation;
}

test('SlidingLog decides as a list of all the times does, those reserved included and those cancelled left out', () => {
  const calls = fc.array(aCall, { maxLength: 60, size: 'max' });
  const property = fc.property(aLimit, calls, (limit, all) => {
    const windowMs = 300;
    const clock = new ManualClock();
    const log = new SlidingLog({ limit, windowMs, clock });
    let uses: Use[] = [];
    for (const call of all) {
      const nowMs = clock.nowMs();
      const counting = uses.filter(({ atMs }) => atMs > nowMs - windowMs);
      const times = counting
        .flatMap(({ atMs, n }) => new Array<number>(n).fill(atMs))
        .toSorted((a, b) => a - b);
      expect(log.available()).toBe(Math.max(0, limit - times.length));
      if (call.do === 'advance') clock.advance(call.for);
      if (call.do === 'take' || call.do === 'reserve') {
        const n = 1 + (call.n % limit);
        const before = times.at(-1 - (limit - n)) ?? -Infinity;
        const waitMs = Math.max(0, before + windowMs - nowMs);
        expect(log.retryAfterMs(n)).toBe(waitMs);
        if (call.do === 'reserve') {
          const reservation = log.reserve(n);
          expect(reservation.waitMs).toBe(waitMs);
          uses.push({ atMs: nowMs + waitMs, n, reservation });
        } else if (log.allow(n)) {
          expect(waitMs).toBe(0);
          uses.push({ atMs: nowMs, n });
        } else {
          expect(waitMs).toBeGreaterThan(0);
        }
      }
      if (call.do === 'cancel') {
        const made = uses.filter(({ reservation }) => reservation !== undefined);
        const use = made[call.which % Math.max(1, made.length)];
        if (!use) continue;
        expect(use.reservation?.cancel()).toBe(use.atMs > nowMs - windowMs ? use.n : 0);
        uses = uses.filter((other) => other !== use);
      }
    }
  });
  fc.assert(property, { numRuns: 2000 });
});

test.each(KINDS)(
  'whatever is reserved and cancelled meanwhile, no window of a $name sees more than it promises',
  ({ create, most }) => {
    const calls = fc.array(aCall, { maxLength: 60, size: 'max' });
    const property = fc.property(aLimit, calls, (limit, all) => {
      const windowMs = 300;
      const clock = new ManualClock();
      const limiter = create({ limit, windowMs, clock });
      let uses: Use[] = [];
      for (const call of all) {
        const atMs = clock.nowMs();
        if (call.do === 'advance') clock.advance(call.for);
        if (call.do === 'take') {
          const n = 1 + (call.n % limit);
          if (limiter.allow(n)) uses.push({ atMs, n });
        }
        if (call.do === 'reserve') {
          const n = 1 + (call.n % limit);
          const reservation = limiter.reserve(n);
          uses.push({ atMs: atMs + reservation.waitMs, n, reservation });
        }
        if (call.do === 'cancel') {
          // Who has used his permits does not cancel.
          const made = uses.filter((use) => use.reservation && use.atMs > atMs);
          const use = made[call.which % Math.max(1, made.length)];
          expect(use?.reservation?.cancel()).toBe(use?.n);
          uses = uses.filter((other) => other !== use);
        }
      }
      for (const { atMs: fromMs } of uses) {
        const seen = uses.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + windowMs - 1e-9);
        const sum = seen.reduce((total, { n }) => total + n, 0);
        expect(sum).toBeLessThanOrEqual(most * limit);
      }
    });
    fc.assert(property, { numRuns: 1000 });
  },
);

test('a permit given back ahead of others who keep their times can be taken before them', () => {
  const clock = new ManualClock();
  const log = new SlidingLog({ limit: 2, windowMs: 10, clock });
  expect(log.allow(2)).toBe(true);
  const first = log.reserve(2);
  expect([first.waitMs, log.reserve().waitMs]).toEqual([10, 20]);
  expect(log.retryAfterMs()).toBe(20);
  expect(first.cancel()).toBe(2);
  // One of the two: the other one is held for 20.
  expect([log.retryAfterMs(), log.retryAfterMs(2)]).toEqual([10, 30]);
  clock.advance(10);
  expect([log.allow(), log.allow(), log.retryAfterMs()]).toEqual([true, false, 10]);
});

test.each(['sliding-log', 'sliding-window'] as const)(
  'a key of a %s takes what it has reserved with it to another plan, gives it back there, and is forgotten with it',
  (algorithm) => {
    const clock = new ManualClock();
    const limit = { limit: 2, windowMs: 100 };
    const keyed = new KeyedLimiter({ algorithm, ...limit, clock, plans: { pro: limit } });
    const times = (key: string): number[] => [1, 2].map((n) => keyed.retryAfterMs(key, n));
    for (const key of ['a', 'b']) keyed.allow(key, 2);
    keyed.block('a', 10);
    clock.advance(7);
    const made = [2, 1, 2].map((n) => keyed.reserve('a', n));
    const before = times('a');
    keyed.setPlan('a', 'pro');
    expect(times('a')).toEqual(before);
    for (const reservation of made) expect(reservation.cancel()).toBeGreaterThan(0);
    expect(times('a')).toEqual(times('b'));
    keyed.reserve('a', 2);
    keyed.delete('a');
    keyed.setPlan('a', undefined);
    expect(times('a')).toEqual([0, 0]);
  },
);

/** Spends some of the limit at odd times, so that the turns to come are no round numbers. */
function spend(limiter: Windowed, clock: ManualClock, windowMs: number): void {
  for (const share of [0, 0.1, 1 / 3, 0.05, 0.3]) {
    clock.advance(share * windowMs);
    limiter.allow();
  }
  while (limiter.allow());
  clock.advance(windowMs / 7);
}

const LINES = KINDS.flatMap((kind) =>
  [1, 2, 3, 7, 40].flatMap((limit) => WINDOWS.map((windowMs) => ({ ...kind, limit, windowMs }))),
);

/** What rounding may amount to at such a time. */
const roundingMs = (nowMs: number): number => 64 * Number.EPSILON * Math.max(1, nowMs);

/** When each of so many who wait leaves, in ms from now. */
async function turns({ create, limit, windowMs }: (typeof LINES)[number]): Promise<number[]> {
  const clock = new ManualClock(12.345);
  const limiter = create({ limit, windowMs, clock });
  spend(limiter, clock, windowMs);
  const fromMs = clock.nowMs();
  const left: number[] = [];
  for (let i = 0; i < 3 * limit + 2; i++)
    void limiter.wait().then(() => left.push(clock.nowMs() - fromMs));
  while (clock.pending > 0) {
    clock.advanceTo(clock.nextDueMs);
    await settlePromises();
  }
  expect(left).toHaveLength(3 * limit + 2);
  return left;
}

test.each(LINES)(
  'behind those who wait for one permit each a $name of $limit in $windowMs ms tells exactly when a call is let in',
  async (line) => {
    const { create, limit, windowMs } = line;
    for (let waiting = 0; waiting <= 2 * limit + 1; waiting += Math.ceil(limit / 3)) {
      for (const n of new Set([1, Math.ceil(limit / 2), limit])) {
        const clock = new ManualClock(12.345);
        const limiter = create({ limit, windowMs, clock });
        spend(limiter, clock, windowMs);
        for (let i = 0; i < waiting; i++) void limiter.wait();
        const dueMs = clock.nowMs() + limiter.retryAfterMs(n);
        expect(limiter.peek(clock.nowMs(), n)).toBe(limiter.retryAfterMs(n));
        for (const atMs of [dueMs - windowMs / 1e5, dueMs + roundingMs(dueMs)]) {
          while (clock.nextDueMs <= atMs) {
            clock.advanceTo(clock.nextDueMs);
            await settlePromises();
          }
          clock.advanceTo(atMs);
          expect(limiter.allow(n)).toBe(atMs >= dueMs);
        }
        expect(limiter.stats().waiting).toBe(0);
      }
    }
  },
);

test.each(LINES)(
  'at a $name of $limit in $windowMs ms a patience that ends with the turn is enough, and less is refused at once',
  async (line) => {
    const { create, limit, windowMs } = line;
    const expected = await turns(line);
    const clock = new ManualClock(12.345);
    const limiter = create({ limit, windowMs, clock });
    spend(limiter, clock, windowMs);
    let served = 0;
    let refused = 0;
    for (const turnMs of expected) {
      const maxWaitMs = turnMs + roundingMs(clock.nowMs() + turnMs);
      limiter.wait(1, { maxWaitMs: turnMs - windowMs / 1e5 }).catch(() => refused++);
      await settlePromises();
      void limiter.wait(1, { maxWaitMs }).then(() => served++);
    }
    expect([refused, limiter.stats().waiting]).toEqual([expected.length, expected.length]);
    while (clock.pending > 0) {
      clock.advanceTo(clock.nextDueMs);
      await settlePromises();
    }
    expect(served).toBe(expected.length);
  },
);

test.each(KINDS)(
  'behind those who wait for several permits each, a $name refuses nobody who can be served in time',
  async ({ create }) => {
    const sizes = fc.array(fc.nat(5), { minLength: 1, maxLength: 12 });
    const property = fc.asyncProperty(aLimit, sizes, async (limit, all) => {
      const clock = new ManualClock();
      const limiter = create({ limit, windowMs: 100, clock });
      spend(limiter, clock, 100);
      const fromMs = clock.nowMs();
      const told: number[] = [];
      const left: number[] = [];
      let ahead = 0;
      for (const size of all) {
        const n = 1 + (size % limit);
        told.push(limiter.turnMs(fromMs, ahead, n));
        ahead += n;
      }
      for (const size of all) {
        void limiter.wait(1 + (size % limit)).then(() => left.push(clock.nowMs() - fromMs));
      }
      while (clock.pending > 0) {
        clock.advanceTo(clock.nextDueMs);
        for (let hop = 0; hop < 3; hop++) await Promise.resolve();
      }
      expect(left).toHaveLength(all.length);
      for (const [i, turnMs] of told.entries()) {
        expect(turnMs).toBeLessThanOrEqual((left[i] as number) + roundingMs(clock.nowMs()));
        expect(left[i]).toBeLessThanOrEqual(2 * (turnMs + 100));
      }
    });
    await fc.assert(property, { numRuns: 300 });
  },
);

test.each(KINDS)(
  'behind fixed turns a $name tells the time of the last one, also when one before it leaves',
  async ({ create }) => {
    const clock = new ManualClock();
    const limiter = create({ limit: 1, windowMs: 100, clock });
    const left: string[] = [];
    const wait = (name: string, signal?: AbortSignal): void => {
      limiter.wait(1, { signal }).then(
        () => left.push(`${name} ${clock.nowMs()}`),
        () => left.push(`${name} gone`),
      );
    };
    limiter.allow();
    const controller = new AbortController();
    wait('a', controller.signal);
    wait('b');
    const reservation = limiter.reserve();
    controller.abort();
    reservation.cancel();
    wait('c');
    await settlePromises();
    const dueMs = clock.nowMs() + limiter.retryAfterMs();
    while (clock.pending > 0) {
      clock.advanceTo(clock.nextDueMs);
      await settlePromises();
    }
    expect(limiter.allow()).toBe(false);
    clock.advanceTo(dueMs - 0.001);
    expect(limiter.allow()).toBe(false);
    clock.advanceTo(dueMs);
    expect(limiter.allow()).toBe(true);
    expect(left[0]).toBe('a gone');
    expect(left[1]).toMatch(/^b /);
    expect(left[2]).toMatch(/^c /);
  },
);
