import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { exchangeOf } from './exchanges.ts';
import { problemOf, type Answer } from './problem.ts';

/** What Node's parser says of a request that it could not read, as an answer. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'The request header is larger than is accepted.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, detail: 'The chunk extensions are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'The request did not arrive in time.' },
};

const MALFORMED: Answer = { status: 400, detail: 'The request is not valid HTTP.' };

/** Answers a request that can be read in two ways, and ends its connection: what follows may be a part of it. */
export function refuseAmbiguous(response: ServerResponse): void {
  const body = JSON.stringify(problemOf(MALFORMED));
  response.writeHead(MALFORMED.status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}

/**
 * Answers a request that never became one: too large, too slow, or malformed. Once an answer is on the
 * connection another would be taken for its continuation, so then it is only closed.
 */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (socket.destroyed) return;
  // Node keeps the answer that a socket is on here; there is no public way to ask.
  const response = (socket as { _httpMessage?: ServerResponse | null })._httpMessage;
  if (!socket.writable || response?.headersSent === true || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const answer = ANSWERS[error.code ?? ''] ?? MALFORMED;
  const exchange = response && exchangeOf(response);
  if (exchange) exchange.brokenOffWith = answer.status;
  const body = JSON.stringify(problemOf(answer));
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    ...(exchange?.admission?.fields.map(([name, value]) => `${name}: ${value}`) ?? []),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
