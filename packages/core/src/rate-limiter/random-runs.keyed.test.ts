import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  aPatience,
  aPause,
  aRate,
  hops,
  KINDS,
  must,
  runClock,
  WaitingCalls,
  type Kind,
} from '../../test/kit/limiter-runs.ts';
import { ManualClock } from '../testing/index.ts';
import { KeyedLimiter, type KeyedLimit, type RateLimiter, type Reservation } from './index.ts';

const aCount = fc.integer({ min: 1, max: 4 });
const aKey = fc.constantFrom('a', 'b', 'c');
const aCapacity = fc.integer({ min: 2, max: 9 });
const anAction = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('allow' as const), key: aKey, n: aCount }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('reserve' as const), key: aKey, n: aCount }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), n: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      key: aKey,
      n: aCount,
      maxWaitMs: aPatience,
      priority: fc.constantFrom(0, 0, 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), n: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('penalty' as const), key: aKey, n: aCount }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('block' as const),
      key: aKey,
      forMs: fc.constantFrom(0, 60, 900),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), key: aKey }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('plan' as const),
      key: aKey,
      plan: fc.constantFrom('pro', undefined),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('common' as const), rate: aRate, capacity: aCapacity }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('pro' as const), rate: aRate, capacity: aCapacity }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('strangers' as const), n: fc.nat(8) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('back' as const), forMs: fc.constantFrom(1, 500) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('run' as const),
      forMs: fc.oneof(aPause, fc.constant(9000)),
    }),
  },
);
type Action = typeof anAction extends fc.Arbitrary<infer A> ? A : never;

interface Rate {
  readonly ratePerSecond: number;
  readonly capacity: number;
}

/** A limit in the words of its algorithm. */
function limitOf({ name, algorithm }: Kind, { ratePerSecond, capacity }: Rate): KeyedLimit {
  if (algorithm.startsWith('sliding')) {
    return { limit: capacity, windowMs: (capacity * 1000) / ratePerSecond };
  }
  const warmUp = name.includes('warms') ? { warmUpMs: 700 } : {};
  return { ratePerSecond, capacity, ...warmUp };
}

/** A key, and the plain limiter that gets the same calls. */
interface Twin {
  limiter: RateLimiter;
  /** Whether those who wait have fixed times. */
  fixed?: boolean;
  plan: 'pro' | undefined;
  blockedUntilMs: number;
}

/** Plays calls against a keyed limiter and against a plain one for each of its keys. */
class Run {
  readonly clock = new ManualClock(12.345);
  readonly keyed: KeyedLimiter;
  readonly #kind: Kind;
  #common: Rate;
  #pro: Rate;
  readonly #twins = new Map<string, Twin>();
  readonly #waits = new WaitingCalls(this.clock);
  readonly #twinWaits = new WaitingCalls(this.clock);
  #reserved: { key: string; keyed: Reservation; plain: Reservation }[] = [];
  #strangers = 0;
  #latestMs = 0;

  constructor(kind: Kind, ratePerSecond: number) {
    this.#kind = kind;
    this.#common = { ratePerSecond, capacity: 5 };
    this.#pro = { ratePerSecond: 17.3, capacity: 8 };
    const { algorithm } = kind;
    const plans = { pro: limitOf(kind, this.#pro) };
    const limit = limitOf(kind, this.#common);
    this.keyed = new KeyedLimiter({ algorithm, ...limit, plans, clock: this.clock });
    for (const key of ['a', 'b', 'c']) {
      this.keyed.available(key);
      this.#twins.set(key, {
        limiter: this.#create(this.#common),
        plan: undefined,
        blockedUntilMs: 0,
      });
    }
  }

  async play(action: Action): Promise<void> {
    this.#latestMs = Math.max(this.#latestMs, this.clock.nowMs());
    if (action.do === 'run') await runClock(this.clock, action.forMs);
    else this.#call(action);
    await hops();
    this.#compare();
  }

  async end(): Promise<void> {
    const twins = [...this.#twins.values()];
    await Promise.all([this.keyed.stop(), ...twins.map(({ limiter }) => limiter.stop())]);
    await hops();
    this.#compare();
    must(this.#waits.count(undefined) === 0, 'somebody has got no answer');
    must(this.clock.pending === 0, 'a timer is left');
  }

  #create({ ratePerSecond, capacity }: Rate): RateLimiter {
    const limiter = this.#kind.create({ clock: this.clock, ratePerSecond, capacity });
    // From here on it knows the time.
    limiter.peek(this.#nowMs());
    return limiter;
  }

  #call(action: Exclude<Action, { do: 'run' }>): void {
    const { keyed, clock } = this;
    if (action.do === 'cancel') this.#cancel(action.n);
    if (action.do === 'abort') this.#abort(action.n);
    if (action.do === 'back') clock.setBack(action.forMs);
    if (action.do === 'common') this.#change(undefined, action);
    if (action.do === 'pro') this.#change('pro', action);
    if (action.do === 'strangers') {
      for (let i = 0; i < action.n; i++) keyed.allow(`stranger ${this.#strangers++}`);
    }
    if (!('key' in action)) return;
    const { key } = action;
    const twin = this.#twins.get(key) as Twin;
    const n = Math.min('n' in action ? action.n : 1, this.#rateOf(twin.plan).capacity);
    if (action.do === 'allow') this.#allow(key, twin, n);
    if (action.do === 'wait') this.#wait(key, twin, { ...action, n });
    const waits = twin.limiter.stats().waiting > 0;
    // On another plan, what was taken for a fixed time cannot be given back.
    twin.fixed = waits && (twin.fixed === true || action.do === 'reserve');
    if (action.do === 'plan' && !twin.fixed) this.#setPlan(key, twin, action.plan);
    if (action.do === 'reserve' && !this.#isBlocked(twin)) this.#reserve(key, twin, n);
    // What these do to those who wait, the plain one has no word for.
    if (waits) return;
    if (action.do === 'penalty') {
      must(keyed.penalty(key, n), 'no room');
      twin.limiter.reserve(n);
    }
    if (action.do === 'block') {
      must(keyed.block(key, action.forMs), 'no room');
      twin.blockedUntilMs = this.#nowMs() + action.forMs;
    }
    if (action.do === 'delete') this.#delete(key, twin);
  }

  #delete(key: string, twin: Twin): void {
    this.keyed.delete(key);
    twin.limiter = this.#create(this.#rateOf(twin.plan));
    twin.blockedUntilMs = 0;
    this.#reserved = this.#reserved.filter((each) => each.key !== key);
  }

  /**
   * Changes the limit of some keys. One that is whole may be forgotten or not, and is whole under the new
   * limit too if it is: so it is forgotten here.
   */
  #changeLimit(keys: readonly string[], change: () => void): void {
    const whole = keys.filter((key) => this.#isWhole(this.#twins.get(key) as Twin));
    const free = whole.filter((key) => !this.#isBlocked(this.#twins.get(key) as Twin));
    for (const key of free) this.keyed.delete(key);
    change();
    for (const key of keys) {
      const twin = this.#twins.get(key) as Twin;
      const limit: object = limitOf(this.#kind, this.#rateOf(twin.plan));
      if (free.includes(key)) this.#delete(key, twin);
      else if (whole.includes(key)) twin.limiter = this.#create(this.#rateOf(twin.plan));
      else twin.limiter.update(limit);
    }
  }

  #isWhole(twin: Twin): boolean {
    const { capacity, waiting } = twin.limiter.stats();
    if (waiting > 0) return false;
    return twin.limiter.retryAfterMs(capacity) === 0;
  }

  #rateOf(plan: 'pro' | undefined): Rate {
    return plan === 'pro' ? this.#pro : this.#common;
  }

  /** The time as a limiter counts it: never back. */
  #nowMs(): number {
    return Math.max(this.#latestMs, this.clock.nowMs());
  }

  #isBlocked(twin: Twin): boolean {
    return twin.blockedUntilMs > this.#nowMs();
  }

  #allow(key: string, twin: Twin, n: number): void {
    const passes = this.keyed.allow(key, n);
    const expected = !this.#isBlocked(twin) && twin.limiter.allow(n);
    must(passes === expected, key, 'allowed', passes);
  }

  #reserve(key: string, twin: Twin, n: number): void {
    const [keyed, plain] = [this.keyed.reserve(key, n), twin.limiter.reserve(n)];
    must(isNear(keyed.waitMs, plain.waitMs), 'reserved for', keyed.waitMs, plain.waitMs);
    this.#reserved.push({ key, keyed, plain });
  }

  #cancel(which: number): void {
    const found = this.#reserved[which];
    if (!found) return;
    const [keyed, plain] = [found.keyed.cancel(), found.plain.cancel()];
    must(isNear(keyed, plain), 'came back:', keyed, plain);
  }

  #wait(key: string, twin: Twin, call: { n: number; priority: number; maxWaitMs: number }): void {
    if (this.#isBlocked(twin)) return;
    const { n, priority, maxWaitMs } = call;
    const { limiter } = twin;
    this.#waits.add(call, (signal) => this.keyed.wait(key, n, { priority, maxWaitMs, signal }));
    this.#twinWaits.add(call, (signal) => limiter.wait(n, { priority, maxWaitMs, signal }));
  }

  #abort(which: number): void {
    for (const { calls } of [this.#waits, this.#twinWaits]) calls[which]?.controller.abort();
  }

  #setPlan(key: string, twin: Twin, plan: 'pro' | undefined): void {
    // The mark of a reservation says nothing on another plan.
    this.#reserved = this.#reserved.filter((each) => each.key !== key);
    this.#changeLimit([key], () => {
      this.keyed.setPlan(key, plan);
      twin.plan = plan;
    });
  }

  #change(plan: 'pro' | undefined, to: { rate: number; capacity: number }): void {
    const rate = { ratePerSecond: to.rate, capacity: to.capacity };
    const limit = limitOf(this.#kind, rate);
    const keys = [...this.#twins.keys()].filter((key) => this.#twins.get(key)?.plan === plan);
    this.#changeLimit(keys, () => {
      if (plan === 'pro') this.#pro = rate;
      else this.#common = rate;
      this.keyed.update(plan === 'pro' ? { plans: { pro: limit } } : limit);
    });
    // The turns of all who wait are reckoned anew, whatever their plan.
    for (const { limiter } of this.#twins.values()) limiter.update({});
  }

  #compare(): void {
    const { keys, maxKeys, waiting } = this.keyed.stats();
    must(keys <= maxKeys, 'keys', keys);
    let expected = 0;
    for (const [key, twin] of this.#twins) {
      expected += twin.limiter.stats().waiting;
      const blockedMs = Math.max(0, twin.blockedUntilMs - this.#nowMs());
      const waitMs = Math.max(twin.limiter.retryAfterMs(), blockedMs);
      const told = this.keyed.retryAfterMs(key);
      must(isNear(told, waitMs), key, 'told', told, 'and not', waitMs);
    }
    must(waiting === expected, 'waiting', waiting, expected);
    for (const [i, call] of this.#waits.calls.entries()) {
      const twin = this.#twinWaits.calls[i];
      must(call.end === twin?.end, 'call', i, call.end, twin?.end);
      must(call.end === undefined || isNear(call.endMs, twin?.endMs ?? 0), 'at', call.endMs);
    }
  }
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) < 1e-6;
}

test.each(KINDS)(
  'whatever is called in whatever order, each key of a keyed $name decides as the plain one does',
  async (kind) => {
    let evicted = 0;
    const actions = fc.array(anAction, { minLength: 3, maxLength: 14, size: 'max' });
    await fc.assert(
      fc.asyncProperty(aRate, actions, async (rate, all) => {
        const run = new Run(kind, rate);
        for (const action of all) await run.play(action);
        await run.end();
        evicted += run.keyed.stats().evicted;
      }),
      { numRuns: 2000 },
    );
    expect(evicted).toBeGreaterThan(100);
  },
);
