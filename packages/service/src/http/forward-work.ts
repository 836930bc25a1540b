import type { IncomingMessage, ServerResponse } from 'node:http';

import { CallContext, TimeoutError, type Clock } from '@sluice/core';
import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';

import { logError } from '../telemetry/index.ts';
import {
  authorityOf,
  type ForwardCall,
  type Forwarded,
  type ForwardRoute,
  type ForwardUpgrade,
  type RawAnswerHeaders,
} from '../upstream/index.ts';
import { tooLarge } from './body.ts';
import type { Exchange, Exchanges } from './exchanges.ts';
import { invite } from './expectation.ts';
import { requestFields } from './handler.ts';
import { answerFor, HttpError } from './problem.ts';
import { acceptUpgrade, hasBody, isUpgrade, WEBSOCKET } from './upgrade.ts';
import type { Work, WorkCall } from './work.ts';

const EVENT_STREAM = 'text/event-stream';

/**
 * How long a proxy in front gives the request; what the service gives it holds as well. Anybody else could
 * make targets and breakers look bad with it.
 */
const DEADLINE = 'x-request-deadline-ms';

interface Environment {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly exchanges: Exchanges;
}

/** Passes requests on to an upstream, and its answers back. */
export class ForwardWork implements Work {
  readonly #route: ForwardRoute;
  readonly #timeoutMs: number;
  readonly #maxBodyBytes: number;
  readonly #environment: Environment;

  constructor(
    route: ForwardRoute,
    limits: { readonly timeoutMs: number; readonly maxBodyBytes: number },
    environment: Environment,
  ) {
    this.#route = route;
    this.#timeoutMs = limits.timeoutMs;
    this.#maxBodyBytes = limits.maxBodyBytes;
    this.#environment = environment;
  }

  /** A stream may go on for as long as it likes once its answer has begun. */
  contextOf({ raw }: FastifyRequest, exchange: Exchange): CallContext {
    const { clock } = this.#environment;
    const deadlineMs = this.#deadlineMs(raw) - (clock.nowMs() - exchange.arrivedMs);
    if (!isStream(raw)) return new CallContext(clock, { deadlineMs });
    const context = new CallContext(clock);
    const expire = (): void => context.abort(this.#headOverdue());
    exchange.cancelHeadTimeout = clock.schedule(Math.max(0, deadlineMs), expire, {
      keepAlive: false,
    });
    return context;
  }

  run(call: WorkCall): Promise<Forwarded> {
    const path = this.#route.pathFor(call.request.raw.url ?? '');
    if (path === undefined) throw new HttpError(400, 'The path of the request is not accepted.');
    // Of methods that have no body as a rule nobody has looked so far.
    const large = tooLarge(call.request);
    if (large) throw large;
    invite(call.request.raw, call.reply.raw);
    const parts = {
      path,
      maxBodyBytes: this.#maxBodyBytes,
      route: this.#route,
      environment: this.#environment,
    };
    return this.#route.forward(new ServedCall(call, parts));
  }

  /** It has been sent already. */
  send(): void {}

  #deadlineMs({ headers, socket }: IncomingMessage): number {
    const asked = headers[DEADLINE];
    if (asked === undefined || !this.#route.isTrusted(socket.remoteAddress)) return this.#timeoutMs;
    if (typeof asked !== 'string' || !/^\d{1,10}$/.test(asked)) return this.#timeoutMs;
    return Math.min(this.#timeoutMs, Number(asked));
  }

  #headOverdue(): TimeoutError {
    const timeoutMs = this.#timeoutMs;
    return new TimeoutError('route', `no answer began within ${timeoutMs} ms`, { timeoutMs });
  }
}

interface CallParts {
  readonly path: string;
  readonly maxBodyBytes: number;
  readonly route: ForwardRoute;
  readonly environment: Environment;
}

/** A request of this server's, as the upstream sees it. */
class ServedCall implements ForwardCall {
  readonly path: string;
  readonly maxBodyBytes: number;
  readonly #call: WorkCall;
  readonly #route: ForwardRoute;
  readonly #environment: Environment;

  constructor(call: WorkCall, parts: CallParts) {
    this.path = parts.path;
    this.maxBodyBytes = parts.maxBodyBytes;
    this.#call = call;
    this.#route = parts.route;
    this.#environment = parts.environment;
  }

  get request(): IncomingMessage {
    return this.#call.request.raw;
  }

  get response(): ServerResponse {
    return this.#call.reply.raw;
  }

  get context(): CallContext {
    return this.#call.context;
  }

  get hasBody(): boolean {
    return hasBody(this.request);
  }

  get isStream(): boolean {
    return isStream(this.request);
  }

  get upgrade(): ForwardUpgrade | undefined {
    if (!isUpgrade(this.request)) return undefined;
    return {
      protocol: WEBSOCKET,
      accept: (status, headers) => {
        this.onStart();
        return acceptUpgrade(this.response, this.#environment.exchanges, {
          status,
          headers: [...headers, ...this.#fields()],
        });
      },
    };
  }

  headersFor(authority: string): string[] {
    const { request, context } = this.#call;
    const { rawHeaders, httpVersion, socket, url = '' } = request.raw;
    return this.#route.requestHeaders(rawHeaders, authority, {
      peerAddress: socket.remoteAddress,
      authority: authorityOf(url),
      proto: 'http',
      httpVersion,
      requestId: request.id,
      traceparent: undefined,
      deadlineMs: context.deadlineMs,
    });
  }

  answerHeaders(raw: RawAnswerHeaders, mayHaveBody: boolean): string[] {
    const canTrailer = mayHaveBody && this.request.httpVersion === '1.1';
    const headers = this.#route.answerHeaders(raw, canTrailer);
    headers.push(...this.#fields());
    return headers;
  }

  onStart(): void {
    this.#call.reply.hijack();
    this.#call.exchange.cancelHeadTimeout?.();
  }

  onBroken(error: unknown): void {
    const { exchange, request } = this.#call;
    const { status } = answerFor(error);
    exchange.brokenOffWith = status;
    const message = 'an answer broke off: its target or its time ended';
    logError(this.#environment.logger, requestFields(request), error, message);
  }

  /** How the client stands with the limits of the route. */
  #fields(): string[] {
    return this.#call.exchange.admission?.fields.flat() ?? [];
  }
}

/** Whether the answer may have no end: of an upgrade, or a stream of events. */
function isStream(request: IncomingMessage): boolean {
  return isUpgrade(request) || (request.headers.accept?.includes(EVENT_STREAM) ?? false);
}
