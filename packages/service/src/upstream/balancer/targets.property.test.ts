import assert from 'node:assert/strict';

import { ManualClock, SeededRandom } from '@sluice/core/testing';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { Targets, type Attempt } from './index.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const OUTCOMES = ['success', 'failure', 'failure', 'ignored'] as const;

const aStep = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('take' as const), tried: fc.nat(3) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(1000),
      outcome: fc.constantFrom(...OUTCOMES),
      isAnswered: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      forMs: fc.constantFrom(1, 10, 499, 500, 5000, 30_000, 60_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('health' as const),
      which: fc.nat(NAMES.length),
      isHealthy: fc.constantFrom(true, false, undefined),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('addresses' as const),
      names: fc.subarray(NAMES),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('options' as const),
      connections: fc.constantFrom(1, 2, 5),
      maxRatio: fc.constantFrom(0, 0.25, 0.5, 1),
      hasBreakers: fc.boolean(),
      slowStartMs: fc.constantFrom(0, 1000),
    }),
  },
);

type Step = typeof aStep extends fc.Arbitrary<infer S> ? S : never;

/** Drives a set by steps, and checks after each of them what must always hold. */
class Run {
  readonly clock: ManualClock = new ManualClock();
  readonly targets: Targets;
  readonly #open: Attempt[] = [];
  readonly #settled: Attempt[] = [];
  #connections = 2;
  #maxRatio = 0.1;

  constructor(seed: number, names: readonly string[]) {
    this.targets = new Targets(
      names.map((origin) => ({ origin })),
      { name: 'up', connections: 2, clock: this.clock, random: new SeededRandom(seed) },
    );
  }

  do(step: Step): void {
    if (step.kind === 'take') this.#take(step.tried);
    else if (step.kind === 'settle') this.#settle(step);
    else if (step.kind === 'wait') this.clock.advance(step.forMs);
    else if (step.kind === 'health') {
      const target = this.targets.all[step.which];
      if (target) this.targets.setHealth(target, step.isHealthy);
    } else if (step.kind === 'addresses') {
      this.targets.update({ addresses: step.names.map((origin) => ({ origin })) });
    } else this.#change(step);
    this.check();
  }

  settleAll(): void {
    while (this.#open.length > 0) {
      this.#settle({ which: 0, outcome: 'success', isAnswered: true });
    }
  }

  check(): void {
    const { all } = this.targets;
    const stats = this.targets.stats();
    for (const each of stats) {
      assert.ok(each.inFlight >= 0);
      const ended = each.succeeded + each.failed + each.ignored;
      assert.equal(each.requests, ended + each.inFlight);
      const underWay = this.#open.filter(({ name, target }) => {
        return name === each.name && all.includes(target);
      });
      assert.equal(each.inFlight, underWay.length);
    }
    const ejected = all.filter(({ isEjected }) => isEjected).length;
    assert.ok(ejected <= Math.max(1, Math.floor(all.length * this.#maxRatio)));
    const healthy = all.filter(({ health }) => health !== 'unhealthy');
    if (healthy.length > 0) assert.ok(healthy.some(({ isEjected }) => !isEjected));
    assert.equal(this.clock.pending, ejected > 0 ? 1 : 0);
    const usable = healthy.filter(({ isEjected }) => !isEjected);
    const pool = usable.length > 0 ? usable : all;
    const open = pool.filter(({ breaker }) => (breaker?.state ?? 'closed') === 'closed');
    assert.equal(this.targets.capacity, this.#connections * (open.length || pool.length));
  }

  #take(tried: number): void {
    const before = new Map(this.targets.all.map((target) => [target, target.inFlight]));
    const excluded = [...this.#open, ...this.#settled].slice(-tried);
    const attempt = this.targets.take(this.clock.nowMs(), excluded);
    if (attempt instanceof Error) return;
    if (attempt === undefined) {
      assert.ok(this.targets.all.some(({ inFlight }) => inFlight >= this.#connections));
      return;
    }
    this.#open.push(attempt);
    assert.ok(before.get(attempt.target)! < this.#connections);
    const usable = this.targets.all.filter(
      (each) => !each.isEjected && each.health !== 'unhealthy',
    );
    assert.ok(usable.length === 0 || usable.includes(attempt.target));
  }

  #settle({ which, outcome, isAnswered }: Omit<Step & { kind: 'settle' }, 'kind'>): void {
    const [attempt] = this.#open.splice(which % Math.max(1, this.#open.length), 1);
    if (attempt === undefined) return;
    const nowMs = this.clock.nowMs();
    if (isAnswered) attempt.answered(nowMs);
    attempt.settle(nowMs, outcome);
    this.#settled.push(attempt);
  }

  #change({ connections, maxRatio, hasBreakers, slowStartMs }: Step & { kind: 'options' }): void {
    this.#connections = connections;
    this.#maxRatio = maxRatio;
    const breaker = hasBreakers ? { minimumCalls: 4 } : false;
    this.targets.update({ connections, ejection: { maxRatio }, breaker, slowStartMs });
  }
}

test('whatever happens, no target has more requests than it may, the counts balance, and never too many are ejected', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.subarray(NAMES),
      fc.array(aStep, { maxLength: 150 }),
      (seed, names, steps) => {
        const run = new Run(seed, names);
        for (const step of steps) run.do(step);
        run.settleAll();
        run.check();
        expect(run.targets.inFlight).toBe(0);
        for (const { breaker } of run.targets.all) {
          const { permitted = 0, succeeded = 0, failed = 0, ignored = 0 } = breaker?.stats() ?? {};
          expect(permitted).toBe(succeeded + failed + ignored);
        }
        run.targets.stop();
        expect(run.clock.pending).toBe(0);
      },
    ),
    { numRuns: 400 },
  );
});

test('whatever is under way, a request gets a target when one could take it', () => {
  const aTarget = fc.record({
    inFlight: fc.integer({ min: 0, max: 2 }),
    isHealthy: fc.constantFrom(true, false, undefined),
  });
  fc.assert(
    fc.property(
      fc.integer(),
      fc.array(aTarget, { minLength: 1, maxLength: 30 }),
      (seed, wanted) => {
        const targets = new Targets(
          wanted.map((_, i) => ({ origin: `t${i}` })),
          { name: 'up', connections: 2, clock: new ManualClock(), random: new SeededRandom(seed) },
        );
        // All are filled, and then some are emptied.
        const attempts = wanted.flatMap(() => [targets.take(0), targets.take(0)]) as Attempt[];
        for (const attempt of attempts) {
          const place = targets.all.indexOf(attempt.target);
          if (attempt.target.inFlight > wanted[place]!.inFlight) attempt.settle(0, 'ignored');
        }
        wanted.forEach(({ isHealthy }, i) => targets.setHealth(targets.all[i]!, isHealthy));
        const isAny = wanted.some(({ isHealthy }) => isHealthy !== false);
        const couldTake = wanted.some(
          ({ inFlight, isHealthy }) => inFlight < 2 && (!isAny || isHealthy !== false),
        );
        expect(targets.take(0) !== undefined).toBe(couldTake);
      },
    ),
    { numRuns: 500 },
  );
});
