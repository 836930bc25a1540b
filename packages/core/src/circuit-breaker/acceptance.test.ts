import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { ManualClock, SeededRandom } from '../testing/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { CircuitBreakerOptions } from './options.ts';

const EVERY_MS = 10;
const HOUR_MS = 3_600_000;

/** Near the normal failure rate: the rate must be sure, and thirty failures in a row are no chance. */
const NEAR: CircuitBreakerOptions = { confidence: 4.5, consecutiveFailures: 30 };

/** Calls that fail at a steady rate, 100 a second; how often the breaker opened. */
function tripsInAnHour(seed: number, options: CircuitBreakerOptions): number {
  const random = new SeededRandom(seed);
  const breaker = new CircuitBreaker({ ...options, random, clock: new ManualClock() });
  let trips = 0;
  breaker.on('stateChange', ({ to }) => {
    if (to === 'open') trips++;
  });
  for (let nowMs = 0; nowMs < HOUR_MS; nowMs += EVERY_MS) {
    const ticket = breaker.enter(nowMs);
    if (ticket <= 0) breaker.exit(ticket, random.next() < 0.45 ? 'failure' : 'success', nowMs, 1);
  }
  return trips;
}

test('at 45 % of failures against 50 % a confident breaker does not open in a hundred hours', () => {
  const trips = Array.from({ length: 100 }, (_, seed) => tripsInAnHour(seed, NEAR));
  expect(trips.reduce((sum, each) => sum + each)).toBe(0);
}, 60_000);

test('at 45 % of failures against 50 % a plain rate over a hundred calls opens again and again', () => {
  const slidingWindow = { type: 'count', size: 100 } as const;
  expect(tripsInAnHour(1, { slidingWindow, minimumCalls: 100 })).toBeGreaterThan(50);
});

/** Calls of an outage until it opened, after a time at the normal failure rate. */
function callsToOpen(seed: number, normalMs: number, options: CircuitBreakerOptions): number {
  const random = new SeededRandom(seed);
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ ...options, random, clock });
  const call = (failureRate: number): void => {
    const nowMs = clock.nowMs();
    const outcome = random.next() < failureRate ? 'failure' : 'success';
    breaker.exit(breaker.enter(nowMs), outcome, nowMs, 1);
    clock.advance(EVERY_MS);
  };
  while (clock.nowMs() < normalMs) call(0.45);
  let calls = 0;
  for (; breaker.state === 'closed'; calls++) call(1);
  return calls;
}

test('a real outage opens a confident breaker within 30 calls, whatever was before', () => {
  for (const normalMs of [0, 1000, 10_000, 60_000]) {
    const calls = Array.from({ length: 50 }, (_, seed) => callsToOpen(seed, normalMs, NEAR));
    expect(Math.max(...calls), `after ${normalMs} ms`).toBeLessThanOrEqual(30);
  }
});

test('by its confidence alone it opens at the 21st call of an outage, if there were none before', () => {
  expect(callsToOpen(1, 0, { confidence: 4.5 })).toBe(21);
});

/** How long after an outage the traffic is back: the first second of which 95 % of the calls go in. */
function recoveryMs(seed: number, outageMs: number): number {
  const random = new SeededRandom(seed);
  const breaker = new CircuitBreaker({ random, clock: new ManualClock() });
  const startMs = 20_000;
  const endMs = startMs + outageMs;
  const lastSecond: boolean[] = [];
  for (let nowMs = random.next() * EVERY_MS; ; nowMs += EVERY_MS) {
    const ticket = breaker.enter(nowMs);
    const isOut = nowMs >= startMs && nowMs < endMs;
    if (ticket <= 0) breaker.exit(ticket, isOut ? 'failure' : 'success', nowMs, 1);
    if (nowMs < endMs) continue;
    lastSecond.push(ticket <= 0);
    if (lastSecond.slice(-100).filter(Boolean).length >= 95) {
      return Math.max(0, nowMs - endMs - (95 - 1) * EVERY_MS);
    }
  }
}

test('with the defaults, 95 % of the traffic is back within 5.5 s after an outage of 3 to 120 s', () => {
  const outages = Array.from({ length: 118 }, (_, i) => (i + 3) * 1000);
  const worst = outages.map((outageMs, i) =>
    Math.max(...[1, 2, 3, 4, 5].map((k) => recoveryMs(100 * i + k, outageMs))),
  );
  expect(Math.max(...worst)).toBeLessThanOrEqual(5500);
});

test('ten thousand idle breakers cost no timer, and at most 700 bytes each', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const used = async (): Promise<number> => {
    for (let round = 0; round < 3; round++) {
      await nextTurn();
      collectGarbage();
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const clock = new ManualClock();
  const make = (): CircuitBreaker => {
    const breaker = new CircuitBreaker({ name: 'idle', clock });
    breaker.exit(breaker.enter(0), 'success', 0, 1);
    return breaker;
  };
  const warm = Array.from({ length: 100 }, make);
  const idle = Array.from({ length: 10_000 }, () => warm[0]);
  const before = await used();
  for (let i = 0; i < idle.length; i++) idle[i] = make();
  const each = ((await used()) - before) / idle.length;
  expect([new Set(idle).size, clock.pending]).toEqual([10_000, 0]);
  expect(each).toBeLessThanOrEqual(700);
});
