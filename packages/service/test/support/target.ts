import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { onTestFinished } from 'vitest';

/** A real server that a proxy sends requests to. */
export interface TargetServer {
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  readonly port: number;
  /** Every request that arrived. */
  readonly requests: readonly IncomingMessage[];
  readonly sockets: ReadonlySet<Socket>;
  /** Takes no more connections, and cuts those there are. */
  kill(): Promise<void>;
}

/** Starts one on this machine, on `port` or a free one; it is killed when the test is over. */
export async function targetServer(listener: RequestListener, port = 0): Promise<TargetServer> {
  const requests: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    requests.push(request);
    request.on('error', () => undefined);
    listener(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const kill = (): Promise<void> =>
    new Promise((resolve) => {
      if (!server.listening) return resolve();
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  onTestFinished(kill);
  const taken = (server.address() as AddressInfo).port;
  return { origin: `http://127.0.0.1:${taken}`, port: taken, requests, sockets, kill };
}
