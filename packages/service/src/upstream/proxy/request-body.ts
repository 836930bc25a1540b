import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

import { BodyTooLargeError, ClientLeftError } from './client-errors.ts';

/**
 * The body of a request on its way to a target. A stream of its own, since whoever sends it destroys it when
 * the answer comes early or the connection breaks, and the request's own stream would take the client's
 * connection with it. Pulls only as fast as it is read; ends with BodyTooLargeError beyond `maxBytes`.
 */
export class RequestBody extends Readable {
  readonly #source: IncomingMessage;
  readonly #maxBytes: number;
  #bytes = 0;
  #isFlowing = false;

  constructor(source: IncomingMessage, maxBytes: number) {
    super();
    this.#source = source;
    this.#maxBytes = maxBytes;
    // Whoever has stopped reading must not make an uncaught error of a late failure.
    this.on('error', () => undefined);
  }

  /** Whether a byte of it was asked for: then it cannot be sent again. */
  get isConsumed(): boolean {
    return this.#isFlowing;
  }

  /** How much the client has sent. */
  get bytes(): number {
    return this.#bytes;
  }

  override _read(): void {
    const source = this.#source;
    if (this.#isFlowing) {
      source.resume();
      return;
    }
    this.#isFlowing = true;
    source.on('data', this.#onData);
    source.on('end', this.#onEnd);
    source.on('error', this.#onError);
    source.on('close', this.#onClose);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const source = this.#source;
    source.off('data', this.#onData);
    source.off('end', this.#onEnd);
    source.off('close', this.#onClose);
    // What is left is taken off the wire when the answer is out, not before.
    if (this.#isFlowing && !source.readableEnded) source.pause();
    done(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) this.destroy(new BodyTooLargeError());
    else if (!this.push(chunk)) this.#source.pause();
  };

  readonly #onEnd = (): void => {
    this.push(null);
  };

  readonly #onError = (): void => {
    this.destroy(new ClientLeftError());
  };

  readonly #onClose = (): void => {
    if (!this.#source.readableEnded) this.destroy(new ClientLeftError());
  };
}
