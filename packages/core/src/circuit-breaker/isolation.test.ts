import { expect, test } from 'vitest';
import { CircuitOpenError } from '../core/index.ts';
import { ManualClock } from '../testing/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';

function setUp(options: { readonly rampMs?: number } = {}) {
  const clock = new ManualClock();
  return { clock, breaker: new CircuitBreaker({ consecutiveFailures: 1, ...options, clock }) };
}

test('a breaker is forced open while anybody holds it, and closes when the last one lets go', () => {
  const { breaker } = setUp();
  const [first, second] = [breaker.isolate(), breaker.isolate()];
  first();
  first();
  expect(breaker.state).toBe('forced-open');
  second();
  expect(breaker.state).toBe('closed');
});

test('a hold can be disposed of, as `using` does at the end of its block', () => {
  const { breaker } = setUp();
  const hold = breaker.isolate();
  expect(breaker.state).toBe('forced-open');
  hold[Symbol.dispose]();
  expect(breaker.state).toBe('closed');
});

test('a refusal while it is forced open knows no time to come back', async () => {
  const { breaker } = setUp();
  breaker.isolate();
  const refused = breaker.execute(() => 1);
  await expect(refused).rejects.toThrow(CircuitOpenError);
  await expect(refused).rejects.toMatchObject({
    message: 'circuit-breaker: the circuit is forced-open, somebody has forced it to be',
    retryAfterMs: undefined,
  });
});

test('what had been ordered before it was isolated holds again afterwards', () => {
  for (const order of ['forceOpen', 'disable', 'metricsOnly'] as const) {
    const { breaker } = setUp();
    breaker[order]();
    const { state } = breaker;
    const release = breaker.isolate();
    expect(breaker.state).toBe('forced-open');
    release();
    expect(breaker.state).toBe(state);
  }
});

test('orders given while it is isolated wait for its release', () => {
  const { breaker } = setUp();
  const release = breaker.isolate();
  breaker.disable();
  breaker.close();
  breaker.reset();
  breaker.metricsOnly();
  expect(breaker.state).toBe('forced-open');
  release();
  expect(breaker.state).toBe('metrics-only');
});

test('traffic comes back by the ramp after an isolation', () => {
  const { breaker } = setUp({ rampMs: 1000 });
  breaker.isolate()();
  expect([breaker.state, breaker.enter(0) <= 0, breaker.enter(0)]).toEqual(['closed', true, 1000]);
});
