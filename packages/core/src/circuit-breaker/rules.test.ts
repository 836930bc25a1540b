import { expect, test } from 'vitest';
import { CountWindow } from '../collections/index.ts';
import type { Outcome } from '../core/index.ts';
import { ManualClock } from '../testing/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { resolveBreakerOptions, type CircuitBreakerOptions } from './options.ts';
import { rulesFor } from './rules.ts';

function setUp(options: CircuitBreakerOptions = {}) {
  const clock = new ManualClock();
  return { clock, breaker: new CircuitBreaker({ openJitter: 0, ...options, clock }) };
}

/** Calls that took so long each. */
function take(breaker: CircuitBreaker, ...durations: readonly number[]): void {
  for (const durationMs of durations) {
    const nowMs = breaker.clock.nowMs();
    breaker.exit(breaker.enter(nowMs), 'success', nowMs, durationMs);
  }
}

test('a breaker opens when enough of its calls are slow: longer than the duration, not as long', () => {
  const { breaker } = setUp({
    slowCallDurationMs: 100,
    slowCallRateThreshold: 0.5,
    minimumCalls: 4,
  });
  const reasons: string[] = [];
  breaker.on('stateChange', ({ reason }) => reasons.push(reason));
  take(breaker, 100, 100, 101);
  expect(breaker.stats()).toMatchObject({ windowSlowCalls: 1, slowCallRate: 1 / 3 });
  take(breaker, 100, 101);
  expect(breaker.state).toBe('closed');
  take(breaker, 500);
  expect([breaker.state, reasons]).toEqual(['open', ['slow-call-rate']]);
});

test('without a rate of its own it opens when all calls are slow, and without a duration none is', () => {
  const all = setUp({ slowCallDurationMs: 100, minimumCalls: 3 }).breaker;
  take(all, 200, 200, 200);
  expect(all.state).toBe('open');
  const none = setUp({ minimumCalls: 3 }).breaker;
  take(none, 1e9, 1e9, 1e9);
  expect(none.stats()).toMatchObject({ state: 'closed', windowSlowCalls: 0 });
});

test('a call that fails slowly counts as both', () => {
  const { breaker } = setUp({ slowCallDurationMs: 100 });
  breaker.exit(breaker.enter(0), 'failure', 500, 500);
  expect(breaker.stats()).toMatchObject({ failureRate: 1, slowCallRate: 1 });
});

test('how long a call took is measured', async () => {
  const { clock, breaker } = setUp({
    slowCallDurationMs: 100,
    slidingWindow: { type: 'count', size: 10 },
    minimumCalls: 1,
  });
  expect(breaker.timed).toBe(true);
  const call = breaker.execute(() => new Promise<void>((done) => clock.schedule(150, done)));
  await clock.run(150);
  await call;
  expect(breaker.state).toBe('open');
});

test('probes that are all slow open it again, however well they end', () => {
  const { clock, breaker } = setUp({ consecutiveFailures: 1, slowCallDurationMs: 100 });
  breaker.exit(breaker.enter(0), 'failure', 0);
  clock.advance(500);
  take(breaker, 200, 200, 200);
  expect(breaker.stats()).toMatchObject({ state: 'open', retryAfterMs: 1000 });
  clock.advance(1000);
  take(breaker, 200, 200, 50);
  expect(breaker.state).toBe('closed');
});

test('a success rate is the complement of a failure rate, to the last digit', () => {
  for (let percent = 1; percent <= 99; percent++) {
    const { failureRateThreshold } = resolveBreakerOptions({ successRateThreshold: percent / 100 });
    expect(failureRateThreshold).toBe((100 - percent) / 100);
  }
  expect(resolveBreakerOptions({ successRateThreshold: 0 }).failureRateThreshold).toBe(1);
});

/** So many failures of so many calls, judged with a confidence. */
function opens(failures: number, calls: number, options: CircuitBreakerOptions): boolean {
  const slidingWindow = { type: 'count', size: calls } as const;
  const window = new CountWindow(calls);
  for (let call = 0; call < calls; call++) window.record(0, call < failures, false);
  const resolved = resolveBreakerOptions({ slidingWindow, minimumCalls: 1, ...options });
  return rulesFor(resolved).reasonToOpen(window, 0) === 'failure-rate';
}

test.each([
  { confidence: 0, calls: 100, opensAt: 50 },
  { confidence: 1.96, calls: 100, opensAt: 60 },
  { confidence: 4.5, calls: 100, opensAt: 73 },
  { confidence: 4.5, calls: 1000, opensAt: 572 },
  { confidence: 4.5, calls: 21, opensAt: 21 },
  { confidence: 4.5, calls: 20, opensAt: Infinity },
])(
  'of $calls calls $opensAt must fail to be above half with a confidence of $confidence',
  ({ confidence, calls, opensAt }) => {
    const all = Array.from({ length: calls + 1 }, (_, failures) => failures);
    const first = all.find((failures) => opens(failures, calls, { confidence })) ?? Infinity;
    expect(first).toBe(opensAt);
  },
);

test('a threshold of 1 is reached by all of the calls, whatever the confidence', () => {
  const options = { confidence: 4.5, failureRateThreshold: 1 };
  expect([opens(20, 20, options), opens(19, 20, options)]).toEqual([true, false]);
});

test('breakers made alike share their rules, and those made otherwise do not', () => {
  const rules = (options: CircuitBreakerOptions): object =>
    rulesFor(resolveBreakerOptions(options));
  const ofSize = (size: number) => ({ slidingWindow: { type: 'count', size } as const });
  expect(rules({ name: 'a', ...ofSize(5) })).toBe(rules({ name: 'b', ...ofSize(5) }));
  expect(rules(ofSize(5))).not.toBe(rules(ofSize(6)));
  const classify = [(): Outcome => 'success', (): Outcome => 'success'] as const;
  expect(rules({ classify: classify[0] })).not.toBe(rules({ classify: classify[1] }));
});

test('a pipeline is told over what time a breaker judges', () => {
  const { breaker } = setUp();
  expect(breaker.traits).toEqual({ kind: 'circuit-breaker', windowMs: 10_000 });
  breaker.update({ slidingWindow: { type: 'count', size: 50 } });
  expect(breaker.traits).toEqual({ kind: 'circuit-breaker', windowMs: undefined });
});
