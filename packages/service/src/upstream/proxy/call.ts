import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import type { CallContext } from '@sluice/core';

import type { ReceivedHeaders } from './response-headers.ts';

/** A request as the server has it, to be answered by a target. */
export interface ForwardCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly context: CallContext;
  /** Path and query for the target. */
  readonly path: string;
  /** Whether there is a body to be sent. */
  readonly hasBody: boolean;
  /** Largest body, in bytes. */
  readonly maxBodyBytes: number;
  /** Whether the answer may go on for ever: no time limit for the whole then. */
  readonly isStream: boolean;
  /** Names the protocol and takes the connection over; undefined for a request that asks for no upgrade. */
  readonly upgrade: ForwardUpgrade | undefined;
  /** The request's headers for a target. */
  headersFor(authority: string): string[];
  /** The answer's headers for the client. Without a body there are no trailers either. */
  answerHeaders(raw: RawAnswerHeaders, mayHaveBody: boolean): string[];
  /** Told just after the head of the answer was written. From then on nobody else answers. */
  onStart(): void;
  /** Told when the answer broke off after its head was out. */
  onBroken(error: unknown): void;
}

export interface ForwardUpgrade {
  /** Such as `websocket`. */
  readonly protocol: string;
  /** Writes the answer's head, and gives the connection with what the client has sent already. */
  accept(status: number, headers: readonly string[]): Duplex;
}

/** As undici tells of them: flat for HTTP/1.1, by name for HTTP/2. */
export type RawAnswerHeaders = ReceivedHeaders | null | undefined;

/** How an exchange with a target went that was passed on to the client to its end. */
export class Forwarded {
  readonly status: number;

  constructor(status: number) {
    this.status = status;
  }

  /** Whether the target is at fault. */
  get isFailure(): boolean {
    return this.status >= 500;
  }
}
