import { connect, type Socket } from 'node:net';
import { BenchError } from '../harness/subject.ts';

/** What every response must be. */
export interface Expected {
  readonly status: number;
  /** Undefined: any. */
  readonly body?: string | undefined;
}

/** Room for any response here. */
const READ_BYTES = 4096;

const CONTENT_LENGTH = /\r\ncontent-length: (\d+)/i;

/**
 * A fixed number of keep-alive connections, each with one request in flight. It parses just enough to
 * know where a response ends and whether it is the right one.
 */
export class LoadClient {
  readonly #expected: Expected;
  readonly #request: Buffer;
  readonly #sockets: Socket[] = [];
  #toSend = 0;
  #toReceive = 0;
  #settle: ((problem?: Error) => void) | undefined;

  constructor(path: string, expected: Expected) {
    this.#expected = expected;
    this.#request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`, 'latin1');
  }

  async open(port: number, connections: number): Promise<void> {
    await Promise.all(Array.from({ length: connections }, () => this.#connect(port)));
  }

  /** Sends `count` requests over all connections and returns how long it took until the last response, in ms. */
  async request(count: number): Promise<number> {
    const startMs = performance.now();
    const done = new Promise<void>((resolve, reject) => {
      this.#settle = (problem) => (problem === undefined ? resolve() : reject(problem));
    });
    this.#toSend = count;
    this.#toReceive = count;
    for (const socket of this.#sockets) this.#sendNext(socket);
    await done;
    return performance.now() - startMs;
  }

  close(): void {
    for (const socket of this.#sockets.splice(0)) socket.removeAllListeners().destroy();
  }

  #connect(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      let received = '';
      const onData = (size: number): boolean => {
        received += buffer.toString('latin1', 0, size);
        if (this.#isComplete(received)) {
          received = '';
          this.#received(socket);
        }
        return true;
      };
      // Reading into a buffer of our own goes around the stream and its events.
      const onread = { buffer, callback: onData };
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread }, resolve);
      socket.once('error', reject);
      socket.on('close', () => this.#settle?.(new BenchError('a server closed a connection')));
      this.#sockets.push(socket);
    });
  }

  #isComplete(response: string): boolean {
    const headEnd = response.indexOf('\r\n\r\n');
    if (headEnd < 0) return false;
    const length = Number(CONTENT_LENGTH.exec(response)?.[1] ?? Number.NaN);
    const body = response.slice(headEnd + 4);
    if (body.length < length) return false;
    const { status, body: expected = body } = this.#expected;
    const right =
      response.startsWith(`HTTP/1.1 ${status} `) && body.length === length && body === expected;
    if (!right) this.#settle?.(new BenchError(`unexpected response: ${response.slice(0, 500)}`));
    return true;
  }

  #received(socket: Socket): void {
    if (--this.#toReceive === 0) this.#settle?.();
    else this.#sendNext(socket);
  }

  #sendNext(socket: Socket): void {
    if (this.#toSend === 0) return;
    this.#toSend--;
    socket.write(this.#request);
  }
}
