import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  aPatience,
  aPause,
  aRate,
  hops,
  must,
  runClock,
  WaitingCalls,
} from '../../test/kit/limiter-runs.ts';
import { ManualClock } from '../testing/index.ts';
import { KeyedLimiter, type Reservation } from './index.ts';

const CAPACITY = 4;
const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
const n = fc.integer({ min: 1, max: CAPACITY });
const priority = fc.constantFrom(0, 0, 1);
const anAction = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('allow' as const), key, n }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reserve' as const), key, n }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      key,
      n,
      priority,
      maxWaitMs: aPatience,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('penalty' as const), key, n }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reward' as const), key, n }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('block' as const),
      key,
      forMs: fc.constantFrom(0, 61.7, 907.3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rate' as const), rate: aRate }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('room' as const),
      maxKeys: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('run' as const), forMs: aPause }) },
);
type Action = typeof anAction extends fc.Arbitrary<infer A> ? A : never;

/** Plays calls of more keys than there is room for. */
class Run {
  readonly clock = new ManualClock(12.345);
  readonly keyed: KeyedLimiter;
  readonly #waits = new WaitingCalls(this.clock);
  readonly #reserved: { reservation: Reservation; n: number }[] = [];
  #keys = 0;

  constructor(ratePerSecond: number) {
    const limit = { ratePerSecond, capacity: CAPACITY };
    this.keyed = new KeyedLimiter({ ...limit, maxKeys: 3, clock: this.clock });
  }

  async play(action: Action): Promise<void> {
    if (action.do === 'run') await runClock(this.clock, action.forMs);
    else if ('key' in action) this.#callFor(action.key, action);
    else this.#call(action);
    await hops();
    this.#look();
  }

  async end(): Promise<void> {
    await this.keyed.stop();
    await hops();
    this.#look();
    must(this.#waits.count(undefined) === 0, 'somebody has got no answer');
    must(this.clock.pending === 0, 'a timer is left');
  }

  #call(action: Action): void {
    const { keyed } = this;
    if (action.do === 'abort') this.#waits.calls[action.which]?.controller.abort();
    if (action.do === 'rate') keyed.setRate(action.rate);
    if (action.do === 'room') keyed.update({ maxKeys: action.maxKeys });
    if (action.do === 'cancel') {
      const { reservation, n: most } = this.#reserved[action.which] ?? {};
      const back = reservation?.cancel() ?? 0;
      must(back >= 0 && back <= (most ?? 0), 'came back:', back);
      must((reservation?.cancel() ?? 0) === 0, 'came back twice');
    }
  }

  #callFor(of: string, action: Action): void {
    const { keyed } = this;
    if (action.do === 'allow') {
      const waitMs = keyed.retryAfterMs(of, action.n);
      // Room may be found in between: then it is let in though it was told to wait.
      must(keyed.allow(of, action.n) || waitMs > 0, 'refused, told', waitMs);
    }
    if (action.do === 'reserve') {
      const reservation = keyed.reserve(of, action.n);
      must(reservation.waitMs >= 0, 'waitMs', reservation.waitMs);
      this.#reserved.push({ reservation, n: action.n });
    }
    if (action.do === 'wait') {
      const { maxWaitMs } = action;
      // Of many keys, nobody comes before anybody.
      const call = { n: action.n, priority: this.#waits.calls.length };
      this.#waits.add(call, (signal) =>
        keyed.wait(of, action.n, { maxWaitMs, priority: action.priority, signal }),
      );
    }
    if (action.do === 'penalty') keyed.penalty(of, action.n);
    if (action.do === 'reward') this.#reward(of, action.n);
    if (action.do === 'block') keyed.block(of, action.forMs);
    if (action.do === 'delete') keyed.delete(of);
  }

  #reward(of: string, most: number): void {
    const given = this.keyed.reward(of, most);
    must(given >= 0 && given <= most, 'given', given);
    const left = this.keyed.available(of);
    must(left <= CAPACITY, 'more than the capacity:', left);
    // The full one is given no more.
    if (this.keyed.stats().waiting > 0 || left < CAPACITY) return;
    must(this.keyed.reward(of, most) < 1e-9, 'given beyond the capacity');
  }

  #look(): void {
    this.#waits.check();
    const stats = this.keyed.stats();
    must(Object.values(stats).every(Number.isFinite), 'stats', JSON.stringify(stats));
    // Those that are there when the room shrinks stay until there is nothing left to remember of them.
    must(stats.keys <= Math.max(stats.maxKeys, this.#keys), 'keys', stats.keys);
    this.#keys = stats.keys;
    must(stats.waiting === this.#waits.count(undefined), 'waiting', stats.waiting);
    must(this.clock.pending === (stats.waiting > 0 ? 1 : 0), 'timers', this.clock.pending);
  }
}

test('whatever is called, a keyed limiter without room for all its keys holds no more, and everybody gets an answer', async () => {
  let overflowed = 0;
  const actions = fc.array(anAction, { minLength: 3, maxLength: 20, size: 'max' });
  await fc.assert(
    fc.asyncProperty(aRate, actions, async (rate, all) => {
      const run = new Run(rate);
      for (const action of all) await run.play(action);
      await run.end();
      overflowed += run.keyed.stats().overflowed;
    }),
    { numRuns: 5000 },
  );
  expect(overflowed).toBeGreaterThan(1000);
});
