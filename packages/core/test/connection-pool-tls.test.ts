import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, TLSSocket, type Server } from 'node:tls';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tcpPool, type ConnectionPool, type TcpPoolOptions } from '../src/index.ts';
import { FaultProxy, ManualClock } from '../src/testing/index.ts';
import { expectCleanStop, SOON } from './kit/connections/balance.ts';
import { ask } from './kit/connections/line-client.ts';

/* The same sockets in TLS: a pool hands out only what has shaken hands with whom it trusts. */

let server: Server;
let proxy: FaultProxy;
let ca: string;
const sockets = new Set<TLSSocket>();

beforeAll(startServer);
afterAll(stopServer);

async function startServer(): Promise<void> {
  const altNames = [{ type: 2 as const, value: 'localhost' }];
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    algorithm: 'sha256',
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames }],
  });
  ca = made.cert;
  server = createServer({ key: made.private, cert: made.cert }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await FaultProxy.listen({ target: server.address() as AddressInfo });
}

async function stopServer(): Promise<void> {
  await proxy.stop();
  for (const socket of sockets) socket.destroy();
  server.close();
}

async function withPool(
  options: Partial<TcpPoolOptions>,
  run: (pool: ConnectionPool<Socket>, clock: ManualClock) => Promise<void>,
): Promise<void> {
  const clock = new ManualClock();
  const tls = { ca, servername: 'localhost' };
  const pool = tcpPool({ host: '127.0.0.1', port: proxy.port, tls, clock, max: 2, ...options });
  await run(pool, clock);
  await expectCleanStop(pool, clock);
  await proxy.heal();
  await expect.poll(() => proxy.connections, SOON).toBe(0);
}

test('a TLS connection is handed out when its hands are shaken, and used again', async () => {
  await withPool({}, async (pool) => {
    for (const line of ['a', 'b']) {
      expect(await pool.use((socket) => ask(socket, line))).toBe(line);
    }
    const lease = await pool.acquire();
    expect(lease.value).toBeInstanceOf(TLSSocket);
    expect((lease.value as TLSSocket).authorized).toBe(true);
    lease.release();
    expect(pool.stats()).toMatchObject({ created: 1 });
  });
});

test.each([
  { why: 'an unknown issuer', tls: true, code: /SELF_SIGNED|UNABLE_TO_VERIFY/ },
  { why: 'another name', tls: { servername: 'elsewhere' }, code: /ERR_TLS_CERT_ALTNAME_INVALID/ },
])('a certificate of $why is not trusted, and the caller is told so', async ({ tls, code }) => {
  const options = tls === true ? tls : { ...tls, ca };
  await withPool({ tls: options }, async (pool) => {
    await expect(pool.acquire({ timeoutMs: 10 })).rejects.toMatchObject({
      name: 'TimeoutError',
      cause: { code: expect.stringMatching(code) as string },
    });
    expect(pool.stats()).toMatchObject({ created: 0, createFailed: 1 });
  });
});

test('a handshake that hangs is given up after createTimeoutMs', async () => {
  await withPool({ createTimeoutMs: 100 }, async (pool, clock) => {
    proxy.hang('downstream');
    const told = pool.acquire({ timeoutMs: 120 });
    await expect.poll(() => proxy.connections, SOON).toBe(1);
    clock.advance(100);
    await expect(told).rejects.toMatchObject({ cause: { name: 'TimeoutError' } });
  });
});

test('a handshake that is cut fails the dial, and the next one succeeds', async () => {
  await withPool({}, async (pool, clock) => {
    proxy.set({ cutAfterBytes: 100 }, 'downstream');
    await expect(pool.acquire({ timeoutMs: 10 })).rejects.toMatchObject({
      cause: { code: 'ECONNRESET' },
    });
    await proxy.heal();
    const answer = pool.use((socket) => ask(socket, 'again'), { timeoutMs: 60_000 });
    clock.advance(5000);
    expect(await answer).toBe('again');
  });
});

test('a TLS connection that ends while it is idle is never handed out', async () => {
  await withPool({}, async (pool) => {
    for (const end of [() => proxy.reset(), () => proxy.halfClose('downstream')]) {
      const before = pool.stats().destroyed.closed;
      expect(await pool.use((socket) => ask(socket, 'x'))).toBe('x');
      await end();
      await expect.poll(() => pool.stats().destroyed.closed, SOON).toBe(before + 1);
    }
    expect(await pool.use((socket) => ask(socket, 'y'))).toBe('y');
  });
});
