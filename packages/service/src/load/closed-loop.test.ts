import { ManualClock } from '@sluice/core/testing';
import { expect, test } from 'vitest';
import { ClosedLoop } from './closed-loop.ts';

function setUp(connections: number) {
  const clock = new ManualClock();
  const sentMs: number[] = [];
  const loop = new ClosedLoop({
    connections,
    clock,
    durationMs: 1000,
    send: (nowMs) => sentMs.push(nowMs),
  });
  return { clock, loop, sentMs };
}

test('a closed loop starts with one request per connection, and follows each answer with the next', () => {
  const { clock, loop, sentMs } = setUp(3);
  void loop.run();
  expect(sentMs).toEqual([0, 0, 0]);
  clock.advance(20);
  loop.answered();
  expect(sentMs).toEqual([0, 0, 0, 20]);
});

test('a closed loop waits 100 ms after an error, so that a dead server is not hammered', () => {
  const { clock, loop, sentMs } = setUp(1);
  void loop.run();
  loop.failed();
  clock.advance(99);
  expect(sentMs).toEqual([0]);
  clock.advance(1);
  expect(sentMs).toEqual([0, 100]);
});

test('a closed loop ends after its duration, leaving no timer behind', async () => {
  const { clock, loop, sentMs } = setUp(2);
  const done = loop.run();
  clock.advance(950);
  loop.failed();
  clock.advance(50);
  await done;
  loop.answered();
  loop.failed();
  expect(sentMs).toEqual([0, 0]);
  expect(clock.pending).toBe(0);
});
