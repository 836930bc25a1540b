import * as fc from 'fast-check';
import { expect, test } from 'vitest';
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
import { all, type AllLimiter, type RateLimiter, type Reservation } from './index.ts';

const aCount = fc.integer({ min: 1, max: 4 });
const which = fc.nat(2);
const anAction = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('allow' as const), n: aCount }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('direct' as const), n: aCount, which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reserve' as const), n: aCount, which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), n: fc.nat(1) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      n: aCount,
      maxWaitMs: aPatience,
      priority: fc.constantFrom(0, 0, 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), n: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rate' as const), rate: aRate, which }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('capacity' as const),
      n: fc.integer({ min: 2, max: 9 }),
      which,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('back' as const), forMs: fc.constantFrom(1, 500) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('run' as const), forMs: aPause }) },
);
type Action = typeof anAction extends fc.Arbitrary<infer A> ? A : never;

/** A clock whose timers ring late. */
class LateClock extends ManualClock {
  lateMs = 0;

  override schedule(delayMs: number, task: () => void): () => void {
    return super.schedule(Math.max(0, delayMs) + this.lateMs, task);
  }
}

/** One of the limiters, and what came to it beside the calls to all of them. */
interface Member {
  readonly limiter: RateLimiter;
  readonly most: number;
  readonly passed: Passed;
  rate: number;
  capacity: number;
  direct: number;
}

/** Plays calls against several limiters that are one, and against each. */
class Run {
  readonly clock = new LateClock(12.345);
  readonly #members: readonly Member[];
  readonly #all: AllLimiter;
  readonly #waits = new WaitingCalls(this.clock);
  readonly #reserved: { reservation: Reservation; member: Member; entry: { n: number } }[] = [];
  #latestMs = 0;

  constructor(kinds: readonly Kind[], rates: readonly number[], lateMs: number) {
    this.clock.lateMs = lateMs;
    this.#members = kinds.map(({ create, mostCapacities: most }, i) => {
      const ratePerSecond = rates[i] ?? 1;
      const limits = { clock: this.clock, ratePerSecond, capacity: 5, name: String(i) };
      const passed = new Passed();
      return { limiter: create(limits), most, passed, rate: ratePerSecond, capacity: 5, direct: 0 };
    });
    this.#all = all(this.#members.map(({ limiter }) => limiter));
    this.#all.retryAfterMs();
  }

  get served(): number {
    return this.#waits.count('served');
  }

  async play(action: Action): Promise<void> {
    const { clock } = this;
    this.#latestMs = Math.max(this.#latestMs, clock.nowMs());
    const member = this.#members['which' in action ? action.which % this.#members.length : 0];
    if (action.do === 'allow') this.#allow(action.n);
    if (action.do === 'direct') this.#direct(member as Member, action.n);
    if (action.do === 'reserve') this.#reserve(member as Member, action.n);
    if (action.do === 'cancel') this.#cancel(action.n);
    if (action.do === 'wait') this.#wait(action);
    if (action.do === 'abort') this.#waits.calls[action.n]?.controller.abort();
    if (action.do === 'back') clock.setBack(action.forMs);
    if (action.do === 'rate') this.#change(member as Member, { rate: action.rate });
    if (action.do === 'capacity') this.#change(member as Member, { capacity: action.n });
    if (action.do === 'run') await runClock(clock, action.forMs);
    else await hops();
    this.#look();
  }

  async end(): Promise<void> {
    await this.#all.stop();
    await hops();
    this.#waits.check();
    must(this.#waits.count(undefined) === 0, 'somebody has got no answer');
    must(this.clock.pending === 0, 'a timer is left');
    const ends = ['served', 'RateLimitedError', 'AbortError', 'PoolStoppedError'];
    must(
      this.#waits.calls.every(({ end = '' }) => ends.includes(end)),
      'an end of its own',
    );
    for (const { passed, most, capacity, rate } of this.#members)
      passed.check(most * capacity, rate);
  }

  /** What exceeds the smallest capacity is a mistake. */
  #atMost(n: number): number {
    return Math.min(n, ...this.#members.map(({ capacity }) => capacity));
  }

  #pass(n: number): void {
    const nowMs = Math.max(this.#latestMs, this.clock.nowMs());
    for (const { passed } of this.#members) passed.add(n, nowMs);
  }

  #allow(wanted: number): void {
    const n = this.#atMost(wanted);
    const waitMs = this.#all.retryAfterMs(n);
    const passes = this.#all.allow(n);
    must(passes === (waitMs === 0), 'allowed, told', waitMs);
    if (passes) this.#pass(n);
  }

  #direct(member: Member, n: number): void {
    if (n > member.capacity || !member.limiter.allow(n)) return;
    member.direct++;
    member.passed.add(n, Math.max(this.#latestMs, this.clock.nowMs()));
  }

  #reserve(member: Member, n: number): void {
    if (n > member.capacity) return;
    const reservation = member.limiter.reserve(n);
    member.direct++;
    const atMs = Math.max(this.#latestMs, this.clock.nowMs()) + reservation.waitMs;
    this.#reserved.push({ reservation, member, entry: member.passed.add(n, atMs) });
  }

  #cancel(index: number): void {
    const found = this.#reserved[index];
    const back = found?.reservation.cancel() ?? 0;
    if (!found || back === 0) return;
    found.member.direct--;
    found.entry.n -= back;
  }

  #wait(call: { n: number; maxWaitMs: number; priority: number }): void {
    const { maxWaitMs, priority } = call;
    const n = this.#atMost(call.n);
    this.#waits.add(
      { n, priority },
      (signal) => this.#all.wait(n, { maxWaitMs, priority, signal }),
      () => this.#pass(n),
    );
  }

  #change(member: Member, to: { rate?: number; capacity?: number }): void {
    // Bounds hold for settings that stay.
    member.passed.restart();
    if (to.rate !== undefined) member.limiter.setRate((member.rate = to.rate));
    if (to.capacity !== undefined) member.limiter.setCapacity((member.capacity = to.capacity));
  }

  #look(): void {
    this.#waits.check();
    const { allowed, waiting } = this.#all.stats();
    for (const { limiter, direct } of this.#members) {
      const here = limiter.stats().allowed;
      must(here === allowed + direct, 'one of them took apart:', here, allowed, direct);
    }
    must(waiting === this.#waits.count(undefined), 'waiting', waiting);
    must(this.clock.pending === (waiting > 0 ? 1 : 0), 'timers', this.clock.pending);
    const next = this.#waits.next();
    if (next === undefined || this.clock.lateMs > 0) return;
    const nowMs = this.clock.nowMs();
    const turns = this.#members.map(({ limiter }) => limiter.turnMs(nowMs, 0, next.n));
    must(Math.max(...turns) > 0, 'somebody waits who could go');
    must(Math.max(...turns) < Infinity, 'somebody waits for ever');
  }
}

const someKinds = fc.array(fc.constantFrom(...KINDS), { minLength: 2, maxLength: 3 });
const rates = fc.tuple(aRate, aRate, aRate);
const lateness = fc.constantFrom(0, 0, 7, 15);

test('whatever is called in whatever order, several limiters as one keep their promises', async () => {
  let served = 0;
  const actions = fc.array(anAction, { minLength: 3, maxLength: 14, size: 'max' });
  await fc.assert(
    fc.asyncProperty(someKinds, rates, lateness, actions, async (kinds, each, lateMs, acts) => {
      const run = new Run(kinds, each, lateMs);
      for (const act of acts) await run.play(act);
      await run.end();
      served += run.served;
    }),
    { numRuns: 10_000 },
  );
  expect(served).toBeGreaterThan(5000);
});
