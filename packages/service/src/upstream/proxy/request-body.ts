import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** What ends a body that is larger than its route accepts. */
class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
  readonly statusCode = 413;
  readonly expose = true;

  constructor() {
    super('The request body is larger than this route accepts.');
  }
}

/** The client went away before it had sent the whole body: its own doing, and no failure of a target. */
export class ClientLeftError extends Error {
  override readonly name = 'ClientLeftError';
  readonly statusCode = 499;

  constructor() {
    super('The client closed the connection before its request was complete.');
  }
}

/**
 * The body of a request on its way to a target. A stream of its own, since whoever sends it destroys it when
 * the answer comes early or the connection breaks, and the request's own stream would take the client's
 * connection with it. Pulls only as fast as it is read; ends with {@link BodyTooLargeError} beyond `maxBytes`.
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

  /** Whether a byte of it was handed on: then it cannot be sent again. */
  get isConsumed(): boolean {
    return this.#bytes > 0 || this.#isFlowing;
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
