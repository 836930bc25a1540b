import { afterEach, expect, test, vi } from 'vitest';
import { InvalidOptionsError } from '../core/index.ts';
import { ManualClock, SeededRandom } from '../testing/index.ts';
import { Autoscaler, type AutoscalerEvents } from './autoscaler.ts';
import type { AutoscalerOptions } from './options.ts';
import type { ScalablePool, ScalablePoolStats, WorkTotals } from './scalable-pool.ts';

/** A pool that shows what it is told to. */
class ShownPool implements ScalablePool {
  readonly name = 'shown';
  readonly sizes: number[] = [];
  state = 'running';
  active = 0;
  queued = 0;
  completed = 0;
  size: number;

  constructor(size: number) {
    this.size = size;
  }

  resize(size: number): void {
    this.size = size;
    this.sizes.push(size);
  }

  stats(): ScalablePoolStats {
    const { state, size, active, queued, completed } = this;
    return { state, size, active, queued, completed };
  }
}

/** One that counts its work, and calls when a task finds no free worker. */
class ThreadsShown extends ShownPool {
  listener: (() => void) | undefined;
  totals: WorkTotals = { busyMs: 0, cpuMs: 0 };

  workTotals(): WorkTotals {
    return this.totals;
  }

  whenPressed(listener: () => void): () => void {
    this.listener = listener;
    return () => (this.listener = undefined);
  }
}

function scale(
  pool: ScalablePool,
  options: Partial<AutoscalerOptions> = {},
): { autoscaler: Autoscaler; clock: ManualClock; events: AutoscalerEvents['resize'][] } {
  const clock = new ManualClock();
  const random = new SeededRandom(1);
  const autoscaler = new Autoscaler(pool, { min: 2, max: 16, clock, random, ...options });
  const events: AutoscalerEvents['resize'][] = [];
  autoscaler.on('resize', (event) => events.push(event));
  return { autoscaler, clock, events };
}

afterEach(() => vi.restoreAllMocks());

test('nothing happens before start, and nothing after stop, which can be called twice', () => {
  const pool = new ShownPool(4);
  const { autoscaler, clock } = scale(pool, { strategy: () => 8 });
  expect(clock.pending).toBe(0);
  pool.active = 1;
  autoscaler.start();
  autoscaler.start();
  expect([clock.pending, autoscaler.stats().watching]).toEqual([1, true]);
  clock.advance(3000);
  expect(pool.sizes).toEqual([8]);
  autoscaler.stop();
  autoscaler.stop();
  expect([clock.pending, autoscaler.stats().watching]).toEqual([0, false]);
});

test('using ends it with its block', () => {
  const pool = new ShownPool(4);
  const { autoscaler, clock } = scale(pool);
  {
    using started = autoscaler.start();
    expect(started.stats().watching).toBe(true);
  }
  expect(clock.pending).toBe(0);
});

test('its timers do not keep the process alive', () => {
  const { autoscaler, clock } = scale(new ShownPool(4));
  const schedule = vi.spyOn(clock, 'schedule');
  autoscaler.start();
  clock.advance(5000);
  expect(schedule.mock.calls.length).toBeGreaterThan(30);
  for (const [, , options] of schedule.mock.calls as unknown[][]) {
    expect(options).toEqual({ keepAlive: false });
  }
});

test('a size out of bounds is brought within at start, and after update', () => {
  const pool = new ShownPool(40);
  const { autoscaler, events } = scale(pool);
  autoscaler.start();
  autoscaler.update({ min: 20, max: 30 });
  autoscaler.update({ max: 25 });
  expect(events).toEqual([
    { from: 40, to: 16, reason: 'bounds' },
    { from: 16, to: 20, reason: 'bounds' },
  ]);
});

test('update changes the strategy live, and nothing when an option is wrong', () => {
  const pool = new ShownPool(4);
  pool.active = 4;
  const { autoscaler, clock } = scale(pool, { strategy: () => 6 });
  autoscaler.start();
  clock.advance(2000);
  expect(pool.size).toBe(6);
  expect(() => autoscaler.update({ max: 0, intervalMs: -1 })).toThrow(InvalidOptionsError);
  autoscaler.update({ strategy: { decide: () => 12 }, intervalMs: 100 });
  clock.advance(200);
  expect(pool.size).toBe(12);
  expect(autoscaler.stats()).toMatchObject({ min: 2, max: 16, grown: 2, shrunk: 0 });
});

test('an answer is rounded up and brought within the bounds; what is no number changes nothing', () => {
  const pool = new ShownPool(4);
  pool.active = 4;
  const answers = [4.2, Number.NaN, 1000, 16];
  const { autoscaler, clock } = scale(pool, { strategy: () => answers.shift() ?? 16 });
  autoscaler.start();
  clock.advance(8000);
  expect(pool.sizes).toEqual([5, 16]);
});

test('a strategy or a pool that throws becomes a warning, and the pool goes on as it is', () => {
  const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const pool = new ShownPool(4);
  pool.active = 4;
  const { autoscaler, clock } = scale(pool, {
    strategy: () => {
      throw new Error('no idea');
    },
  });
  autoscaler.start();
  clock.advance(5000);
  expect(autoscaler.stats().failed).toBe(autoscaler.stats().decisions);
  expect(warning).toHaveBeenCalledTimes(autoscaler.stats().failed);
  expect(pool.sizes).toEqual([]);
});

test('the cool-down holds back what follows too soon, and says so', () => {
  const pool = new ShownPool(4);
  pool.active = 4;
  const options = { growCooldownMs: 5000, shrinkCooldownMs: 20_000 };
  const answers = [8, 12];
  const strategy = ({ size }: { size: number }): number =>
    size === 12 ? 6 : (answers.find((answer) => answer > size) ?? size);
  const { autoscaler, clock, events } = scale(pool, { ...options, strategy });
  const at: number[] = [];
  autoscaler.on('resize', () => at.push(clock.nowMs()));
  autoscaler.start();
  clock.advance(40_000);
  expect(events.map(({ to }) => to).slice(0, 3)).toEqual([8, 12, 6]);
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(5000);
  expect((at[2] ?? 0) - (at[1] ?? 0)).toBeGreaterThanOrEqual(20_000);
  expect(autoscaler.stats().heldByCooldown).toBeGreaterThan(15);
});

// With 0.1 waiting on average, one or more wait for 909 ms in 10 s, two or more for 83, three or more for 8.
test.for([
  [0, 4],
  [0.004, 4],
  [0.02, 5],
  [0.1, 6],
  [1, 8],
] as const)(
  'a worker that costs more than the waiting that it saves is not started: with %f waiting 4 become %i',
  ([queued, size]) => {
    const pool = new ShownPool(4);
    pool.active = 4;
    pool.queued = queued;
    const { autoscaler, clock } = scale(pool, { strategy: () => 8, spawnCostMs: 50 });
    autoscaler.start();
    clock.advance(1500);
    expect(pool.size).toBe(size);
    expect(autoscaler.stats().heldBySpawnCost).toBe(size < 8 ? 1 : 0);
  },
);

test('without a spawn cost a strategy gets what it wants', () => {
  const pool = new ShownPool(4);
  pool.active = 4;
  const { autoscaler, clock } = scale(pool, { strategy: () => 8, spawnCostMs: 0 });
  autoscaler.start();
  clock.advance(1500);
  expect(pool.sizes).toEqual([8]);
});

test('after idleMs without a task the pool goes to min, whatever the strategy', () => {
  const pool = new ShownPool(12);
  const { autoscaler, clock, events } = scale(pool, { strategy: () => 12, idleMs: 30_000 });
  autoscaler.start();
  pool.active = 1;
  clock.advance(20_000);
  pool.active = 0;
  clock.advance(29_000);
  expect(events).toEqual([]);
  clock.advance(4000);
  expect(events).toEqual([{ from: 12, to: 2, reason: 'idle' }]);
});

test('an idle pool at min needs no timer, and is watched again when a task finds no free worker', () => {
  const pool = new ThreadsShown(12);
  const { autoscaler, clock } = scale(pool, { strategy: () => 8, idleMs: 10_000, spawnCostMs: 0 });
  autoscaler.start();
  clock.advance(30_000);
  expect([pool.size, clock.pending, autoscaler.stats().watching]).toEqual([2, 0, false]);
  pool.active = 2;
  pool.queued = 5;
  pool.totals = { busyMs: 100, cpuMs: 100 };
  pool.listener?.();
  expect([clock.pending, autoscaler.stats().watching]).toEqual([1, true]);
  clock.advance(2000);
  expect(pool.size).toBe(8);
  autoscaler.stop();
});

test('an idle pool at min that cannot call is looked at once an interval', () => {
  const pool = new ShownPool(2);
  const { autoscaler, clock } = scale(pool, { strategy: () => 8, idleMs: 5000 });
  autoscaler.start();
  clock.advance(20_000);
  const schedule = vi.spyOn(clock, 'schedule');
  clock.advance(10_000);
  expect([schedule.mock.calls.length, autoscaler.stats().watching]).toEqual([10, false]);
  pool.completed = 1;
  clock.advance(1000);
  expect(autoscaler.stats().watching).toBe(true);
  pool.active = 1;
  clock.advance(2000);
  expect(pool.size).toBe(8);
});

test('stop at rest takes the listener back', () => {
  const pool = new ThreadsShown(2);
  const { autoscaler, clock } = scale(pool, { idleMs: 1000 });
  autoscaler.start();
  clock.advance(10_000);
  expect(pool.listener).toBeDefined();
  autoscaler.stop();
  expect(pool.listener).toBeUndefined();
});

test('a pool that is paused or stops is left as it is', () => {
  const pool = new ShownPool(4);
  pool.active = 4;
  const { autoscaler, clock } = scale(pool, { strategy: () => 8 });
  autoscaler.start();
  pool.state = 'paused';
  clock.advance(5000);
  expect([pool.sizes, autoscaler.stats().decisions]).toEqual([[], 0]);
  pool.state = 'running';
  clock.advance(2000);
  expect(pool.sizes).toEqual([8]);
});

test('the strategy is told the means of the interval, of exact totals where the pool has them', () => {
  const pool = new ThreadsShown(4);
  pool.active = 4;
  const shares: number[] = [];
  const cpus: (number | undefined)[] = [];
  const { autoscaler, clock } = scale(pool, {
    strategy: (sample) => {
      shares.push(sample.busyShare);
      cpus.push(sample.cpus);
      return sample.size;
    },
  });
  autoscaler.start();
  for (let ms = 0; ms < 10_000; ms++) {
    // Three of four workers busy, each of which computes for two thirds of its time.
    pool.totals = { busyMs: 3 * ms, cpuMs: 2 * ms };
    clock.advance(1);
  }
  for (const share of shares) expect(Math.abs(share - 0.75)).toBeLessThan(0.005);
  for (const used of cpus) expect(Math.abs((used ?? 0) - 2)).toBeLessThan(0.01);
  expect(shares.length).toBeGreaterThan(7);
});

test.for([
  ['is left out', () => ({ busyMs: 1 })],
  ['is no number', () => ({ busyMs: 1, cpuMs: Number.NaN })],
] as const)('CPU time that %s is told to the strategy as unknown', ([, workTotals]) => {
  const pool = Object.assign(new ShownPool(4), { workTotals, active: 4 });
  const told: unknown[] = [];
  const { autoscaler, clock } = scale(pool, {
    strategy: ({ hasTotals, cpus, size }) => {
      told.push([hasTotals, cpus]);
      return size;
    },
  });
  pool.completed = 1;
  autoscaler.start();
  pool.queued = 1;
  clock.advance(1500);
  expect(told).toEqual([[true, undefined]]);
});

test('a pool with threads is sized by utilisation, and one with lanes by throughput', () => {
  const { autoscaler } = scale(new ThreadsShown(2));
  expect(() => autoscaler.update({ strategy: 'speed' as 'throughput' })).toThrow(/strategy/);
  expect(() => scale(new ShownPool(2), { min: 8, max: 4 })).toThrow(/max must be at least min/);
  expect(autoscaler.name).toBe('shown');
});
