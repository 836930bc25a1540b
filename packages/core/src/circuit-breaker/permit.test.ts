import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { ShedError } from '../core/index.ts';
import { ManualClock } from '../testing/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { CircuitBreakerOptions } from './options.ts';

let collectGarbage: () => void;

beforeAll(() => {
  setFlagsFromString('--expose-gc');
  collectGarbage = runInNewContext('gc') as () => void;
});

afterEach(() => {
  vi.restoreAllMocks();
});

function setUp(options: CircuitBreakerOptions = {}) {
  const clock = new ManualClock();
  return { clock, breaker: new CircuitBreaker({ openJitter: 0, ...options, clock }) };
}

test('a permit is settled as a success, a failure, or neither', () => {
  const { breaker } = setUp();
  breaker.tryAcquire()?.success();
  breaker.tryAcquire()?.failure();
  breaker.tryAcquire()?.ignore();
  expect(breaker.stats()).toMatchObject({ permitted: 3, succeeded: 1, failed: 1, ignored: 1 });
});

test('an open breaker gives no permit', () => {
  const { breaker } = setUp({ consecutiveFailures: 1 });
  breaker.tryAcquire()?.failure();
  expect(breaker.tryAcquire()).toBeUndefined();
  expect(breaker.stats()).toMatchObject({ permitted: 1, notPermitted: 1 });
});

test('a failure with an error is judged like a call that rejects with it', () => {
  const { breaker } = setUp();
  breaker.tryAcquire()?.failure(new ShedError('edge', 'no'));
  breaker.tryAcquire()?.failure(new Error('boom'));
  expect(breaker.stats()).toMatchObject({ failed: 1, ignored: 1 });
  breaker.update({ classify: (error) => (error instanceof RangeError ? 'ignored' : 'failure') });
  breaker.tryAcquire()?.failure(new RangeError('mine'));
  expect(breaker.stats()).toMatchObject({ failed: 1, ignored: 2 });
});

test('a classify that throws is reported, and the failure counts as it is', () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const mistake = new Error('mine');
  const { breaker } = setUp({
    classify: () => {
      throw mistake;
    },
  });
  breaker.tryAcquire()?.failure(new Error('boom'));
  expect(warned.mock.calls).toEqual([[mistake]]);
  expect(breaker.stats()).toMatchObject({ failed: 1 });
});

test('a success takes as long as it says, or else as long as the permit was held', () => {
  const { clock, breaker } = setUp({ slowCallDurationMs: 100 });
  const [said, held] = [breaker.tryAcquire(), breaker.tryAcquire()];
  clock.advance(150);
  said?.success(20);
  held?.success();
  expect(breaker.stats()).toMatchObject({ succeeded: 2, windowSlowCalls: 1 });
  expect(() => breaker.tryAcquire()?.success(-1)).toThrow(
    'circuit-breaker: durationMs must be a number of ms, 0 or more, got -1',
  );
});

test('a permit that is settled twice says so, and counts once', () => {
  const { breaker } = setUp();
  const permit = breaker.tryAcquire();
  permit?.success();
  const twice = 'circuit-breaker: the permit is settled already; each is settled exactly once';
  expect(() => permit?.failure()).toThrow(twice);
  expect(() => permit?.ignore()).toThrow(twice);
  expect(breaker.stats()).toMatchObject({ succeeded: 1, failed: 0, ignored: 0 });
});

test('a permit that is disposed of, as `using` does, is ignored unless it is settled', () => {
  const { breaker } = setUp();
  breaker.tryAcquire()?.[Symbol.dispose]();
  const permit = breaker.tryAcquire();
  permit?.success();
  permit?.[Symbol.dispose]();
  expect(breaker.stats()).toMatchObject({ permitted: 2, succeeded: 1, ignored: 1 });
});

test('a dropped permit is found, counted as lost, and gives the place of its probe back', async () => {
  const { clock, breaker } = setUp({ consecutiveFailures: 1, permittedCallsInHalfOpen: 2 });
  breaker.tryAcquire()?.failure();
  clock.advance(500);
  const kept = breaker.tryAcquire();
  breaker.tryAcquire();
  expect(breaker.tryAcquire()).toBeUndefined();
  for (let round = 0; round < 100 && breaker.stats().lost === 0; round++) {
    await nextTurn();
    collectGarbage();
  }
  expect(breaker.stats()).toMatchObject({ state: 'half-open', permitted: 3, failed: 1, lost: 1 });
  kept?.success();
  breaker.tryAcquire()?.success();
  expect(breaker.state).toBe('closed');
});
