import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../testing/index.ts';
import { Alarms, type Alarm } from './alarms.ts';

/** A clock of alarms, and what has rung, each with the time at which it did. */
function setup() {
  const clock = new ManualClock();
  const alarms = new Alarms(clock);
  const rung: { name: string | number; atMs: number }[] = [];
  const note = (name: string | number) => (): void => {
    rung.push({ name, atMs: clock.nowMs() });
  };
  return { clock, alarms, rung, note };
}

test('Alarms that were never set have no timer', () => {
  const { clock, alarms } = setup();
  expect(clock.pending).toBe(0);
  expect(alarms.size).toBe(0);
});

test('a thousand alarms share one timer, and the last to ring takes it along', () => {
  const { clock, alarms, rung, note } = setup();
  for (let i = 0; i < 1000; i++) alarms.set((i * 7919) % 1000, note(i));
  expect(alarms.size).toBe(1000);
  expect(clock.pending).toBe(1);
  clock.advance(998);
  expect(clock.pending).toBe(1);
  clock.advance(1);
  expect(rung).toHaveLength(1000);
  expect(clock.pending).toBe(0);
});

test('an alarm rings at its time, in the order of the times and not of the setting', () => {
  const { clock, alarms, rung, note } = setup();
  alarms.set(30, note('c'));
  alarms.set(10, note('a'));
  alarms.set(20, note('b'));
  clock.advance(100);
  expect(rung).toEqual([
    { name: 'a', atMs: 10 },
    { name: 'b', atMs: 20 },
    { name: 'c', atMs: 30 },
  ]);
});

test('an alarm that is due earlier than all others moves the timer forward', () => {
  const { clock, alarms, note } = setup();
  alarms.set(500, note('late'));
  expect(clock.nextDueMs).toBe(500);
  alarms.set(5, note('early'));
  expect(clock.nextDueMs).toBe(5);
  expect(clock.pending).toBe(1);
});

test('cancelling the only alarm takes the timer away', () => {
  const { clock, alarms, rung, note } = setup();
  alarms.cancel(alarms.set(10, note('never')));
  expect(clock.pending).toBe(0);
  clock.advance(100);
  expect(rung).toEqual([]);
});

test('cancelling the first of two alarms leaves the other at its time', () => {
  const { clock, alarms, rung, note } = setup();
  const first = alarms.set(10, note('first'));
  alarms.set(20, note('second'));
  alarms.cancel(first);
  clock.advance(100);
  expect(rung).toEqual([{ name: 'second', atMs: 20 }]);
  expect(clock.pending).toBe(0);
});

test('cancelling twice, or after an alarm has rung, does nothing', () => {
  const { clock, alarms, rung, note } = setup();
  const cancelled = alarms.set(10, note('cancelled'));
  const kept = alarms.set(20, note('kept'));
  alarms.cancel(cancelled);
  alarms.cancel(cancelled);
  clock.advance(20);
  alarms.cancel(kept);
  expect(rung).toEqual([{ name: 'kept', atMs: 20 }]);
});

test('an alarm that was due in the past rings at once, but not before set returns', () => {
  const { clock, alarms, rung, note } = setup();
  clock.advance(100);
  alarms.set(40, note('past'));
  expect(rung).toEqual([]);
  clock.advance(0);
  expect(rung).toEqual([{ name: 'past', atMs: 100 }]);
});

test('an alarm may be set while another one rings, for later as well as for now', () => {
  const { clock, alarms, rung, note } = setup();
  alarms.set(10, () => {
    alarms.set(10, note('now'));
    alarms.set(25, note('later'));
  });
  clock.advance(10);
  expect(rung).toEqual([{ name: 'now', atMs: 10 }]);
  expect(clock.pending).toBe(1);
  clock.advance(100);
  expect(rung).toEqual([
    { name: 'now', atMs: 10 },
    { name: 'later', atMs: 25 },
  ]);
});

test('no timer is left by an alarm that was set while another one rang, and rang with it', () => {
  const { clock, alarms, note } = setup();
  alarms.set(10, () => alarms.set(10, note('now')));
  const pending: number[] = [];
  clock.schedule(10, () => pending.push(clock.pending));
  clock.advance(10);
  expect(pending).toEqual([0]);
});

test('an alarm may cancel one that is due at the same time', () => {
  const { clock, alarms } = setup();
  const pair: Alarm[] = [];
  let rings = 0;
  const ring = (): void => {
    rings++;
    for (const alarm of pair) alarms.cancel(alarm);
  };
  pair.push(alarms.set(10, ring), alarms.set(10, ring));
  clock.advance(10);
  expect(rings).toBe(1);
  expect(clock.pending).toBe(0);
});

test('an alarm whose ring throws leaves the others to ring at their times', () => {
  const { clock, alarms, rung, note } = setup();
  alarms.set(10, () => {
    throw new Error('broken');
  });
  alarms.set(10, note('same time'));
  alarms.set(20, note('later'));
  expect(() => clock.advance(10)).toThrow('broken');
  clock.advance(10);
  expect(rung.map(({ name }) => name)).toEqual(['same time', 'later']);
  expect(clock.pending).toBe(0);
});

test('an alarm waits on when the clock steps back', () => {
  const { clock, alarms, rung, note } = setup();
  alarms.set(100, note('patient'));
  clock.advance(90);
  clock.setBack(50);
  clock.advance(60);
  expect(clock.nowMs()).toBe(100);
  expect(rung).toEqual([{ name: 'patient', atMs: 100 }]);
});

test('an alarm in a million years is held, and rings then', () => {
  const { clock, alarms, rung, note } = setup();
  const millionYearsMs = 3.2e16;
  alarms.set(millionYearsMs, note('far'));
  clock.advanceTo(2 ** 31);
  expect(rung).toEqual([]);
  clock.advanceTo(millionYearsMs);
  expect(rung).toHaveLength(1);
});

const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ set: fc.double({ min: -50, max: 500, noNaN: true }) }) },
  { weight: 2, arbitrary: fc.record({ cancel: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ advance: fc.double({ min: 0, max: 120, noNaN: true }) }) },
);

test('whatever is set and cancelled, every other alarm rings once, in order, and never early', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const { clock, alarms, rung, note } = setup();
      const all: Alarm[] = [];
      const expected = new Set<number>();
      const missed: number[] = [];
      for (const step of acts) {
        if ('set' in step) {
          expected.add(all.length);
          all.push(alarms.set(clock.nowMs() + step.set, note(all.length)));
        } else if ('advance' in step) {
          clock.advance(step.advance);
          const heard = new Set(rung.map(({ name }) => name));
          const due = [...expected].filter((i) => (all[i] as Alarm).dueMs < clock.nowMs());
          missed.push(...due.filter((i) => !heard.has(i)));
        } else if (all.length > 0) {
          const index = step.cancel % all.length;
          if (!rung.some(({ name }) => name === index)) expected.delete(index);
          alarms.cancel(all[index] as Alarm);
        }
        expect(clock.pending).toBe(alarms.size === 0 ? 0 : 1);
      }
      expect(missed).toEqual([]);
      clock.advance(1000);
      expect(new Set(rung.map(({ name }) => name))).toEqual(expected);
      expect(rung).toHaveLength(expected.size);
      for (const { name, atMs } of rung) {
        expect(atMs).toBeGreaterThanOrEqual((all[Number(name)] as Alarm).dueMs);
      }
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 500 },
  );
});

test('with lingerMs the timer stays a moment for the next alarm, and rings no later than that', () => {
  const clock = new ManualClock();
  let scheduled = 0;
  const counted = {
    nowMs: () => clock.nowMs(),
    schedule: (delayMs: number, task: () => void) => {
      scheduled++;
      return clock.schedule(delayMs, task);
    },
  };
  const alarms = new Alarms(counted, 50);
  const rung: number[] = [];
  for (let i = 0; i < 100; i++) alarms.cancel(alarms.set(clock.nowMs() + 1000, () => rung.push(i)));
  expect([scheduled, clock.pending]).toEqual([1, 1]);
  clock.advance(50);
  expect(clock.pending).toBe(0);

  alarms.set(clock.nowMs() + 120, () => rung.push(clock.nowMs()));
  alarms.set(clock.nowMs() + 20, () => rung.push(clock.nowMs()));
  clock.advance(200);
  expect(rung).toEqual([70, 170]);
  expect([alarms.size, clock.pending]).toEqual([0, 0]);
});

test('with lingerMs an alarm far ahead costs a few rings, and takes its timer with it when it is cancelled', () => {
  const clock = new ManualClock();
  let scheduled = 0;
  const counted = {
    nowMs: () => clock.nowMs(),
    schedule: (delayMs: number, task: () => void) => {
      scheduled++;
      return clock.schedule(delayMs, task);
    },
  };
  const alarms = new Alarms(counted, 50);
  let rung = 0;
  alarms.set(60 * 86_400_000, () => rung++);
  clock.advance(60 * 86_400_000);
  expect([rung, clock.pending]).toEqual([1, 0]);
  expect(scheduled).toBeLessThan(40);

  const far = alarms.set(clock.nowMs() + 60_000, () => rung++);
  clock.advance(10_000);
  alarms.cancel(far);
  expect(clock.pending).toBe(0);
});

test('an alarm that is due when it is set does not keep the timer ringing for those that are not', () => {
  const clock = new ManualClock();
  let scheduled = 0;
  const counted = {
    nowMs: () => clock.nowMs(),
    schedule: (delayMs: number, task: () => void) => {
      scheduled++;
      return clock.schedule(delayMs, task);
    },
  };
  const alarms = new Alarms(counted, 50);
  let rung = 0;
  alarms.set(10_000, () => rung++);
  alarms.set(0, () => rung++);
  alarms.set(-5, () => rung++);
  clock.advance(10_000);
  expect([rung, clock.pending]).toEqual([3, 0]);
  expect(scheduled).toBeLessThan(15);
});
