import { expect, test } from 'vitest';
import type { BackoffOptions } from '../core/index.ts';
import { ManualClock, SeededRandom } from '../testing/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';

/** The open times of recoveries that fail one after the other. */
function openTimes(openMs: BackoffOptions, count: number, seed = 1): number[] {
  const clock = new ManualClock();
  const random = new SeededRandom(seed);
  const breaker = new CircuitBreaker({ consecutiveFailures: 1, openMs, random, clock });
  return Array.from({ length: count }, () => {
    breaker.exit(breaker.enter(clock.nowMs()), 'failure', clock.nowMs());
    const { retryAfterMs } = breaker.stats();
    clock.advance(retryAfterMs);
    return retryAfterMs;
  });
}

test('a backoff tells how long it stays open, recovery after recovery', () => {
  expect(openTimes({ type: 'constant', delayMs: 70 }, 3)).toEqual([70, 70, 70]);
  const exponential = { type: 'exponential', baseMs: 100, factor: 3, maxMs: 1000, jitter: 'none' };
  expect(openTimes(exponential as BackoffOptions, 4)).toEqual([100, 300, 900, 1000]);
});

test('no open time is above the cap of its backoff', () => {
  for (let seed = 0; seed < 200; seed++) {
    const times = openTimes({ type: 'decorrelated-jitter', baseMs: 200, maxMs: 3000 }, 8, seed);
    expect(Math.max(...times)).toBeLessThan(3000 + 1e-6);
  }
});

test('a recovery that succeeds begins the backoff anew', () => {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({
    consecutiveFailures: 1,
    permittedCallsInHalfOpen: 1,
    openMs: { type: 'exponential', baseMs: 100, jitter: 'none' },
    clock,
  });
  const end = (outcome: 'success' | 'failure'): number => {
    breaker.exit(breaker.enter(clock.nowMs()), outcome, clock.nowMs());
    const { retryAfterMs } = breaker.stats();
    clock.advance(retryAfterMs);
    return retryAfterMs;
  };
  expect([end('failure'), end('failure'), end('success'), end('failure')]).toEqual([
    100, 200, 0, 100,
  ]);
});

test('a clock that steps back does not keep it open for longer than its open time', () => {
  const clock = new ManualClock(1e6);
  const breaker = new CircuitBreaker({ consecutiveFailures: 1, openJitter: 0, clock });
  breaker.exit(breaker.enter(1e6), 'failure', 1e6);
  clock.setBack(1e6);
  expect(breaker.stats().retryAfterMs).toBe(500);
  clock.advance(500);
  expect(breaker.state).toBe('half-open');
});
