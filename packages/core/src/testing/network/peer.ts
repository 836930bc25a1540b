import type { Socket } from 'node:net';
import type { Clock } from '../../core/index.ts';

/** What ends a script whose client has gone. Nobody is told. */
export const GONE: Error = new Error('The client has closed the connection.');

/** A script that waits for bytes. */
interface Reader {
  /** How many bytes of the inbox it wants; undefined until they are there. */
  readonly length: () => number | undefined;
  readonly resolve: (taken: Buffer) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * A client as a misbehaving server sees it: what a script reads, answers and does to the connection.
 * Whatever waits rejects when the client has gone, which ends the script.
 */
export class Peer {
  /** Which connection of the server this is, from 0. */
  readonly index: number;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #onRequest: () => void;
  #inbox: Buffer = Buffer.alloc(0);
  #hasHeardAll = false;
  #isDone = false;
  #reader: Reader | undefined;
  /** What has to be cleared away when the client has gone. */
  readonly #leave = new Set<() => void>();

  /** @internal Made by the server. */
  constructor(socket: Socket, index: number, clock: Clock, onRequest: () => void) {
    this.#socket = socket;
    this.index = index;
    this.#clock = clock;
    this.#onRequest = onRequest;
    socket.on('data', (data: Buffer) => this.#take(data));
    socket.on('end', () => this.#hearEnd());
    socket.on('close', () => this.#go());
  }

  /** The next request with its `end`, which stands behind each. Counts as one of the server's requests. */
  async request(end = '\n'): Promise<Buffer> {
    const request = await this.#read(() => {
      const at = this.#inbox.indexOf(end);
      return at === -1 ? undefined : at + end.length;
    });
    this.#onRequest();
    return request;
  }

  /** The next `count` bytes. */
  async bytes(count: number): Promise<Buffer> {
    return this.#read(() => (this.#inbox.length >= count ? count : undefined));
  }

  write(data: string | Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(data);
  }

  /** Resolves after `ms`. */
  async sleep(ms: number): Promise<void> {
    if (this.#socket.destroyed) throw GONE;
    await new Promise<void>((resolve, reject) => {
      this.#schedule(ms, resolve, () => reject(GONE));
    });
  }

  /** Runs `task` after `ms`, unless it is cancelled, the client has gone or the script has ended by then. */
  later(ms: number, task: () => void): () => void {
    return this.#schedule(ms, task, () => undefined);
  }

  /** Sends a FIN; what the client sends is read further on. */
  end(): void {
    this.#socket.end();
  }

  /** Sends a FIN and lets go: what the client sends from then on is answered with an RST. */
  close(): void {
    this.#socket.destroySoon();
  }

  /** Sends an RST. */
  reset(): void {
    if (!this.#socket.destroyed) this.#socket.resetAndDestroy();
  }

  /** Reads nothing more: what the client sends fills the buffers between, and then waits. */
  deafen(): void {
    this.#socket.pause();
  }

  /** @internal The script has ended: what comes in is dropped, and the client's FIN is answered. */
  done(): void {
    this.#isDone = true;
    this.#inbox = Buffer.alloc(0);
    for (const leave of this.#leave) leave();
    this.#leave.clear();
    if (this.#hasHeardAll) this.end();
  }

  #schedule(ms: number, task: () => void, onLeave: () => void): () => void {
    const cancel = this.#clock.schedule(ms, () => {
      this.#leave.delete(leave);
      task();
    });
    const leave = (): void => {
      cancel();
      onLeave();
    };
    this.#leave.add(leave);
    return () => {
      this.#leave.delete(leave);
      cancel();
    };
  }

  async #read(length: () => number | undefined): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#reader = { length, resolve, reject };
      this.#feed();
    });
  }

  #take(data: Buffer): void {
    if (this.#isDone) return;
    this.#inbox = Buffer.concat([this.#inbox, data]);
    this.#feed();
  }

  #feed(): void {
    const reader = this.#reader;
    const count = reader?.length();
    if (count === undefined) {
      if (this.#hasHeardAll) this.#dismissReader();
      return;
    }
    const taken = this.#inbox.subarray(0, count);
    this.#inbox = this.#inbox.subarray(count);
    this.#reader = undefined;
    reader?.resolve(taken);
  }

  /** The client has sent its FIN: it may still listen to answers. */
  #hearEnd(): void {
    this.#hasHeardAll = true;
    this.#dismissReader();
    if (this.#isDone) this.end();
  }

  #go(): void {
    this.#hasHeardAll = true;
    this.#dismissReader();
    const leaving = [...this.#leave];
    this.#leave.clear();
    for (const leave of leaving) leave();
  }

  #dismissReader(): void {
    this.#reader?.reject(GONE);
    this.#reader = undefined;
  }
}
