import { expect, test } from 'vitest';
import { InvalidOptionsError } from '../core/index.ts';
import { ManualClock } from '../testing/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { CircuitBreakerOptions } from './options.ts';
import type { CircuitBreakerSnapshot } from './snapshot.ts';

function setUp(options: CircuitBreakerOptions = {}, startMs = 0) {
  const clock = new ManualClock(startMs);
  return { clock, breaker: new CircuitBreaker({ openJitter: 0, ...options, clock }) };
}

function finish(breaker: CircuitBreaker, outcomes: string): void {
  for (const letter of outcomes) {
    const nowMs = breaker.clock.nowMs();
    breaker.exit(breaker.enter(nowMs), letter === 'f' ? 'failure' : 'success', nowMs, 1);
  }
}

/** The snapshot as it comes back from a file, in a process whose clock began elsewhere. */
function restarted(old: CircuitBreaker, options: CircuitBreakerOptions = {}) {
  const fresh = setUp(options, 12_345);
  fresh.breaker.restore(JSON.parse(JSON.stringify(old)) as CircuitBreakerSnapshot);
  return fresh;
}

test('a restart keeps what is left of the open time, and how often recovery has failed', () => {
  const options = { consecutiveFailures: 1 };
  const { clock, breaker } = setUp(options);
  finish(breaker, 'f');
  clock.advance(500);
  finish(breaker, 'f');
  clock.advance(300);
  const next = restarted(breaker, options);
  expect(next.breaker.stats()).toMatchObject({ state: 'open', retryAfterMs: 700 });
  next.clock.advance(700);
  finish(next.breaker, 'f');
  expect(next.breaker.stats()).toMatchObject({ state: 'open', retryAfterMs: 2000 });
});

test('a restart keeps the calls of the window and the failures in a row', () => {
  const slidingWindow = { type: 'time', durationMs: 1000 } as const;
  const options = { consecutiveFailures: 3, slidingWindow };
  const { breaker } = setUp(options);
  finish(breaker, 'sfsfsff');
  const next = restarted(breaker, options);
  expect(next.breaker.stats()).toMatchObject({
    state: 'closed',
    windowCalls: 7,
    windowFailures: 4,
    consecutiveFailures: 2,
    permitted: 0,
    failed: 0,
  });
  next.clock.advance(1100);
  expect(next.breaker.stats().windowCalls).toBe(0);
  finish(next.breaker, 'f');
  expect(next.breaker.state).toBe('open');
});

test('a smaller window gets a fair part of the calls, and a very full one is scaled down', () => {
  const { breaker } = setUp({ slidingWindow: { type: 'count', size: 100 } });
  const snapshot = { ...breaker.toJSON(), windowCalls: 100, windowFailures: 40 };
  const small = setUp({ slidingWindow: { type: 'count', size: 10 } }).breaker;
  small.restore(snapshot);
  expect(small.stats()).toMatchObject({ windowCalls: 10, windowFailures: 4 });
  const full = setUp().breaker;
  full.restore({ ...snapshot, windowCalls: 5e15, windowFailures: 2e15, windowSlowCalls: 1e15 });
  expect(full.stats()).toMatchObject({ failureRate: 0.4, slowCallRate: 0.2, windowCalls: 1e6 });
});

test('a half-open breaker begins its recovery anew, and a ramp goes on', () => {
  const options = { consecutiveFailures: 1, permittedCallsInHalfOpen: 1, rampMs: 1000 };
  const { clock, breaker } = setUp(options);
  finish(breaker, 'f');
  clock.advance(500);
  breaker.enter(500);
  const next = restarted(breaker, options);
  expect(next.breaker.state).toBe('half-open');
  finish(next.breaker, 's');
  next.clock.advance(600);
  const last = restarted(next.breaker, options);
  const verdicts = [1, 2, 3, 4].map(() => last.breaker.enter(last.clock.nowMs()));
  expect(verdicts.map((waitMs) => Math.max(0, waitMs))).toEqual([0, 400, 0, 400]);
});

test('orders outlive a restart, and holds do not', () => {
  for (const order of ['forceOpen', 'disable', 'metricsOnly'] as const) {
    const { breaker } = setUp();
    breaker[order]();
    const { state } = breaker;
    breaker.isolate();
    expect(restarted(breaker).breaker.state).toBe(state);
  }
  const { breaker } = setUp();
  breaker.isolate();
  expect(restarted(breaker).breaker.state).toBe('closed');
});

test('a restored breaker tells the change of its state, and hears no results from before', () => {
  const { breaker } = setUp({ consecutiveFailures: 1 });
  const ticket = breaker.enter(0);
  const reasons: string[] = [];
  breaker.on('stateChange', ({ to, reason }) => reasons.push(`${to}: ${reason}`));
  breaker.restore({ ...breaker.toJSON(), state: 'half-open' });
  breaker.exit(ticket, 'failure', 0);
  expect([breaker.state, reasons]).toEqual(['half-open', ['half-open: restored']]);
});

test('an open time longer than the breaker has now is cut to its cap', () => {
  const { breaker } = setUp({ maxOpenMs: 800 });
  breaker.restore({ ...breaker.toJSON(), state: 'open', openForMs: 60_000 });
  expect(breaker.stats().retryAfterMs).toBe(800);
});

test('an isolated breaker stays isolated, and takes up an order when it is released', () => {
  const { breaker } = setUp();
  const release = breaker.isolate();
  breaker.restore({ ...setUp().breaker.toJSON(), state: 'disabled' });
  expect(breaker.state).toBe('forced-open');
  release();
  expect(breaker.state).toBe('disabled');
});

test.each([
  ['nothing', null, 'options must be an object, got null'],
  ['an older version', { version: 0 }, 'version must be 1, got 0'],
  ['an unknown state', { state: 'ajar' }, 'state must be one of closed, open, half-open'],
  [
    'counts that cannot be',
    { windowFailures: 9 },
    'windowFailures must be at most windowCalls (0)',
  ],
  ['no number', { openForMs: null }, 'openForMs must be a finite number of at least 0, got null'],
  ['something else', { extra: 1 }, 'extra must be left out'],
] as const)('a snapshot with %s is refused, and changes nothing', (_what, damage, problem) => {
  const { breaker } = setUp();
  finish(breaker, 'sf');
  const before = breaker.toJSON();
  const whole = { ...setUp().breaker.toJSON() };
  const damaged = (damage === null ? null : { ...whole, ...damage }) as CircuitBreakerSnapshot;
  expect(() => breaker.restore(damaged)).toThrow(InvalidOptionsError);
  expect(() => breaker.restore(damaged)).toThrow(problem);
  expect(breaker.toJSON()).toEqual(before);
});
