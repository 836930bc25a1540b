import { LogController, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';

import { logError } from '../telemetry/index.ts';
import type { Exchanges } from './exchanges.ts';
import { requestFields } from './handler.ts';

/**
 * Hears of answers whose stream failed after their first byte was out. Nothing can be taken back then:
 * the connection is cut, so that the client does not take the part for the whole.
 */
export class BrokenAnswers extends LogController {
  readonly #exchanges: Exchanges;
  readonly #logger: Logger;

  constructor(exchanges: Exchanges, logger: Logger) {
    super();
    this.#exchanges = exchanges;
    this.#logger = logger;
  }

  override streamError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    // The client left: that broke the stream, not the other way round.
    if (reply.raw.destroyed) return;
    this.#exchanges.of(reply.raw).brokenOffWith = 500;
    const message = 'an answer broke off: its stream failed';
    logError(this.#logger, requestFields(request), error, message);
  }
}
