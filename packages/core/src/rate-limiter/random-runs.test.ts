import * as fc from 'fast-check';
import { test } from 'vitest';
import {
  aPatience,
  aPause,
  aRate,
  hops,
  KINDS,
  must,
  Passed,
  runClock,
  WaitingCalls,
  type Kind,
} from '../../test/kit/limiter-runs.ts';
import { ManualClock } from '../testing/index.ts';
import type { RateLimiter, Reservation } from './index.ts';

const aCount = fc.integer({ min: 1, max: 4 });
const anAction = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('allow' as const), n: aCount }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reserve' as const), n: aCount }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), n: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      n: aCount,
      maxWaitMs: aPatience,
      priority: fc.constantFrom(0, 0, 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), n: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rate' as const), rate: aRate }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('capacity' as const),
      n: fc.integer({ min: 2, max: 9 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('back' as const), forMs: fc.constantFrom(1, 500) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('run' as const), forMs: aPause }) },
);
type Action = typeof anAction extends fc.Arbitrary<infer A> ? A : never;

/** Plays calls against a limiter and writes down what it does. */
class Run {
  readonly clock = new ManualClock(12.345);
  readonly limiter: RateLimiter;
  readonly #most: number;
  readonly #passed = new Passed();
  readonly #waits = new WaitingCalls(this.clock);
  readonly #reserved: { reservation: Reservation; entry: { n: number } }[] = [];
  #rate: number;
  #capacity = 5;
  #latestMs = 0;
  #allowed = 0;
  #rejected = 0;
  /** Turns were fixed: who leaves the line then has been counted as let in. */
  #fixed = false;

  constructor(kind: Kind, ratePerSecond: number) {
    this.#rate = ratePerSecond;
    this.#most = kind.mostCapacities;
    this.limiter = kind.create({ clock: this.clock, ratePerSecond, capacity: 5 });
    // From here on it knows the time.
    this.limiter.available();
  }

  async play(action: Action): Promise<void> {
    const { limiter, clock } = this;
    this.#latestMs = Math.max(this.#latestMs, clock.nowMs());
    if (action.do === 'allow') this.#allow(this.#atMost(action.n));
    if (action.do === 'wait') this.#wait({ ...action, n: this.#atMost(action.n) });
    if (action.do === 'reserve') this.#reserve(this.#atMost(action.n));
    if (action.do === 'cancel') this.#cancel(action.n);
    if (action.do === 'abort') this.#waits.calls[action.n]?.controller.abort();
    if (action.do === 'back') clock.setBack(action.forMs);
    if (action.do === 'rate') limiter.setRate((this.#rate = action.rate));
    if (action.do === 'capacity') limiter.setCapacity((this.#capacity = action.n));
    if (action.do === 'rate' || action.do === 'capacity') this.#passed.restart();
    if (action.do === 'run') await runClock(clock, action.forMs);
    else await hops();
    this.#look();
  }

  async end(): Promise<void> {
    await this.limiter.stop();
    await hops();
    this.#waits.check();
    must(this.#waits.count(undefined) === 0, 'somebody has got no answer');
    must(this.clock.pending === 0, 'a timer is left');
    const { allowed, rejected, waiting } = this.limiter.stats();
    must(waiting === 0, 'somebody waits');
    const refused = this.#rejected + this.#waits.count('RateLimitedError');
    if (!this.#fixed) {
      must(allowed === this.#allowed + this.#waits.count('served'), 'allowed', allowed);
      must(rejected === refused, 'rejected', rejected);
    }
    const ends = ['served', 'RateLimitedError', 'AbortError', 'PoolStoppedError'];
    must(
      this.#waits.calls.every(({ end = '' }) => ends.includes(end)),
      'an end of its own',
    );
    this.#passed.check(this.#most * this.#capacity, this.#rate);
  }

  /** What exceeds the capacity is a mistake. */
  #atMost(n: number): number {
    return Math.min(n, this.#capacity);
  }

  #allow(n: number): void {
    const waitMs = this.limiter.retryAfterMs(n);
    const passes = this.limiter.allow(n);
    if (this.#foresees()) must(passes === (waitMs === 0), 'allowed, told', waitMs);
    if (passes) this.#allowed++;
    else this.#rejected++;
    if (passes) this.#passed.add(n, this.#nowMs());
  }

  /** The time as a limiter counts it: never back. */
  #nowMs(): number {
    return Math.max(this.#latestMs, this.clock.nowMs());
  }

  #wait(call: { n: number; maxWaitMs: number; priority: number }): void {
    const { n, maxWaitMs, priority } = call;
    this.#waits.add(
      call,
      (signal) => this.limiter.wait(n, { maxWaitMs, priority, signal }),
      () => {
        // A turn that was fixed under a larger capacity stays, as a reservation does.
        if (n <= this.#capacity) this.#passed.add(n, this.#nowMs());
      },
    );
  }

  #reserve(n: number): void {
    if (this.limiter.stats().waiting > 0) this.#fixed = true;
    const reservation = this.limiter.reserve(n);
    must(reservation.waitMs >= 0, 'waitMs', reservation.waitMs);
    this.#allowed++;
    const entry = this.#passed.add(n, this.#nowMs() + reservation.waitMs);
    this.#reserved.push({ reservation, entry });
  }

  #cancel(which: number): void {
    const found = this.#reserved[which];
    if (!found) return;
    const back = found.reservation.cancel();
    must(found.reservation.cancel() === 0, 'came back twice');
    must(back >= 0 && back <= found.entry.n, 'came back:', back);
    if (back > 0) this.#allowed--;
    found.entry.n -= back;
  }

  #look(): void {
    this.#waits.check();
    const stats = this.limiter.stats();
    must(Object.values(stats).every(Number.isFinite), 'stats', JSON.stringify(stats));
    must(this.clock.pending === (stats.waiting > 0 ? 1 : 0), 'timers', this.clock.pending);
    const { available, capacity } = stats;
    must(capacity === this.#capacity, 'capacity', capacity);
    must(available >= 0 && available <= capacity, 'available', available);
    const nowMs = this.clock.nowMs();
    if (available > 0) must(this.limiter.peek(nowMs, available) === 0, 'less than', available);
    if (!this.#foresees() || available === capacity) return;
    must(this.limiter.peek(nowMs, available + 1) > 0, 'more than', available);
  }

  /** A window knows the turns behind a line of callers for several permits only about. */
  #foresees(): boolean {
    return this.#most < Infinity || this.limiter.stats().waiting === 0;
  }
}

test.each(KINDS)(
  'whatever is called in whatever order, a $name keeps its promises',
  async (kind) => {
    const actions = fc.array(anAction, { minLength: 2, maxLength: 7, size: 'max' });
    await fc.assert(
      fc.asyncProperty(aRate, actions, async (rate, all) => {
        const run = new Run(kind, rate);
        for (const action of all) await run.play(action);
        await run.end();
      }),
      { numRuns: 10_000 },
    );
  },
);
