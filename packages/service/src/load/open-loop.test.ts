import { ManualClock } from '@sluice/core/testing';
import { expect, test } from 'vitest';
import { OpenLoop } from './open-loop.ts';
import { ConstantArrivals } from './schedule.ts';

interface Send {
  readonly dueMs: number;
  readonly nowMs: number;
}

interface Setup {
  readonly ratePerSecond: number;
  readonly durationMs: number;
  /** What a send costs this process, in ms. */
  readonly costMs?: (send: number) => number;
}

/** An open loop on a clock that is moved by hand, where a turn of the event loop takes 0.25 ms. */
function setUp({ ratePerSecond, durationMs, costMs = () => 0 }: Setup) {
  const clock = new ManualClock(5000);
  const sends: Send[] = [];
  const turns: number[] = [];
  let dropped = 0;
  const loop = new OpenLoop({
    schedule: new ConstantArrivals({ ratePerSecond, durationMs }),
    clock,
    startMs: 5000,
    durationMs,
    send: (dueMs, nowMs) => {
      sends.push({ dueMs: dueMs - 5000, nowMs: nowMs - 5000 });
      clock.advance(costMs(sends.length));
    },
    drop: (count) => {
      dropped += count;
    },
    soon: (task) => {
      turns.push(sends.length);
      clock.schedule(0.25, task);
    },
  });
  return { clock, loop, sends, turns, dropped: () => dropped };
}

test('an open loop sends each request when it is due, and ends after the last', async () => {
  const { clock, loop, sends } = setUp({ ratePerSecond: 100, durationMs: 50 });
  const done = loop.run();
  clock.advance(60);
  await done;
  expect(sends).toEqual([0, 10, 20, 30, 40].map((atMs) => ({ dueMs: atMs, nowMs: atMs })));
  expect(clock.pending).toBe(0);
});

test('an open loop waits out the part of a millisecond that no timer holds', async () => {
  const { clock, loop, sends } = setUp({ ratePerSecond: 300, durationMs: 1000 });
  const done = loop.run();
  clock.advance(1000);
  await done;
  expect(sends).toHaveLength(300);
  for (const { dueMs, nowMs } of sends) {
    expect(nowMs).toBeGreaterThanOrEqual(dueMs);
    expect(nowMs - dueMs).toBeLessThanOrEqual(0.25);
  }
});

test('a generator that was kept from running sends what is overdue, each with its own due time', async () => {
  const blocked = (send: number): number => (send === 3 ? 55 : 0);
  const setup = { ratePerSecond: 100, durationMs: 100, costMs: blocked };
  const { clock, loop, sends, dropped } = setUp(setup);
  const done = loop.run();
  clock.advance(100);
  await done;
  expect(sends).toEqual([
    { dueMs: 0, nowMs: 0 },
    { dueMs: 10, nowMs: 10 },
    { dueMs: 20, nowMs: 20 },
    { dueMs: 30, nowMs: 75 },
    { dueMs: 40, nowMs: 75 },
    { dueMs: 50, nowMs: 75 },
    { dueMs: 60, nowMs: 75 },
    { dueMs: 70, nowMs: 75 },
    { dueMs: 80, nowMs: 80 },
    { dueMs: 90, nowMs: 90 },
  ]);
  expect(dropped()).toBe(0);
});

test('a generator that catches up lets the answers be read every 64 sends', async () => {
  const blocked = (send: number): number => (send === 1 ? 200 : 0);
  const setup = { ratePerSecond: 1000, durationMs: 200, costMs: blocked };
  const { clock, loop, sends, turns } = setUp(setup);
  const done = loop.run();
  clock.advance(300);
  await done;
  expect(sends).toHaveLength(200);
  expect(turns).toEqual([64, 128, 192]);
});

test('a generator that cannot keep up gives up a second after the end, and says how many it dropped', async () => {
  const setup = { ratePerSecond: 100, durationMs: 1000, costMs: () => 50 };
  const { clock, loop, sends, dropped } = setUp(setup);
  const done = loop.run();
  for (let i = 0; i < 100; i++) clock.advance(1);
  await done;
  expect(dropped()).toBeGreaterThan(0);
  expect(sends.length + dropped()).toBe(100);
});

test('an open loop that is stopped sends nothing more, and counts as dropped what was due by then', async () => {
  const blockAndStop = (send: number): number => {
    if (send !== 3) return 0;
    clock.advance(55);
    loop.stop();
    return 0;
  };
  const setup = { ratePerSecond: 100, durationMs: 1000, costMs: blockAndStop };
  const { clock, loop, sends, dropped } = setUp(setup);
  const done = loop.run();
  clock.advance(1000);
  await done;
  expect(sends.map(({ dueMs }) => dueMs)).toEqual([0, 10, 20]);
  expect(dropped()).toBe([30, 40, 50, 60, 70].length);
  expect(clock.pending).toBe(0);
});
