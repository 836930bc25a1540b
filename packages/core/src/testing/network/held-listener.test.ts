import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { HeldListener } from './held-listener.ts';

const ADDRESS = { host: '127.0.0.1', port: 0 };

async function open(): Promise<{ listener: HeldListener; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const listener = await HeldListener.open(ADDRESS, (socket) => sockets.push(socket));
  return { listener, sockets };
}

/** The code of the error that a connect fails with; undefined when it works. */
async function failure(port: number): Promise<unknown> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  } finally {
    socket.destroy();
  }
}

test('a listener that closed refuses, and takes its port again as often as it likes', async () => {
  const { listener, sockets } = await open();
  for (let round = 0; round < 3; round++) {
    await listener.close();
    expect(await failure(listener.port)).toBe('ECONNREFUSED');
    await listener.reopen();
    expect(await failure(listener.port)).toBeUndefined();
  }
  for (const socket of sockets) socket.destroy();
  await listener.stop();
});

test('what holds the port of a closed listener is no connection of its user', async () => {
  const { listener, sockets } = await open();
  const client = connect(listener.port, '127.0.0.1');
  await Promise.all([once(client, 'connect'), listener.close()]);
  await expect.poll(() => sockets.length).toBe(1);
  expect(sockets[0]?.remotePort).toBe(client.localPort);
  for (const socket of [...sockets, client]) socket.destroy();
  await listener.stop();
});

test('nobody is given the port of a closed listener', async () => {
  const { listener } = await open();
  await listener.close();
  const others = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = others.map((server) => (server.address() as { port: number }).port);
  for (const server of others) server.close();
  expect(ports).not.toContain(listener.port);
  await listener.reopen();
  await listener.stop();
});

test('a listener that stops while it closes leaves nothing', async () => {
  const { listener } = await open();
  const closing = listener.close();
  await listener.stop();
  await closing;
  expect(await failure(listener.port)).toBe('ECONNREFUSED');
});
