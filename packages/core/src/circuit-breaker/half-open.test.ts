import * as fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import type { Outcome } from '../core/index.ts';
import { ManualClock, SeededRandom } from '../testing/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { StateChange } from './states.ts';
import type { CircuitBreakerOptions } from './options.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** A breaker that has just opened for the first time, for 500 ms unless the options say otherwise. */
function opened(options: Omit<CircuitBreakerOptions, 'clock'> = {}, startMs = 0) {
  const clock = new ManualClock(startMs);
  const breaker = new CircuitBreaker({
    consecutiveFailures: 1,
    openJitter: 0,
    ...options,
    clock,
  });
  const changes: StateChange[] = [];
  breaker.exit(breaker.enter(startMs), 'failure', startMs);
  breaker.on('stateChange', (change) => changes.push(change));
  return { clock, breaker, changes };
}

/** Asks for so many probes at once; the tickets of those let in. */
function probes(breaker: CircuitBreaker, count: number, nowMs: number): number[] {
  const verdicts = Array.from({ length: count }, () => breaker.enter(nowMs));
  return verdicts.filter((verdict) => verdict <= 0);
}

/** Lets the open time pass and fails the first probe. */
function relapse(breaker: CircuitBreaker, clock: ManualClock): number {
  clock.advance(breaker.stats().retryAfterMs);
  const [ticket] = probes(breaker, 1, clock.nowMs());
  breaker.exit(ticket as number, 'failure', clock.nowMs());
  return breaker.stats().retryAfterMs;
}

test('a breaker that opened lets exactly three probes through', () => {
  const { breaker } = opened();
  expect(probes(breaker, 10, 499)).toHaveLength(0);
  expect(probes(breaker, 10, 500)).toHaveLength(3);
  expect(breaker.stats()).toMatchObject({ state: 'half-open', notPermitted: 17 });
});

test('probes are limited in all, not only at once: one that succeeded leaves no place behind', () => {
  const { clock, breaker } = opened({ permittedCallsInHalfOpen: 3, requiredSuccesses: 3 });
  clock.advance(500);
  for (const ticket of probes(breaker, 2, 500)) breaker.exit(ticket, 'success', 500);
  expect(probes(breaker, 10, 500)).toHaveLength(1);
});

test('an ignored probe gives its place back, so that recovery never hangs on it', () => {
  const { clock, breaker } = opened();
  clock.advance(500);
  for (let round = 0; round < 20; round++) {
    const tickets = probes(breaker, 10, 500);
    expect(tickets).toHaveLength(3);
    for (const ticket of tickets) breaker.exit(ticket, 'ignored', 500);
  }
  for (const ticket of probes(breaker, 3, 500)) breaker.exit(ticket, 'success', 500);
  expect(breaker.state).toBe('closed');
});

test.each([
  { permitted: 1, required: 1, outcomes: 's', state: 'closed' },
  { permitted: 1, required: 1, outcomes: 'f', state: 'open' },
  { permitted: 3, required: 3, outcomes: 'ss', state: 'half-open' },
  { permitted: 3, required: 3, outcomes: 'sss', state: 'closed' },
  { permitted: 3, required: 3, outcomes: 'ssf', state: 'open' },
  { permitted: 3, required: 3, outcomes: 'f', state: 'open' },
  { permitted: 3, required: 1, outcomes: 'ff', state: 'half-open' },
  { permitted: 3, required: 1, outcomes: 'ffs', state: 'closed' },
  { permitted: 3, required: 1, outcomes: 'fff', state: 'open' },
  { permitted: 5, required: 3, outcomes: 'fsfs', state: 'half-open' },
  { permitted: 5, required: 3, outcomes: 'fsfss', state: 'closed' },
  { permitted: 5, required: 3, outcomes: 'ffisf', state: 'open' },
])(
  'of $permitted probes $required must succeed: after $outcomes it is $state',
  ({ permitted, required, outcomes, state }) => {
    const kinds: Record<string, Outcome> = { s: 'success', f: 'failure', i: 'ignored' };
    const { clock, breaker } = opened({
      permittedCallsInHalfOpen: permitted,
      requiredSuccesses: required,
    });
    clock.advance(500);
    for (const letter of outcomes) {
      const [ticket] = probes(breaker, 1, 500);
      breaker.exit(ticket as number, kinds[letter] as Outcome, 500);
    }
    expect(breaker.state).toBe(state);
  },
);

test('however its probes end, a half-open breaker is decided when they all have', () => {
  const sizes = fc.integer({ min: 1, max: 6 });
  const outcomes = fc.array(fc.constantFrom<Outcome>('success', 'failure'), {
    minLength: 6,
    maxLength: 6,
  });
  fc.assert(
    fc.property(sizes, sizes, outcomes, (a, b, ends) => {
      const { clock, breaker, changes } = opened({
        permittedCallsInHalfOpen: Math.max(a, b),
        requiredSuccesses: Math.min(a, b),
      });
      clock.advance(500);
      const tickets = probes(breaker, 10, 500);
      expect(tickets).toHaveLength(Math.max(a, b));
      tickets.forEach((ticket, i) => breaker.exit(ticket, ends[i] as Outcome, 500));
      const wins = ends.slice(0, tickets.length).filter((end) => end === 'success').length;
      const to = wins >= Math.min(a, b) ? 'closed' : 'open';
      expect(changes.map((change) => change.to)).toEqual(['half-open', to]);
    }),
  );
});

test('a result that comes in after the patience with half-open is over counts nothing', () => {
  const { clock, breaker, changes } = opened({ permittedCallsInHalfOpen: 1, maxHalfOpenMs: 1000 });
  clock.advance(500);
  const [ticket] = probes(breaker, 1, 500);
  clock.advance(1000);
  breaker.exit(ticket as number, 'success', 1500);
  expect(changes.map(({ reason }) => reason)).toEqual(['open-time-over', 'half-open-timeout']);
  expect(breaker.state).toBe('open');
});

test('the open time doubles with every recovery that fails, up to its cap, and a success ends that', () => {
  const { clock, breaker } = opened({ openMs: 500, maxOpenMs: 5000 });
  const times = [breaker.stats().retryAfterMs];
  for (let round = 0; round < 5; round++) times.push(relapse(breaker, clock));
  expect(times).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
  clock.advance(5000);
  for (const ticket of probes(breaker, 3, clock.nowMs())) {
    breaker.exit(ticket, 'success', clock.nowMs());
  }
  expect(breaker.state).toBe('closed');
  breaker.exit(breaker.enter(clock.nowMs()), 'failure', clock.nowMs());
  expect(breaker.stats().retryAfterMs).toBe(500);
});

test('a recovery that hangs doubles the open time like one that fails', () => {
  const { clock, breaker } = opened({ maxHalfOpenMs: 1000 });
  clock.advance(500);
  probes(breaker, 3, 500);
  clock.advance(1000);
  expect(breaker.stats()).toMatchObject({ state: 'open', retryAfterMs: 1000 });
});

test('a breaker that is only looked at waits for its first probe, however long that takes', async () => {
  const { clock, breaker, changes } = opened({ maxHalfOpenMs: 1000 });
  for (let look = 0; look < 12; look++) {
    clock.advance(15_000);
    breaker.stats();
  }
  expect(changes.map(({ reason }) => reason)).toEqual(['open-time-over']);
  await expect(breaker.execute(() => 'well')).resolves.toBe('well');
});

test('a recovery that has time between its probes does not lose the patience', () => {
  const { clock, breaker } = opened({ maxHalfOpenMs: 1000 });
  clock.advance(500);
  for (let probe = 0; probe < 3; probe++) {
    const [ticket] = probes(breaker, 1, clock.nowMs());
    breaker.exit(ticket as number, 'success', clock.nowMs());
    clock.advance(60_000);
  }
  expect(breaker.state).toBe('closed');
});

test('thousands of failed recoveries leave the open time at its cap', () => {
  const { clock, breaker } = opened({ openMs: 1, maxOpenMs: 64 });
  for (let round = 0; round < 3000; round++) relapse(breaker, clock);
  expect(breaker.stats().retryAfterMs).toBe(64);
});

test('reset begins with the shortest open time again', () => {
  const { clock, breaker } = opened();
  relapse(breaker, clock);
  relapse(breaker, clock);
  breaker.reset();
  breaker.exit(breaker.enter(clock.nowMs()), 'failure', clock.nowMs());
  expect(breaker.stats().retryAfterMs).toBe(500);
});

test('jitter only shortens the open time, by at most its share', () => {
  for (const openJitter of [0, 0.2, 0.5, 1]) {
    const random = new SeededRandom(11);
    const { clock, breaker } = opened({ openMs: 100, maxOpenMs: 1600, openJitter, random });
    const shares: number[] = [];
    for (let round = 1; round <= 200; round++) {
      const fullMs = Math.min(1600, 100 * 2 ** round);
      shares.push(relapse(breaker, clock) / fullMs);
    }
    expect(Math.max(...shares)).toBeLessThanOrEqual(1);
    expect(Math.min(...shares)).toBeGreaterThan(1 - openJitter - 1e-9);
    expect(Math.max(...shares) - Math.min(...shares)).toBeGreaterThanOrEqual(0.9 * openJitter);
  }
});

test('after exactly retryAfterMs a probe is let in, and not a moment earlier', () => {
  const random = new SeededRandom(3);
  const broken: string[] = [];
  for (const startMs of [0, 0.1, 12.345, 999.9, 1e6, 1.7e12]) {
    for (let round = 0; round < 5000; round++) {
      const openMs = 1000 * random.next() + 1e-3;
      const { breaker, clock } = opened({ openMs, openJitter: 0.5, random }, startMs);
      clock.advance(openMs * 0.5 * random.next());
      const waitMs = breaker.enter(clock.nowMs());
      if (!(waitMs > 0)) continue;
      const dueMs = clock.nowMs() + waitMs;
      const earlyMs = Math.min(1, waitMs / 2);
      if (dueMs - earlyMs < dueMs && !(breaker.peek(dueMs - earlyMs) > 0)) broken.push('early');
      if (breaker.enter(dueMs) > 0) broken.push(`at ${dueMs}`);
    }
  }
  expect(broken).toEqual([]);
});

test('an open time that the clock cannot tell from none is over at once', () => {
  const { breaker, clock, changes } = opened(
    { openMs: 1e-6, maxOpenMs: 1e-6, permittedCallsInHalfOpen: 1, maxHalfOpenMs: 1000 },
    1.7e12,
  );
  expect(breaker.enter(clock.nowMs())).toBeLessThanOrEqual(0);
  clock.advance(1000);
  const ticket = breaker.enter(clock.nowMs());
  expect(ticket).toBeLessThanOrEqual(0);
  expect(changes.map(({ reason }) => reason)).toEqual([
    'open-time-over',
    'half-open-timeout',
    'open-time-over',
  ]);
  breaker.exit(ticket, 'success', clock.nowMs());
  expect(breaker.state).toBe('closed');
});

test('a change of the probes that decides a recovery already made decides it at once', () => {
  const closing = opened({ permittedCallsInHalfOpen: 3, requiredSuccesses: 3 });
  closing.clock.advance(500);
  const [good] = probes(closing.breaker, 1, 500);
  closing.breaker.exit(good as number, 'success', 500);
  closing.breaker.update({ permittedCallsInHalfOpen: 1, requiredSuccesses: 1 });
  expect(closing.changes.map(({ reason }) => reason)).toEqual([
    'open-time-over',
    'probes-succeeded',
  ]);
  const opening = opened({ permittedCallsInHalfOpen: 3, requiredSuccesses: 1 });
  opening.clock.advance(500);
  const [bad] = probes(opening.breaker, 1, 500);
  opening.breaker.exit(bad as number, 'failure', 500);
  expect(opening.breaker.state).toBe('half-open');
  opening.breaker.update({ requiredSuccesses: 3 });
  expect(opening.changes.map(({ reason }) => reason)).toEqual(['open-time-over', 'probe-failed']);
});

test('more permitted probes are let in at once, fewer leave those under way alone', () => {
  const { clock, breaker } = opened({ permittedCallsInHalfOpen: 2 });
  clock.advance(500);
  const tickets = probes(breaker, 5, 500);
  expect(tickets).toHaveLength(2);
  breaker.update({ permittedCallsInHalfOpen: 4 });
  tickets.push(...probes(breaker, 5, 500));
  expect(tickets).toHaveLength(4);
  breaker.update({ permittedCallsInHalfOpen: 2 });
  expect(probes(breaker, 5, 500)).toHaveLength(0);
  for (const ticket of tickets.slice(0, 2)) breaker.exit(ticket, 'success', 500);
  expect(breaker.state).toBe('closed');
});
