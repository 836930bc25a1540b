import { Readable } from 'node:stream';

import {
  CallContext,
  pipeline,
  type CircuitBreaker,
  type Clock,
  type Pipeline,
  type RejectedError,
  type WorkerPool,
} from '@sluice/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';

import type { ResolvedHandlerRoute } from '../config/index.ts';
import type { Endpoint } from '../telemetry/index.ts';
import type { Exchange, Exchanges } from './exchanges.ts';
import { LiveRequest, type Handler } from './handler.ts';
import type { RouteLimits } from './limits.ts';
import { encoded, sendFailure, sendValue } from './send.ts';

/** What the requests of a route go through, outermost first. */
export interface Chain {
  readonly limits: RouteLimits | undefined;
  readonly breaker: CircuitBreaker | undefined;
  readonly pool: WorkerPool;
}

/** What every route of a server shares. */
export interface RouteEnvironment {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly exchanges: Exchanges;
}

/**
 * A route at run time: lets requests through its policies, runs its handler, sends the outcome of the
 * work. Where a body may come, a request is admitted in two steps: before a byte of its body is read by
 * the limiters, and by a look at breaker and pool; then, with its body, by breaker and pool themselves.
 * So a refusal costs no body, and a slow client holds no lane, but for one whose handler reads a stream.
 */
export class Route {
  readonly config: ResolvedHandlerRoute<Handler>;
  readonly #handler: Handler;
  readonly #chain: Chain;
  readonly #environment: RouteEnvironment;
  readonly #gates: Pipeline;
  readonly #endpoints = new Map<string, Endpoint>();

  constructor(
    config: ResolvedHandlerRoute<Handler>,
    handler: Handler,
    chain: Chain,
    environment: RouteEnvironment,
  ) {
    const name = `${config.method.join(',')} ${config.path}`;
    const { breaker, pool } = chain;
    this.config = config;
    this.#handler = handler;
    this.#chain = chain;
    this.#environment = environment;
    this.#gates = pipeline(name, breaker ? [breaker, pool] : [pool]);
  }

  /** Where requests of this method are counted. */
  countAt(endpoint: Endpoint): void {
    this.#endpoints.set(endpoint.method, endpoint);
  }

  /** Before the body is read: why the request may not come in, if it may not. */
  refusal(request: FastifyRequest, reply: FastifyReply): RejectedError | undefined {
    const { breaker, pool } = this.#chain;
    const nowMs = this.#environment.clock.nowMs();
    const refusal = this.#admit(this.#exchangeOf(request, reply), reply, nowMs);
    if (refusal) return refusal;
    for (const gate of breaker ? [breaker, pool] : [pool]) {
      // Entered only to be refused, which counts the refusal.
      if (gate.peek(nowMs) > 0) return gate.refuse(gate.enter(nowMs));
    }
    return undefined;
  }

  /** Answers a request that `refusal` has let in, with its body read, or as a stream. */
  answerAdmitted(request: FastifyRequest, reply: FastifyReply): void {
    this.#run(this.#exchangeOf(request, reply), request, reply);
  }

  /** Answers a request without a body, as it comes. */
  answer(request: FastifyRequest, reply: FastifyReply): void {
    const exchange = this.#exchangeOf(request, reply);
    const refusal = this.#admit(exchange, reply, this.#environment.clock.nowMs());
    if (refusal) this.refuse(reply, refusal);
    else this.#run(exchange, request, reply);
  }

  /** Refuses a request with the error given. */
  refuse(reply: FastifyReply, error: unknown): void {
    sendFailure(reply, error, this.#environment);
  }

  /** Asks the limits, and has whatever is answered say how they stand. */
  #admit(exchange: Exchange, reply: FastifyReply, nowMs: number): RejectedError | undefined {
    const { limits } = this.#chain;
    if (limits === undefined) return undefined;
    const admission = limits.admit(reply.request, nowMs);
    exchange.admission = admission;
    for (const [name, value] of admission.fields) reply.header(name, value);
    return admission.refusal;
  }

  #run(exchange: Exchange, request: FastifyRequest, reply: FastifyReply): void {
    const { clock } = this.#environment;
    const elapsedMs = clock.nowMs() - exchange.arrivedMs;
    const deadlineMs = this.config.timeoutMs - elapsedMs;
    const context = new CallContext(clock, { deadlineMs });
    exchange.context = context;
    this.#gates
      .execute(async () => encoded(await this.#handle(request, exchange, context)), context)
      .then((value) => sendValue(reply, value, this.config.successStatus))
      .catch((error: unknown) => sendFailure(reply, error, this.#environment));
  }

  #handle(request: FastifyRequest, exchange: Exchange, context: CallContext): unknown {
    const { clock, logger } = this.#environment;
    const { config } = this;
    const waitedMs = clock.nowMs() - exchange.arrivedMs;
    const result = this.#handler(new LiveRequest(request, context, { config, waitedMs, logger }));
    context.onAbort(() => discard(result));
    return result;
  }

  #exchangeOf(request: FastifyRequest, reply: FastifyReply): Exchange {
    const exchange = this.#environment.exchanges.of(reply.raw);
    exchange.request = request;
    exchange.endpoint = this.#endpoints.get(request.method);
    return exchange;
  }
}

/** A stream that comes when its caller has been answered already would stay open: nobody reads it. */
function discard(result: unknown): void {
  const close = async (value: unknown): Promise<void> => {
    if (value instanceof Readable) value.on('error', () => undefined).destroy();
    else if (value instanceof ReadableStream) await value.cancel();
  };
  Promise.resolve(result)
    .then(close)
    .catch(() => undefined);
}
