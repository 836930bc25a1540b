import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { onTestFinished } from 'vitest';

import { takeAnswer, type Answer } from './answer.ts';

/** A TCP connection to this machine on which a test writes bytes, and reads whole answers. */
export class RawConnection {
  /** Resolves when it is closed, in whatever way. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #text = '';
  #isClosed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#wake();
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  /** Connects; the test that asked for it closes it at its end. */
  static async open(port: number): Promise<RawConnection> {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const connection = new RawConnection(socket);
    await once(socket, 'connect');
    return connection;
  }

  send(bytes: string | Uint8Array): this {
    this.#socket.write(bytes);
    return this;
  }

  /** The next whole answer. Rejects when the connection closes before that. */
  async answer(options: { toHead?: boolean } = {}): Promise<Answer> {
    for (;;) {
      const taken = takeAnswer({ text: this.#text, ended: this.#isClosed }, options.toHead);
      if (taken) {
        this.#text = taken.rest;
        return taken.answer;
      }
      if (this.#isClosed) throw new Error(`closed after ${JSON.stringify(this.#text)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** What has come and was not taken. */
  get rest(): string {
    return this.#text;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Reads nothing until {@link resume}, as a client does that is busy with sending. */
  pause(): this {
    this.#socket.pause();
    return this;
  }

  resume(): this {
    this.#socket.resume();
    return this;
  }

  /** Resolves when everything sent so far is with the kernel. */
  sent(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write('', (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Cuts the connection, as a client does that leaves. */
  leave(): void {
    this.#socket.destroy();
  }

  /** Says that nothing more will come, and goes on reading. */
  endWriting(): void {
    this.#socket.end();
  }
}

/** Sends these bytes on a connection of their own, and gives the first answer. */
export async function answerTo(port: number, bytes: string | Uint8Array): Promise<Answer> {
  return (await RawConnection.open(port)).send(bytes).answer();
}
