import { expect, test } from 'vitest';
import { ManualClock } from '../testing/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { CircuitBreakerOptions } from './options.ts';

/** A breaker that recovered at 500 ms, and comes back over 1000 ms. */
function recovered(options: CircuitBreakerOptions = {}) {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({
    consecutiveFailures: 1,
    permittedCallsInHalfOpen: 1,
    openJitter: 0,
    rampMs: 1000,
    ...options,
    clock,
  });
  breaker.exit(breaker.enter(0), 'failure', 0);
  clock.advance(500);
  breaker.exit(breaker.enter(500), 'success', 500);
  return { clock, breaker };
}

const admitted = (breaker: CircuitBreaker, calls: number): number =>
  Array.from({ length: calls }, () => breaker.enter(breaker.clock.nowMs())).filter((v) => v <= 0)
    .length;

test('after a recovery a quarter of the calls goes in, then half of them, then all', () => {
  const { clock, breaker } = recovered();
  expect([breaker.state, breaker.timed]).toEqual(['closed', true]);
  const steps = [
    { atMs: 500, of100: 25 },
    { atMs: 999, of100: 25 },
    { atMs: 1000, of100: 50 },
    { atMs: 1499, of100: 50 },
    { atMs: 1500, of100: 100 },
  ];
  for (const { atMs, of100 } of steps) {
    clock.advanceTo(atMs);
    expect(admitted(breaker, 100), `at ${atMs} ms`).toBe(of100);
  }
  expect(breaker.stats().notPermitted).toBe(75 + 75 + 50 + 50);
});

test('a refusal during the ramp says when any call will be let in, and peek says the same', () => {
  const { clock, breaker } = recovered();
  clock.advance(100);
  expect(breaker.peek(600)).toBe(0);
  breaker.enter(600);
  expect([breaker.peek(600), breaker.peek(600)]).toEqual([900, 900]);
  const waitMs = breaker.enter(600);
  expect(breaker.refuse(waitMs)).toMatchObject({
    message: 'circuit-breaker: the circuit is closed, and traffic comes back by and by',
    retryAfterMs: 900,
  });
  clock.advance(waitMs);
  expect(admitted(breaker, 10)).toBe(10);
});

test('to open during the ramp is a failed recovery, to open after it is not', () => {
  const during = recovered();
  during.breaker.exit(during.breaker.enter(500), 'failure', 500);
  expect(during.breaker.stats()).toMatchObject({ state: 'open', retryAfterMs: 1000 });
  const after = recovered();
  after.clock.advance(1000);
  after.breaker.exit(after.breaker.enter(1500), 'failure', 1500);
  expect(after.breaker.stats()).toMatchObject({ state: 'open', retryAfterMs: 500 });
});

test('an order to close ends the ramp, and so does an update that takes it away', () => {
  const closed = recovered().breaker;
  closed.close();
  expect(admitted(closed, 10)).toBe(10);
  const updated = recovered().breaker;
  updated.update({ rampMs: 0 });
  expect(admitted(updated, 10)).toBe(10);
});

test('without a ramp all calls are back at once', () => {
  expect(admitted(recovered({ rampMs: 0 }).breaker, 10)).toBe(10);
});
