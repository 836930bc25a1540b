import { connect, type Socket } from 'node:net';

import { onTestFinished } from 'vitest';

import { takeAnswer } from './answer.ts';

export interface ClientsOptions {
  readonly port: number;
  readonly path: string;
  readonly count: number;
  /** Whether a client whose connection was ended by the service opens a new one now. */
  readonly mayReconnect: () => boolean;
}

/**
 * Clients that keep one request outstanding each: the next one is sent on the same connection as soon
 * as the answer is there. One whose connection was ended by the service opens a new one, or is done.
 */
export class KeepAliveClients {
  /** Whole answers, by status. */
  readonly statuses: Record<number, number> = {};
  /** Requests that were written to an established connection and not answered below 500, and how it ended. */
  readonly failures: string[] = [];
  /** Resolves when no client has a connection any more. */
  readonly done: Promise<void>;
  answered = 0;
  refused = 0;
  /** Clients that are done. */
  #finished = 0;
  readonly #options: ClientsOptions;
  readonly #finish: () => void;

  constructor(options: ClientsOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.#finish = resolve;
    for (let i = 0; i < options.count; i++) this.#connect();
  }

  get finished(): number {
    return this.#finished;
  }

  #connect(): void {
    const { port } = this.#options;
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const client = new Client(socket, this.#options.path, {
      answered: (status) => {
        this.answered++;
        this.statuses[status] = (this.statuses[status] ?? 0) + 1;
        if (status >= 500) this.failures.push(`answered ${status}`);
      },
      failed: (how) => this.failures.push(how),
      refused: () => this.refused++,
      closed: (wasConnected) => {
        if (wasConnected && this.#options.mayReconnect()) return this.#connect();
        this.#finished++;
        if (this.#finished === this.#options.count) this.#finish();
      },
    });
    client.start();
  }
}

interface ClientEvents {
  readonly answered: (status: number) => void;
  readonly failed: (how: string) => void;
  readonly refused: () => void;
  readonly closed: (wasConnected: boolean) => void;
}

/** One connection of a client. */
class Client {
  readonly #socket: Socket;
  readonly #request: string;
  readonly #events: ClientEvents;
  #text = '';
  #waits = false;
  #isConnected = false;
  #error = 'closed';

  constructor(socket: Socket, path: string, events: ClientEvents) {
    this.#socket = socket;
    this.#request = `GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`;
    this.#events = events;
  }

  start(): void {
    this.#socket.setNoDelay(true);
    this.#socket.on('connect', () => {
      this.#isConnected = true;
      this.#send();
    });
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('error', ({ code = 'error' }: NodeJS.ErrnoException) => (this.#error = code));
    this.#socket.on('close', () => this.#closed());
  }

  #send(): void {
    this.#waits = true;
    this.#socket.write(this.#request);
  }

  #read(chunk: Buffer): void {
    this.#text += chunk.toString('latin1');
    const taken = takeAnswer({ text: this.#text, ended: false });
    if (!taken) return;
    this.#text = taken.rest;
    this.#waits = false;
    this.#events.answered(taken.answer.status);
    if (taken.answer.headers['connection'] === 'close') this.#socket.destroy();
    else this.#send();
  }

  #closed(): void {
    if (!this.#isConnected) this.#events.refused();
    else if (this.#waits) this.#events.failed(`${this.#error} after ${this.#text.length} bytes`);
    this.#events.closed(this.#isConnected);
  }
}
