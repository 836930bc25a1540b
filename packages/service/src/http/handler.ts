import type { IncomingHttpHeaders } from 'node:http';

import type { Readable } from 'node:stream';

import type { CallContext } from '@sluice/core';
import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';

import type { ResolvedHandlerRoute } from '../config/index.ts';
import { limitedBody } from './body.ts';
import { parseTraceparent } from './trace-context.ts';

/**
 * Answers a request. What it returns is sent: an object as JSON, text as text, bytes as bytes, a
 * readable stream as it flows, undefined as 204. What it throws is the outcome of the call: HttpError
 * and errors with a `statusCode` below 500 are the client's fault, everything else is a failure.
 */
export type Handler = (request: HandlerRequest) => unknown;

/** What a handler is told about its request. */
export interface HandlerRequest {
  readonly id: string;
  readonly method: string;
  /** The path as it came, without the query. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | string[] | undefined>>;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON, text, a Buffer or a Readable, as the route's `body` says; undefined without a body. */
  readonly body: unknown;
  /** The route's `options`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Aborted when the client leaves or the time is over. Made when first read. */
  readonly signal: AbortSignal;
  /** What is left of the route's time, in ms. */
  readonly deadlineMs: number;
  /** From the arrival of the request to the start of the handler, in ms. */
  readonly waitedMs: number;
  /** The W3C header to hand on to what this request calls; undefined when none came. */
  readonly traceparent: string | undefined;
  /** Writes the request's id and trace with every line. */
  readonly log: Logger;
}

/** Reads through to Fastify's request, so that what a handler does not ask for costs nothing. */
export class LiveRequest implements HandlerRequest {
  readonly options: Readonly<Record<string, unknown>>;
  readonly waitedMs: number;
  readonly #request: FastifyRequest;
  readonly #context: CallContext;
  readonly #logger: Logger;
  readonly #streams: boolean;
  #stream: Readable | undefined;

  constructor(
    request: FastifyRequest,
    context: CallContext,
    more: { config: ResolvedHandlerRoute<Handler>; waitedMs: number; logger: Logger },
  ) {
    this.#request = request;
    this.#context = context;
    this.options = more.config.options;
    this.waitedMs = more.waitedMs;
    this.#streams = more.config.body === 'stream';
    this.#logger = more.logger;
  }

  get id(): string {
    return this.#request.id;
  }

  get method(): string {
    return this.#request.method;
  }

  get path(): string {
    return pathOf(this.#request.url);
  }

  get params(): Readonly<Record<string, string>> {
    return this.#request.params as Record<string, string>;
  }

  get query(): Readonly<Record<string, string | string[] | undefined>> {
    return this.#request.query as Record<string, string | string[] | undefined>;
  }

  get headers(): IncomingHttpHeaders {
    return this.#request.headers;
  }

  get body(): unknown {
    const { body, routeOptions } = this.#request;
    if (!this.#streams || body === undefined) return body;
    this.#stream ??= limitedBody(body as Readable, routeOptions.bodyLimit);
    return this.#stream;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  get deadlineMs(): number {
    return this.#context.deadlineMs;
  }

  get traceparent(): string | undefined {
    return parseTraceparent(this.#request.headers['traceparent'])?.traceparent;
  }

  get log(): Logger {
    return this.#logger.child(requestFields(this.#request));
  }
}

/** What every log line of a request carries. */
export function requestFields(request: FastifyRequest): Record<string, string> {
  const trace = parseTraceparent(request.headers['traceparent']);
  return { requestId: request.id, ...(trace ? { traceId: trace.traceId } : {}) };
}

export function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}
