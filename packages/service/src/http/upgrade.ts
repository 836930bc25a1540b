import { ServerResponse, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { Exchanges } from './exchanges.ts';

/** A request that asks to go on as another protocol, and the connection that it came on. */
interface Upgrade {
  readonly socket: Duplex;
  /** What the client has sent behind the head of its request. */
  readonly head: Buffer;
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** The one protocol that is passed on. Others, above all h2c, would carry requests past every policy. */
export const WEBSOCKET = 'websocket';

/** Whether a request asks for a protocol that may be passed on. Any other answer is that of HTTP/1.1. */
export function asksForUpgrade({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === WEBSOCKET;
}

/**
 * Sends requests for an upgrade the way of all others, through routes and policies: a refusal, or the
 * answer of a target that does not switch, ends the connection; `acceptUpgrade` takes it over.
 */
export function routeUpgrades(server: Server, listener: RequestListener): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Node has let go of the connection, and with it of its errors.
    socket.on('error', () => socket.destroy());
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(request.socket);
    // Not the gentle end of this server's, which waits for the rest of a request that has none.
    response.on('finish', () => Socket.prototype.destroySoon.call(request.socket));
    if (asksForUpgrade(request)) upgrades.set(request, { socket, head });
    listener(request, response);
  });
}

/** Whether this request came with a connection that can be taken over. */
export function isUpgrade(request: IncomingMessage): boolean {
  return upgrades.has(request);
}

/**
 * Answers that the protocol changes, with these headers, and gives the connection away. From here on it is
 * no exchange of this server's any more.
 */
export function acceptUpgrade(
  response: ServerResponse,
  exchanges: Exchanges,
  answer: { readonly status: number; readonly headers: readonly string[] },
): Duplex {
  const { req: request } = response;
  const upgrade = upgrades.get(request);
  if (upgrade === undefined) throw new Error('the request asked for no upgrade');
  const { socket, head } = upgrade;
  const { status, headers } = answer;
  const lines = [
    `HTTP/1.1 ${status} Switching Protocols`,
    'Connection: Upgrade',
    `Upgrade: ${WEBSOCKET}`,
  ];
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  response.detachSocket(request.socket);
  if (head.length > 0) socket.unshift(head);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  exchanges.handOver(response, status);
  return socket;
}
