import * as fc from 'fast-check';
import { test } from 'vitest';
import { settlePromises } from '../testing/index.ts';
import { ConnectionWorld } from '../../test/kit/connection-world.ts';
import { ReentrantWorld } from '../../test/kit/reentrant-world.ts';

const plan = fc.record({
  priority: fc.constantFrom(0, 0, 0, -8, 3, 7),
  timeoutMs: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined, freq: 2 }),
  isAbortable: fc.boolean(),
});

const limits = fc.record({
  min: fc.constantFrom(0, 0, 1),
  max: fc.integer({ min: 1, max: 4 }),
  maxPending: fc.constantFrom(0, 2, 100),
  maxUses: fc.constantFrom(2, 5, Infinity),
  maxLifetimeMs: fc.constantFrom(35, 70, Infinity),
  lifetimeJitter: fc.constantFrom(0, 0.3),
  validateAfterIdleMs: fc.constantFrom(0, 6, Infinity),
  leakDetectionMs: fc.constantFrom(10, Infinity),
});

const manners = fc.record({
  isSlow: fc.boolean(),
  heedsSignal: fc.boolean(),
  hasReset: fc.boolean(),
});

const step = fc.oneof(
  { weight: 12, arbitrary: plan.map((p) => (world: ConnectionWorld) => world.acquire(p)) },
  { weight: 2, arbitrary: fc.constant((world: ConnectionWorld) => world.tryAcquire()) },
  {
    weight: 12,
    arbitrary: fc.tuple(fc.nat(), fc.constantFrom(true, true, false)).map(
      ([n, isFit]) =>
        (world: ConnectionWorld) =>
          world.giveBack(n, isFit),
    ),
  },
  {
    weight: 12,
    arbitrary: fc.tuple(fc.nat(), fc.constantFrom(true, true, false)).map(
      ([n, isGood]) =>
        (world: ConnectionWorld) =>
          world.settle(n, isGood),
    ),
  },
  { weight: 3, arbitrary: fc.nat().map((n) => (world: ConnectionWorld) => world.abort(n)) },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.nat(), fc.boolean()).map(
      ([n, isTold]) =>
        (world: ConnectionWorld) =>
          world.kill(n, isTold),
    ),
  },
  {
    weight: 10,
    arbitrary: fc
      .integer({ min: 1, max: 20 })
      .map((ms) => (world: ConnectionWorld) => world.clock.run(ms)),
  },
  {
    weight: 3,
    arbitrary: fc
      .oneof(
        fc.record({ max: fc.integer({ min: 1, max: 5 }) }),
        fc.record({ min: fc.integer({ min: 0, max: 2 }) }),
        fc.record({ maxUses: fc.integer({ min: 1, max: 5 }) }),
      )
      .map((changes) => (world: ConnectionWorld) => world.update(changes)),
  },
  { weight: 1, arbitrary: fc.constant((world: ConnectionWorld) => world.pool.evict()) },
);

async function play(
  world: ConnectionWorld,
  steps: readonly ((world: ConnectionWorld) => unknown)[],
): Promise<void> {
  for (const act of steps) {
    await act(world);
    world.check();
    await settlePromises();
    world.check();
  }
}

const script = fc.array(step, { minLength: 1, maxLength: 60, size: 'max' });

test('whatever happens, counts balance, open stays within max, and none is held twice, dead or too old', async () => {
  await fc.assert(
    fc.asyncProperty(manners, limits, script, async (how, bounds, steps) => {
      const world = new ConnectionWorld(how, bounds);
      await play(world, steps);
      await world.stop(20);
    }),
    { numRuns: 400 },
  );
});

test('once the other side is well again, everybody who waits is served', async () => {
  await fc.assert(
    fc.asyncProperty(manners, limits, script, async (how, bounds, steps) => {
      const world = new ConnectionWorld(how, bounds);
      await play(world, steps);
      await world.calmDown();
      await world.stop(0);
    }),
    { numRuns: 300 },
  );
});

test('whenever it comes, stop leaves no connection, no timer and nobody who waits', async () => {
  const stopMs = fc.constantFrom(0, 10, 50);
  await fc.assert(
    fc.asyncProperty(manners, limits, script, stopMs, async (how, bounds, steps, timeoutMs) => {
      const world = new ConnectionWorld(how, bounds);
      await play(world, steps);
      const stopped = world.pool.stop({ timeoutMs });
      await play(world, steps);
      await world.stop(timeoutMs);
      await stopped;
    }),
    { numRuns: 200 },
  );
});

test('hooks and listeners may call the pool at any time: all counts stay right, and stop leaves nothing', async () => {
  // A seed decides on all that happens, so a smaller one is not simpler.
  const seed = fc.noShrink(fc.integer({ min: 0, max: 2 ** 31 }));
  await fc.assert(
    fc.asyncProperty(seed, fc.boolean(), async (chance, stopsInside) => {
      const world = new ReentrantWorld(chance, stopsInside);
      await world.play(80);
      await world.end();
    }),
    { numRuns: 300 },
  );
});
