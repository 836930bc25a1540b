import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { tcpPool } from '../src/index.ts';
import {
  FaultProxy,
  misbehaviours,
  misbehavingServer,
  SeededRandom,
} from '../src/testing/index.ts';
import { expectBalanced, SOON } from './kit/connections/balance.ts';
import { Chaos, FAULTS, type FaultStep } from './kit/connections/chaos.ts';
import { ping } from './kit/connections/line-client.ts';

/*
 * Real sockets on a network where anything may happen at any time. Whatever it is: each call ends, nobody
 * reads another's answer, the counts add up, the pool works again when the network does, and leaves nothing.
 */

const CALLERS = 12;

async function live(calls: number, script: readonly FaultStep[]): Promise<void> {
  const server = await misbehavingServer(misbehaviours.none());
  const proxy = await FaultProxy.listen({ target: server });
  const { host, port } = proxy;
  const pool = tcpPool({
    host,
    port,
    ping,
    min: 1,
    max: 8,
    maxUses: 40,
    acquireTimeoutMs: 60,
    createTimeoutMs: 50,
    hookTimeoutMs: 30,
    validateAfterIdleMs: 5,
    keepAliveIntervalMs: 20,
    maxLifetimeMs: 500,
    retryBackoff: { type: 'exponential', baseMs: 1, maxMs: 10 },
  });
  const chaos = new Chaos(pool, proxy);
  await chaos.run(calls, CALLERS, script);
  await proxy.heal();
  await chaos.untilAnswered();

  const stats = pool.stats();
  expect(chaos.wrong).toBe(0);
  expect(chaos.answered + chaos.failed).toBe(chaos.calls);
  expect(stats.acquired + stats.timedOut + stats.refused + stats.aborted).toBe(chaos.calls);
  expect(stats).toMatchObject({ leased: 0, pending: 0, refused: 0, aborted: 0 });
  expect(stats.open).toBeLessThanOrEqual(8);
  expectBalanced(stats);

  expect(await pool.stop()).toEqual({ refused: 0, revoked: 0 });
  expect(pool.stats()).toMatchObject({ open: 0, creating: 0 });
  expectBalanced(pool.stats());
  await expect.poll(() => proxy.connections + server.connections, SOON).toBe(0);
  await proxy.stop();
  await server.stop();
}

const steps = fc.array(
  fc.record({
    fault: fc.constantFrom(...FAULTS),
    afterCalls: fc.integer({ min: 0, max: 40 }),
    healAfterCalls: fc.integer({ min: 1, max: 25 }),
  }),
  { minLength: 1, maxLength: 4 },
);

test('whatever happens to the network, each call ends, and in nobody else’s answer', async () => {
  await fc.assert(
    fc.asyncProperty(steps, (script) => live(100, script)),
    { numRuns: 20 },
  );
});

test('thousands of calls through a network that fails a hundred times end with the counts balanced', async () => {
  const random = new SeededRandom(17);
  const script = Array.from({ length: 100 }, (): FaultStep => ({
    fault: FAULTS[Math.floor(random.next() * FAULTS.length)] ?? 'reset',
    afterCalls: 20 + Math.floor(random.next() * 40),
    healAfterCalls: 1 + Math.floor(random.next() * 20),
  }));
  await expect(live(5000, script)).resolves.toBeUndefined();
});
