import type { Peer } from './peer.ts';

/** What a server does with one connection. When it ends, the connection stays open, and silent. */
export type Script = (peer: Peer) => void | Promise<void>;

/** Requests and answers. Without options: each line is a request, and its echo the answer. */
export interface Exchange {
  /** What stands at the end of each request; for HTTP without a body `'\r\n\r\n'`. @default '\n' */
  readonly requestEnd?: string;
  /** The answer, or how it is made of the request. @default the request itself */
  readonly answer?: string | Uint8Array | ((request: Buffer) => string | Uint8Array);
}

/** An {@link Exchange} of HTTP/1.1: requests without a body, each answered with the same response. */
export function http(body = '', status = 200): Required<Exchange> {
  const head = `HTTP/1.1 ${status} Canned\r\ncontent-type: text/plain\r\n`;
  const length = `content-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return { requestEnd: '\r\n\r\n', answer: head + length + body };
}

/** The answer to the next request; it is for the caller to send it. */
export async function answerTo(peer: Peer, exchange: Exchange): Promise<string | Uint8Array> {
  const { requestEnd, answer } = exchange;
  const request = await peer.request(requestEnd);
  return typeof answer === 'function' ? answer(request) : (answer ?? request);
}

export async function answerOne(peer: Peer, exchange: Exchange): Promise<void> {
  peer.write(await answerTo(peer, exchange));
}
