import { NoTargetsError } from '@sluice/core';
import { describe, expect, test } from 'vitest';

import type { Attempt } from './index.ts';
import { at, eventsOf, fail, someTargets, taken } from '../../../test/support/target-set.ts';

describe('taking a target', () => {
  test('no target gets more requests at a time than its connections, and undefined says that none has room', () => {
    const { targets } = someTargets(['a', 'b', 'c']);
    const attempts = [1, 2, 3, 4, 5, 6].map(() => taken(targets, 0));
    expect(targets.all.map(({ inFlight }) => inFlight)).toEqual([2, 2, 2]);
    expect(targets.take(0)).toBeUndefined();
    attempts[0]!.settle(1, 'success');
    expect(taken(targets, 1).name).toBe(attempts[0]!.name);
  });

  test('a target that was tried is taken again only when there is no other', () => {
    const { targets } = someTargets(['a', 'b', 'c'], { connections: 10 });
    const first = taken(targets, 0);
    const second = taken(targets, 0, [first]);
    const third = taken(targets, 0, [first, second]);
    expect(new Set([first.name, second.name, third.name]).size).toBe(3);
    expect(taken(targets, 0, [first, second, third])).toBeDefined();
  });

  test('the one of two that answers faster and has less to do is taken', () => {
    const { targets } = someTargets(['slow', 'fast'], { connections: 100 });
    for (let i = 0; i < 2; i++) {
      const attempt = taken(targets, 0);
      attempt.settle(0, 'success', attempt.name === 'slow' ? 40 : 10);
    }
    const names = [1, 2, 3, 4, 5].map(() => {
      const attempt = taken(targets, 0);
      attempt.answered(0, attempt.name === 'slow' ? 40 : 10);
      return attempt.name;
    });
    // At 4 under way each further request would cost as much at the one that is four times slower.
    expect(names.filter((name) => name === 'fast').length).toBeGreaterThanOrEqual(3);
    expect(names.slice(0, 3)).toEqual(['fast', 'fast', 'fast']);
  });

  test('an attempt is settled exactly once, and answered at most once before', () => {
    const { targets } = someTargets(['a']);
    const attempt = taken(targets, 0);
    attempt.answered(1);
    expect(() => attempt.answered(2)).toThrow('a: the attempt was answered already');
    expect(attempt.isSettled).toBe(false);
    attempt.settle(2, 'success');
    expect(attempt.isSettled).toBe(true);
    expect(() => attempt.settle(3, 'ignored')).toThrow('settled exactly once');
    expect(() => attempt.answered(3)).toThrow('a: the attempt is settled already');
    expect(targets.all[0]?.inFlight).toBe(0);
  });

  test('without a target a request is refused, and the first one that is found takes it', () => {
    const { targets } = someTargets([]);
    const refusal = targets.take(0);
    expect(refusal).toBeInstanceOf(NoTargetsError);
    expect(refusal).toMatchObject({ code: 'SLUICE_NO_TARGETS', policy: 'stock' });
    targets.update({ addresses: [{ origin: 'http://stock:80', address: '10.0.0.1' }] });
    expect(taken(targets, 0)).toMatchObject({
      name: 'http://stock:80 (10.0.0.1)',
      address: { origin: 'http://stock:80', address: '10.0.0.1' },
    });
  });
});

describe('changing the set', () => {
  test('targets that stay keep their state, new ones start slowly, gone ones finish what is under way', () => {
    const { targets } = someTargets(['a', 'b']);
    const told = eventsOf(targets);
    const onA = [taken(targets, 0), taken(targets, 0)].find(({ name }) => name === 'a')!;
    const [a, b] = targets.all;
    targets.update({ addresses: at('b', 'c', 'c') });
    expect(told).toEqual(['removed a', 'added c']);
    expect(targets.all[0]).toBe(b);
    expect(targets.stats().map(({ name, weight }) => ({ name, weight }))).toEqual([
      { name: 'b', weight: 1 },
      { name: 'c', weight: 0.1 },
    ]);
    onA.settle(5, 'failure');
    expect(a?.inFlight).toBe(0);
    expect(told).toHaveLength(2);
  });

  test('when no target stays the new ones have their whole share at once', () => {
    const { targets } = someTargets(['a', 'b']);
    targets.update({ addresses: at('c', 'd') });
    expect(targets.stats().map(({ weight }) => weight)).toEqual([1, 1]);
  });

  test('more connections are used at once, fewer when there is less under way', () => {
    const { targets } = someTargets(['a']);
    const told = eventsOf(targets);
    const attempts = [taken(targets, 0), taken(targets, 0)];
    targets.update({ connections: 3 });
    attempts.push(taken(targets, 0));
    targets.update({ connections: 1 });
    expect(told).toEqual(['capacity 3', 'capacity 1']);
    attempts[0]!.settle(0, 'success');
    attempts[1]!.settle(0, 'success');
    expect(targets.take(0)).toBeUndefined();
    attempts[2]!.settle(0, 'success');
    expect(taken(targets, 0).name).toBe('a');
  });

  test('an ejected target that is removed and comes back begins anew', () => {
    const { clock, targets } = someTargets(['a', 'b', 'c'], { breaker: false });
    fail(targets, 'a', 5);
    targets.update({ addresses: at('b', 'c') });
    expect(clock.pending).toBe(0);
    targets.update({ addresses: at('a', 'b', 'c') });
    expect(targets.stats()[0]).toMatchObject({ name: 'a', ejectedForMs: 0, failed: 0 });
  });

  test('so many ejected ones come back that no more are ejected than may be of those that are left', () => {
    const origins = Array.from({ length: 20 }, (_, i) => `t${i}`);
    const { targets } = someTargets(origins, { breaker: false, connections: 50 });
    fail(targets, 't0', 5);
    fail(targets, 't1', 5);
    expect(targets.all.filter(({ isEjected }) => isEjected)).toHaveLength(2);
    targets.update({ addresses: at(...origins.slice(0, 19)) });
    expect(targets.all.filter(({ isEjected }) => isEjected)).toHaveLength(1);
    targets.update({ addresses: at('t1') });
    expect(targets.all[0]?.isEjected).toBe(false);
  });
});

test('the figures of a target add up', () => {
  const { clock, targets } = someTargets(['a']);
  taken(targets, 0).settle(4, 'success');
  taken(targets, 4).settle(5, 'failure');
  taken(targets, 5).settle(6, 'ignored');
  taken(targets, 6);
  clock.advance(6);
  expect(targets.stats()).toEqual([
    {
      name: 'a',
      origin: 'a',
      address: undefined,
      inFlight: 1,
      latencyMs: expect.closeTo(8, 1) as number,
      health: 'unknown',
      ejectedForMs: 0,
      ejections: 0,
      weight: 1,
      breaker: 'closed',
      requests: 4,
      succeeded: 1,
      failed: 1,
      ignored: 1,
    },
  ]);
});

test('whoever waits for room is called when there is some, in order, and whoever leaves keeps nobody back', async () => {
  const { targets } = someTargets(['a'], { connections: 1 });
  const attempt = taken(targets, 0);
  const took: string[] = [];
  const wait = (name: string): (() => void) =>
    targets.whenRoom(() => {
      const isTaken = targets.take(0) !== undefined;
      if (isTaken) took.push(name);
      return isTaken;
    });
  const leave = wait('first');
  wait('second');
  wait('third');
  await Promise.resolve();
  expect([took, targets.isAwaited]).toEqual([[], true]);
  attempt.settle(1, 'success');
  leave();
  await Promise.resolve();
  expect(took).toEqual(['second']);
  targets.update({ connections: 3 });
  await Promise.resolve();
  expect([took, targets.isAwaited]).toEqual([['second', 'third'], false]);
});

test('whoever waits is called when one target takes the place of another, or all are refused', async () => {
  const { targets } = someTargets(['a'], { connections: 1, breaker: { consecutiveFailures: 1 } });
  const first = taken(targets, 0);
  const answers: unknown[] = [];
  const wait = (): void =>
    void targets.whenRoom(() => {
      const answer = targets.take(0);
      if (answer !== undefined) answers.push(answer);
      return answer !== undefined;
    });
  wait();
  targets.update({ addresses: at('b') });
  await Promise.resolve();
  expect(answers).toHaveLength(1);
  first.settle(1, 'success');
  wait();
  wait();
  await Promise.resolve();
  (answers[0] as Attempt).settle(1, 'failure');
  await Promise.resolve();
  expect(answers.slice(1).map((each) => (each as Error).name)).toEqual([
    'CircuitOpenError',
    'CircuitOpenError',
  ]);
});
