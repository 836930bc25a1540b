import { Transform, type Readable, type TransformCallback } from 'node:stream';

import type { FastifyInstance, FastifyRequest } from 'fastify';

import type { BodyKind } from '../config/index.ts';
import { HttpError } from './problem.ts';

const ANSWERED = 'the request was answered before its body was read';
const TOO_LARGE = 'The request body is larger than this route accepts.';

/** The refusal of a body that says of itself that it is too large. */
export function tooLarge({ headers, routeOptions }: FastifyRequest): HttpError | undefined {
  const announced = Number(headers['content-length'] ?? 0);
  return announced > routeOptions.bodyLimit ? new HttpError(413, TOO_LARGE) : undefined;
}

/** Passes a body through, and fails once it is larger than `maxBytes`. */
class LimitedBody extends Transform {
  readonly #maxBytes: number;
  #seen = 0;

  constructor(maxBytes: number) {
    super();
    this.#maxBytes = maxBytes;
    // A handler that stopped reading must not turn a late failure into an uncaught one.
    this.on('error', () => undefined);
    this.on('unpipe', () => {
      if (!this.writableEnded) this.destroy(new Error(ANSWERED));
    });
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    this.#seen += chunk.length;
    if (this.#seen > this.#maxBytes) done(new HttpError(413, TOO_LARGE));
    else done(null, chunk);
  }
}

/** The body as a stream that ends with HttpError 413 beyond `maxBytes`, and fails if the client leaves. */
export function limitedBody(body: Readable, maxBytes: number): Readable {
  const limited = new LimitedBody(maxBytes);
  body.on('error', (error) => limited.destroy(error));
  body.on('close', () => {
    if (!body.readableEnded) limited.destroy(new Error('the client closed the connection'));
  });
  return body.pipe(limited);
}

/** Sets how the routes of this scope get their bodies. Each kind lives in a scope of its own. */
export function parseBodiesAs(kind: BodyKind, scope: FastifyInstance): void {
  if (kind === 'json') {
    scope.removeContentTypeParser('text/plain');
    return;
  }
  scope.removeAllContentTypeParsers();
  if (kind === 'stream') {
    // Not read here: the handler does, in its own time, through `limitedBody`.
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    return;
  }
  const parseAs = kind === 'text' ? 'string' : 'buffer';
  scope.addContentTypeParser('*', { parseAs }, (_request, body, done) => done(null, body));
}
