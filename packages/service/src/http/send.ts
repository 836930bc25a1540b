import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';

import { logError } from '../telemetry/index.ts';
import type { Exchanges } from './exchanges.ts';
import { requestFields } from './handler.ts';
import { answerFor, problemOf, secondsIn } from './problem.ts';

/** A value of a handler's as JSON. */
class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * What a handler returned, ready to be sent. A part of the handler's work: what JSON cannot hold is a
 * failure of it. Null, numbers and booleans are JSON too.
 * @throws TypeError for what JSON cannot hold
 */
export function encoded(value: unknown): unknown {
  if (value instanceof Uint8Array && !Buffer.isBuffer(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
  if (value === undefined || needsNoEncoding(value)) return value;
  const json = JSON.stringify(value) as string | undefined;
  if (json !== undefined) return new JsonText(json);
  throw new TypeError(`the handler returned a ${typeof value} that JSON cannot hold`);
}

/** Sends what {@link encoded} has made ready. */
export function sendValue(reply: FastifyReply, value: unknown, successStatus: number): void {
  if (reply.sent) return;
  reply.code(value === undefined ? 204 : successStatus);
  if (value instanceof JsonText) {
    void reply.type('application/json; charset=utf-8').send(value.text);
  } else {
    void reply.send(value);
  }
}

/** Where failures are sent and told of. */
export interface FailureParts {
  readonly exchanges: Exchanges;
  readonly logger: Logger;
}

/** Sends what an error means for the client, and logs it where it is the service's own failure. */
export function sendFailure(reply: FastifyReply, error: unknown, parts: FailureParts): void {
  if (reply.sent || reply.raw.destroyed) return;
  const { exchanges, logger } = parts;
  const answer = answerFor(error);
  const { admission } = exchanges.of(reply.raw);
  reply.code(answer.status).type('application/problem+json');
  if (answer.retryAfterSeconds !== undefined) {
    // Whoever comes back sooner than the limits of the route allow is refused again.
    const seconds = Math.max(answer.retryAfterSeconds, secondsIn(admission?.nextMs ?? 0));
    reply.header('retry-after', String(seconds));
  }
  // Whoever sends too much is not read to the end.
  if (answer.status === 413) reply.header('connection', 'close');
  const violated = admission?.refusal === error ? admission?.violated : undefined;
  void reply.send(JSON.stringify(problemOf(answer, reply.request.id, violated)));
  if (answer.isFailure) logError(logger, requestFields(reply.request), error, 'the handler failed');
}

function needsNoEncoding(value: unknown): boolean {
  return (
    typeof value === 'string' ||
    value instanceof Uint8Array ||
    typeof (value as { pipe?: unknown } | null)?.pipe === 'function' ||
    value instanceof ReadableStream
  );
}
