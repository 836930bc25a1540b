import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import { expect, test } from 'vitest';
import { tcpPool } from '../src/connection-pool/index.ts';

const identity = await generate([{ name: 'commonName', value: 'localhost' }]);

async function listen(): Promise<{ port: number; names: unknown[]; close: () => void }> {
  const names: unknown[] = [];
  const server = createServer({ key: identity.private, cert: identity.cert }, (socket) => {
    names.push(socket.servername);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, names, close: () => server.close() };
}

test('sockets speak TLS: handshake, verified certificate, server name, and many uses', async () => {
  const { port, names, close } = await listen();
  const pool = tcpPool({ host: 'localhost', port, tls: { ca: identity.cert } });
  for (let i = 0; i < 3; i++) {
    await pool.use(async (socket) => {
      expect((socket as TLSSocket).authorized).toBe(true);
      socket.write(`message ${i}`);
      const [echo] = (await once(socket, 'data')) as [Buffer];
      expect(String(echo)).toBe(`message ${i}`);
    });
  }
  expect(names).toEqual(['localhost']);
  await pool.stop();
  close();
});

test('a certificate that is not trusted fails the dial', async () => {
  const { port, close } = await listen();
  const retryBackoff = { type: 'constant', delayMs: 60_000 } as const;
  const pool = tcpPool({ host: 'localhost', port, tls: true, retryBackoff });
  const error = await pool.acquire().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
  await pool.stop();
  close();
});
