import type { Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { tcpPool, type ConnectionPool, type TcpPoolOptions } from '../src/index.ts';
import {
  FaultProxy,
  ManualClock,
  misbehaviours,
  misbehavingServer,
  type MisbehavingServer,
} from '../src/testing/index.ts';
import { expectCleanStop, SOON } from './kit/connections/balance.ts';
import { ask, ping } from './kit/connections/line-client.ts';

/* A pool of real sockets on a network that fails, before a server that does nothing wrong. */

const BACKOFF = { type: 'constant', delayMs: 100, jitter: 'none' } as const;

interface Rig {
  readonly server: MisbehavingServer;
  readonly proxy: FaultProxy;
  readonly pool: ConnectionPool<Socket>;
  /** Of the pool alone; the network has real time. */
  readonly clock: ManualClock;
}

let rig: Rig | undefined;

afterEach(expectNothingLeft);

async function expectNothingLeft(): Promise<void> {
  if (rig === undefined) return;
  const { pool, proxy, server, clock } = rig;
  rig = undefined;
  await expectCleanStop(pool, clock);
  await proxy.heal();
  // Whom the pool has left the proxy lets go, too.
  await expect.poll(() => proxy.connections, SOON).toBe(0);
  await proxy.stop();
  await expect.poll(() => server.connections, SOON).toBe(0);
  await server.stop();
}

async function open(options: Partial<TcpPoolOptions> = {}): Promise<Rig> {
  const server = await misbehavingServer(misbehaviours.none());
  const proxy = await FaultProxy.listen({ target: server });
  const { host, port } = proxy;
  const clock = new ManualClock();
  const pool = tcpPool({ host, port, clock, max: 4, retryBackoff: BACKOFF, ...options });
  rig = { server, proxy, clock, pool };
  return rig;
}

function echo(pool: ConnectionPool<Socket>, line: string): Promise<string> {
  return pool.use((socket) => ask(socket, line));
}

/** So many idle connections. */
async function warm(pool: ConnectionPool<Socket>, count: number): Promise<void> {
  const leases = await Promise.all(Array.from({ length: count }, () => pool.acquire()));
  for (const lease of leases) lease.release();
  expect(pool.stats()).toMatchObject({ idle: count, open: count });
}

test('connections that are reset while they are idle are noticed at once, and none is handed out', async () => {
  const { pool, proxy } = await open();
  await warm(pool, 4);
  await proxy.reset();
  await expect.poll(() => pool.stats().destroyed.closed, SOON).toBe(4);
  expect(pool.stats()).toMatchObject({ open: 0, idle: 0 });
  expect(await echo(pool, 'again')).toBe('again');
});

test('a FIN ends an idle connection, and lets its user finish a leased one', async () => {
  const { pool, proxy } = await open();
  await warm(pool, 2);
  const lease = await pool.acquire();
  await proxy.halfClose('downstream');
  await expect.poll(() => pool.stats(), SOON).toMatchObject({ open: 1, idle: 0, leased: 1 });
  await expect.poll(() => lease.value.readableEnded, SOON).toBe(true);
  lease.release();
  await expect.poll(() => pool.stats().destroyed.closed, SOON).toBe(2);
  expect(await echo(pool, 'again')).toBe('again');
});

test('a reset in the hands of a user fails his call, ends the connection and no other one', async () => {
  const { pool, proxy } = await open();
  proxy.hang('downstream');
  const call = Promise.allSettled([echo(pool, 'lost')]);
  await expect.poll(() => proxy.bytes.upstream, SOON).toBe(5);
  await proxy.reset();
  expect(await call).toMatchObject([{ status: 'rejected', reason: { code: 'ECONNRESET' } }]);
  await proxy.heal();
  expect(await echo(pool, 'next')).toBe('next');
  expect(pool.stats()).toMatchObject({ created: 2, open: 1 });
});

test('after a ping without an answer, who waits gets a new connection, and does not wait for the other pings', async () => {
  const { pool, proxy, clock } = await open({ ping, hookTimeoutMs: 100, max: 3 });
  await warm(pool, 3);
  proxy.hang();
  clock.advance(1000);
  const call = echo(pool, 'through');
  expect(pool.stats()).toMatchObject({ busy: 1, leased: 0, creating: 0 });
  clock.advance(100);
  const served = { leased: 1, created: 4, destroyed: { unhealthy: 1 } };
  await expect.poll(() => pool.stats(), SOON).toMatchObject(served);
  await proxy.heal();
  expect(await call).toBe('through');
});

test('a keep-alive finds idle connections that were dropped before anybody wants them, one after the other', async () => {
  const { pool, proxy, clock } = await open({ ping, keepAliveIntervalMs: 1000, hookTimeoutMs: 50 });
  await warm(pool, 3);
  proxy.hang();
  clock.advance(1000);
  for (let idle = 2; idle >= 0; idle--) {
    expect(pool.stats()).toMatchObject({ idle, busy: 1 });
    clock.advance(50);
  }
  await expect.poll(() => pool.stats().destroyed.unhealthy, SOON).toBe(3);
  await proxy.heal();
  expect(await echo(pool, 'alive')).toBe('alive');
});

test('a keep-alive keeps connections that answer', async () => {
  const { pool, clock, server } = await open({ ping, keepAliveIntervalMs: 1000 });
  await warm(pool, 2);
  // The next one is asked as soon as the one before has answered.
  const asked = (): number => {
    clock.advance(0);
    return server.requests;
  };
  for (let round = 1; round <= 3; round++) {
    clock.advance(1000);
    await expect.poll(asked, SOON).toBe(2 * round);
    await expect.poll(() => pool.stats().idle, SOON).toBe(2);
  }
  expect(pool.stats()).toMatchObject({ created: 2, open: 2 });
});

test('who waits while dials are refused is told the cause, and after the heal the next dial succeeds', async () => {
  const { pool, proxy, clock } = await open();
  await proxy.refuse();
  await expect(pool.acquire({ timeoutMs: 50 })).rejects.toMatchObject({
    name: 'TimeoutError',
    code: 'SLUICE_TIMEOUT',
    cause: { code: 'ECONNREFUSED' },
  });
  const patient = [1, 2, 3].map((call) => echo(pool, `call ${call}`));
  expect(pool.stats()).toMatchObject({ pending: 3, creating: 0 });
  clock.advance(100);
  await expect.poll(() => pool.stats().createFailed, SOON).toBe(2);
  await proxy.heal();
  clock.advance(100);
  expect(await Promise.all(patient)).toEqual(['call 1', 'call 2', 'call 3']);
});

test('while dials fail one dials, however many wait', async () => {
  const { pool, proxy, clock } = await open();
  await proxy.refuse();
  const patient = Promise.allSettled([1, 2, 3, 4].map(() => pool.acquire({ timeoutMs: 1050 })));
  await expect.poll(() => pool.stats().creating, SOON).toBe(0);
  const atFirst = pool.stats().createFailed;
  for (let dials = 1; dials <= 10; dials++) {
    clock.advance(100);
    await expect.poll(() => pool.stats().createFailed, SOON).toBe(atFirst + dials);
  }
  clock.advance(50);
  for (const each of await patient) {
    expect(each).toMatchObject({ status: 'rejected', reason: { cause: { code: 'ECONNREFUSED' } } });
  }
});

test('a dial whose preparation hangs takes no longer than createTimeoutMs, and leaves no socket', async () => {
  const prepare = async (socket: Socket, signal: AbortSignal): Promise<void> => {
    await ask(socket, 'hello', signal);
  };
  const { pool, proxy, clock } = await open({ prepare, createTimeoutMs: 200 });
  proxy.hang();
  const told = pool.acquire({ timeoutMs: 250 });
  await expect.poll(() => proxy.connections, SOON).toBe(1);
  clock.advance(200);
  await expect(told).rejects.toMatchObject({
    name: 'TimeoutError',
    cause: { name: 'TimeoutError', message: expect.stringContaining('200 ms') as string },
  });
  await proxy.heal();
  await expect.poll(() => proxy.connections, SOON).toBe(0);
  clock.advance(100);
  expect(await echo(pool, 'later')).toBe('later');
});

test('a slow network delays a call and nothing else', async () => {
  const { pool, proxy } = await open();
  proxy.set({ latencyMs: 5, jitterMs: 5, bytesPerSecond: 2000 });
  const lines = Array.from({ length: 8 }, (_, call) => `call ${call}`);
  expect(await Promise.all(lines.map((line) => echo(pool, line)))).toEqual(lines);
  expect(pool.stats()).toMatchObject({ created: 4, open: 4, acquired: 8 });
});

test('an answer that is cut fails its call, and its rest is nobody else’s answer', async () => {
  const { pool, proxy } = await open();
  proxy.set({ cutAfterBytes: 6, cutBy: 'end' }, 'downstream');
  await expect(echo(pool, 'cut in two')).rejects.toThrow(/ended after "cut in"/);
  await proxy.heal();
  expect(await echo(pool, 'whole')).toBe('whole');
});

test('an answer that comes when its user has gone is never read by the next one', async () => {
  const { pool, proxy, server } = await open({ max: 1 });
  proxy.hang('downstream');
  const lease = await pool.acquire();
  const { value: socket } = lease;
  socket.write('late\n');
  await expect.poll(() => server.requests, SOON).toBe(1);
  lease.release();
  await proxy.heal();
  await expect.poll(() => socket.bytesRead, SOON).toBe(5);
  expect(await echo(pool, 'mine')).toBe('mine');
  expect(pool.stats().destroyed.closed).toBe(1);
});

test('evict after a failover leaves the old connections, and the next call makes new ones', async () => {
  const { pool, server } = await open();
  await warm(pool, 3);
  const held = await pool.acquire();
  pool.evict();
  expect(await ask(held.value, 'still mine')).toBe('still mine');
  held.release();
  expect(await echo(pool, 'new')).toBe('new');
  await expect.poll(() => pool.stats().destroyed.evicted, SOON).toBe(3);
  expect(server.accepted).toBe(4);
});
