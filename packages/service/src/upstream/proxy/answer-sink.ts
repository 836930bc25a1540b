import type { ServerResponse } from 'node:http';

import type { Clock } from '@sluice/core';

/** Who is told when the client keeps the answer waiting, and when it goes on. */
export interface AnswerSinkHost {
  readonly clock: Clock;
  /** How long the client may take none of what waits for it, in ms. */
  readonly patienceMs: number;
  /** The target may go on. */
  drained(): void;
  /** The client has taken nothing for too long. */
  stalled(): void;
}

/** What is known of an answer when its head was written. */
export interface AnswerKind {
  /** Whether what comes is a body: not in answers to HEAD. */
  readonly hasBody: boolean;
  /** What Content-Length says; NaN where there is none. */
  readonly length: number;
}

/** Up to so many bytes a body goes out in one piece with the head: one string costs less than two buffers. */
const MOST_JOINED = 16 * 1024;
/** How often a client is looked at that keeps an answer waiting, within its patience. */
const LOOKS = 2;

/**
 * Passes an answer on to the client, as fast as it takes it: `write` says false when the target is to be
 * held up. Whoever takes nothing any more is found out, also when the last part waits for it.
 */
export class AnswerSink {
  readonly #response: ServerResponse;
  readonly #kind: AnswerKind;
  readonly #host: AnswerSinkHost;
  #isOut = false;
  #isHeldUp = false;
  #listens = false;
  /** Ends the watch over a client that is waited for. */
  #cancelWatch: (() => void) | undefined;

  constructor(response: ServerResponse, kind: AnswerKind, host: AnswerSinkHost) {
    this.#response = response;
    this.#kind = kind;
    this.#host = host;
    queueMicrotask(() => this.#flush());
  }

  /** Whether the target may go on. */
  write(chunk: Buffer): boolean {
    const response = this.#response;
    const { hasBody, length } = this.#kind;
    if (!hasBody) return true;
    if (!this.#isOut && chunk.length === length && length <= MOST_JOINED) {
      this.#isOut = true;
      response.end(chunk.toString('latin1'), 'latin1');
      return true;
    }
    this.#isOut = true;
    if (response.write(chunk) || response.destroyed) return true;
    this.#isHeldUp = true;
    this.#watch();
    return false;
  }

  end(trailers: readonly [string, string][]): void {
    const response = this.#response;
    this.#isOut = true;
    if (trailers.length > 0 && this.#kind.hasBody) response.addTrailers(trailers);
    if (!response.writableEnded) response.end();
    // What is left in memory waits for the client, or for answers before this one.
    if (response.writableLength > 0 || (response.socket?.writableLength ?? 0) > 0) this.#watch();
  }

  /** Nothing can be taken back: the connection is cut, so that nobody takes the part for the whole. */
  breakOff(): void {
    this.#close();
    // An answer that waits for those before it has no connection of its own yet.
    this.#response.req.socket.destroy();
  }

  /** A head that comes alone is passed on alone; with a part of the body they go out together. */
  #flush(): void {
    if (!this.#isOut) this.#response.flushHeaders();
  }

  #watch(): void {
    if (!this.#listens) {
      this.#listens = true;
      this.#response.on('drain', this.#onDrain).on('close', this.#onClose);
    }
    if (this.#cancelWatch === undefined) this.#lookAgain(this.#taken(), 0);
  }

  /**
   * Looks twice within the patience, which begins anew with every byte that the client has taken: after a
   * pause of this process, what the client took meanwhile shows only at the second look.
   */
  #lookAgain(before: number, idleLooks: number): void {
    const { clock, patienceMs } = this.#host;
    this.#cancelWatch = clock.schedule(patienceMs / LOOKS, () => {
      const taken = this.#taken();
      if (taken !== before) this.#lookAgain(taken, 0);
      else if (idleLooks + 1 < LOOKS) this.#lookAgain(taken, idleLooks + 1);
      else this.#host.stalled();
    });
  }

  /** Bytes that the kernel has taken; NaN, which is never the same, while others are answered first. */
  #taken(): number {
    const { socket } = this.#response;
    return socket ? socket.bytesWritten - socket.writableLength : Number.NaN;
  }

  #close(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = undefined;
    if (this.#listens) this.#response.off('drain', this.#onDrain).off('close', this.#onClose);
    this.#listens = false;
  }

  readonly #onDrain = (): void => {
    if (!this.#isHeldUp) return;
    this.#isHeldUp = false;
    this.#cancelWatch?.();
    this.#cancelWatch = undefined;
    this.#host.drained();
  };

  readonly #onClose = (): void => this.#close();
}
