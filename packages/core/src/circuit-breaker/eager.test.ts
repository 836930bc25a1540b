import { expect, test } from 'vitest';
import { ManualClock } from '../testing/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { StateChange } from './states.ts';

function setUp(eager = true) {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ consecutiveFailures: 1, openJitter: 0, eager, clock });
  const changes: StateChange[] = [];
  const listen = (): (() => void) => breaker.on('stateChange', (change) => changes.push(change));
  return { clock, breaker, changes, listen };
}

function fail(breaker: CircuitBreaker): void {
  const nowMs = breaker.clock.nowMs();
  breaker.exit(breaker.enter(nowMs), 'failure', nowMs);
}

test('those who listen to an eager breaker hear on time that its open time is over', () => {
  const { clock, breaker, changes, listen } = setUp();
  listen();
  fail(breaker);
  expect(clock.nextDueMs).toBe(500);
  clock.advance(10_000);
  expect(changes.map(({ to, atMs }) => [to, atMs])).toEqual([
    ['open', 0],
    ['half-open', 500],
  ]);
  expect(clock.pending).toBe(0);
});

test('there is no timer unless it is eager, open, and somebody listens', () => {
  const lazy = setUp(false);
  lazy.listen();
  fail(lazy.breaker);
  expect(lazy.clock.pending).toBe(0);
  const { clock, breaker, listen } = setUp();
  fail(breaker);
  expect(clock.pending).toBe(0);
  const [first, second] = [listen(), listen()];
  expect(clock.pending).toBe(1);
  first();
  expect(clock.pending).toBe(1);
  second();
  expect(clock.pending).toBe(0);
});

test('nothing is left of the timer when the breaker is closed by hand, stopped, or no longer eager', async () => {
  const ends: ((breaker: CircuitBreaker) => unknown)[] = [
    (breaker) => breaker.close(),
    (breaker) => breaker.reset(),
    (breaker) => breaker.isolate(),
    (breaker) => breaker.stop(),
    (breaker) => breaker[Symbol.asyncDispose](),
    (breaker) => breaker.update({ eager: false }),
  ];
  for (const end of ends) {
    const { clock, breaker, listen } = setUp();
    listen();
    fail(breaker);
    expect(clock.pending).toBe(1);
    await end(breaker);
    expect(clock.pending).toBe(0);
  }
});

test('a breaker that has become eager tells the rest of its open time', () => {
  const { clock, breaker, changes, listen } = setUp(false);
  listen();
  fail(breaker);
  clock.advance(200);
  breaker.update({ eager: true });
  expect(clock.nextDueMs).toBe(500);
  clock.advance(300);
  expect(changes.at(-1)).toMatchObject({ to: 'half-open', atMs: 500 });
});
