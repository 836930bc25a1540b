/* oxlint-disable vitest/no-standalone-expect -- the class plays the test's part */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../testing/index.ts';
import {
  Gcra,
  LeakyBucket,
  SlidingLog,
  SlidingWindow,
  TokenBucket,
  type Reservation,
} from './index.ts';

type AnyLimiter = Omit<TokenBucket, 'update'>;

interface Entry {
  readonly atMs: number;
  n: number;
  readonly phase: number;
}

interface Limits {
  readonly clock: ManualClock;
  readonly ratePerSecond: number;
  readonly capacity: number;
}

interface Kind {
  readonly name: string;
  readonly mostCapacities: number;
  create(limits: Limits): AnyLimiter;
}

const windowed = ({ clock, ratePerSecond, capacity }: Limits) => ({
  clock,
  limit: capacity,
  windowMs: (capacity * 1000) / ratePerSecond,
});

const KINDS: readonly Kind[] = [
  { name: 'TokenBucket', mostCapacities: 1, create: (limits) => new TokenBucket(limits) },
  {
    name: 'TokenBucket that warms up',
    mostCapacities: 1,
    create: (limits) => new TokenBucket({ ...limits, warmUpMs: 700 }),
  },
  { name: 'Gcra', mostCapacities: 1, create: (limits) => new Gcra(limits) },
  { name: 'LeakyBucket', mostCapacities: 1, create: (limits) => new LeakyBucket(limits) },
  // Its promise holds for settings that stay.
  {
    name: 'SlidingWindow',
    mostCapacities: Infinity,
    create: (limits) => new SlidingWindow(windowed(limits)),
  },
  {
    name: 'SlidingLog',
    mostCapacities: Infinity,
    create: (limits) => new SlidingLog(windowed(limits)),
  },
];

const aCount = fc.integer({ min: 1, max: 4 });
const aRate = fc.constantFrom(0.7, 10 / 3, 7, 99.9);
const anAction = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('allow' as const), n: aCount }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reserve' as const), n: aCount }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), n: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      n: aCount,
      maxWaitMs: fc.constantFrom(Infinity, Infinity, 0, 150, 1000),
      priority: fc.constantFrom(0, 0, 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), n: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rate' as const), rate: aRate }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('capacity' as const),
      n: fc.integer({ min: 4, max: 9 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('back' as const), forMs: fc.constantFrom(1, 500) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('run' as const),
      forMs: fc.constantFrom(0.1, 10 / 3, 50, 777.7),
    }),
  },
);
type Action = typeof anAction extends fc.Arbitrary<infer A> ? A : never;

/** Plays calls against a limiter and writes down what it does. */
class Run {
  readonly clock = new ManualClock(12.345);
  readonly limiter: AnyLimiter;
  readonly #most: number;
  readonly #passed: Entry[] = [];
  readonly #reserved: { reservation: Reservation; entry: Entry }[] = [];
  readonly #controllers: AbortController[] = [];
  #rate: number;
  #capacity: number;
  #phase = 0;
  #latestMs = 0;
  #asked = 0;
  #settled = 0;
  /** Whom nobody has overtaken, by priority: the last one served. */
  readonly #lastServed = new Map<number, number>();
  #allowed = 0;
  #rejected = 0;
  /** Turns were fixed: who leaves the line then has been counted as let in. */
  #fixed = false;

  constructor(kind: Kind, ratePerSecond: number) {
    this.#rate = ratePerSecond;
    this.#capacity = 5;
    this.#most = kind.mostCapacities;
    this.limiter = kind.create({ clock: this.clock, ratePerSecond, capacity: 5 });
    // From here on it knows the time.
    this.limiter.available();
  }

  async play(action: Action): Promise<void> {
    const { limiter, clock } = this;
    this.#latestMs = Math.max(this.#latestMs, clock.nowMs());
    if (action.do === 'allow') this.#allow(action.n);
    if (action.do === 'wait') this.#wait(action);
    if (action.do === 'reserve') this.#reserve(action.n);
    if (action.do === 'cancel') this.#cancel(action.n);
    if (action.do === 'abort') this.#controllers[action.n]?.abort();
    if (action.do === 'back') clock.setBack(action.forMs);
    if (action.do === 'rate') limiter.setRate((this.#rate = action.rate));
    if (action.do === 'capacity') limiter.setCapacity((this.#capacity = action.n));
    if (action.do === 'rate' || action.do === 'capacity') this.#phase++;
    if (action.do === 'run') await this.#run(action.forMs);
    else await hops();
    this.#look();
  }

  /** As `clock.run`, with no more turns of the promises than these callers need. */
  async #run(forMs: number): Promise<void> {
    const { clock } = this;
    const endMs = clock.nowMs() + forMs;
    while (clock.nextDueMs <= endMs) {
      clock.advanceTo(Math.max(clock.nowMs(), clock.nextDueMs));
      await hops();
    }
    clock.advanceTo(Math.max(clock.nowMs(), endMs));
    await hops();
  }

  async end(): Promise<void> {
    await this.limiter.stop();
    await hops();
    expect(this.#settled).toBe(this.#asked);
    expect(this.clock.pending).toBe(0);
    const { allowed, rejected, waiting } = this.limiter.stats();
    expect(waiting).toBe(0);
    if (!this.#fixed)
      expect({ allowed, rejected }).toEqual({ allowed: this.#allowed, rejected: this.#rejected });
    this.#checkBound();
  }

  #allow(n: number): void {
    const waitMs = this.limiter.retryAfterMs(n);
    const passes = this.limiter.allow(n);
    if (this.#foresees()) expect(passes).toBe(waitMs === 0);
    this.#count(passes);
    if (passes) this.#pass(n);
  }

  /** The time as a limiter counts it: never back. */
  #nowMs(): number {
    return Math.max(this.#latestMs, this.clock.nowMs());
  }

  #count(passes: boolean): void {
    if (passes) this.#allowed++;
    else this.#rejected++;
  }

  #pass(n: number, atMs: number = this.#nowMs()): Entry {
    const entry = { n, atMs, phase: this.#phase };
    this.#passed.push(entry);
    return entry;
  }

  #wait({ n, maxWaitMs, priority }: { n: number; maxWaitMs: number; priority: number }): void {
    const turn = this.#asked++;
    const controller = new AbortController();
    this.#controllers.push(controller);
    this.limiter.wait(n, { maxWaitMs, priority, signal: controller.signal }).then(
      () => {
        this.#settled++;
        this.#count(true);
        this.#pass(n);
        expect(this.#lastServed.get(priority) ?? -1).toBeLessThan(turn);
        this.#lastServed.set(priority, turn);
      },
      (reason: unknown) => {
        this.#settled++;
        const { name } = reason as Error;
        if (name === 'RateLimitedError') this.#count(false);
        else expect(['AbortError', 'PoolStoppedError']).toContain(name);
      },
    );
  }

  #reserve(n: number): void {
    if (this.limiter.stats().waiting > 0) this.#fixed = true;
    const reservation = this.limiter.reserve(n);
    expect(reservation.waitMs).toBeGreaterThanOrEqual(0);
    this.#count(true);
    const entry = this.#pass(n, this.#nowMs() + reservation.waitMs);
    this.#reserved.push({ reservation, entry });
  }

  #cancel(which: number): void {
    const found = this.#reserved[which];
    if (!found) return;
    const back = found.reservation.cancel();
    expect(found.reservation.cancel()).toBe(0);
    expect(back).toBeGreaterThanOrEqual(0);
    expect(back).toBeLessThanOrEqual(found.entry.n);
    if (back > 0) this.#allowed--;
    found.entry.n -= back;
  }

  #look(): void {
    const stats = this.limiter.stats();
    expect(Object.values(stats).every(Number.isFinite)).toBe(true);
    expect(this.clock.pending).toBe(stats.waiting > 0 ? 1 : 0);
    const { available, capacity } = stats;
    expect(capacity).toBe(this.#capacity);
    expect(available).toBeGreaterThanOrEqual(0);
    expect(available).toBeLessThanOrEqual(capacity);
    const nowMs = this.clock.nowMs();
    if (available > 0) expect(this.limiter.peek(nowMs, available)).toBe(0);
    if (!this.#foresees()) return;
    if (available < capacity) expect(this.limiter.peek(nowMs, available + 1)).toBeGreaterThan(0);
  }

  /** A window knows the turns behind a line of callers for several permits only about. */
  #foresees(): boolean {
    return this.#most < Infinity || this.limiter.stats().waiting === 0;
  }

  #checkBound(): void {
    const last = this.#passed.filter(({ phase }) => phase === this.#phase);
    for (const from of last) {
      let sum = 0;
      for (const { atMs, n } of last.toSorted((a, b) => a.atMs - b.atMs)) {
        if (atMs < from.atMs) continue;
        sum += n;
        const earned = ((atMs - from.atMs) * this.#rate) / 1000;
        expect(sum).toBeLessThanOrEqual(this.#most * this.#capacity + earned + 1e-6);
      }
    }
  }
}

async function hops(): Promise<void> {
  for (let hop = 0; hop < 3; hop++) await Promise.resolve();
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
