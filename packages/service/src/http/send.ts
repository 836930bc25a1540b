import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';

import { logError } from '../telemetry/index.ts';
import { requestFields } from './handler.ts';
import { answerFor, problemOf } from './problem.ts';

/** Sends what a handler returned. */
export function sendValue(reply: FastifyReply, value: unknown, successStatus: number): void {
  if (reply.sent) return;
  if (value === undefined) {
    void reply.code(204).send();
    return;
  }
  reply.code(successStatus);
  if (value instanceof Uint8Array && !Buffer.isBuffer(value)) {
    void reply.send(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  } else if (needsNoEncoding(value)) {
    void reply.send(value);
  } else {
    void reply.type('application/json; charset=utf-8').send(encoded(value));
  }
}

/** Encoded here, so that what JSON cannot hold is a failure, and null, numbers and booleans are JSON too. */
function encoded(value: unknown): string {
  const json = JSON.stringify(value) as string | undefined;
  if (json !== undefined) return json;
  throw new TypeError(`the handler returned a ${typeof value} that JSON cannot hold`);
}

/** Sends what an error means for the client, and logs it where it is the service's own failure. */
export function sendFailure(reply: FastifyReply, error: unknown, logger: Logger): void {
  if (reply.sent || reply.raw.destroyed) return;
  const answer = answerFor(error);
  reply.code(answer.status).type('application/problem+json');
  if (answer.retryAfterSeconds !== undefined) {
    reply.header('retry-after', String(answer.retryAfterSeconds));
  }
  // Whoever sends too much is not read to the end.
  if (answer.status === 413) reply.header('connection', 'close');
  void reply.send(JSON.stringify(problemOf(answer, reply.request.id)));
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
