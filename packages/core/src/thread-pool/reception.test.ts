import { expect, test, vi } from 'vitest';
import { Alarms } from '../collections/index.ts';
import { ManualClock } from '../testing/index.ts';
import type { Desk } from './desk.ts';
import { Reception } from './reception.ts';
import { Lobby } from './shared/lobby.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A reception whose desk has one busy worker, which never answers of its own accord. */
function receptionOf(desk: Partial<Desk>, live: () => number) {
  const clock = new ManualClock();
  const alarms = new Alarms(clock);
  const onIdle = vi.fn<() => void>();
  const quiet = {
    alarms,
    workers: [{ outstanding: 1 }],
    recentRunMs: Infinity,
    hasAhead: false,
    hasResults: () => false,
    collect: () => 0,
    publish: () => undefined,
  };
  const setting = { clock, lobby: new Lobby(), cpus: () => 2, keepAlive: false, live, onIdle };
  const whole = { ...quiet, ...desk } as unknown as Desk;
  return { reception: new Reception({ ...setting, desk: whole }), clock, alarms, onIdle };
}

test('the last result lets go of the process also when the turn of the event loop fetched it', async () => {
  let live = 1;
  let isTurn = false;
  setImmediate(() => {
    isTurn = true;
  });
  // Results come without end, until the event loop has its turn.
  const collect = (): number => {
    if (isTurn) live = 0;
    return 1;
  };
  const { reception, onIdle } = receptionOf({ collect, hasResults: () => true }, () => live);
  reception.flushSoon();
  await turn();
  await turn();
  expect(live).toBe(0);
  expect(onIdle).toHaveBeenCalledOnce();
  reception.close();
});

test('while it sleeps it looks for nothing, however long a task takes', async () => {
  const hasResults = vi.fn<() => boolean>(() => false);
  const collect = vi.fn<() => number>(() => 0);
  const { reception } = receptionOf({ hasResults, collect }, () => 1);
  reception.flushSoon();
  for (let i = 0; i < 3; i++) await turn();
  const looks = hasResults.mock.calls.length + collect.mock.calls.length;
  for (let i = 0; i < 20; i++) await turn();
  expect(hasResults.mock.calls.length + collect.mock.calls.length).toBe(looks);
  reception.close();
});

test('a pool whose clock stands still looks for results no longer than others', async () => {
  const hasResults = vi.fn<() => boolean>(() => false);
  const { reception } = receptionOf({ recentRunMs: 0, hasResults }, () => 1);
  reception.flushSoon();
  await Promise.resolve();
  expect(hasResults.mock.calls.length).toBeGreaterThan(10);
  reception.close();
});

test('the timer that keeps the process alive is no business of the clock of the pool', async () => {
  const { reception, clock } = receptionOf({}, () => 1);
  reception.keep(true);
  expect(clock.pending).toBe(0);
  reception.close();
});

test('while tasks wait behind others, it looks after them again and again, and until the pool stops', async () => {
  const collect = vi.fn<() => number>(() => 0);
  const { reception, clock, alarms } = receptionOf({ hasAhead: true, collect }, () => 1);
  reception.flushSoon();
  await turn();
  const before = collect.mock.calls.length;
  clock.advance(1);
  clock.advance(1);
  clock.advance(1);
  expect(collect).toHaveBeenCalledTimes(before + 3);
  reception.close();
  expect(alarms.size).toBe(0);
});
