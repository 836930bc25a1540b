import type { CallContext } from '@sluice/core';
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Exchange } from './exchanges.ts';

/** A request that was let in. */
export interface WorkCall {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly exchange: Exchange;
  readonly context: CallContext;
}

/** What a route does with the requests that its policies let in: it runs a handler, or forwards them. */
export interface Work {
  /** What the call of this request is bounded by. */
  contextOf(request: FastifyRequest, exchange: Exchange): CallContext;
  /** Runs within the policies: what it settles with is the outcome of the call. */
  run(call: WorkCall): unknown;
  /** Sends what the work settled with, when the policies are through with it. */
  send(reply: FastifyReply, value: unknown): void;
}
