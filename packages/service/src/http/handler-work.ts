import { Readable } from 'node:stream';

import { CallContext, type Clock } from '@sluice/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';

import type { ResolvedHandlerRoute } from '../config/index.ts';
import type { Exchange } from './exchanges.ts';
import { LiveRequest, type Handler } from './handler.ts';
import { encoded, sendValue } from './send.ts';
import type { Work, WorkCall } from './work.ts';

/** Runs a route's handler, and sends what it returns. */
export class HandlerWork implements Work {
  readonly #config: ResolvedHandlerRoute<Handler>;
  readonly #handler: Handler;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(
    config: ResolvedHandlerRoute<Handler>,
    handler: Handler,
    { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#config = config;
    this.#handler = handler;
    this.#clock = clock;
    this.#logger = logger;
  }

  contextOf(_request: FastifyRequest, exchange: Exchange): CallContext {
    const elapsedMs = this.#clock.nowMs() - exchange.arrivedMs;
    return new CallContext(this.#clock, { deadlineMs: this.#config.timeoutMs - elapsedMs });
  }

  /** What the handler returned, ready to be sent: that it can be sent is part of its work. */
  async run(call: WorkCall): Promise<unknown> {
    return encoded(await this.#handle(call));
  }

  send(reply: FastifyReply, value: unknown): void {
    sendValue(reply, value, this.#config.successStatus);
  }

  #handle({ request, exchange, context }: WorkCall): unknown {
    const config = this.#config;
    const logger = this.#logger;
    const waitedMs = this.#clock.nowMs() - exchange.arrivedMs;
    const result = this.#handler(new LiveRequest(request, context, { config, waitedMs, logger }));
    context.onAbort(() => discard(result));
    return result;
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
