import { ServerResponse, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { refuseAmbiguous } from './client-error.ts';
import type { Exchanges } from './exchanges.ts';

/** The one protocol that is passed on. Others, above all h2c, would carry requests past every policy. */
export const WEBSOCKET = 'websocket';

/** What a client may send ahead of the answer to its request for an upgrade, in bytes. */
const MOST_AHEAD = 64 * 1024;

/** Whether a request asks for a protocol that may be passed on. Any other answer is that of HTTP/1.1. */
export function asksForUpgrade({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === WEBSOCKET && !hasBody({ headers });
}

/** Whether a body comes behind the head of a request. */
export function hasBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * A connection that Node has let go of, while nobody knows yet whether it is to be another's: notices that
 * the client leaves, and keeps what it sends ahead.
 */
class PendingUpgrade {
  readonly #socket: Socket;
  readonly #ahead: Buffer[];
  #bytes: number;
  #isTurn = false;
  #hasEnded = false;

  constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    this.#ahead = [head];
    this.#bytes = head.length;
    socket.on('data', this.#onData).on('end', this.#onEnd);
  }

  /** The answers before it are out: from now on it is of no use when the client has left. */
  begin(): void {
    this.#isTurn = true;
    if (this.#hasEnded) this.#socket.destroy();
  }

  /** The connection, as if nothing had been read of it. */
  take(): Socket {
    const socket = this.#socket;
    socket.off('data', this.#onData).off('end', this.#onEnd).pause();
    if (this.#bytes > 0) socket.unshift(Buffer.concat(this.#ahead));
    return socket;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#ahead.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > MOST_AHEAD) this.#socket.pause();
  };

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    if (this.#isTurn) this.#socket.destroy();
  };
}

const upgrades = new WeakMap<IncomingMessage, PendingUpgrade>();

/**
 * Sends requests for an upgrade the way of all others, through routes and policies: a refusal, or the
 * answer of a target that does not switch, ends the connection; `acceptUpgrade` takes it over.
 */
export function routeUpgrades(
  server: Server,
  exchanges: Exchanges,
  listener: RequestListener,
): void {
  server.on('upgrade', (request: IncomingMessage, _socket: Duplex, head: Buffer) => {
    const { socket } = request;
    // Node has let go of the connection, and with it of its errors.
    socket.on('error', () => socket.destroy());
    const pending = asksForUpgrade(request) ? new PendingUpgrade(socket, head) : undefined;
    const go = (): void => receive({ request, pending, exchanges, listener });
    const before = exchanges.lastOn(socket);
    if (before === undefined) return go();
    // Node tells the answers before it no longer that they may go on.
    const onDrain = (): void => void exchanges.currentOn(socket)?.emit('drain');
    socket.on('drain', onDrain);
    before.once('close', () => {
      socket.off('drain', onDrain);
      go();
    });
  });
}

interface Received {
  readonly request: IncomingMessage;
  /** undefined where it asks for nothing that is passed on. */
  readonly pending: PendingUpgrade | undefined;
  readonly exchanges: Exchanges;
  readonly listener: RequestListener;
}

function receive({ request, pending, exchanges, listener }: Received): void {
  const { socket } = request;
  pending?.begin();
  if (socket.destroyed || !socket.writable) return;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  // Not the gentle end of this server's, which waits for the rest of a request that has none.
  response.on('finish', () => Socket.prototype.destroySoon.call(socket));
  if (pending) {
    upgrades.set(request, pending);
  } else if (hasBody(request)) {
    // Before 24.9 Node does not ask, and takes what is behind the head for the other protocol.
    exchanges.begin(request, response);
    refuseAmbiguous(response);
    return;
  }
  listener(request, response);
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
  const { status, headers } = answer;
  const lines = [
    `HTTP/1.1 ${status} Switching Protocols`,
    'Connection: Upgrade',
    `Upgrade: ${WEBSOCKET}`,
  ];
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  response.detachSocket(request.socket);
  const socket = upgrade.take();
  socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  exchanges.handOver(response, status);
  return socket;
}
