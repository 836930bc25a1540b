import { expect, test } from 'vitest';
import { InvalidOptionsError, systemClock, systemRandom } from '../core/index.ts';
import { ManualClock } from '../testing/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { resolveBreakerOptions, type CircuitBreakerOptions } from './options.ts';

function messageFor(options: unknown): string {
  try {
    resolveBreakerOptions(options as CircuitBreakerOptions);
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error.message;
    throw error;
  }
  return 'no problem';
}

function finish(breaker: CircuitBreaker, outcomes: string): void {
  for (const letter of outcomes) {
    const nowMs = breaker.clock.nowMs();
    breaker.exit(breaker.enter(nowMs), letter === 'f' ? 'failure' : 'success', nowMs);
  }
}

test('a breaker without options has the defaults that its options name', () => {
  expect(resolveBreakerOptions({})).toEqual({
    consecutiveFailures: undefined,
    failureRateThreshold: 0.5,
    successRateThreshold: undefined,
    slowCallDurationMs: undefined,
    slowCallRateThreshold: 1,
    slidingWindow: { type: 'time', durationMs: 10_000, buckets: 10 },
    minimumCalls: 20,
    confidence: 0,
    openMs: 500,
    maxOpenMs: 5000,
    openJitter: 0.2,
    eager: false,
    permittedCallsInHalfOpen: 3,
    requiredSuccesses: 3,
    maxHalfOpenMs: 30_000,
    rampMs: 0,
    classify: undefined,
    name: 'circuit-breaker',
    clock: systemClock,
    random: systemRandom,
  });
});

test('defaults follow the options that they depend on', () => {
  const resolved = resolveBreakerOptions({
    openMs: 9000,
    permittedCallsInHalfOpen: 7,
    slidingWindow: { type: 'count', size: 12 },
  });
  expect(resolved).toMatchObject({ maxOpenMs: 9000, requiredSuccesses: 7, minimumCalls: 12 });
  const wide = resolveBreakerOptions({ slidingWindow: { type: 'count', size: 100 } });
  expect(wide.minimumCalls).toBe(20);
});

test('resolved options are frozen, the window within them, too, with its defaults', () => {
  const given = { slidingWindow: { type: 'time' as const, durationMs: 500 } };
  const resolved = resolveBreakerOptions(given);
  expect(resolved.slidingWindow).toEqual({ type: 'time', durationMs: 500, buckets: 10 });
  expect([Object.isFrozen(resolved), Object.isFrozen(resolved.slidingWindow)]).toEqual([
    true,
    true,
  ]);
  expect(given).toEqual({ slidingWindow: { type: 'time', durationMs: 500 } });
});

test('all wrong options are named at once, those of the window by their path', () => {
  expect(
    messageFor({
      consecutiveFailures: 0,
      failureRateThreshold: 50,
      slidingWindow: { type: 'count', size: 0, durationMs: 5 },
      openJitter: 1.5,
      maxHalfOpenMs: 0,
      classify: 'error',
      volumeThreshold: 5,
    }),
  ).toBe(
    [
      'CircuitBreaker: consecutiveFailures must be an integer of at least 1, got 0',
      'failureRateThreshold must be a ratio above 0 and at most 1, got 50',
      'slidingWindow.size must be an integer from 1 to 1000000, got 0',
      'slidingWindow.durationMs must be left out: there is no such option, only type, size, got 5',
      'openJitter must be a ratio from 0 to 1, got 1.5',
      'maxHalfOpenMs must be a finite number of at least 1, got 0',
      'classify must be a function, got "error"',
      'volumeThreshold must be left out: there is no such option, only consecutiveFailures, failureRateThreshold, successRateThreshold, slowCallDurationMs, slowCallRateThreshold, slidingWindow, minimumCalls, confidence, openMs, maxOpenMs, openJitter, eager, permittedCallsInHalfOpen, requiredSuccesses, maxHalfOpenMs, rampMs, classify, name, clock, random, got 5',
    ].join('; '),
  );
});

test('options that could never work together are refused', () => {
  expect(messageFor({ openMs: 100, maxOpenMs: 50, requiredSuccesses: 4 })).toBe(
    'CircuitBreaker: maxOpenMs must be at least openMs (100), got 50; requiredSuccesses must be at most permittedCallsInHalfOpen (3), got 4',
  );
  expect(messageFor({ minimumCalls: 30, slidingWindow: { type: 'count', size: 10 } })).toBe(
    'CircuitBreaker: minimumCalls must be at most slidingWindow.size (10), or it could never open, got 30',
  );
  expect(messageFor({ minimumCalls: 1e6 })).toBe('no problem');
});

test('options that say the same, or nothing without another, are refused', () => {
  expect(messageFor({ failureRateThreshold: 0.5, successRateThreshold: 0.5 })).toBe(
    'CircuitBreaker: successRateThreshold must be left out: failureRateThreshold says the same, got 0.5',
  );
  expect(messageFor({ slowCallRateThreshold: 0.5 })).toBe(
    'CircuitBreaker: slowCallRateThreshold must be left out: no call is slow without slowCallDurationMs, got 0.5',
  );
  const openMs = { type: 'constant', delayMs: 5 };
  expect(messageFor({ openMs, maxOpenMs: 9, openJitter: 0 })).toBe(
    'CircuitBreaker: maxOpenMs must be left out: the backoff in openMs has its own, got 9; openJitter must be left out: the backoff in openMs has its own, got 0',
  );
  expect(messageFor({ openMs })).toBe('no problem');
});

test('an open time is a number or a whole backoff', () => {
  expect(messageFor({ openMs: 0 })).toBe(
    'CircuitBreaker: openMs must be a finite number above 0, or an object with type constant, exponential, decorrelated-jitter, got 0',
  );
  expect(messageFor({ openMs: { type: 'exponential' } })).toContain('openMs.baseMs must be');
  expect(resolveBreakerOptions({ openMs: { type: 'exponential', baseMs: 90_000 } })).toMatchObject({
    openMs: { factor: 2, maxMs: 90_000, jitter: 'full' },
    maxOpenMs: 90_000,
  });
});

test('a window of no known type is refused with the forms that there are', () => {
  for (const slidingWindow of [5, null, 'time', {}, { type: 'size', size: 5 }]) {
    expect(messageFor({ slidingWindow })).toContain(
      "slidingWindow must be { type: 'count', size } or { type: 'time', durationMs, buckets }, got",
    );
  }
});

test('the threshold decides: the same calls open one breaker and not the other', () => {
  const [low, high] = [0.3, 0.6].map((failureRateThreshold) => {
    const slidingWindow = { type: 'count', size: 10 } as const;
    const clock = new ManualClock();
    return new CircuitBreaker({ failureRateThreshold, slidingWindow, minimumCalls: 10, clock });
  });
  for (const breaker of [low, high]) finish(breaker as CircuitBreaker, 'ssssssffff');
  expect([low?.state, high?.state]).toEqual(['open', 'closed']);
});

test('an update keeps a count window of any size, and of a smaller one its newest calls', () => {
  const clock = new ManualClock();
  const slidingWindow = { type: 'count', size: 10 } as const;
  const breaker = new CircuitBreaker({
    slidingWindow,
    minimumCalls: 1,
    failureRateThreshold: 1,
    clock,
  });
  finish(breaker, 'sffff');
  breaker.update({ slidingWindow: { type: 'count', size: 20 } });
  expect(breaker.stats()).toMatchObject({ windowCalls: 5, windowFailures: 4 });
  breaker.update({ slidingWindow: { type: 'count', size: 3 } });
  expect(breaker.stats()).toMatchObject({ windowCalls: 3, windowFailures: 3 });
});

test('an update keeps a time window of the same shape, whether its default is written out or not', () => {
  const clock = new ManualClock();
  const slidingWindow = { type: 'time', durationMs: 1000 } as const;
  const breaker = new CircuitBreaker({ slidingWindow, clock });
  finish(breaker, 'sf');
  breaker.update({ slidingWindow: { type: 'time', durationMs: 1000, buckets: 10 }, openMs: 5 });
  expect(breaker.stats()).toMatchObject({ windowCalls: 2, windowFailures: 1 });
  breaker.update({ slidingWindow: { type: 'count', size: 50 } });
  expect(breaker.stats()).toMatchObject({ windowCalls: 0, windowFailures: 0 });
});

test('an update to another time window keeps the calls that still lie in it', () => {
  const clock = new ManualClock();
  const slidingWindow = { type: 'time', durationMs: 1000, buckets: 10 } as const;
  const breaker = new CircuitBreaker({ slidingWindow, clock });
  finish(breaker, 'f');
  clock.advance(500);
  finish(breaker, 'ss');
  breaker.update({ slidingWindow: { type: 'time', durationMs: 5000, buckets: 5 } });
  expect(breaker.stats()).toMatchObject({ windowCalls: 3, windowFailures: 1 });
  clock.advance(4000);
  breaker.update({ slidingWindow: { type: 'time', durationMs: 300, buckets: 3 } });
  expect(breaker.stats()).toMatchObject({ windowCalls: 0 });
});

test('an update with a wrong option names it and changes nothing', () => {
  const breaker = new CircuitBreaker({ consecutiveFailures: 3, clock: new ManualClock() });
  finish(breaker, 'ff');
  const wrong = { consecutiveFailures: 9, slidingWindow: { type: 'count', size: -1 } } as const;
  expect(() => breaker.update(wrong)).toThrow('slidingWindow.size');
  expect(breaker.stats()).toMatchObject({ windowCalls: 2, consecutiveFailures: 2 });
  finish(breaker, 'f');
  expect(breaker.state).toBe('open');
});

test('an update changes what it names and keeps what was given before', () => {
  const breaker = new CircuitBreaker({ consecutiveFailures: 2, clock: new ManualClock() });
  breaker.update({ minimumCalls: 5 });
  finish(breaker, 'ff');
  expect(breaker.state).toBe('open');
  breaker.reset();
  breaker.update({ consecutiveFailures: undefined });
  finish(breaker, 'ff');
  expect(breaker.state).toBe('closed');
});

test('options are read once: changing the objects given changes nothing until they are given again', () => {
  const clock = new ManualClock();
  const slidingWindow = { type: 'time' as const, durationMs: 1000, buckets: 1 };
  const options = { consecutiveFailures: 2, slidingWindow, clock };
  const breaker = new CircuitBreaker(options);
  options.consecutiveFailures = 1;
  slidingWindow.durationMs = 60_000;
  breaker.update({});
  finish(breaker, 'f');
  expect(breaker.state).toBe('closed');
  clock.advance(2000);
  expect(breaker.stats().windowCalls).toBe(0);
  breaker.update({ slidingWindow });
  finish(breaker, 's');
  clock.advance(2000);
  expect(breaker.stats().windowCalls).toBe(1);
});

test('name and clock stay what they are, whatever an update says', () => {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ name: 'inventory', clock });
  breaker.update({ name: 'other', clock: new ManualClock() } as never);
  expect([breaker.name, breaker.clock]).toEqual(['inventory', clock]);
});
