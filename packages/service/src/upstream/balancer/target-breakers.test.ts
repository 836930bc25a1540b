import { CircuitOpenError, InvalidOptionsError } from '@sluice/core';
import { expect, test } from 'vitest';

import { eventsOf, fail, someTargets, taken } from '../../../test/support/target-set.ts';

const breaker = {
  consecutiveFailures: 2,
  openMs: 500,
  openJitter: 0,
  permittedCallsInHalfOpen: 1,
};

test('requests go past a target whose breaker is open, and probe it when its time is over', () => {
  const { clock, targets } = someTargets(['a', 'b', 'c'], {
    breaker,
    ejection: false,
    connections: 9,
  });
  fail(targets, 'b', 2);
  const names = Array.from({ length: 20 }, () => {
    const attempt = taken(targets, 0);
    attempt.settle(0, 'success', 1);
    return attempt.name;
  });
  expect(names).not.toContain('b');
  clock.advance(500);
  const rest = Array.from({ length: 19 }, () => taken(targets, 500));
  // One probe, and no more until it is settled.
  expect(rest.filter(({ name }) => name === 'b')).toHaveLength(1);
});

test('when all breakers are open the refusal says when the first lets a probe in', () => {
  const { clock, targets } = someTargets(['a', 'b'], { breaker, ejection: false });
  fail(targets, 'a', 2);
  clock.advance(100);
  fail(targets, 'b', 2, 100);
  const refusal = targets.take(100);
  expect(refusal).toBeInstanceOf(CircuitOpenError);
  expect(refusal).toMatchObject({ policy: 'stock', retryAfterMs: 400 });
  clock.advance(400);
  expect(taken(targets, 500).name).toBe('a');
});

test('a probe whose answer has begun closes the breaker, however long its body goes on', () => {
  const { clock, targets } = someTargets(['a'], { breaker, ejection: false });
  fail(targets, 'a', 2);
  clock.advance(500);
  const probe = taken(targets, 500);
  expect(targets.all[0]?.breaker?.state).toBe('half-open');
  probe.answered(510);
  expect(targets.all[0]?.breaker?.state).toBe('closed');
  probe.settle(100_000, 'failure');
  expect(targets.all[0]?.breaker?.stats()).toMatchObject({ succeeded: 1, failed: 2 });
});

test('a target whose breaker is not closed does not count for the capacity, unless there is no other', () => {
  const { clock, targets } = someTargets(['a', 'b'], { breaker, ejection: false });
  const told = eventsOf(targets);
  fail(targets, 'a', 2);
  expect(told).toEqual(['capacity 2']);
  fail(targets, 'b', 2);
  expect(told.slice(1)).toEqual(['capacity 4']);
  clock.advance(500);
  taken(targets, 500).settle(500, 'success', 1);
  expect(told.slice(2)).toEqual(['capacity 2']);
  taken(targets, 500).settle(500, 'success', 1);
  expect(told.slice(3)).toEqual(['capacity 4']);
});

test('whoever asks for a target when a breaker has closed finds the place that is free', () => {
  const { clock, targets } = someTargets(['a'], { breaker, ejection: false, connections: 1 });
  fail(targets, 'a', 2);
  clock.advance(500);
  const probe = taken(targets, 500);
  const found: unknown[] = [];
  targets.all[0]?.breaker?.on('stateChange', () => found.push(targets.take(500)));
  probe.settle(500, 'success');
  expect(found).toEqual([expect.objectContaining({ name: 'a' })]);
});

test('a breaker with a ramp lets requests back by and by', () => {
  const { clock, targets } = someTargets(['a'], {
    breaker: { ...breaker, rampMs: 1000 },
    ejection: false,
  });
  fail(targets, 'a', 2);
  clock.advance(500);
  taken(targets, 500).settle(500, 'success', 1);
  const answers = Array.from({ length: 8 }, () => {
    const answer = targets.take(500);
    if (answer === undefined || answer instanceof Error) return 'refused';
    answer.settle(500, 'success', 1);
    return 'taken';
  });
  expect(answers.filter((each) => each === 'taken')).toHaveLength(2);
});

test('breakers keep their state when their options change, and can be switched off and on', () => {
  const { targets } = someTargets(['a'], { breaker, ejection: false });
  fail(targets, 'a', 2);
  targets.update({ breaker: { openMs: 100 } });
  expect(targets.stats()[0]?.breaker).toBe('open');
  const wrong = { failureRateThreshold: 7 };
  expect(() => targets.update({ breaker: wrong, connections: 5 })).toThrow(InvalidOptionsError);
  expect(targets.capacity).toBe(2);
  targets.update({ breaker: false });
  const attempt = taken(targets, 0);
  expect(attempt.target.breaker).toBeUndefined();
  targets.update({ breaker: {} });
  attempt.settle(0, 'failure');
  expect(targets.all[0]?.breaker?.stats()).toMatchObject({ state: 'closed', failed: 0 });
});
