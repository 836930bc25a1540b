import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { ConnectionPool, type ConnectionPoolStats } from '../src/index.ts';
import { ManualClock, SeededRandom } from '../src/testing/index.ts';
import { expectBalanced, sum } from './kit/connections/balance.ts';
import { FakeServer, type FakeConnection } from './kit/connections/fake-server.ts';
import { PoolLoad } from './kit/connections/pool-load.ts';

/*
 * Callers in every way there is, on connections that fail in every way there is: dials that fail, throw, hang
 * and come too late, checks and resets that fail and hang, connections that die in anybody's hands, limits
 * that change. What must never happen does not, nothing is lost, and the counts agree with both sides.
 */

const isFull = process.env['SLUICE_SOAK'] === '1';
const ACQUIRES = isFull ? 1_000_000 : 20_000;
const MOST = 16;
const MAX_LIFETIME_MS = 60;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapMb(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

interface Rig {
  readonly clock: ManualClock;
  readonly server: FakeServer;
  readonly pool: ConnectionPool<FakeConnection>;
  readonly load: PoolLoad;
  readonly disturb: () => void;
}

function rig(seed: number): Rig {
  const clock = new ManualClock();
  const random = new SeededRandom(seed);
  const server = new FakeServer({
    clock,
    random,
    dial: { fails: 0.05, throws: 0.02, hangs: 0.03 },
    check: { fails: 0.03, throws: 0.01, hangs: 0.02 },
    reset: { fails: 0.002, throws: 0.001, hangs: 0.001 },
    close: { fails: 0.02, throws: 0.02, hangs: 0.01 },
  });
  const pool = new ConnectionPool<FakeConnection>({
    create: server.create,
    watch: server.watch,
    isOpen: server.isOpen,
    isHealthy: server.isHealthy,
    reset: server.reset,
    destroy: server.destroy,
    min: 2,
    max: MOST,
    maxPending: 30,
    maxUses: 50,
    acquireTimeoutMs: 50,
    createTimeoutMs: 20,
    hookTimeoutMs: 20,
    retryBackoff: { type: 'exponential', baseMs: 2, maxMs: 20, jitter: 'full' },
    idleTimeoutMs: 40,
    maxLifetimeMs: MAX_LIFETIME_MS,
    lifetimeJitter: 0.5,
    validateAfterIdleMs: 1,
    keepAliveIntervalMs: 25,
    clock,
    random,
  });
  const load = new PoolLoad({
    pool,
    clock,
    random,
    callers: 48,
    maxLifetimeMs: MAX_LIFETIME_MS,
    hasReset: true,
  });
  const disturb = (): void => {
    const chance = random.next();
    const victim = chance < 0.04 ? server.any() : undefined;
    if (victim) server.kill(victim);
    if (chance > 0.99) pool.update({ max: 2 + Math.floor(random.next() * (MOST - 1)) });
    // Not in the same moment as an update: dials that this began would come late, beyond the limit.
    if (chance > 0.5 && chance < 0.501) pool.evict();
    if (chance > 0.995) pool.update({ min: Math.floor(random.next() * 3) });
  };
  return { clock, server, pool, load, disturb };
}

function expectAgreement(stats: ConnectionPoolStats, { server, load }: Rig): void {
  expectBalanced(stats);
  expect(server.made).toBe(stats.created);
  expect(server.ended).toBe(stats.created - stats.open + stats.closing);
  expect(server.endedTwice).toBe(0);
  expect(stats).toMatchObject({ ...load.told });
}

test(`after ${ACQUIRES} acquires with faults of every kind nothing is lost and all counts are right`, async () => {
  if (!isFull) console.log(`${ACQUIRES} acquires; SLUICE_SOAK=1 runs 1000000`);
  const all = rig(6);
  const { clock, server, pool, load, disturb } = all;
  await load.run(ACQUIRES / 5, disturb);
  const earlyMb = heapMb();
  await load.run(ACQUIRES, disturb);
  const grownMb = heapMb() - earlyMb;
  expect(load.surprises).toEqual([]);
  expect(load.violations).toEqual({ heldTwice: 0, dead: 0, expired: 0, dirty: 0, unexpected: 0 });
  expect(sum({ ...load.told })).toBe(load.calls);
  expect(server.mostAlive).toBeLessThanOrEqual(MOST);
  expect(pool.stats()).toMatchObject({ leased: 0, pending: 0 });
  expect(grownMb).toBeLessThan(4);

  const stopped = pool.stop();
  await clock.run(1000);
  expect(await stopped).toEqual({ refused: 0, revoked: 0 });
  const stats = pool.stats();
  console.log({ told: load.told, virtualMs: clock.nowMs(), grownMb, ...stats });
  expect(stats).toMatchObject({ state: 'stopped', open: 0, creating: 0, pending: 0 });
  expectAgreement(stats, all);
  expect(server.alive.size).toBe(0);
  expect(clock.pending).toBe(0);
}, 1_800_000);
