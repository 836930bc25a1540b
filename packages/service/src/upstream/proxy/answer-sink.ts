import type { ServerResponse } from 'node:http';

import type { Clock } from '@sluice/core';

export interface AnswerSinkParts {
  readonly clock: Clock;
  /** How long the client may take none of what waits for it, in ms. */
  readonly patienceMs: number;
  /** Called when the target may go on. */
  readonly resume: () => void;
  /** Called when the client has taken nothing for too long. */
  readonly stalled: () => void;
}

/**
 * Passes an answer on to the client, as fast as it takes it: `write` says false when the target is to be
 * held up.
 */
export class AnswerSink {
  readonly #response: ServerResponse;
  readonly #hasBody: boolean;
  readonly #parts: AnswerSinkParts;
  #isOut = false;
  #listens = false;
  /** Ends the watch over a client that is waited for. */
  #cancel: (() => void) | undefined;

  constructor(response: ServerResponse, hasBody: boolean, parts: AnswerSinkParts) {
    this.#response = response;
    this.#hasBody = hasBody;
    this.#parts = parts;
    queueMicrotask(this.#flush);
  }

  /** Whether the target may go on. */
  write(chunk: Buffer): boolean {
    const response = this.#response;
    this.#isOut = true;
    // What comes with the answer to a HEAD is no body.
    if (!this.#hasBody || response.write(chunk) || response.destroyed) return true;
    const { clock, patienceMs, stalled } = this.#parts;
    this.#cancel ??= clock.schedule(patienceMs, stalled);
    if (!this.#listens) {
      this.#listens = true;
      response.on('drain', this.#onDrain);
    }
    return false;
  }

  end(trailers: readonly [string, string][]): void {
    const response = this.#response;
    this.#isOut = true;
    if (trailers.length > 0 && this.#hasBody) response.addTrailers(trailers);
    response.end();
    this.#close();
  }

  /** Nothing can be taken back: the connection is cut, so that nobody takes the part for the whole. */
  breakOff(): void {
    this.#close();
    this.#response.destroy();
  }

  /** A head that comes alone is passed on alone; with a part of the body they go out together. */
  readonly #flush = (): void => {
    if (!this.#isOut) this.#response.flushHeaders();
  };

  #close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#listens) this.#response.off('drain', this.#onDrain);
    this.#listens = false;
  }

  readonly #onDrain = (): void => {
    if (this.#cancel === undefined) return;
    this.#cancel();
    this.#cancel = undefined;
    this.#parts.resume();
  };
}
