import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { tcpPool, type ConnectionPool, type TcpPoolOptions } from '../src/index.ts';
import {
  FaultProxy,
  misbehaviours,
  misbehavingServer,
  type MisbehavingServer,
} from '../src/testing/index.ts';
import { expectBalanced, SOON } from './kit/connections/balance.ts';
import { ask, ping } from './kit/connections/line-client.ts';

/* What a pool leaves of itself when it stops, on the machine's own clock: nothing. */

/** What keeps this process alive, but for what kept it alive before. */
function leftovers(before: readonly string[]): readonly string[] {
  const left = [...process.getActiveResourcesInfo()];
  for (const resource of before) {
    const at = left.indexOf(resource);
    if (at !== -1) left.splice(at, 1);
  }
  return left.filter((resource) => /TCP|TLS|Timeout|GetAddrInfo/.test(resource));
}

interface Rig {
  readonly server: MisbehavingServer;
  readonly proxy: FaultProxy;
  readonly pool: ConnectionPool<Socket>;
}

async function withRig(
  options: Partial<TcpPoolOptions>,
  run: (rig: Rig) => Promise<void>,
): Promise<void> {
  const server = await misbehavingServer(misbehaviours.none());
  const proxy = await FaultProxy.listen({ target: server });
  const before = process.getActiveResourcesInfo();
  const { host, port } = proxy;
  const pool = tcpPool({ host, port, max: 4, ...options });
  await run({ server, proxy, pool });
  const stats = pool.stats();
  expect(stats).toMatchObject({ state: 'stopped', open: 0, creating: 0, pending: 0 });
  expectBalanced(stats);
  await proxy.heal();
  await expect.poll(() => proxy.connections + server.connections, SOON).toBe(0);
  await proxy.stop();
  await server.stop();
  await expect.poll(() => leftovers(before), SOON).toEqual([]);
}

test('stop ends idle connections, and waits for those that are in use', async () => {
  await withRig({ min: 2 }, async ({ pool }) => {
    const lease = await pool.acquire();
    await expect.poll(() => pool.stats().open, SOON).toBe(2);
    const stopped = pool.stop();
    expect(await ask(lease.value, 'the last word')).toBe('the last word');
    lease.release();
    expect(await stopped).toEqual({ refused: 0, revoked: 0 });
  });
});

test('stop takes the connections from those who keep them, and refuses those who wait', async () => {
  await withRig({ max: 1 }, async ({ pool }) => {
    const lease = await pool.acquire();
    const socket = lease.value;
    const waiting = [pool.acquire(), pool.use(() => 'never')].map((call) =>
      expect(call).rejects.toMatchObject({ code: 'SLUICE_STOPPED' }),
    );
    expect(await pool.stop({ timeoutMs: 0 })).toEqual({ refused: 2, revoked: 1 });
    await Promise.all(waiting);
    expect(socket.destroyed).toBe(true);
    expect(() => lease.value).toThrow(/stopped/);
    lease.release();
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'SLUICE_STOPPED' });
  });
});

test.each([
  { what: 'a network that hangs', spoil: async (proxy: FaultProxy) => proxy.hang() },
  { what: 'a network that resets', spoil: async (proxy: FaultProxy) => proxy.reset() },
  { what: 'a network that refuses', spoil: async (proxy: FaultProxy) => proxy.refuse() },
])('stop leaves nothing on $what, with checks and dials under way', async ({ spoil }) => {
  await withRig({ min: 2, max: 3, ping, validateAfterIdleMs: 0 }, async ({ pool, proxy }) => {
    (await pool.acquire()).release();
    await expect.poll(() => pool.stats().open, SOON).toBe(2);
    await spoil(proxy);
    const calls = Array.from({ length: 6 }, () =>
      pool.use((socket) => ask(socket, 'x'), { timeoutMs: 60_000 }),
    );
    const settled = Promise.allSettled(calls);
    const { refused } = await pool.stop({ timeoutMs: 0 });
    expect(refused).toBeGreaterThan(0);
    for (const { status } of await settled) expect(status).toBe('rejected');
  });
});

test('stop during the first dial leaves no socket', async () => {
  await withRig({ min: 4 }, async ({ pool }) => {
    const [call] = await Promise.allSettled([pool.acquire(), pool.stop()]);
    expect(call).toMatchObject({ status: 'rejected', reason: { code: 'SLUICE_STOPPED' } });
  });
});

test('a pool that goes out of scope has stopped', async () => {
  await withRig({}, async ({ pool }) => {
    await using scoped = pool;
    expect(await scoped.use((socket) => ask(socket, 'x'))).toBe('x');
  });
});
