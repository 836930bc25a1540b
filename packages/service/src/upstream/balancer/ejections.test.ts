import { describe, expect, test } from 'vitest';

import { at, eventsOf, fail, someTargets, taken } from '../../../test/support/target-set.ts';

describe('ejection', () => {
  test('a target is ejected after 5 failures in a row, and comes back on time', () => {
    const { clock, targets } = someTargets(['a', 'b', 'c'], { breaker: false });
    const told = eventsOf(targets);
    fail(targets, 'b', 4);
    expect(told).toEqual([]);
    fail(targets, 'b', 1);
    expect(told).toEqual(['ejected b', 'capacity 4']);
    expect(targets.stats()[1]).toMatchObject({ ejectedForMs: 30_000, ejections: 1, failed: 5 });
    expect(clock.pending).toBe(1);
    clock.advance(29_999);
    expect(told).toHaveLength(2);
    clock.advance(1);
    expect(told.slice(2)).toEqual(['returned b', 'capacity 6']);
    expect(clock.pending).toBe(0);
    expect(targets.stats()[1]).toMatchObject({
      ejectedForMs: 0,
      weight: 0.1,
      latencyMs: undefined,
    });
  });

  test('one of few may always be ejected, but not a second one, and never the last', () => {
    const few = someTargets(['a', 'b', 'c'], { breaker: false });
    fail(few.targets, 'a', 5);
    fail(few.targets, 'b', 9);
    expect(few.targets.all.map(({ isEjected }) => isEjected)).toEqual([true, false, false]);
    const one = someTargets(['a'], { breaker: false });
    fail(one.targets, 'a', 9);
    expect(one.targets.all[0]?.isEjected).toBe(false);
  });

  test('the last one that is healthy is not ejected', () => {
    const { targets } = someTargets(['a', 'b'], { breaker: false });
    targets.setHealth(targets.all[0]!, false);
    fail(targets, 'b', 9);
    expect(targets.all[1]?.isEjected).toBe(false);
  });

  test('an ejected target comes back at once when without it none could be used', () => {
    const { targets } = someTargets(['a', 'b'], { breaker: false });
    fail(targets, 'a', 5);
    const told = eventsOf(targets);
    targets.setHealth(targets.all[1]!, false);
    expect(told).toEqual(['returned a', 'unhealthy b']);
    expect(taken(targets, 0).name).toBe('a');
  });

  test('switched off, it gives back those that are ejected, and its timer', () => {
    const { clock, targets } = someTargets(['a', 'b'], { breaker: false });
    fail(targets, 'a', 5);
    targets.update({ ejection: false });
    expect(targets.all[0]?.isEjected).toBe(false);
    expect(clock.pending).toBe(0);
  });

  test('after stop no timer is left, and attempts under way can be settled', () => {
    const { clock, targets } = someTargets(['a', 'b', 'c'], { breaker: { eager: true } });
    const attempt = taken(targets, 0);
    fail(targets, 'a', 5);
    targets.stop();
    expect(clock.pending).toBe(0);
    attempt.settle(0, 'failure');
    expect(targets.stats()[0]?.inFlight).toBe(0);
    expect(clock.pending).toBe(0);
  });
});

describe('health', () => {
  test('an unhealthy target gets no requests, and starts slowly when it is well again', () => {
    const { clock, targets } = someTargets(['a', 'b'], { connections: 50 });
    const told = eventsOf(targets);
    const [a] = targets.all;
    targets.setHealth(a!, true);
    expect(told).toEqual([]);
    targets.setHealth(a!, false);
    const names = Array.from({ length: 10 }, () => taken(targets, 0).name);
    expect(names).not.toContain('a');
    clock.advance(1000);
    targets.setHealth(a!, true);
    expect(told).toEqual(['unhealthy a', 'capacity 50', 'healthy a', 'capacity 100']);
    expect(targets.stats()[0]).toMatchObject({ health: 'healthy', weight: 0.1 });
  });

  test('when all are unhealthy all are used', () => {
    const { targets } = someTargets(['a', 'b', 'c']);
    for (const target of targets.all) targets.setHealth(target, false);
    expect(targets.capacity).toBe(6);
    const names = Array.from({ length: 6 }, () => taken(targets, 0).name);
    expect(new Set(names).size).toBe(3);
    expect(targets.take(0)).toBeUndefined();
  });

  test('what is found of a target that is gone is not kept', () => {
    const { targets } = someTargets(['a', 'b']);
    const [a] = targets.all;
    targets.update({ addresses: at('b') });
    targets.update({ addresses: at('a', 'b') });
    targets.setHealth(a!, false);
    expect(targets.all.map(({ health }) => health)).toEqual(['unknown', 'unknown']);
  });
});
