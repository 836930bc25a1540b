import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ModelBreaker, type ModelCall, type ModelOptions } from '../../test/kit/model-breaker.ts';
import { ManualClock, SeededRandom } from '../testing/index.ts';
import { CircuitBreaker, type StateChange } from './circuit-breaker.ts';

const LEGAL = new Set([
  'closed > open: consecutive-failures',
  'closed > open: failure-rate',
  'open > half-open: open-time-over',
  'half-open > closed: probes-succeeded',
  'half-open > open: probe-failed',
  'half-open > open: half-open-timeout',
  'open > closed: reset',
  'half-open > closed: reset',
]);

const aWindow = fc.oneof(
  fc.record({ type: fc.constant('count' as const), size: fc.integer({ min: 1, max: 12 }) }),
  fc
    .record({ bucketMs: fc.integer({ min: 1, max: 20 }), buckets: fc.integer({ min: 1, max: 6 }) })
    .map(({ bucketMs, buckets }) => {
      return { type: 'time' as const, durationMs: bucketMs * buckets, buckets };
    }),
);

/** Options that go together. The threshold is a fraction whose products with small counts are exact. */
const someOptions: fc.Arbitrary<ModelOptions> = fc
  .record({
    consecutiveFailures: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    failureRateThreshold: fc.constantFrom(0.25, 0.5, 0.75, 1),
    minimumCalls: fc.integer({ min: 1, max: 10 }),
    slidingWindow: aWindow,
    openMs: fc.integer({ min: 1, max: 50 }),
    maxOpenMs: fc.integer({ min: 0, max: 200 }),
    openJitter: fc.constantFrom(0, 0, 0.2, 1),
    permittedCallsInHalfOpen: fc.integer({ min: 1, max: 4 }),
    requiredSuccesses: fc.integer({ min: 1, max: 4 }),
    maxHalfOpenMs: fc.integer({ min: 1, max: 100 }),
  })
  .map((o) => {
    const size = o.slidingWindow.type === 'count' ? o.slidingWindow.size : Infinity;
    return {
      ...o,
      minimumCalls: Math.min(o.minimumCalls, size),
      maxOpenMs: o.openMs + o.maxOpenMs,
      requiredSuccesses: Math.min(o.requiredSuccesses, o.permittedCallsInHalfOpen),
    };
  });

const aStep = fc.oneof(
  { weight: 10, arbitrary: fc.constant({ kind: 'enter' as const }) },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('exit' as const),
      which: fc.nat({ max: 5 }),
      outcome: fc.constantFrom('success', 'success', 'success', 'failure', 'failure', 'ignored'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.integer({ min: 0, max: 30 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(100, 1000, 1e6),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: 'come back' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('update' as const), options: someOptions }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'reset' as const }, { kind: 'look' as const }) },
);

/** Long ones, for it takes some steps to open, to wait and to recover. */
const aHistory = fc.array(aStep, { minLength: 20, maxLength: 120, size: 'max' });

type Step = typeof aStep extends fc.Arbitrary<infer S> ? S : never;

/** What the two have shown of themselves; equal, or the breaker is wrong. */
interface Shown {
  readonly breaker: unknown;
  readonly model: unknown;
}

/** Runs the same steps on the breaker and on the model. */
class Duel {
  readonly clock = new ManualClock();
  readonly breaker: CircuitBreaker;
  readonly model: ModelBreaker;
  readonly changes: StateChange[] = [];
  readonly #inside: { ticket: number; call: ModelCall }[] = [];
  #waitMs = 0;

  constructor(options: ModelOptions) {
    const draws = new SeededRandom(1);
    const random = new SeededRandom(1);
    this.breaker = new CircuitBreaker({ ...options, clock: this.clock, random });
    this.model = new ModelBreaker(options, () => draws.next());
    this.breaker.on('stateChange', (change) => this.changes.push(change));
  }

  take(step: Step): Shown {
    const { breaker, model, clock } = this;
    const nowMs = clock.nowMs();
    if (step.kind === 'enter') return this.#enter(nowMs);
    if (step.kind === 'exit') this.#exit(nowMs, step);
    if (step.kind === 'wait') clock.advance(step.ms);
    if (step.kind === 'come back') clock.advance(this.#waitMs);
    if (step.kind === 'look') return this.#look(nowMs);
    if (step.kind === 'update') {
      breaker.update(step.options);
      model.update(step.options, nowMs);
    }
    if (step.kind === 'reset') {
      breaker.reset();
      model.reset(nowMs);
    }
    return this.#changes();
  }

  #enter(nowMs: number): Shown {
    const verdict = this.breaker.enter(nowMs);
    const call = this.model.enter(nowMs);
    const wait = typeof call === 'number';
    if (!wait) this.#inside.push({ ticket: verdict, call });
    this.#waitMs = verdict > 0 && verdict < Infinity ? verdict : 0;
    return {
      breaker: verdict > 0 ? verdict.toFixed(9) : 'in',
      model: wait ? call.toFixed(9) : 'in',
    };
  }

  #exit(nowMs: number, { which, outcome }: Extract<Step, { kind: 'exit' }>): void {
    const [inside] = this.#inside.splice(which % Math.max(1, this.#inside.length), 1);
    if (inside === undefined) return;
    this.breaker.exit(inside.ticket, outcome, nowMs);
    this.model.exit(inside.call, outcome, nowMs);
  }

  #look(nowMs: number): Shown {
    const { model } = this;
    const stats = this.breaker.stats();
    model.settle(nowMs);
    const { total, failures } = model.window(nowMs);
    return {
      breaker: {
        state: stats.state,
        window: [stats.windowCalls, stats.windowFailures, stats.failureRate],
        consecutiveFailures: stats.consecutiveFailures,
        notPermitted: stats.notPermitted,
      },
      model: {
        state: model.state,
        window: [total, failures, total === 0 ? 0 : failures / total],
        consecutiveFailures: model.consecutiveFailures,
        notPermitted: model.notPermitted,
      },
    };
  }

  #changes(): Shown {
    return { breaker: this.changes.at(-1), model: this.model.changes.at(-1) };
  }
}

test('over any history a breaker decides as one that remembers every call and counts anew each time', () => {
  fc.assert(
    fc.property(someOptions, aHistory, (options, steps) => {
      const duel = new Duel(options);
      const seen = steps.flatMap((step) => [duel.take(step), duel.take({ kind: 'look' })]);
      expect(seen.map(({ breaker }) => breaker)).toEqual(seen.map(({ model }) => model));
      expect(duel.changes).toEqual(duel.model.changes);
    }),
    { numRuns: 2000 },
  );
});

test('a breaker that nobody looks at decides the same', () => {
  fc.assert(
    fc.property(someOptions, aHistory, (options, steps) => {
      const duel = new Duel(options);
      const seen = steps.map((step) => duel.take(step));
      expect(seen.map(({ breaker }) => breaker)).toEqual(seen.map(({ model }) => model));
      expect(duel.changes).toEqual(duel.model.changes);
    }),
    { numRuns: 500 },
  );
});

test('over any history a breaker makes none but the legal changes, each from where it stood, and all of them', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(someOptions, aHistory, (options, steps) => {
      const duel = new Duel(options);
      for (const step of steps) duel.take(step);
      for (const { from, to, reason } of duel.changes) seen.add(`${from} > ${to}: ${reason}`);
      const stood = ['closed', ...duel.changes.map(({ to }) => to)].slice(0, duel.changes.length);
      expect(duel.changes.map(({ from }) => from)).toEqual(stood);
    }),
    { numRuns: 500 },
  );
  expect([...seen].toSorted()).toEqual([...LEGAL].toSorted());
});
