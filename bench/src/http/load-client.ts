import { connect, type Socket } from 'node:net';
import { BenchError } from '../harness/subject.ts';
import { ResponseReader, type Expected } from './response-reader.ts';

/** Most that is read at once. */
const READ_BYTES = 65_536;

/** A fixed number of keep-alive connections, each with one request in flight, whose responses are all checked. */
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
      const reader = new ResponseReader(this.#expected);
      const onData = (size: number): boolean => {
        try {
          if (reader.take(buffer.subarray(0, size))) this.#received(socket);
        } catch (error) {
          this.#settle?.(error as BenchError);
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
