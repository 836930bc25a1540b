import * as fc from 'fast-check';
import {
  Gcra,
  LeakyBucket,
  SlidingLog,
  SlidingWindow,
  TokenBucket,
  type KeyedAlgorithm,
  type RateLimiter,
} from '../../src/rate-limiter/index.ts';
import type { ManualClock } from '../../src/testing/index.ts';

export interface Limits {
  readonly clock: ManualClock;
  readonly ratePerSecond: number;
  readonly capacity: number;
  readonly name?: string;
}

/** A limiter, and what it promises. */
export interface Kind {
  readonly name: string;
  readonly algorithm: KeyedAlgorithm;
  /** In a window of t seconds it lets in at most so many capacities and `rate × t`, whatever changes. */
  readonly mostCapacities: number;
  readonly create: (limits: Limits) => RateLimiter;
}

const windowed = ({ ratePerSecond, capacity, ...rest }: Limits) => ({
  ...rest,
  limit: capacity,
  windowMs: (capacity * 1000) / ratePerSecond,
});

export const KINDS: readonly Kind[] = [
  {
    name: 'TokenBucket',
    algorithm: 'token-bucket',
    mostCapacities: 1,
    create: (limits) => new TokenBucket(limits),
  },
  {
    name: 'TokenBucket that warms up',
    algorithm: 'token-bucket',
    mostCapacities: 1,
    create: (limits) => new TokenBucket({ ...limits, warmUpMs: 700 }),
  },
  { name: 'Gcra', algorithm: 'gcra', mostCapacities: 1, create: (limits) => new Gcra(limits) },
  {
    name: 'LeakyBucket',
    algorithm: 'leaky-bucket',
    mostCapacities: 1,
    create: (limits) => new LeakyBucket(limits),
  },
  // The promise of a window holds for settings that stay.
  {
    name: 'SlidingWindow',
    algorithm: 'sliding-window',
    mostCapacities: Infinity,
    create: (limits) => new SlidingWindow(windowed(limits)),
  },
  {
    name: 'SlidingLog',
    algorithm: 'sliding-log',
    mostCapacities: Infinity,
    create: (limits) => new SlidingLog(windowed(limits)),
  },
];

export const aRate: fc.Arbitrary<number> = fc.constantFrom(0.7, 10 / 3, 7, 99.9);
export const aPatience: fc.Arbitrary<number> = fc.constantFrom(
  Infinity,
  Infinity,
  0,
  151.37,
  1003.71,
);
export const aPause: fc.Arbitrary<number> = fc.constantFrom(0.1, 10 / 3, 50, 777.7);

/** As `expect`, at a hundredth of its price: a run asks some hundred times. */
export function must(holds: boolean, what: string, ...values: readonly unknown[]): void {
  if (!holds) throw new Error([what, ...values.map(String)].join(' '));
}

/** As many turns of the promises as the callers of a limiter need. */
export async function hops(): Promise<void> {
  for (let hop = 0; hop < 3; hop++) await Promise.resolve();
}

/** As `clock.run`, with no more turns of the promises than that. */
export async function runClock(clock: ManualClock, forMs: number): Promise<void> {
  const endMs = clock.nowMs() + forMs;
  while (clock.nextDueMs <= endMs) {
    clock.advanceTo(Math.max(clock.nowMs(), clock.nextDueMs));
    await hops();
  }
  clock.advanceTo(Math.max(clock.nowMs(), endMs));
  await hops();
}

interface Entry {
  readonly atMs: number;
  n: number;
}

/** What passed since the settings last changed. */
export class Passed {
  #entries: Entry[] = [];

  add(n: number, atMs: number): Entry {
    const entry = { n, atMs };
    this.#entries.push(entry);
    return entry;
  }

  /** What passed before says nothing of the settings that hold from now on. */
  restart(): void {
    this.#entries = [];
  }

  /** No window of time saw more than `most` and what the rate earned in it. */
  check(most: number, ratePerSecond: number): void {
    const entries = this.#entries.toSorted((a, b) => a.atMs - b.atMs);
    for (const [first, from] of entries.entries()) {
      let sum = 0;
      for (const { atMs, n } of entries.slice(first)) {
        sum += n;
        const earned = ((atMs - from.atMs) * ratePerSecond) / 1000;
        must(sum <= most + earned + 1e-6, 'too much passed:', sum, most, earned);
      }
    }
  }
}

/** A call of `wait`, and what became of it. */
export interface Waiting {
  readonly n: number;
  readonly priority: number;
  readonly controller: AbortController;
  /** `served`, or the name of the error; undefined while it waits. */
  end: string | undefined;
  endMs: number;
}

/** The calls of `wait` at one limiter. What is wrong in a callback is kept for the next `check`. */
export class WaitingCalls {
  readonly calls: Waiting[] = [];
  readonly #clock: ManualClock;
  #mistake: Error | undefined;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  add(
    { n, priority }: { n: number; priority: number },
    wait: (signal: AbortSignal) => Promise<void>,
    served: (call: Waiting) => void = () => undefined,
  ): Waiting {
    const controller = new AbortController();
    const call: Waiting = { n, priority, controller, end: undefined, endMs: Number.NaN };
    this.calls.push(call);
    const settle = (end: string): void => {
      call.end = end;
      call.endMs = this.#clock.nowMs();
    };
    void wait(controller.signal)
      .then(
        () => {
          settle('served');
          this.#mustBeFirst(call);
          served(call);
        },
        (reason: unknown) => settle((reason as Error).name),
      )
      .catch((mistake: unknown) => (this.#mistake ??= mistake as Error));
    return call;
  }

  count(end: string | undefined): number {
    return this.calls.filter((call) => call.end === end).length;
  }

  /** Who is served next. */
  next(): Waiting | undefined {
    const waiting = this.calls.filter(({ end }) => end === undefined);
    return waiting.toSorted((a, b) => b.priority - a.priority)[0];
  }

  check(): void {
    if (this.#mistake) throw this.#mistake;
  }

  #mustBeFirst(call: Waiting): void {
    const index = this.calls.indexOf(call);
    const overtaken = this.calls.findIndex(
      ({ priority, end }) => end === undefined && priority === call.priority,
    );
    must(overtaken === -1 || overtaken > index, 'overtaken:', overtaken, 'by', index);
  }
}
