import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ModelBreaker, type ModelCall, type ModelOptions } from '../../test/kit/model-breaker.ts';
import { ManualClock, SeededRandom } from '../testing/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { IsolationRelease } from './isolation.ts';
import type { StateChange } from './states.ts';

const RECOVERS = ['open > half-open: open-time-over', 'half-open > closed: probes-succeeded'];
const OPENS = [
  'closed > open: consecutive-failures',
  'closed > open: failure-rate',
  'closed > open: slow-call-rate',
  'half-open > open: probe-failed',
  'half-open > open: probes-slow',
  'half-open > open: half-open-timeout',
];
const STATES = ['closed', 'open', 'half-open', 'forced-open', 'disabled', 'metrics-only'];
const ORDERS = ['closed', 'forced-open', 'disabled', 'metrics-only'] as const;

/** Between any two states that differ. */
const changes = (to: readonly string[], from: readonly string[], reason: string): string[] =>
  from.flatMap((f) => to.filter((t) => t !== f).map((t) => `${f} > ${t}: ${reason}`));

const LEGAL: ReadonlySet<string> = new Set([
  ...RECOVERS,
  ...OPENS,
  ...changes(ORDERS, STATES, 'manual'),
  ...changes(['closed'], STATES, 'reset'),
  ...changes(['forced-open'], STATES, 'isolated'),
  ...changes(ORDERS, ['forced-open'], 'released'),
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
    slowCallRateThreshold: fc.constantFrom(0.25, 0.5, 0.75, 1),
    slowCallDurationMs: fc.constantFrom(undefined, 10, 25),
    // Their squares are no fractions, so that no rate lies on the bound, where the last bit would decide.
    confidence: fc.constantFrom(0, 0, 0, Math.E / 4, Math.PI / 2),
    minimumCalls: fc.integer({ min: 1, max: 10 }),
    slidingWindow: aWindow,
    openMs: fc.integer({ min: 1, max: 50 }),
    maxOpenMs: fc.integer({ min: 0, max: 200 }),
    openJitter: fc.constantFrom(0, 0, 0.2, 1),
    permittedCallsInHalfOpen: fc.integer({ min: 1, max: 4 }),
    requiredSuccesses: fc.integer({ min: 1, max: 4 }),
    maxHalfOpenMs: fc.integer({ min: 1, max: 100 }),
    rampMs: fc.constantFrom(0, 0, 20, 100),
  })
  .map(({ slowCallRateThreshold, ...o }) => {
    const size = o.slidingWindow.type === 'count' ? o.slidingWindow.size : Infinity;
    return {
      ...o,
      slowCallRateThreshold: o.slowCallDurationMs === undefined ? undefined : slowCallRateThreshold,
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
      durationMs: fc.constantFrom(1, 1, 10, 20, 30),
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
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('set back' as const), ms: fc.nat({ max: 60 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('order' as const),
      state: fc.constantFrom('closed', 'closed', ...ORDERS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { kind: 'hold' as const },
      { kind: 'release' as const },
      { kind: 'release' as const },
    ),
  },
);

/** Long ones, for it takes some steps to open, to wait and to recover. */
const aHistory = fc.array(aStep, { minLength: 20, maxLength: 120, size: 'max' });

/** A time to wait is rounded up. */
const ROUNDING = 1e-6;

type Step = typeof aStep extends fc.Arbitrary<infer S> ? S : never;

/** What the two have shown of themselves; equal, or the breaker is wrong. */
interface Shown {
  readonly breaker: unknown;
  readonly model: unknown;
}

/** Runs the same steps on the breaker and on the model. */
class Duel {
  readonly clock = new ManualClock(1000);
  readonly breaker: CircuitBreaker;
  readonly model: ModelBreaker;
  readonly changes: StateChange[] = [];
  readonly #inside: { ticket: number; call: ModelCall }[] = [];
  readonly #holds: IsolationRelease[] = [];
  /** Over all options so far: what is under way outlives an update. */
  mostPermitted = 0;
  highestCap = 0;
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
    this.mostPermitted = Math.max(this.mostPermitted, model.options.permittedCallsInHalfOpen);
    this.highestCap = Math.max(this.highestCap, model.options.maxOpenMs);
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
    if (step.kind === 'set back') clock.setBack(step.ms);
    if (step.kind === 'order') this.#order(step.state, nowMs);
    if (step.kind === 'hold') {
      this.#holds.push(breaker.isolate());
      model.hold(nowMs);
    }
    if (step.kind === 'release') this.#release(nowMs);
    return this.#changes();
  }

  #order(state: (typeof ORDERS)[number], nowMs: number): void {
    const { breaker } = this;
    if (state === 'closed') breaker.close();
    if (state === 'forced-open') breaker.forceOpen();
    if (state === 'disabled') breaker.disable();
    if (state === 'metrics-only') breaker.metricsOnly();
    this.model.order(state, nowMs);
  }

  #release(nowMs: number): void {
    const release = this.#holds.shift();
    if (release === undefined) return;
    release();
    this.model.release(nowMs);
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

  #exit(nowMs: number, { which, ...end }: Extract<Step, { kind: 'exit' }>): void {
    const [inside] = this.#inside.splice(which % Math.max(1, this.#inside.length), 1);
    if (inside === undefined) return;
    this.breaker.exit(inside.ticket, end.outcome, nowMs, end.durationMs);
    this.model.exit(inside.call, end, nowMs);
  }

  #look(nowMs: number): Shown {
    const { model } = this;
    const stats = this.breaker.stats();
    model.settle(nowMs);
    const { total, failures, slow } = model.window(nowMs);
    const rate = (count: number): number => (total === 0 ? 0 : count / total);
    return {
      breaker: {
        state: stats.state,
        window: [stats.windowCalls, stats.windowFailures, stats.windowSlowCalls],
        rates: [stats.failureRate, stats.slowCallRate],
        consecutiveFailures: stats.consecutiveFailures,
        calls: [stats.permitted, stats.notPermitted],
        ended: [stats.succeeded, stats.failed, stats.ignored],
      },
      model: {
        state: model.state,
        window: [total, failures, slow],
        rates: [rate(failures), rate(slow)],
        consecutiveFailures: model.consecutiveFailures,
        calls: [model.permitted, model.notPermitted],
        ended: [model.ended.success, model.ended.failure, model.ended.ignored],
      },
    };
  }

  /** What must hold at any time, whatever the model says. */
  brokenPromises(): string[] {
    const { permittedCallsInHalfOpen, maxOpenMs } = this.model.options;
    const stats = this.breaker.stats();
    const ended = stats.succeeded + stats.failed + stats.ignored + stats.lost;
    const promises = {
      'probes under way are at most the permitted':
        this.model.probesUnderWay <= Math.max(permittedCallsInHalfOpen, this.mostPermitted),
      'permits are results, ignored, lost or under way':
        stats.permitted === ended + this.#inside.length,
      'the open time is at most its cap':
        stats.retryAfterMs <= Math.max(maxOpenMs, this.highestCap) + ROUNDING,
    };
    return Object.entries(promises).flatMap(([promise, kept]) => (kept ? [] : [promise]));
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

test('over any history probes are within their number, open times within their cap, and no permit is unaccounted for', () => {
  fc.assert(
    fc.property(someOptions, aHistory, (options, steps) => {
      const duel = new Duel(options);
      for (const step of steps) {
        duel.take(step);
        duel.take({ kind: 'look' });
        expect(duel.brokenPromises()).toEqual([]);
      }
    }),
    { numRuns: 500 },
  );
});

test('over any history a breaker makes none but the legal changes, each from where it stood', () => {
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
  expect([...seen].filter((change) => !LEGAL.has(change))).toEqual([]);
  for (const change of [...RECOVERS, ...OPENS]) expect(seen).toContain(change);
});
