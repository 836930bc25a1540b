import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import type { CallContext, Clock } from '@sluice/core';
import type { FastifyRequest } from 'fastify';

import { CLIENT_CLOSED, type Endpoint } from '../telemetry/index.ts';
import { endGently } from './gentle-end.ts';
import type { Admission } from './limits.ts';

const EXCHANGE: unique symbol = Symbol('exchange');

type Tracked = ServerResponse & { [EXCHANGE]?: Exchange };

/** One request and its answer, from the first byte of the header to the last of the answer. */
export class Exchange {
  readonly response: ServerResponse;
  readonly method: string;
  readonly arrivedMs: number;
  /** Its place among the open ones; -1 when it is over. */
  place = -1;
  /** Where it is counted; undefined while no route is known. */
  endpoint: Endpoint | undefined = undefined;
  /** The call it became; aborted when the client leaves. */
  context: CallContext | undefined = undefined;
  request: FastifyRequest | undefined = undefined;
  /** How it fared at the limits of its route; undefined while it has not, and where there are none. */
  admission: Admission | undefined = undefined;
  /** What counts as its status when the service ended it before or without its answer. */
  brokenOffWith: number | undefined = undefined;
  /** Ends the watch over a stream that has no deadline, but whose answer must begin in time. */
  cancelHeadTimeout: (() => void) | undefined = undefined;

  constructor(request: IncomingMessage, response: ServerResponse, arrivedMs: number) {
    this.method = request.method ?? '';
    this.response = response;
    this.arrivedMs = arrivedMs;
  }

  /** What became of it, once it is over. */
  get status(): number {
    const { writableFinished, statusCode } = this.response;
    return this.brokenOffWith ?? (writableFinished ? statusCode : CLIENT_CLOSED);
  }
}

/** The exchange of an answer that came through {@link Exchanges}. */
export function exchangeOf(response: Tracked): Exchange | undefined {
  return response[EXCHANGE];
}

/** Every connection and every exchange that is open, so that a shutdown can wait for them. */
export class Exchanges {
  readonly #clock: Clock;
  readonly #onDone: (exchange: Exchange, durationMs: number) => void;
  /** Each with the request that came last on it, until that is answered. */
  readonly #sockets = new Map<Socket, IncomingMessage | undefined>();
  /** Each knows its place, to leave in O(1). Not a Set, whose former tables would keep alive what was in them. */
  readonly #open: Exchange[] = [];
  /** While draining: the answer that ends each connection. */
  readonly #last = new WeakMap<Socket, ServerResponse>();
  #accepted = 0;
  #draining = false;
  #watchers: (() => void)[] = [];

  /** @param onDone called once for each exchange, when its answer is out or its client has left */
  constructor(clock: Clock, onDone: (exchange: Exchange, durationMs: number) => void) {
    this.#clock = clock;
    this.#onDone = onDone;
  }

  get active(): number {
    return this.#open.length;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Connections since the start. */
  get accepted(): number {
    return this.#accepted;
  }

  connect(socket: Socket): void {
    this.#accepted++;
    this.#sockets.set(socket, undefined);
    endGently(socket, () => this.#sockets.get(socket)?.complete === false, this.#clock);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#notify();
    });
  }

  begin(request: IncomingMessage, response: Tracked): void {
    const exchange = new Exchange(request, response, this.#clock.nowMs());
    response[EXCHANGE] = exchange;
    exchange.place = this.#open.push(exchange) - 1;
    this.#sockets.set(request.socket, request);
    response.on('close', () => this.#end(exchange));
    if (!this.#draining) return;
    this.#endConnectionAfter(response);
    this.#notify();
  }

  of(response: ServerResponse): Exchange {
    const exchange = exchangeOf(response);
    if (exchange === undefined) throw new Error('the response did not come through this server');
    return exchange;
  }

  /** The answer that is still to come on this connection, the last of several; undefined when there is none. */
  lastOn(socket: Socket): ServerResponse | undefined {
    const request = this.#sockets.get(socket);
    if (request === undefined) return undefined;
    return this.#open.find(({ response }) => response.req === request)?.response;
  }

  /** The answer that is being sent on this connection. */
  currentOn(socket: Socket): ServerResponse | undefined {
    return this.#open.find(({ response }) => response.socket === socket)?.response;
  }

  /**
   * The connection of this exchange goes on as something else, such as a WebSocket, which is not waited for
   * when the server drains. The exchange is over, with this status.
   */
  handOver(response: ServerResponse, status: number): void {
    const exchange = this.of(response);
    exchange.brokenOffWith = status;
    this.#close(exchange);
  }

  /** From now on every answer ends its connection, also those of requests that are under way. */
  startDraining(): void {
    this.#draining = true;
    for (const { response } of this.#open) this.#endConnectionAfter(response);
  }

  /** Resolves when `done` holds, or after `withinMs`. */
  until(done: () => boolean, withinMs: number): Promise<void> {
    if (done() || withinMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        cancel();
        this.#watchers = this.#watchers.filter((watcher) => watcher !== watch);
        resolve();
      };
      const watch = (): void => {
        if (done()) finish();
      };
      const cancel = this.#clock.schedule(withinMs, finish);
      this.#watchers.push(watch);
    });
  }

  /** Cuts every connection that is left. Returns how many requests were cut off with them. */
  destroyAll(): number {
    const cut = this.#open.length;
    for (const exchange of this.#open) exchange.brokenOffWith = 503;
    for (const socket of this.#sockets.keys()) socket.destroy();
    return cut;
  }

  /** Where requests were sent ahead on one connection, the answer to the last one ends it. */
  #endConnectionAfter(response: ServerResponse): void {
    if (response.headersSent) return;
    const { socket } = response.req;
    const before = this.#last.get(socket);
    if (before?.headersSent === false) before.removeHeader('connection');
    response.setHeader('connection', 'close');
    this.#last.set(socket, response);
  }

  #end(exchange: Exchange): void {
    if (exchange.place === -1) return;
    const { response, context } = exchange;
    if (response.writableFinished) discardBody(response.req);
    else context?.abort(new DOMException('The client closed the connection', 'AbortError'));
    this.#close(exchange);
  }

  #close(exchange: Exchange): void {
    const { req: request } = exchange.response;
    this.#leave(exchange);
    if (this.#sockets.get(request.socket) === request) this.#sockets.set(request.socket, undefined);
    this.#onDone(exchange, this.#clock.nowMs() - exchange.arrivedMs);
    this.#notify();
  }

  #leave(exchange: Exchange): void {
    const last = this.#open.pop() as Exchange;
    if (last !== exchange) {
      this.#open[exchange.place] = last;
      last.place = exchange.place;
    }
    exchange.place = -1;
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

/** What a handler left unread of a body would hold up the next request of the connection. */
function discardBody(request: IncomingMessage): void {
  if (request.readableEnded) return;
  request.unpipe();
  request.resume();
}
