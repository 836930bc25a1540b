import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { LoadClient } from './load-client.ts';

/** A server that answers each request by `answer`, and the port it listens on. */
async function listen(answer: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => answer(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function opened(port: number, connections: number, body?: string): Promise<LoadClient> {
  const client = new LoadClient('/', { status: 200, body });
  onTestFinished(() => client.close());
  await client.open(port, connections);
  return client;
}

const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nSuccess';

test('a request count is spread over the connections and answered to the last', async () => {
  let requests = 0;
  const port = await listen((socket) => {
    requests++;
    socket.write(RESPONSE);
  });
  const client = await opened(port, 4, 'Success');
  await client.request(50);
  await client.request(3);
  expect(requests).toBe(53);
});

test('a response may arrive in pieces', async () => {
  const port = await listen((socket) => {
    socket.write(RESPONSE.slice(0, 20));
    setImmediate(() =>
      socket.write(RESPONSE.slice(20, -3), () => socket.write(RESPONSE.slice(-3))),
    );
  });
  const client = await opened(port, 1, 'Success');
  await expect(client.request(3)).resolves.toBeGreaterThan(0);
});

test('a body may be longer than what is read at once', async () => {
  const body = '0123456789'.repeat(100_000);
  const response = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const port = await listen((socket) => socket.write(response));
  const client = await opened(port, 2, body);
  await expect(client.request(5)).resolves.toBeGreaterThan(0);
});

test.each([
  ['another status', RESPONSE.replace('200 OK', '503 Service Unavailable')],
  ['another body', RESPONSE.replace('Success', 'Failure')],
  ['a shorter body', RESPONSE.replace('7', '5').replace('Success', 'Succe')],
  ['a body of no stated length', RESPONSE.replace('Content-Length: 7', 'Content-Type: text/plain')],
  ['more than one body', `${RESPONSE}${RESPONSE}`],
])('%s ends the run', async (_, response) => {
  const client = await opened(await listen((socket) => socket.write(response)), 1, 'Success');
  await expect(client.request(1)).rejects.toThrow('unexpected response');
});

test('a connection that the server closes ends the run', async () => {
  const client = await opened(await listen((socket) => socket.destroy()), 1);
  await expect(client.request(1)).rejects.toThrow('closed a connection');
});
