import { CircuitOpenError, InvalidOptionsError, NoTargetsError } from '@sluice/core';
import { ManualClock, SeededRandom } from '@sluice/core/testing';
import { describe, expect, test } from 'vitest';

import { Targets, type Attempt, type TargetsEvents, type TargetsOptions } from './index.ts';

const at = (...origins: string[]): { origin: string }[] => origins.map((origin) => ({ origin }));

function someTargets(
  origins: readonly string[],
  options: Partial<TargetsOptions> = {},
): {
  clock: ManualClock;
  targets: Targets;
} {
  const clock = new ManualClock();
  const random = new SeededRandom(7);
  const defaults = { name: 'stock', connections: 2, clock, random };
  return { clock, targets: new Targets(at(...origins), { ...defaults, ...options }) };
}

/** An attempt, or the test fails. */
function taken(targets: Targets, nowMs: number, tried?: readonly Attempt[]): Attempt {
  const attempt = targets.take(nowMs, tried);
  if (attempt === undefined || attempt instanceof Error) {
    throw new Error(`no target was taken: ${String(attempt)}`);
  }
  return attempt;
}

/** Fails so many requests to a target: the others count as tried. */
function fail(targets: Targets, name: string, times: number, nowMs = 0): void {
  const others: Attempt[] = [];
  for (let failed = 0; failed < times;) {
    const attempt = taken(targets, nowMs, others);
    const isIt = attempt.name === name;
    attempt.settle(nowMs, isIt ? 'failure' : 'ignored', isIt ? 1 : 0);
    if (isIt) failed++;
    else others.push(attempt);
  }
}

function eventsOf(targets: Targets): string[] {
  const told: string[] = [];
  const kinds = ['added', 'removed', 'ejected', 'returned', 'healthy', 'unhealthy'] as const;
  for (const kind of kinds) {
    targets.on(kind, (event: TargetsEvents[typeof kind]) =>
      told.push(`${kind} ${event.target.name}`),
    );
  }
  targets.on('capacity', ({ capacity }) => told.push(`capacity ${capacity}`));
  return told;
}

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

describe('the breaker of each target', () => {
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
});

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
