import type { ServerResponse } from 'node:http';

/**
 * Passes an answer on to the client, as fast as it takes it: `write` says false when the target is to be
 * held up, and `resume` is called when it may go on.
 */
export class AnswerSink {
  readonly #response: ServerResponse;
  readonly #resume: () => void;
  readonly #hasBody: boolean;
  #isWaiting = false;
  #isOut = false;
  #listens = false;

  constructor(response: ServerResponse, resume: () => void, hasBody: boolean) {
    this.#response = response;
    this.#resume = resume;
    this.#hasBody = hasBody;
    queueMicrotask(this.#flush);
  }

  /** Whether the target may go on. */
  write(chunk: Buffer): boolean {
    const response = this.#response;
    this.#isOut = true;
    // What comes with the answer to a HEAD is no body.
    if (!this.#hasBody || response.write(chunk) || response.destroyed) return true;
    this.#isWaiting = true;
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
    if (this.#listens) this.#response.off('drain', this.#onDrain);
    this.#listens = false;
  }

  readonly #onDrain = (): void => {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this.#resume();
  };
}
