import {
  pipeline,
  type CircuitBreaker,
  type Clock,
  type Pipeline,
  type RejectedError,
  type WorkerPool,
} from '@sluice/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';

import type { ResolvedRoute } from '../config/index.ts';
import type { Endpoint } from '../telemetry/index.ts';
import type { Exchange, Exchanges } from './exchanges.ts';
import type { Handler } from './handler.ts';
import type { RouteLimits } from './limits.ts';
import { sendFailure } from './send.ts';
import type { Work } from './work.ts';

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
 * A route at run time: lets requests through its policies to its work, and sends the outcome. Where a
 * body may come, a request is admitted in two steps: before a byte of its body is read by the limiters, and
 * by a look at breaker and pool; then, with its body, by breaker and pool themselves. So a refusal costs no
 * body, and a slow client holds no lane, but where the work reads a stream.
 */
export class Route {
  readonly config: ResolvedRoute<Handler>;
  readonly #work: Work;
  readonly #chain: Chain;
  readonly #environment: RouteEnvironment;
  readonly #gates: Pipeline;
  readonly #endpoints = new Map<string, Endpoint>();

  constructor(
    config: ResolvedRoute<Handler>,
    work: Work,
    chain: Chain,
    environment: RouteEnvironment,
  ) {
    const name = `${config.method.join(',')} ${config.path}`;
    const { breaker, pool } = chain;
    this.config = config;
    this.#work = work;
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
    const work = this.#work;
    const context = work.contextOf(request, exchange);
    exchange.context = context;
    this.#gates
      .execute(() => work.run({ request, reply, exchange, context }), context)
      .then((value) => work.send(reply, value))
      .catch((error: unknown) => sendFailure(reply, error, this.#environment))
      // An answer that cannot be sent must not leave the client waiting, nor end the process.
      .catch(() => void reply.raw.destroy())
      .finally(() => exchange.cancelHeadTimeout?.());
  }

  #exchangeOf(request: FastifyRequest, reply: FastifyReply): Exchange {
    const exchange = this.#environment.exchanges.of(reply.raw);
    exchange.request = request;
    exchange.endpoint = this.#endpoints.get(request.method);
    return exchange;
  }
}
